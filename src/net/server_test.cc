// The server's manners over real sockets: keep-alive, pipelining, HEAD, 100-continue, clients that go, handlers that
// fail, draining.
#include <sys/stat.h>
#include <sys/un.h>

#include "net/draining.h"
#include "net/server_testing.h"

namespace steward::net {
namespace {

using namespace testing_support;
using ServerTest = ServerFixture;

constexpr std::string_view kGetOk = "GET /ok HTTP/1.1\r\nHost: x\r\n\r\n";

TEST_F(ServerTest, KeepsConnectionsAndAnswersPipelinedRequestsInOrder) {
  auto socket = RawSocket::to(server_->port());
  socket.send(std::string(kGetOk) + "POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello" + "\r\n" +
              std::string(kGetOk) + "GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  std::string all = socket.read_to_end();
  size_t ok = all.find("\r\n\r\nok"), size = all.find("\r\n\r\n5"), again = all.find("\r\n\r\nok", ok + 1),
         lost = all.find("HTTP/1.1 404");
  ASSERT_NE(lost, std::string::npos) << all;
  EXPECT_LT(ok, size);
  EXPECT_LT(size, again);
  EXPECT_LT(again, lost);
  EXPECT_NE(all.find("Connection: close", lost), std::string::npos);
}

TEST_F(ServerTest, RequestsArriveByteByByte) {
  auto socket = RawSocket::to(server_->port());
  for (char c : std::string_view("POST /size HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
                                 "chunked\r\n\r\n3\r\nabc\r\n2;x=\"y\"\r\nde\r\n0\r\n\r\n")) {
    ASSERT_TRUE(socket.send({&c, 1}));
  }
  EXPECT_NE(socket.read_until("\r\n\r\n5").find("\r\n\r\n5"), std::string::npos);
}

TEST_F(ServerTest, HeadHasTheLengthButNoBody) {
  auto socket = RawSocket::to(server_->port());
  socket.send("HEAD /ok HTTP/1.1\r\nHost: x\r\n\r\nGET /ok HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  std::string all = socket.read_to_end();
  size_t first_end = all.find("\r\n\r\n");
  EXPECT_NE(all.substr(0, first_end).find("Content-Length: 2"), std::string::npos) << all;
  EXPECT_TRUE(std::string_view(all).substr(first_end + 4).starts_with("HTTP/1.1 200")) << all;
}

TEST_F(ServerTest, ContinueIsSaidOnlyIfTheBodyWillBeTaken) {
  auto taken = RawSocket::to(server_->port());
  taken.send("POST /size HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  EXPECT_EQ(taken.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  taken.send("abc");
  EXPECT_EQ(status_of(taken.read_until("\r\n\r\n3")), 200);
  auto refused = RawSocket::to(server_->port());
  refused.send("POST /size HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 300000000\r\n\r\n");
  EXPECT_EQ(status_of(refused.read_to_end()), 413);
}

TEST_F(ServerTest, Http10) {
  std::string whole = ask("GET /ok HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(whole.starts_with("HTTP/1.0 200 OK")) << whole;
  EXPECT_TRUE(whole.ends_with("\r\n\r\nok")) << whole;
  auto socket = RawSocket::to(server_->port());
  socket.send("GET /stream HTTP/1.0\r\n\r\n");
  std::string head = socket.read_until("data: ");
  EXPECT_EQ(head.find("chunked"), std::string::npos);
  EXPECT_NE(head.find("\r\n\r\ndata: "), std::string::npos);
  socket.close();
  EXPECT_TRUE(within(1s, [&] { return stream_over_.load(); }));
}

TEST_F(ServerTest, MethodNotAllowedNamesTheMethods) {
  std::string answer = ask("POST /ok HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(status_of(answer), 405);
  EXPECT_NE(answer.find("Allow: GET, HEAD\r\n"), std::string::npos) << answer;
}

TEST_F(ServerTest, AClientThatGoesCancelsAWaitingHandlerAtOnce) {
  for (std::string_view how : {"close", "reset", "half-close"}) {
    reason_ = CancelReason::kNone;
    int before = waiting_;
    auto socket = RawSocket::to(server_->port());
    socket.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_TRUE(within(2s, [&] { return waiting_ == before + 1; }));
    EXPECT_EQ(reason_, CancelReason::kNone);
    auto left_at = std::chrono::steady_clock::now();
    if (how == "close") socket.close();
    if (how == "reset") socket.reset();
    if (how == "half-close") socket.half_close();
    ASSERT_TRUE(within(2s, [&] { return reason_ == CancelReason::kClientGone; })) << how;
    EXPECT_LT(cancelled_at_.load() - left_at, 100ms) << how;
    if (how == "half-close") EXPECT_EQ(status_of(socket.read_to_end()), 499);  // what the handler still says arrives
    EXPECT_TRUE(within(1s, [&] { return server_->requests_under_way() == 0; })) << how;
  }
}

TEST_F(ServerTest, AHalfClosingClientGetsAQuickAnswer) {
  auto socket = RawSocket::to(server_->port());
  socket.send(kGetOk);
  socket.half_close();
  EXPECT_TRUE(socket.read_to_end().ends_with("ok"));
}

TEST_F(ServerTest, PipeliningDuringAWaitDoesNotHideTheClientsEnd) {
  auto socket = RawSocket::to(server_->port());
  socket.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(within(2s, [&] { return waiting_ == 1; }));
  socket.send(kGetOk);
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(reason_, CancelReason::kNone);
  socket.close();
  EXPECT_TRUE(within(1s, [&] { return reason_ == CancelReason::kClientGone; }));
}

TEST_F(ServerTest, AStreamEndsWhenItsClientGoes) {
  auto socket = RawSocket::to(server_->port());
  socket.send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_NE(socket.read_until("data: ").find("Transfer-Encoding: chunked"), std::string::npos);
  socket.close();
  EXPECT_TRUE(within(1s, [&] { return stream_over_.load(); }));
}

TEST_F(ServerTest, ABrokenHandlerIsA500WithoutItsDetails) {
  for (std::string_view path : {"/throws", "/silent"}) {
    auto socket = RawSocket::to(server_->port());
    socket.send(fmt::format("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", path));
    std::string answer = socket.read_until("\"type\"");
    EXPECT_EQ(status_of(answer), 500) << path;
    EXPECT_EQ(answer.find("secret"), std::string::npos);
    socket.send(kGetOk);  // the connection is still good
    EXPECT_NE(socket.read_until("\r\n\r\nok").find("\r\n\r\nok"), std::string::npos);
  }
  std::string cut = ask("GET /half HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_NE(cut.find("4\r\nhalf\r\n"), std::string::npos);
  EXPECT_EQ(cut.find("0\r\n\r\n"), std::string::npos);  // the client must see that it is not whole
}

TEST_F(ServerTest, DrainLetsFinishThenCuts) {
  auto idle = RawSocket::to(server_->port());
  auto working = RawSocket::to(server_->port());
  working.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(within(2s, [&] { return waiting_ == 1; }));
  auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(server_->drain(Deadline::in(100ms)), 1u);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 100ms);
  EXPECT_EQ(reason_, CancelReason::kShutdown);
  std::string last = working.read_to_end();
  EXPECT_EQ(status_of(last), 499);
  EXPECT_EQ(idle.read_to_end(), "");
  EXPECT_FALSE(RawSocket::to(server_->port()).is_open());
}

TEST_F(ServerTest, APortThatIsTakenIsAClearError) {
  auto second = make_server(threads_, router_, {.port = server_->port()}, {}, clock_, random_, Log());
  auto status = second->start();
  ASSERT_FALSE(status.has_value());
  EXPECT_NE(status.error().message.find("taken"), std::string::npos) << status.error().message;
}

// Whoever comes while the server drains is told so and sent away; who waits on a kept connection isn't kept waiting.
TEST_F(ServerTest, DrainingEndsConnectionsAndNotAnswers) {
  auto idle = RawSocket::to(server_->port()), busy = RawSocket::to(server_->port());
  idle.send(kGetOk);
  ASSERT_EQ(status_of(idle.read_until("\r\n\r\nok")), 200);
  busy.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(within(2s, [&] { return waiting_ == 1; }));
  begin_drain(*server_);
  EXPECT_EQ(idle.read_to_end(2s), "");
  const std::string late = ask(kGetOk);
  EXPECT_EQ(status_of(late), 200);
  EXPECT_NE(late.find("Connection: close"), std::string::npos);
  EXPECT_EQ(server_->requests_under_way(), 1u);
  EXPECT_EQ(server_->drain(Deadline::in(0ms)), 1u);
  EXPECT_EQ(status_of(busy.read_to_end(2s)), 499);
  EXPECT_FALSE(RawSocket::to(server_->port()).is_open());
}

class CrowdTest : public ServerFixture {
 protected:
  CrowdTest() : ServerFixture({.max_connections = 300}) {}
};

TEST_F(CrowdTest, ManyConnectionsAndALimit) {
  std::vector<RawSocket> crowd;
  for (int i = 0; i < 300; ++i) crowd.push_back(RawSocket::to(server_->port()));
  ASSERT_TRUE(within(5s, [&] { return server_->connections() == 300; }));
  EXPECT_EQ(status_of(ask("")), 503);
  for (auto& socket : crowd) ASSERT_TRUE(socket.send(kGetOk));
  for (auto& socket : crowd) ASSERT_EQ(status_of(socket.read_until("\r\n\r\nok")), 200);
  crowd.clear();
  EXPECT_TRUE(within(2s, [&] { return server_->connections() == 0; }));
  EXPECT_EQ(status_of(ask("GET /ok HTTP/1.0\r\n\r\n")), 200);
}

std::filesystem::path socket_path() {
  return std::filesystem::temp_directory_path() / fmt::format("steward-net-{}.sock", ::getpid());
}

class UnixTest : public ServerFixture {
 protected:
  UnixTest() : ServerFixture({}, {.host = "", .unix_socket = socket_path()}) {}
};

TEST_F(UnixTest, OnlyItsOwnerMayOpenTheSocket) {
  struct stat made{};
  ASSERT_EQ(::stat(socket_path().c_str(), &made), 0);
  EXPECT_EQ(made.st_mode & 0777, 0600u);
  auto second = make_server(threads_, router_, {.host = "", .unix_socket = socket_path()}, {}, clock_, random_, Log());
  EXPECT_FALSE(second->start().has_value());
  server_->stop_accepting();
  EXPECT_FALSE(std::filesystem::exists(socket_path()));
}

}  // namespace
}  // namespace steward::net
