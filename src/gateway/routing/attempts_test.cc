// The loop over a plan, with attempts that do what a script says.
#include "gateway/routing/attempts.h"

#include <gmock/gmock.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/json.h"
#include "gateway/routing/silence.h"

namespace steward::gateway::routing {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;

struct Script {
  milliseconds after{0};
  std::optional<Error> error;  // none: answered
  bool deaf = false;           // its answer was on its way when it was cancelled
};

// What the upstreams saw.
struct World {
  std::map<std::string, std::vector<Script>> scripts;  // by deployment, one a call; the last stays
  std::map<std::string, int> asked;
  std::vector<Turn> turns;
  std::vector<std::string> settled;  // "a:answered", "a:cancelled 4", "a:discarded"
  int at_once = 0, peak = 0;
};

class Scripted final : public Attempt {
 public:
  Scripted(World& world, Turn turn) : world_(world), turn_(std::move(turn)) {}

  Task<Status> start() override {
    auto& scripts = world_.scripts[turn_.deployment];
    const auto at = static_cast<size_t>(world_.asked[turn_.deployment]++);
    const Script script = scripts.empty() ? Script{} : scripts[std::min(at, scripts.size() - 1)];
    world_.turns.push_back(turn_);
    world_.peak = std::max(world_.peak, ++world_.at_once);
    auto executor = co_await asio::this_coro::executor;
    auto timer = std::make_shared<asio::steady_timer>(executor, script.after);
    const size_t hook = turn_.cancel.on_cancel([timer, deaf = script.deaf](CancelReason) {
      if (!deaf) timer->cancel();
    });
    (void)co_await timer->async_wait(asio::as_tuple(asio::use_awaitable));
    turn_.cancel.forget(hook);
    --world_.at_once;
    if (turn_.cancel.cancelled() && !script.deaf) {
      world_.settled.push_back(
          fmt::format("{}:cancelled {}", turn_.deployment, static_cast<int>(turn_.cancel.reason())));
      co_return fail(ErrorCode::kCancelled);
    }
    world_.settled.push_back(turn_.deployment + (script.error ? ":failed" : ":answered"));
    if (script.error) co_return fail(*script.error);
    co_return Status{};
  }
  Task<void> discard() override {
    world_.settled.push_back(turn_.deployment + ":discarded");
    co_return;
  }

 private:
  World& world_;
  Turn turn_;
};

Error upstream(int status, DurationUs retry_after_us = 0) {
  Json details = {{"upstream_status", status}};
  if (retry_after_us > 0) details["retry_after_us"] = retry_after_us;
  return {status == 429 ? ErrorCode::kRateLimited : ErrorCode::kUpstreamError, "it says " + std::to_string(status),
          std::move(details)};
}

class AttemptsTest : public testing::Test {
 protected:
  void with(std::vector<std::string> models) {
    route.name = "r";
    route.backoff_us = 2'000;
    for (auto& model : models) route.deployments.push_back({.model = model});
  }
  std::expected<Served, Unserved> run(RouteFacts facts = {}) {
    if (!router) {
      RouterOptions options{.defaults = false};
      options.routes.push_back(route);
      router = std::make_unique<Router>(std::move(options), clock);
    }
    facts.model = "r";
    std::optional<std::expected<Served, Unserved>> out;
    AttemptHooks hooks{.make = [this](Turn turn) { return std::make_unique<Scripted>(world, std::move(turn)); },
                       .on_silence = [this] { return ping(); },
                       .client = client};
    asio::io_context context;
    auto plan = router->plan(facts, [](const auto&, const auto&) { return DeploymentFacts{}; }, 1);
    asio::co_spawn(context, run_attempts(*router, std::move(plan), std::move(hooks), random),
                   [&](std::exception_ptr broke, std::expected<Served, Unserved> value) {
                     EXPECT_FALSE(broke);
                     out.emplace(std::move(value));
                   });
    for (const auto& at : later) at(context);
    context.run();
    EXPECT_EQ(world.at_once, 0) << "something goes on after the end";
    return std::move(*out);
  }
  Task<void> ping() {
    ++pings;
    co_return;
  }
  static std::vector<std::string> outcomes(const std::vector<AttemptRecord>& records) {
    std::vector<std::string> out;
    for (const auto& one : records)
      out.push_back(one.deployment + " " + one.outcome + (one.code.empty() ? "" : " " + one.code));
    return out;
  }

