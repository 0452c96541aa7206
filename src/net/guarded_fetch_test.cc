// Guarded fetches over real sockets, with a resolver that lies.
#include "net/guarded_fetch.h"

#include <gtest/gtest.h>

#include <boost/asio/use_future.hpp>
#include <thread>

#include "net/server_testing.h"

namespace steward::net {
namespace {

using namespace testing_support;

// Answers each name's answers in turn, the last one for ever after.
class LyingResolver final : public Resolver {
 public:
  std::map<std::string, std::vector<std::vector<std::string>>> answers;
  std::vector<std::string> asked;
  Task<Result<std::vector<std::string>>> resolve(std::string host, std::chrono::milliseconds) override {
    asked.push_back(host);
    auto& of = answers[host];
    if (of.empty()) co_return fail(ErrorCode::kUrlFailed, "no such name");
    auto first = of.front();
    if (of.size() > 1) of.erase(of.begin());
    co_return first;
  }
};

class GuardedFetch : public testing::Test {
 protected:
  ~GuardedFetch() override { threads_.stop(); }
  // images.example is "outside" (the loopback, allowed under its name alone); anything else on the loopback is inside.
  Guard guard() const { return *Guard::make({.allow_inside = {fmt::format("images.example:{}", listener_.port())}}); }
  std::string url(std::string_view host, std::string_view path = "/a.png") const {
    return fmt::format("http://{}:{}{}", host, listener_.port(), path);
  }
  std::future<Result<Fetched>> begin(GuardedRequest request) {
    return asio::co_spawn(threads_.context(0), fetch(std::move(request)), asio::use_future);
  }
  Task<Result<Fetched>> fetch(GuardedRequest request) {
    co_return co_await guarded_fetch(guard_, resolver_, clients_.here(), std::move(request));
  }
  void serve(std::string answer, std::string_view expect = "GET /") {
    auto socket = listener_.accept();
    const std::string request = socket.read_until("\r\n\r\n");
    EXPECT_TRUE(request.starts_with(expect)) << request;
    last_request_ = request;
    socket.send(answer);
  }
  static std::string ok(std::string_view body, std::string_view type = "image/png") {
    return fmt::format("HTTP/1.1 200 OK\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n{}", type, body.size(), body);
  }
  static std::string redirect(std::string_view to, int status = 302) {
    return fmt::format("HTTP/1.1 {} Moved\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n", status, to);
  }
  bool nobody_came() { return !listener_.accept(std::chrono::milliseconds(50)).is_open(); }

