// A listening socket, made so that nobody else can use it by accident: a taken port is an error, a Unix socket has mode
// 600 from its first moment, a stale one is replaced, a live one is not.
#pragma once
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <filesystem>

#include "base/error.h"

namespace steward::net {

using Acceptor = boost::asio::basic_socket_acceptor<boost::asio::generic::stream_protocol>;

Result<int> listen_tcp(const std::string& host, uint16_t port);  // an open descriptor; kConfig with a sentence
Result<int> listen_unix(const std::filesystem::path& path);
uint16_t local_port(int descriptor);
std::string remote_name(int descriptor);  // "127.0.0.1:50312", "[::1]:50312", "unix"

}  // namespace steward::net