  void client_leaves_after(milliseconds time) {
    later.push_back([this, time](asio::io_context& context) {
      auto timer = std::make_shared<asio::steady_timer>(context, time);
      timer->async_wait([this, timer](auto) { client.cancel(CancelReason::kClientGone); });
    });
  }

  SystemClock clock;
  SeededRandom random{7};
  Route route;
  World world;
  CancelToken client;
  int pings = 0;
  std::vector<std::function<void(asio::io_context&)>> later;
  std::unique_ptr<Router> router;
};

TEST_F(AttemptsTest, TheFirstThatAnswersIsServed) {
  with({"a", "b"});
  const auto out = run();
  ASSERT_TRUE(out.has_value());
  EXPECT_EQ(out->deployment, "a");
  EXPECT_EQ(world.asked["b"], 0);
  EXPECT_THAT(outcomes(out->attempts), ElementsAre("a answered"));
  EXPECT_EQ(pings, 0);
}

TEST_F(AttemptsTest, AFailureBeforeTheFirstByteFallsBack) {
  for (const auto& error :
       {upstream(500), upstream(503), upstream(401), upstream(404), Error(ErrorCode::kUpstreamUnreachable),
        Error(ErrorCode::kContextTooLong), Error(ErrorCode::kBudgetExceeded), upstream(429)}) {
    world = {};
    router.reset();
    route = {};
    with({"a", "b"});
    world.scripts["a"] = {{.error = error}};
    const auto out = run();
    ASSERT_TRUE(out.has_value()) << error.message;
    EXPECT_EQ(out->deployment, "b");
    EXPECT_EQ(out->number, 2);
    EXPECT_EQ(world.asked["a"], 1);
    EXPECT_EQ(attempts_header(out->attempts), fmt::format("a;failed={}, b;answered", info(error.code).name));
  }
}

TEST_F(AttemptsTest, TheRequestsOwnFaultAsksNobodyElse) {
  for (const auto& error : {upstream(400), Error(ErrorCode::kInvalidRequest), Error(ErrorCode::kRateLimited)}) {
    world = {};
    router.reset();
    route = {};
    with({"a", "b"});
    world.scripts["a"] = {{.error = error}};
    const auto out = run();
    ASSERT_FALSE(out.has_value());
    EXPECT_EQ(out.error().error.code, error.code);
    EXPECT_EQ(world.asked["b"], 0);
    EXPECT_EQ(world.asked["a"], 1);
  }
}

TEST_F(AttemptsTest, AfterAllFailedItBeginsAnewWithABackOff) {
  with({"a", "b"});
  world.scripts["a"] = {{.error = upstream(500)}, {}};
  world.scripts["b"] = {{.error = upstream(401)}, {}};  // its key is wrong: that does not pass
  const auto out = run();
  ASSERT_TRUE(out.has_value());
  EXPECT_EQ(world.asked["a"], 2);
  EXPECT_EQ(world.asked["b"], 1);
  EXPECT_THAT(outcomes(out->attempts), ElementsAre("a failed upstream_error", "b failed upstream_error", "a answered"));
  EXPECT_EQ(out->attempts[0].reason, "chosen: number 1 in the list; upstream_error (status 500)");  // not its words
  EXPECT_THAT(out->attempts[2].reason, HasSubstr("again after"));
}

TEST_F(AttemptsTest, RetriesEndAndTheErrorTellsWhatWasTried) {
  with({"a", "b"});
  route.retries = 2;
  world.scripts["a"] = {{.error = upstream(500)}};
  world.scripts["b"] = {{.error = upstream(503)}};
  const auto out = run();
  ASSERT_FALSE(out.has_value());
  EXPECT_EQ(world.asked["a"], 3);
  EXPECT_EQ(world.asked["b"], 3);
  EXPECT_THAT(out.error().error.message,
              HasSubstr("it says 503 Asked: a;failed=upstream_error, b;failed=upstream_error, a;"));
  EXPECT_EQ(out.error().error.details["upstream_status"], 503);
}

TEST_F(AttemptsTest, AnErrorThatSaysMoreIsTheOneTold) {
  with({"a", "b"});
  route.retries = 0;
  world.scripts["a"] = {{.error = upstream(500)}};
  world.scripts["b"] = {{.error = Error(ErrorCode::kContextTooLong)}};
  EXPECT_EQ(run().error().error.details["upstream_status"], 500);
}

TEST_F(AttemptsTest, ASlowFirstByteIsCancelledAndTheNextAsked) {
  with({"a", "b"});
  route.first_byte_us = 30'000;
  world.scripts["a"] = {{.after = milliseconds(5'000)}};
  const auto out = run();
  ASSERT_TRUE(out.has_value());
  EXPECT_EQ(out->deployment, "b");
  EXPECT_THAT(world.settled, ElementsAre("a:cancelled 2", "b:answered"));
  EXPECT_THAT(outcomes(out->attempts), ElementsAre("a failed upstream_timeout", "b answered"));
  EXPECT_THAT(out->attempts[0].reason, HasSubstr("no first byte within 30 ms"));
}

TEST_F(AttemptsTest, TheWholeHasADeadline) {
  with({"a", "b"});
  world.scripts["a"] = {{.after = milliseconds(5'000)}};
  const auto began = std::chrono::steady_clock::now();
  const auto out = run({.deadline_us = 50'000});
  EXPECT_LT(std::chrono::steady_clock::now() - began, milliseconds(2'000));
  ASSERT_FALSE(out.has_value());
  EXPECT_EQ(out.error().error.code, ErrorCode::kUpstreamTimeout);
  EXPECT_THAT(world.settled, ElementsAre("a:cancelled 2"));
  EXPECT_EQ(world.asked["b"], 0);
}

TEST_F(AttemptsTest, SilenceIsToldToTheClientAndFallbackStillWorks) {
  with({"a", "b"});
  route.keep_alive_us = 20'000;
  world.scripts["a"] = {{.after = milliseconds(110), .error = upstream(500)}};
  const auto out = run();
  ASSERT_TRUE(out.has_value());
  EXPECT_EQ(out->deployment, "b");
  EXPECT_GE(pings, 1);  // five fit; on a busy machine fewer come
  EXPECT_LE(pings, 5);
}

TEST_F(AttemptsTest, TheCallerWhoLeftStopsAll) {
  with({"a", "b"});
  world.scripts["a"] = {{.after = milliseconds(5'000)}};
  client_leaves_after(milliseconds(20));
  const auto out = run();
  ASSERT_FALSE(out.has_value());
  EXPECT_EQ(out.error().error.code, ErrorCode::kCancelled);
  EXPECT_THAT(world.settled, ElementsAre("a:cancelled 1"));
  EXPECT_EQ(world.asked["b"], 0);
}

// Else its reservation would stand until it expires.
TEST_F(AttemptsTest, AnAnswerThatCameAsTheCallerLeftIsDiscarded) {
  with({"a"});
  world.scripts["a"] = {{.after = milliseconds(60), .deaf = true}};
  client_leaves_after(milliseconds(20));
  const auto out = run();
  ASSERT_FALSE(out.has_value());
  EXPECT_EQ(out.error().error.code, ErrorCode::kCancelled);
  EXPECT_THAT(world.settled, ElementsAre("a:answered", "a:discarded"));
}

TEST_F(AttemptsTest, AHedgeAsksASecondAndTheFirstByteWins) {
  with({"a", "b"});
  world.scripts["a"] = {{.after = milliseconds(5'000)}};
  world.scripts["b"] = {{.after = milliseconds(5)}};
  const auto out = run({.hedge_after_us = 20'000});
  ASSERT_TRUE(out.has_value());
  EXPECT_EQ(out->deployment, "b");
  EXPECT_EQ(world.peak, 2);
  EXPECT_THAT(world.settled, ElementsAre("b:answered", "a:cancelled 3"));  // settled before the winner is served
  EXPECT_THAT(outcomes(out->attempts), ElementsAre("a lost cancelled", "b answered"));
  EXPECT_TRUE(world.turns[1].hedge);
}

TEST_F(AttemptsTest, AHedgeThatIsSlowerLoses) {
  with({"a", "b"});
  world.scripts["a"] = {{.after = milliseconds(60)}};
  world.scripts["b"] = {{.after = milliseconds(5'000)}};
  const auto out = run({.hedge_after_us = 20'000});
  ASSERT_TRUE(out.has_value());
  EXPECT_EQ(out->deployment, "a");
  EXPECT_THAT(world.settled, ElementsAre("a:answered", "b:cancelled 3"));
}

TEST_F(AttemptsTest, TwoAnswersAtOnceAreOneServedAndOneDiscarded) {
  with({"a", "b"});
  world.scripts["a"] = {{.after = milliseconds(80)}};
  world.scripts["b"] = {{.after = milliseconds(50)}};
  later.push_back([](asio::io_context& context) {  // the thread is busy while both become ready
    auto timer = std::make_shared<asio::steady_timer>(context, milliseconds(60));
    timer->async_wait([timer](auto) { std::this_thread::sleep_for(milliseconds(60)); });
  });
  const auto out = run({.hedge_after_us = 30'000});
  ASSERT_TRUE(out.has_value());
  EXPECT_EQ(out->deployment, "a");
  EXPECT_THAT(world.settled, ElementsAre("a:answered", "b:answered", "b:discarded"));
  EXPECT_THAT(outcomes(out->attempts), ElementsAre("a answered", "b lost"));
}

TEST_F(AttemptsTest, WithoutAnybodyElseTheHedgeAsksTheSameAgain) {
  with({"a"});
  world.scripts["a"] = {{.after = milliseconds(5'000)}, {}};
  const auto out = run({.hedge_after_us = 20'000});
  ASSERT_TRUE(out.has_value());
  EXPECT_EQ(world.asked["a"], 2);
  EXPECT_EQ(out->number, 2);
}

TEST_F(AttemptsTest, AProvidersLimitIsWaitedForInsideTheDeadline) {
  with({"a"});
  world.scripts["a"] = {{.error = upstream(429, 60'000)}, {}};
  const auto began = std::chrono::steady_clock::now();
  const auto out = run();
  ASSERT_TRUE(out.has_value());
  EXPECT_GE(std::chrono::steady_clock::now() - began, milliseconds(55));
  EXPECT_EQ(world.asked["a"], 2);
}

TEST_F(AttemptsTest, ALimitBeyondTheDeadlineIsAnErrorAtOnce) {
  with({"a"});
  world.scripts["a"] = {{.error = upstream(429, 60 * kSecondUs)}};
  const auto began = std::chrono::steady_clock::now();
  const auto out = run();
  ASSERT_FALSE(out.has_value());
  EXPECT_LT(std::chrono::steady_clock::now() - began, milliseconds(2'000));
  EXPECT_EQ(out.error().error.code, ErrorCode::kRateLimited);
  EXPECT_EQ(out.error().error.details["upstream_status"], 429);
  EXPECT_EQ(world.asked["a"], 1);
  const auto second = run();  // another caller isn't sent there at all
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().error.code, ErrorCode::kRateLimited);
  EXPECT_GT(second.error().error.details["retry_after_us"].get<DurationUs>(), 50 * kSecondUs);
  EXPECT_EQ(world.asked["a"], 1);
}

TEST_F(AttemptsTest, ACircuitThatOpensIsLeftAlone) {
  with({"a", "b"});
  route.retries = 0;
  world.scripts["a"] = {{.error = upstream(500)}};
  for (int i = 0; i < 10; ++i) EXPECT_EQ(run()->deployment, "b");
  EXPECT_EQ(world.asked["a"], 5);
}

TEST(WhileSilent, PingsUntilTheWorkEnds) {
  asio::io_context context;
  int pings = 0;
  std::optional<int> got;
  const auto work = [](milliseconds wait) -> Task<int> {
    asio::steady_timer timer(co_await asio::this_coro::executor, wait);
    co_await timer.async_wait(asio::use_awaitable);
    co_return 7;
  };
  const auto ping = [&]() -> Task<void> {
    ++pings;
    co_return;
  };
  asio::co_spawn(context, while_silent<int>(work(milliseconds(90)), milliseconds(20), ping),
                 [&](std::exception_ptr, int value) { got = value; });
  context.run();
  EXPECT_EQ(got, 7);
  EXPECT_GE(pings, 3);
  EXPECT_LE(pings, 4);
}

}  // namespace
}  // namespace steward::gateway::routing
