// The client against a server made of plain sockets, which misbehaves as real ones do.
#include <gtest/gtest.h>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <thread>

#include "net/http_client.h"
#include "net/server_testing.h"

namespace steward::net {
namespace {

using namespace testing_support;

class ClientTest : public testing::Test {
 protected:
  ~ClientTest() override { threads_.stop(); }

  std::string url(std::string_view path = "/v1/x") const {
    return fmt::format("http://127.0.0.1:{}{}", listener_.port(), path);
  }
  Task<Result<ClientResponse>> fetch(ClientRequest request) {
    co_return co_await clients_.here().fetch(std::move(request));
  }
  Task<Result<std::unique_ptr<ClientStream>>> open(ClientRequest request) {
    co_return co_await clients_.here().open(std::move(request));
  }
  static Task<Result<std::optional<std::string>>> read(ClientStream& stream) { co_return co_await stream.read(); }
  static Task<void> destroy(std::unique_ptr<ClientStream>& stream) {
    stream.reset();
    co_return;
  }
  template <class T>
  std::future<T> begin(Task<T> task) {
    return asio::co_spawn(threads_.context(0), std::move(task), asio::use_future);
  }
  template <class T>
  T run(Task<T> task) {
    return begin(std::move(task)).get();
  }

  IoThreads threads_{1};
  HttpClients clients_{threads_, Log()};
  RawListener listener_;
};

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

TEST_F(ClientTest, SendsWhatWasAskedAndNoMore) {
  auto answer = begin(fetch({.method = "POST",
                             .url = url(),
                             .headers =
                                 [] {
                                   Headers headers;
                                   headers.add("Content-Type", "application/json");
                                   headers.add("X-Evil", "a\r\nX-Injected: b");
                                   return headers;
                                 }(),
                             .body = "{}"}));
  auto socket = listener_.accept();
  std::string request = socket.read_until("{}");
  EXPECT_TRUE(request.starts_with("POST /v1/x HTTP/1.1\r\n")) << request;
  EXPECT_NE(request.find("\r\nContent-Length: 2\r\n"), std::string::npos) << request;
  EXPECT_NE(request.find("\r\nContent-Type: application/json\r\n"), std::string::npos);
  for (std::string_view unwanted : {"X-Injected", "Expect:", "Accept-Encoding"})
    EXPECT_EQ(request.find(unwanted), std::string::npos) << unwanted;
  socket.send(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 201 Created\r\nX-A: "
      "b\r\nContent-Length: 3\r\n\r\nyes");
  auto got = answer.get();
  ASSERT_TRUE(got.has_value()) << got.error().message;
  EXPECT_EQ(got->status, 201);
  EXPECT_EQ(got->body, "yes");
  EXPECT_EQ(got->headers.get("x-a"), "b");
  EXPECT_FALSE(got->headers.has("link"));
}

TEST_F(ClientTest, KeepsConnections) {
  auto first = begin(fetch({.url = url()}));
  auto socket = listener_.accept();
  socket.read_until("\r\n\r\n");
  socket.send(kOk);
  ASSERT_TRUE(first.get().has_value());
  auto second = begin(fetch({.method = "POST", .url = url(), .body = "again"}));
  EXPECT_NE(socket.read_until("again").find("POST"), std::string::npos);
  socket.send(kOk);
  EXPECT_EQ(second.get()->body, "ok");
}

TEST_F(ClientTest, NeverSendsABodyTwice) {
  auto first = begin(fetch({.url = url()}));
  auto socket = listener_.accept();
  socket.read_until("\r\n\r\n");
  socket.send(kOk);
  ASSERT_TRUE(first.get().has_value());
  auto second = begin(fetch({.method = "POST", .url = url(), .body = "costs money"}));
  socket.read_until("money");
  socket.close();  // the provider worked, and died before it answered
  auto failed = second.get();
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().code, ErrorCode::kUpstreamUnreachable);
  auto again = listener_.accept(200ms);  // it may connect, but nothing of the request goes out
  if (again.is_open()) EXPECT_EQ(again.read_to_end(200ms), "");
}

TEST_F(ClientTest, AConnectionThatWasClosedWhileIdleIsReplaced) {
  auto first = begin(fetch({.url = url()}));
  {
    auto socket = listener_.accept();
    socket.read_until("\r\n\r\n");
    socket.send(kOk);
    ASSERT_TRUE(first.get().has_value());
  }
  std::this_thread::sleep_for(20ms);
  auto second = begin(fetch({.method = "POST", .url = url(), .body = "again"}));
  auto socket = listener_.accept();
  socket.read_until("again");
  socket.send(kOk);
  EXPECT_TRUE(second.get().has_value());
}

TEST_F(ClientTest, AnswersCutShortAreErrors) {
  for (std::string_view cut : {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
                               "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
                               "HTTP/1.1 200 OK\r\nX:", "", "SSH-2.0-nonsense\r\n\r\n"}) {
    const bool is_http = !cut.starts_with("SSH");  // what isn't HTTP was reached: its answer is at fault
    auto answer = begin(fetch({.url = url()}));
    auto socket = listener_.accept();
    socket.read_until("\r\n\r\n");
    socket.send(cut);
    socket.close();
    auto got = answer.get();
    ASSERT_FALSE(got.has_value()) << cut;
    EXPECT_EQ(got.error().code, is_http ? ErrorCode::kUpstreamUnreachable : ErrorCode::kUpstreamError) << cut;
  }
}

TEST_F(ClientTest, AStreamIsReadAsItComes) {
  auto opening = begin(open({.url = url()}));
  auto socket = listener_.accept();
  socket.read_until("\r\n\r\n");
  socket.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  auto stream = opening.get();
  ASSERT_TRUE(stream.has_value());
  for (std::string_view part : {"one", "two"}) {
    socket.send(fmt::format("{:x}\r\n{}\r\n", part.size(), part));
    EXPECT_EQ(run(read(**stream)).value(), part);
  }
  socket.send("0\r\n\r\n");
  EXPECT_EQ(run(read(**stream)).value(), std::nullopt);
  EXPECT_EQ(run(read(**stream)).value(), std::nullopt);
  run(destroy(*stream));
}

TEST_F(ClientTest, CancellationClosesTheConnectionAtOnce) {
  for (bool head_first : {false, true}) {
    CancelToken cancel;
    auto answer = begin(fetch({.method = "POST", .url = url(), .body = "x", .cancel = cancel}));
    auto socket = listener_.accept();
    socket.read_until("\r\n\r\nx");
    if (head_first) socket.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n");
    std::this_thread::sleep_for(20ms);
    auto at = std::chrono::steady_clock::now();
    cancel.cancel(CancelReason::kStopped);
    EXPECT_EQ(socket.read_some(2s), "");
    EXPECT_LT(std::chrono::steady_clock::now() - at, 100ms);
    EXPECT_EQ(answer.get().error().code, ErrorCode::kCancelled);
  }
  CancelToken before;
  before.cancel(CancelReason::kStopped);
  EXPECT_EQ(run(fetch({.url = url(), .cancel = before})).error().code, ErrorCode::kCancelled);
}

TEST_F(ClientTest, DestroyingAStreamClosesItsConnection) {
  auto opening = begin(open({.url = url()}));
  auto socket = listener_.accept();
  socket.read_until("\r\n\r\n");
  socket.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n");
  auto stream = opening.get();
  ASSERT_TRUE(stream.has_value());
  run(destroy(*stream));
  EXPECT_TRUE(socket.readable_within(100ms));
  EXPECT_EQ(socket.read_some(), "");
}

TEST_F(ClientTest, DeadlinesOfEveryKind) {
  auto no_head = begin(fetch({.url = url(), .deadlines = {.first_byte = 80ms}}));
  auto silent = listener_.accept();
  EXPECT_EQ(no_head.get().error().code, ErrorCode::kUpstreamTimeout);
  auto stalled = begin(fetch({.url = url(), .deadlines = {.between_bytes = 80ms}}));
  auto slow = listener_.accept();
  slow.read_until("\r\n\r\n");
  slow.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_EQ(stalled.get().error().code, ErrorCode::kUpstreamTimeout);
  auto endless = begin(fetch({.url = url(), .deadlines = {.total = 150ms}}));
  auto drip = listener_.accept();
  drip.read_until("\r\n\r\n");
  drip.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  while (endless.wait_for(20ms) != std::future_status::ready) drip.send("1\r\na\r\n");
  EXPECT_EQ(endless.get().error().code, ErrorCode::kUpstreamTimeout);
}

TEST_F(ClientTest, WhatIsNotReadIsNotTakenFromTheSocket) {
  auto opening = begin(open({.url = url(), .max_response_bytes = size_t{1} << 30}));
  auto socket = listener_.accept();
  socket.read_until("\r\n\r\n");
  socket.send("HTTP/1.1 200 OK\r\nContent-Length: 500000000\r\n\r\n");
  auto stream = opening.get();
  ASSERT_TRUE(stream.has_value());
  std::string block(1'000'000, 'x');
  size_t sent = 0;
  for (int idle = 0; idle < 10;) {
    ssize_t n = ::send(socket.fd(), block.data(), block.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n > 0)
      sent += n, idle = 0;
    else
      ++idle, std::this_thread::sleep_for(10ms);
  }
  EXPECT_LT(sent, 30'000'000u);  // the kernel's buffers and the read-ahead
  size_t got = 0;
  for (int i = 0; i < 10'000 && got < sent; ++i) got += run(read(**stream)).value().value().size();
  EXPECT_EQ(got, sent);  // and all of it comes once it is wanted
  run(destroy(*stream));
}

Task<bool> read_or_give_up(ClientStream& stream) {
  using namespace asio::experimental::awaitable_operators;
  asio::steady_timer timer(co_await asio::this_coro::executor, 50ms);
  auto first = co_await (stream.read() || timer.async_wait(asio::use_awaitable));
  co_return first.index() == 1;
}

TEST_F(ClientTest, AReadCanBeRacedAgainstATimer) {
  auto opening = begin(open({.url = url()}));
  auto socket = listener_.accept();
  socket.read_until("\r\n\r\n");
  socket.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  auto stream = opening.get();
  EXPECT_TRUE(run(read_or_give_up(**stream)));
  socket.send("4\r\nlate\r\n");
  EXPECT_EQ(run(read(**stream)).value(), "late");
  run(destroy(*stream));
}

TEST_F(ClientTest, OnlyHttpIsSpoken) {
  for (std::string_view address : {"file:///etc/passwd", "ftp://127.0.0.1/x", "nonsense", ""}) {
    EXPECT_FALSE(run(fetch({.url = std::string(address)})).has_value()) << address;
  }
}

TEST_F(ClientTest, HugeHeadersAreRefused) {
  auto answer = begin(fetch({.url = url()}));
  auto socket = listener_.accept();
  socket.read_until("\r\n\r\n");
  socket.send("HTTP/1.1 200 OK\r\n");
  for (int i = 0; i < 2'000 && socket.send(fmt::format("X-{}: {}\r\n", i, std::string(200, 'x'))); ++i) continue;
  EXPECT_FALSE(answer.get().has_value());
}

}  // namespace
}  // namespace steward::net