  IoThreads threads_{1};
  HttpClients clients_{threads_, Log()};
  RawListener listener_;
  LyingResolver resolver_;
  Guard guard_ = guard();
  std::string last_request_;
};

TEST_F(GuardedFetch, TakesAPicture) {
  resolver_.answers["images.example"] = {{"127.0.0.1"}};
  auto got = begin({.url = url("images.example", "/a.png?x=1#f"), .types = {"image/"}});
  serve(ok("png!", "Image/PNG; charset=x"), "GET /a.png?x=1 HTTP/1.1\r\n");
  const auto fetched = got.get();
  ASSERT_TRUE(fetched.has_value()) << fetched.error().message;
  EXPECT_EQ(fetched->body, "png!");
  EXPECT_EQ(fetched->content_type, "image/png");
  EXPECT_NE(last_request_.find(fmt::format("Host: images.example:{}", listener_.port())), std::string::npos);
  for (const char* unwanted : {"Cookie", "Authorization", "Referer"})
    EXPECT_EQ(last_request_.find(unwanted), std::string::npos);
}

TEST_F(GuardedFetch, ANameThatLeadsInsideIsNotConnectedTo) {
  guard_ = *Guard::make({.ports = {listener_.port()}});
  for (const std::vector<std::string>& lie : std::vector<std::vector<std::string>>{
           {"127.0.0.1"}, {"93.184.216.34", "127.0.0.1"}, {"::1"}, {"::ffff:127.0.0.1"}, {"169.254.169.254"}}) {
    resolver_.answers["evil.example"] = {lie};
    const auto got = begin({.url = url("evil.example")}).get();
    ASSERT_FALSE(got.has_value());
    EXPECT_EQ(got.error().code, ErrorCode::kUrlRefused);
    EXPECT_TRUE(nobody_came());
  }
}

// DNS rebinding: the second answer, which a client that resolves again would take, leads inside.
TEST_F(GuardedFetch, ANameIsResolvedOnceAndTheConnectionKeepsToThat) {
  resolver_.answers["images.example"] = {{"127.0.0.1"}, {"169.254.169.254"}};
  auto got = begin({.url = url("images.example")});
  serve(ok("x"));
  EXPECT_TRUE(got.get().has_value());
  EXPECT_EQ(resolver_.asked, std::vector<std::string>{"images.example"});
  const auto again = begin({.url = url("images.example")}).get();
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().code, ErrorCode::kUrlRefused);
  EXPECT_TRUE(nobody_came());
}

TEST_F(GuardedFetch, EachRedirectIsJudgedAnew) {
  resolver_.answers["images.example"] = {{"127.0.0.1"}};
  resolver_.answers["rebound.example"] = {{"127.0.0.1"}};
  for (const std::string& to :
       {url("127.0.0.1"), url("localhost"), url("[::1]"), url("2130706433"), url("rebound.example"),
        std::string("file:///etc/passwd"), std::string("http://169.254.169.254/latest/"), std::string("//127.0.0.1/"),
        std::string("gopher://x.example/")}) {
    auto got = begin({.url = url("images.example")});
    serve(redirect(to));
    const auto refused = got.get();
    ASSERT_FALSE(refused.has_value()) << to;
    EXPECT_EQ(refused.error().code, ErrorCode::kUrlRefused) << to << refused.error().message;
    EXPECT_TRUE(nobody_came()) << to;
  }
}

TEST_F(GuardedFetch, FollowsThreeRedirectsAndNotFour) {
  resolver_.answers["images.example"] = {{"127.0.0.1"}};
  auto got = begin({.url = url("images.example", "/0")});
  for (const int status : {301, 307, 308}) serve(redirect("/next", status));
  serve(ok("end"), "GET /next HTTP/1.1");
  ASSERT_TRUE(got.get().has_value());
  got = begin({.url = url("images.example", "/0")});
  for (int n = 0; n < 4; ++n) serve(redirect(fmt::format("/{}", n)));
  const auto many = got.get();
  ASSERT_FALSE(many.has_value());
  EXPECT_NE(many.error().message.find("more than 3"), std::string::npos);
}

TEST_F(GuardedFetch, HoldsToSizeTypeStatusAndTime) {
  resolver_.answers["images.example"] = {{"127.0.0.1"}};
  const auto error_of = [&](std::string answer) {
    auto got = begin(
        {.url = url("images.example"), .max_bytes = 8, .total = std::chrono::milliseconds(700), .types = {"image/"}});
    serve(std::move(answer));
    auto fetched = got.get();
    return fetched ? "" : fetched.error().message;
  };
  EXPECT_NE(error_of(ok("123456789")).find("at most 8"), std::string::npos);
  EXPECT_NE(error_of("HTTP/1.1 200 OK\r\n\r\n123456789").find("larger"), std::string::npos);
  EXPECT_NE(error_of(ok("x", "text/html")).find("'text/html'"), std::string::npos);
  EXPECT_NE(error_of("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n").find("404"), std::string::npos);
  EXPECT_NE(error_of("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx").find("compressed"),
            std::string::npos);
  EXPECT_EQ(error_of(ok("12345678")), "");
  EXPECT_EQ(error_of("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"), "");
  auto silent = begin({.url = url("images.example"), .total = std::chrono::milliseconds(200)});
  auto socket = listener_.accept();
  const auto late = silent.get();
  ASSERT_FALSE(late.has_value());
  EXPECT_NE(late.error().message.find("in time"), std::string::npos);
}

TEST_F(GuardedFetch, AGuardedConnectionThatResolvesByItselfIsJudgedAtTheSocket) {
  ClientRequest request;
  request.url = fmt::format("http://localhost:{}/", listener_.port());
  request.guard = std::make_shared<Guard>(*Guard::make({}));
  const auto call = [](HttpClients& clients, ClientRequest r) -> Task<Result<ClientResponse>> {
    co_return co_await clients.here().fetch(std::move(r));
  };
  const auto got = asio::co_spawn(threads_.context(0), call(clients_, request), asio::use_future).get();
  ASSERT_FALSE(got.has_value());
  EXPECT_EQ(got.error().code, ErrorCode::kUrlRefused);
  EXPECT_TRUE(nobody_came());
}

}  // namespace
}  // namespace steward::net
