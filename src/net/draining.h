// The first half of a server's end, apart from Server since only its owner needs it.
#pragma once

namespace steward::net {

class Server;

// Every answer from here on ends its connection, and connections that wait for a next request are closed. New ones are
// still let in, so that whoever comes is told why and not just turned away; Server::drain() ends that. Any thread; of a
// server that make_server() made.
void begin_drain(Server& server);

}  // namespace steward::net
