// Bytes to and from one client, over TCP, a Unix socket or TLS. One read and one write may be under way at a time; all
// on the connection's io thread. After close() what was under way ends with an error.
#pragma once
#include <boost/asio/buffer.hpp>
#include <memory>
#include <span>
#include <string_view>

#include "base/async.h"

namespace steward::net {

using ErrorValue = boost::system::error_code;

class ReadSink {
 public:
  virtual ~ReadSink() = default;
  virtual void on_read(ErrorValue error, size_t bytes) = 0;
};

class Transport {
 public:
  virtual ~Transport() = default;
  virtual Task<ErrorValue> handshake() = 0;
  // `into` and the sink live until on_read.
  virtual void read_some(asio::mutable_buffer into, std::shared_ptr<ReadSink> sink) = 0;
  // What goes out without waiting (nothing, where that can't be told); then write_some waits for room and writes a
  // part.
  virtual size_t write_now(std::span<const asio::const_buffer> parts, ErrorValue& error) = 0;
  virtual Task<ErrorValue> write_some(std::span<const asio::const_buffer> parts, size_t& written) = 0;
  virtual Task<void> shutdown_send() = 0;  // the client reads what was sent, then an end
  virtual void close() = 0;
  virtual int native_handle() = 0;
};

}  // namespace steward::net
