#include "net/plain_transport.h"

#include <boost/asio/redirect_error.hpp>

namespace steward::net {
namespace {

class PlainTransport final : public Transport {
 public:
  explicit PlainTransport(StreamSocket socket) : socket_(std::move(socket)) {
    ErrorValue ignored;
    socket_.non_blocking(true, ignored);
  }

  Task<ErrorValue> handshake() override { co_return ErrorValue{}; }

  void read_some(asio::mutable_buffer into, std::shared_ptr<ReadSink> sink) override {
    socket_.async_read_some(into,
                            [sink = std::move(sink)](ErrorValue error, size_t bytes) { sink->on_read(error, bytes); });
  }

  size_t write_now(std::span<const asio::const_buffer> parts, ErrorValue& error) override {
    size_t written = socket_.write_some(parts, error);
    if (error == asio::error::would_block || error == asio::error::try_again) error = {};
    return written;
  }

  Task<ErrorValue> write_some(std::span<const asio::const_buffer> parts, size_t& written) override {
    ErrorValue error;
    co_await socket_.async_wait(StreamSocket::wait_write, asio::redirect_error(asio::use_awaitable, error));
    written = error ? 0 : write_now(parts, error);
    co_return error;
  }

  Task<void> shutdown_send() override {
    ErrorValue ignored;
    socket_.shutdown(StreamSocket::shutdown_send, ignored);
    co_return;
  }

  void close() override {
    ErrorValue ignored;
    socket_.close(ignored);
  }

  int native_handle() override { return socket_.native_handle(); }

 private:
  StreamSocket socket_;
};

}  // namespace

std::unique_ptr<Transport> make_plain_transport(StreamSocket socket) {
  return std::make_unique<PlainTransport>(std::move(socket));
}

}  // namespace steward::net
