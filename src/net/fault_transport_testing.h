// For tests: a Transport without a network. What the client sends is given beforehand and arrives in pieces of random
// size; then the client is silent, ends its side, or resets the connection. What the server writes is taken in short
// writes until the client stops taking any. Every random choice comes from one seed, so a failing run is run again by
// it.
#pragma once
#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <random>
#include <string>

#include "net/transport.h"

namespace steward::net::testing_support {

struct ClientScript {
  std::string bytes;                      // what the client sends
  size_t lost_after = std::string::npos;  // so many of them arrive
  bool stays = false;                     // until the server has ended its side
  ErrorValue end = asio::error::eof;      // then: an end of its side, or a reset
  size_t takes = std::string::npos;       // bytes of the answer, before writing fails
};

class FaultTransport final : public Transport {
 public:
  FaultTransport(asio::io_context& context, ClientScript script, uint64_t seed)
      : context_(context), script_(std::move(script)), random_(seed) {
    script_.bytes.resize(std::min(script_.bytes.size(), script_.lost_after));
  }

  Task<ErrorValue> handshake() override { co_return ErrorValue{}; }

  void read_some(asio::mutable_buffer into, std::shared_ptr<ReadSink> sink) override {
    asio::post(context_, [this, into, sink = std::move(sink), alive = alive_] {
      const bool open = *alive && !closed_;
      if (open && script_.stays && !ended_ && sent_ == script_.bytes.size()) return read_some(into, sink);
      if (open) return deliver(into, *sink);
      sink->on_read(asio::error::operation_aborted, 0);
    });
  }

  size_t write_now(std::span<const asio::const_buffer> parts, ErrorValue& error) override {
    if (closed_ || taken_.size() >= script_.takes) error = asio::error::connection_reset;
    if (error) return 0;
    size_t room = std::min<size_t>(1 + random_() % 200, script_.takes - taken_.size());
    size_t written = 0;
    for (const auto& part : parts) {
      const size_t step = std::min(room - written, part.size());
      taken_.append(static_cast<const char*>(part.data()), step);
      written += step;
    }
    return written;
  }

  Task<ErrorValue> write_some(std::span<const asio::const_buffer> parts, size_t& written) override {
    co_await asio::post(context_, asio::use_awaitable);
    ErrorValue error;
    written = write_now(parts, error);
    co_return error;
  }

  Task<void> shutdown_send() override {
    ended_ = true;
    co_return;
  }
  void close() override { closed_ = true; }
  int native_handle() override { return -1; }

  const std::string& taken() const { return taken_; }  // what of the answer the client got
  ~FaultTransport() override { *alive_ = false; }

 private:
  void deliver(asio::mutable_buffer into, ReadSink& sink) {
    const size_t left = script_.bytes.size() - sent_;
    if (left == 0) return sink.on_read(script_.end, 0);
    const size_t size = std::min({into.size(), left, static_cast<size_t>(1 + random_() % 40)});
    std::copy_n(script_.bytes.data() + sent_, size, static_cast<char*>(into.data()));
    sent_ += size;
    sink.on_read({}, size);
  }

  asio::io_context& context_;
  ClientScript script_;
  std::mt19937_64 random_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::string taken_;
  size_t sent_ = 0;
  bool closed_ = false, ended_ = false;
};

}  // namespace steward::net::testing_support
