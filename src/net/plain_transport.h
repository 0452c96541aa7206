// A connection without encryption: TCP, or the home's Unix socket. Made on the thread that then owns it.
#pragma once
#include <boost/asio/generic/stream_protocol.hpp>
#include <memory>

#include "net/transport.h"

namespace steward::net {

using StreamSocket =
    asio::generic::stream_protocol::socket;  // TCP and Unix sockets alike: one set of templates, not two

std::unique_ptr<Transport> make_plain_transport(StreamSocket socket);

}  // namespace steward::net
