#include "server/recorder.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>

namespace steward::server {
namespace {

// The client's side: what reached it, and when it goes.
class Client final : public net::Responder {
 public:
  net::Headers& headers() override { return headers_; }
  Task<Status> send(int, std::string, std::string body) override { co_return take("send " + body); }
  Task<Status> begin(int, std::string) override { co_return take("begin"); }
  Task<Status> write(std::string chunk) override { co_return take(chunk); }
  Task<Status> end() override { co_return take("end"); }
  bool begun() const override { return !got.empty(); }
  std::vector<std::string> got;
  bool gone = false;

 private:
  Status take(std::string what) {
    if (gone) return fail(ErrorCode::kCancelled);
    got.push_back(std::move(what));
    return {};
  }
  net::Headers headers_;
};

template <class T>
T run(Task<T> task) {
  asio::io_context context;
  auto result = asio::co_spawn(context, std::move(task), asio::use_future);
  context.run();
  return result.get();
}

// Says what was remembered at the moment before the end.
struct Watch {
  Client& client;
  std::vector<std::string> at_end;
  Status verdict;
  Task<Status> look(const Recorder& recorder) {
    at_end = client.got;
    at_end.push_back("kept " + recorder.answer().body);
    co_return verdict;
  }
};

TEST(Recorder, AWholeAnswerIsSafeBeforeItLeaves) {
  Client client;
  client.headers().set("x-steward-call", "call_1");
  client.headers().set("x-request-id", "req_1");
  Watch watch{client, {}, {}};
  Recorder recorder(client, false, [&](const Recorder& self) { return watch.look(self); });
  ASSERT_TRUE(run(recorder.send(200, "text/plain", "hello")).has_value());
  EXPECT_EQ(watch.at_end, std::vector<std::string>{"kept hello"});
  EXPECT_EQ(client.got, std::vector<std::string>{"send hello"});
  ASSERT_EQ(recorder.answer().headers.size(), 1u);
  EXPECT_EQ(recorder.answer().headers[0].first, "x-steward-call");
  EXPECT_TRUE(recorder.succeeded());
}

TEST(Recorder, AStreamIsSafeBeforeItsEndLeaves) {
  Client client;
  Watch watch{client, {}, {}};
  Recorder recorder(client, false, [&](const Recorder& self) { return watch.look(self); });
  ASSERT_TRUE(run(recorder.begin(200, "text/event-stream")).has_value());
  ASSERT_TRUE(run(recorder.write("a")).has_value());
  EXPECT_FALSE(recorder.whole());
  ASSERT_TRUE(run(recorder.write("b")).has_value());
  ASSERT_TRUE(run(recorder.end()).has_value());
  EXPECT_EQ(watch.at_end, (std::vector<std::string>{"begin", "a", "b", "kept ab"}));
  EXPECT_EQ(client.got.back(), "end");
}

TEST(Recorder, WhatCantBeKeptIsNotPromised) {
  Client client;
  Watch watch{client, {}, fail(ErrorCode::kStoreUnavailable)};
  Recorder recorder(client, true, [&](const Recorder& self) { return watch.look(self); });
  EXPECT_FALSE(run(recorder.send(200, "text/plain", "hello")).has_value());
  EXPECT_TRUE(client.got.empty());
}

TEST(Recorder, OutlivesItsClientOnlyIfItIsMeantTo) {
  for (const bool outlives : {false, true}) {
    Client client;
    Recorder recorder(client, outlives, nullptr);
    ASSERT_TRUE(run(recorder.begin(200, "text/event-stream")).has_value());
    client.gone = true;
    EXPECT_EQ(run(recorder.write("a")).has_value(), outlives);
    EXPECT_EQ(run(recorder.end()).has_value(), outlives);
    EXPECT_EQ(recorder.answer().body, "a");
  }
}

TEST(Recorder, ALargeAnswerIsGivenAndNotRemembered) {
  Client client;
  Recorder recorder(client, false, nullptr);
  ASSERT_TRUE(run(recorder.begin(200, "text/plain")).has_value());
  ASSERT_TRUE(run(recorder.write(std::string(kMaxKeptBytes, 'x'))).has_value());
  EXPECT_FALSE(recorder.too_large());
  ASSERT_TRUE(run(recorder.write("y")).has_value());
  ASSERT_TRUE(run(recorder.write("z")).has_value());
  EXPECT_TRUE(recorder.too_large());
  EXPECT_TRUE(recorder.answer().body.empty());
  EXPECT_EQ(client.got.back(), "z");
}

}  // namespace
}  // namespace steward::server
