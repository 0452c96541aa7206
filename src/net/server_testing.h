// For tests: a server with a handful of routes on a free port, and the handlers that the tests ask questions of.
#pragma once
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_future.hpp>
#include <future>

#include "net/http_server.h"
#include "net/raw_socket_testing.h"

namespace steward::net::testing_support {

inline Task<void> nap(std::chrono::milliseconds time) {
  asio::steady_timer timer(co_await asio::this_coro::executor, time);
  boost::system::error_code ignored;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

class ServerFixture : public testing::Test {
 protected:
  explicit ServerFixture(ServerLimits limits = {}, Listen listen = {.port = 0}, size_t threads = 2)
      : threads_(threads) {
    router_.add("GET", "/ok", [](Request&, Responder& r) { return answer(r, "ok"); });
    router_.add("POST", "/size", [](Request& q, Responder& r) { return answer(r, std::to_string(q.body.size())); });
    router_.add("GET", "/wait", [this](Request& q, Responder& r) { return wait(q, r); });
    router_.add("POST", "/hold", [this](Request& q, Responder& r) { return wait(q, r); });
    router_.add("GET", "/stream", [this](Request& q, Responder& r) { return stream(q, r); });
    router_.add("GET", "/throws", [](Request& q, Responder& r) { return throws(q, r); });
    router_.add("GET", "/silent", [](Request& q, Responder& r) { return silent(q, r); });
    router_.add("GET", "/half", [](Request& q, Responder& r) { return half(q, r); });
    server_ = make_server(threads_, router_, std::move(listen), limits, clock_, random_, Log());
  }
  void SetUp() override { ASSERT_TRUE(server_->start().has_value()); }
  ~ServerFixture() override {
    server_.reset();
    threads_.stop();
  }

  static Task<void> answer(Responder& responder, std::string body) {
    (void)co_await responder.send(200, "text/plain", std::move(body));
  }
  // Waits for its cancellation, as a handler does whose model is slow; then says why.
  Task<void> wait(Request& request, Responder& responder) {
    ++waiting_;
    while (!request.cancel.cancelled()) co_await nap(1ms);
    cancelled_at_ = std::chrono::steady_clock::now();
    reason_ = request.cancel.reason();
    (void)co_await responder.send(499, "text/plain", "cancelled");
  }
  // Writes for ever, until writing fails.
  Task<void> stream(Request&, Responder& responder) {
    (void)co_await responder.begin(200, "text/event-stream");
    while (co_await responder.write("data: " + std::string(16 * 1024, 'x') + "\n\n")) ++written_;
    stream_over_ = true;
  }
  static Task<void> throws(Request&, Responder&) {
    co_await nap(0ms);
    throw std::runtime_error("secret detail");
  }
  static Task<void> silent(Request&, Responder&) { co_return; }
  static Task<void> half(Request&, Responder& responder) {
    (void)co_await responder.begin(200, "text/plain");
    (void)co_await responder.write("half");
  }

  std::string ask(std::string_view request, std::chrono::milliseconds time = 5s) {
    auto socket = RawSocket::to(server_->port());
    socket.send(request);
    return socket.read_to_end(time);
  }
  template <class Condition>
  static bool within(std::chrono::milliseconds time, Condition condition) {
    auto until = std::chrono::steady_clock::now() + time;
    while (!condition() && std::chrono::steady_clock::now() < until) std::this_thread::sleep_for(1ms);
    return condition();
  }

  IoThreads threads_;
  SystemClock clock_;
  SystemRandom random_;
  Router router_;
  std::atomic<int> waiting_{0};
  std::atomic<int> written_{0};
  std::atomic<bool> stream_over_{false};
  std::atomic<CancelReason> reason_{CancelReason::kNone};
  std::atomic<std::chrono::steady_clock::time_point> cancelled_at_{};
  std::unique_ptr<Server> server_;
};

}  // namespace steward::net::testing_support
