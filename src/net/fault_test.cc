// The server over a network that does everything that networks do, in one process and without a clock's help: one seed
// makes one run. STEWARD_SEED=n begins elsewhere.
#include <gtest/gtest.h>

#include "net/connection.h"
#include "net/fault_transport_testing.h"

namespace steward::net {
namespace {

using namespace testing_support;

constexpr uint64_t kRuns = 300;
constexpr std::string_view kRequests =
    "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\nhello there"
    "POST /stream HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;a=\"b\"\r\nfirst\r\n6\r\n "
    "there\r\n0\r\n\r\n"
    "GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

uint64_t first_seed() {
  const char* told = std::getenv("STEWARD_SEED");
  return told ? std::strtoull(told, nullptr, 10) : 1;
}

Task<void> echo(Request& request, Responder& responder) {
  (void)co_await responder.send(200, "text/plain", "echo: " + request.body);
}

Task<void> stream(Request& request, Responder& responder) {
  if (!co_await responder.begin(200, "text/plain")) co_return;
  for (const char c : request.body) {
    if (!co_await responder.write(std::string(1, c))) co_return;
  }
  (void)co_await responder.end();
}

struct Ran {
  std::string taken;
  size_t connections = 0, under_way = 0;  // left when nothing more happens
};

Ran run(ClientScript script, uint64_t seed) {
  SystemClock clock;
  SystemRandom random;
  asio::io_context context;
  Router router;
  router.add("POST", "/echo", echo);
  router.add("POST", "/stream", stream);
  auto state = std::make_shared<ServerState>(ServerLimits{}, clock, random, Log());
  state->routes = std::make_unique<RouteTable>(router.routes(), router.middleware(), router.error_writer());
  auto transport = std::make_shared<FaultTransport>(context, std::move(script), seed);
  {
    auto set = std::make_shared<ConnectionSet>(context, state);
    auto connection = std::make_shared<Connection>(set, transport, "fault", false);
    asio::co_spawn(context, Connection::run(std::move(connection)), asio::detached);
    set->stop_timer();  // no deadline is needed to get out of any of this
  }
  context.run();
  return {transport->taken(), state->connections, state->under_way};
}

// Dates and ids differ from run to run.
std::string comparable(std::string text) {
  for (const std::string_view name : {"Date: ", "X-Request-Id: "}) {
    for (size_t at = 0; (at = text.find(name, at)) != std::string::npos; at += name.size()) {
      const size_t from = at + name.size(), end = std::min(text.find('\r', from), text.size());
      text.replace(from, end - from, "…");
    }
  }
  return text;
}

TEST(FaultyNetwork, HoweverBytesArriveAndLeaveTheAnswersAreTheSame) {
  const std::string whole = comparable(run({.bytes = std::string(kRequests), .stays = true}, 0).taken);
  ASSERT_NE(whole.find("echo: hello there"), std::string::npos) << whole;
  ASSERT_NE(whole.find("HTTP/1.1 404"), std::string::npos) << whole;
  for (uint64_t seed = first_seed(); seed < first_seed() + kRuns; ++seed) {
    const Ran ran = run({.bytes = std::string(kRequests), .stays = true}, seed);
    ASSERT_EQ(comparable(ran.taken), whole) << "seed " << seed;
    ASSERT_EQ(ran.connections + ran.under_way, 0u) << "seed " << seed;
  }
}

// A client that leaves anywhere, or takes no more of the answer from any byte on, leaves nothing behind, and no answer
// is given that its request did not earn.
TEST(FaultyNetwork, AClientThatBreaksOffAnywhereLeavesNothing) {
  const std::string whole = comparable(run({.bytes = std::string(kRequests), .stays = true}, 0).taken);
  for (uint64_t seed = first_seed(); seed < first_seed() + kRuns; ++seed) {
    std::mt19937_64 random(seed);
    ClientScript script{.bytes = std::string(kRequests), .lost_after = random() % kRequests.size()};
    if (random() % 2) script.end = asio::error::connection_reset;
    if (random() % 3 == 0) script.takes = random() % whole.size();
    const Ran ran = run(script, seed);
    ASSERT_EQ(ran.connections + ran.under_way, 0u) << "seed " << seed;
    const size_t echoes = script.lost_after >= kRequests.find("POST /stream") ? 1 : 0;
    const bool answered = ran.taken.find("echo: hello there") != std::string::npos;
    ASSERT_LE(answered ? 1u : 0u, echoes) << "seed " << seed;
    ASSERT_EQ(ran.taken.find("HTTP/1.1 404"), std::string::npos) << "seed " << seed;
  }
}

}  // namespace
}  // namespace steward::net
