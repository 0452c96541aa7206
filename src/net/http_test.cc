// Server and client against each other over real sockets on loopback and Unix sockets; cancellation is timed.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_future.hpp>
#include <future>

#include "net/http_client.h"
#include "net/http_server.h"

namespace steward::net {
namespace {

using namespace std::chrono_literals;

Task<void> echo(Request& request, Responder& responder) {
  responder.headers().add("x-method", request.method);
  co_await responder.send(200, "text/plain", request.params["name"] + ":" + request.body);
}

Task<void> count_up(Request&, Responder& responder) {
  co_await responder.begin(200, "text/event-stream");
  for (int i = 0; i < 5; ++i) {
    if (!co_await responder.write(fmt::format("data: {}\n\n", i))) co_return;
  }
  co_await responder.end();
}

Task<void> flood(Request&, Responder& responder) {
  co_await responder.begin(200, "application/octet-stream");
  for (int i = 0; i < 64; ++i) {
    if (!co_await responder.write(std::string(64 * 1024, 'x'))) co_return;
  }
  co_await responder.end();
}

// Waits until the caller is gone, and tells when.
struct Hang {
  std::promise<std::pair<CancelReason, std::chrono::steady_clock::time_point>> gone;
  Task<void> handle(Request& request, Responder& responder) {
    auto executor = co_await asio::this_coro::executor;
    co_await responder.begin(200, "text/event-stream");
    co_await responder.write(": here\n\n");
    while (!request.cancel.cancelled()) {
      asio::steady_timer timer(executor, 1ms);
      boost::system::error_code ignored;
      co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
    gone.set_value({request.cancel.reason(), std::chrono::steady_clock::now()});
  }
};

class HttpTest : public testing::Test {
 protected:
  HttpTest() {
    router_.add("POST", "/echo/{name}", echo);
    router_.add("GET", "/count", count_up);
    router_.add("GET", "/flood", flood);
    router_.add("GET", "/hang", [this](Request& q, Responder& r) { return hang_.handle(q, r); });
    server_ = make_server(threads_, router_, {.port = 0}, {.max_body_bytes = 1'000'000}, clock_, random_, Log());
    EXPECT_TRUE(server_->start().has_value());
    base_ = fmt::format("http://127.0.0.1:{}", server_->port());
  }
  ~HttpTest() override {
    server_.reset();
    threads_.stop();
  }

  template <class T>
  T run(Task<T> task) {
    return asio::co_spawn(threads_.context(1), std::move(task), asio::use_future).get();
  }
  Task<Result<ClientResponse>> fetch(ClientRequest request) {
    co_return co_await clients_.here().fetch(std::move(request));
  }

  IoThreads threads_{2};
  HttpClients clients_{threads_, Log()};
  SystemClock clock_;
  SystemRandom random_;
  Router router_;
  Hang hang_;
  std::unique_ptr<Server> server_;
  std::string base_;
};

TEST_F(HttpTest, AnswersWhole) {
  auto answer = run(fetch({.method = "POST", .url = base_ + "/echo/j%C3%BCrgen", .body = "hi"}));
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "jürgen:hi");
  EXPECT_EQ(answer->headers.get("X-Method"), "POST");
  EXPECT_TRUE(answer->headers.has("x-request-id"));
}

TEST_F(HttpTest, SaysWhatIsNotThere) {
  EXPECT_EQ(run(fetch({.url = base_ + "/nothing"}))->status, 404);
  auto wrong = run(fetch({.method = "DELETE", .url = base_ + "/count"}));
  EXPECT_EQ(wrong->status, 405);
  EXPECT_NE(wrong->headers.get("allow").find("GET"), std::string_view::npos);
  EXPECT_EQ(run(fetch({.method = "POST", .url = base_ + "/echo/x", .body = std::string(2'000'000, 'x')}))->status, 413);
}

TEST_F(HttpTest, Streams) {
  auto answer = run(fetch({.url = base_ + "/count"}));
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->body, "data: 0\n\ndata: 1\n\ndata: 2\n\ndata: 3\n\ndata: 4\n\n");
  auto big = run(fetch({.url = base_ + "/flood"}));
  ASSERT_TRUE(big.has_value()) << big.error().message;
  EXPECT_EQ(big->body.size(), 64u * 64 * 1024);
  auto bounded = run(fetch({.url = base_ + "/flood", .max_response_bytes = 100'000}));
  ASSERT_FALSE(bounded.has_value());
  EXPECT_EQ(bounded.error().code, ErrorCode::kUpstreamError);
}

TEST_F(HttpTest, RefusedConnectionIsUnreachable) {
  auto answer = run(fetch({.url = "http://127.0.0.1:1/"}));
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code, ErrorCode::kUpstreamUnreachable);
}

TEST_F(HttpTest, DeadlinesHold) {
  auto silent = run(fetch({.url = base_ + "/hang", .deadlines = {.between_bytes = 100ms}}));
  ASSERT_FALSE(silent.has_value());
  EXPECT_EQ(silent.error().code, ErrorCode::kUpstreamTimeout);
}

TEST_F(HttpTest, CancelReachesTheOtherSideWithin100Ms) {
  CancelToken cancel;
  auto running =
      asio::co_spawn(threads_.context(1), fetch({.url = base_ + "/hang", .cancel = cancel}), asio::use_future);
  std::this_thread::sleep_for(100ms);
  const auto cancelled_at = std::chrono::steady_clock::now();
  cancel.cancel(CancelReason::kClientGone);
  auto answer = running.get();
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code, ErrorCode::kCancelled);
  auto [reason, at] = hang_.gone.get_future().get();
  EXPECT_EQ(reason, CancelReason::kClientGone);
  EXPECT_LT(at - cancelled_at, 100ms);
}

TEST_F(HttpTest, DrainWaitsThenCuts) {
  auto running = asio::co_spawn(threads_.context(1), fetch({.url = base_ + "/hang"}), asio::use_future);
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(server_->requests_under_way(), 1u);
  EXPECT_EQ(server_->drain(Deadline::in(50ms)), 1u);
  EXPECT_EQ(hang_.gone.get_future().get().first, CancelReason::kShutdown);
  running.get();
  EXPECT_FALSE(run(fetch({.url = base_ + "/count"})).has_value());
}

}  // namespace
}  // namespace steward::net
