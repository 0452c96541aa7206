#include "gateway/fair_queue.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

namespace steward::gateway {
namespace {

using namespace std::chrono_literals;
using Ticket = std::unique_ptr<FairQueue::Ticket>;

// A queue on one thread: callers come, the order in which they are served is written down.
class Scene {
 public:
  explicit Scene(size_t slots, size_t limit = 10'000) : queue_(std::make_shared<FairQueue>(slots, limit)) {}

  void come(std::string key, int64_t tokens, double weight = 1, Deadline deadline = {}, CancelToken cancel = {}) {
    asio::co_spawn(context_, enter(std::move(key), tokens, weight, deadline, cancel), asio::detached);
    settle();
  }
  void settle() {
    context_.restart();
    context_.poll();
  }
  void run_for(std::chrono::milliseconds time) {
    context_.restart();
    context_.run_for(time);
  }
  bool serve_one() {  // ends the oldest call under way
    if (under_way_.empty()) return false;
    under_way_.pop_front();
    settle();
    return true;
  }
  std::vector<std::pair<std::string, int64_t>> served;
  std::vector<Error> refused;
  FairQueue& queue() { return *queue_; }

 private:
  Task<void> enter(std::string key, int64_t tokens, double weight, Deadline deadline, CancelToken cancel) {
    auto ticket = co_await queue_->enter(key, weight, tokens, deadline, cancel);
    if (!ticket) {
      refused.push_back(std::move(ticket.error()));
      co_return;
    }
    served.emplace_back(key, tokens);
    under_way_.push_back(std::move(*ticket));
  }
  std::shared_ptr<FairQueue> queue_;
  std::deque<Ticket> under_way_;
  asio::io_context context_;
};

TEST(FairQueue, FreeSlotMeansNoWait) {
  Scene scene(2);
  scene.come("a", 10);
  scene.come("b", 10);
  EXPECT_EQ(scene.served.size(), 2u);
  scene.come("c", 10);
  EXPECT_EQ(scene.served.size(), 2u);
  EXPECT_EQ(scene.queue().waiting(), 1u);
  scene.serve_one();
  EXPECT_EQ(scene.served.size(), 3u);
  EXPECT_EQ(scene.queue().peak(), 1u);
}

TEST(FairQueue, LightKeyOvertakesAHeavyKeysBacklog) {
  Scene scene(1);
  for (int i = 0; i < 50; ++i) scene.come("heavy", 1000);
  scene.come("light", 10);
  scene.serve_one();
  scene.serve_one();
  ASSERT_GE(scene.served.size(), 3u);
  EXPECT_TRUE(scene.served[1].first == "light" || scene.served[2].first == "light");
}

TEST(FairQueue, FullIsRefusedWithATimeToComeBack) {
  Scene scene(1, 1);
  scene.come("a", 1);
  scene.come("a", 1);
  scene.come("a", 1);
  ASSERT_EQ(scene.refused.size(), 1u);
  EXPECT_EQ(scene.refused[0].code, ErrorCode::kQueueFull);
  EXPECT_GT(scene.refused[0].details.value("retry_after_us", 0), 0);
}

TEST(FairQueue, DeadlineEndsTheWait) {
  Scene scene(1);
  scene.come("a", 1);
  scene.come("b", 1, 1, Deadline::in(5ms));
  scene.run_for(200ms);
  ASSERT_EQ(scene.refused.size(), 1u);
  EXPECT_EQ(scene.refused[0].code, ErrorCode::kQueueTimeout);
  EXPECT_EQ(scene.queue().waiting(), 0u);
}

TEST(FairQueue, ClientThatGoesLeavesAtOnceAndTakesNoSlot) {
  Scene scene(1);
  CancelToken gone;
  scene.come("a", 1);
  scene.come("b", 1, 1, {}, gone);
  scene.come("c", 1);
  gone.cancel(CancelReason::kClientGone);
  scene.settle();
  ASSERT_EQ(scene.refused.size(), 1u);
  EXPECT_EQ(scene.refused[0].code, ErrorCode::kCancelled);
  scene.serve_one();
  EXPECT_EQ(scene.served.back().first, "c");
}

TEST(FairQueue, AlreadyCancelledNeverWaits) {
  Scene scene(1);
  CancelToken gone;
  gone.cancel(CancelReason::kClientGone);
  scene.come("a", 1);
  scene.come("b", 1, 1, {}, gone);
  EXPECT_EQ(scene.refused.size(), 1u);
  EXPECT_EQ(scene.queue().waiting(), 0u);
}

// With all keys always waiting, each gets tokens by its weight: at any time no two differ by more than their largest
// call (over weight).
RC_GTEST_PROP(FairQueue, SharesFollowWeights, ()) {
  const auto weights =
      *rc::gen::resize(5, rc::gen::nonEmpty(rc::gen::container<std::vector<int>>(rc::gen::inRange(1, 5))));
  Scene scene(1);
  scene.come("first", 1);
  constexpr int kCalls = 40, kLargest = 100;
  for (size_t k = 0; k < weights.size(); ++k) {
    for (int i = 0; i < kCalls; ++i) scene.come(std::to_string(k), *rc::gen::inRange(1, kLargest + 1), weights[k]);
  }
  std::map<std::string, double> got;
  std::map<std::string, int> left;
  for (size_t k = 0; k < weights.size(); ++k) left[std::to_string(k)] = kCalls;
  while (scene.serve_one() && !scene.served.empty()) {
    const auto& [key, tokens] = scene.served.back();
    if (key == "first") continue;
    got[key] += static_cast<double>(tokens) / weights[static_cast<size_t>(std::stoi(key))];
    if (--left[key] == 0) break;  // from here on not all wait
    double least = 1e18, most = 0;
    for (size_t k = 0; k < weights.size(); ++k)
      least = std::min(least, got[std::to_string(k)]), most = std::max(most, got[std::to_string(k)]);
    RC_ASSERT(most - least <= 2.0 * kLargest);
  }
}

// Whatever comes, each caller is served or refused once, and the queue is empty at the end.
RC_GTEST_PROP(FairQueue, EveryCallerIsServedOnce, ()) {
  const auto slots = *rc::gen::inRange<size_t>(1, 5);
  const auto callers = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 6));
  Scene scene(slots);
  for (size_t i = 0; i < callers.size(); ++i) {
    scene.come(std::to_string(callers[i]), 1 + callers[i] * 50);
    if (i % 3 == 2) scene.serve_one();
  }
  while (scene.serve_one()) {
  }
  RC_ASSERT(scene.served.size() == callers.size());
  RC_ASSERT(scene.queue().waiting() == 0u);
}

}  // namespace
}  // namespace steward::gateway
