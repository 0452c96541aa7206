#include "gateway/routing/attempts.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>

#include "base/json.h"
#include "base/text.h"
#include "gateway/routing/durations.h"

namespace steward::gateway::routing {
namespace {

using Steady = std::chrono::steady_clock;
using Time = Steady::time_point;

constexpr Time kNever = Time::max();
constexpr int kMostDoublings = 16;
constexpr size_t kMostAttempts = 64;  // of one call, whatever route and retries say

std::chrono::microseconds us(DurationUs value) { return std::chrono::microseconds(value); }
DurationUs since(Time from) {
  return std::chrono::duration_cast<std::chrono::microseconds>(Steady::now() - from).count();
}

// One attempt under way, beside the coroutine that watches it.
struct Flight {
  std::unique_ptr<Attempt> attempt;
  Candidate candidate;
  CancelToken cancel;
  size_t record = 0;  // its index
  Time began, late_at = kNever;
  bool late = false, lost = false;
  std::optional<Status> ended;
  std::exception_ptr broke;  // a bug's; told once nothing is under way any more
};

// What the watcher sleeps on; outlives it, since a cancelled flight or a late hook may still reach for it.
struct Bell {
  explicit Bell(const Executor& executor) : timer(executor) {}
  asio::steady_timer timer;
  bool client_gone = false;
  CancelReason reason = CancelReason::kNone;
};

Task<void> fly(std::shared_ptr<Flight> flight, std::shared_ptr<Bell> bell) {
  try {
    flight->ended = co_await flight->attempt->start();
  } catch (...) {
    flight->broke = std::current_exception();
    flight->ended = fail(ErrorCode::kInternal);
  }
  bell->timer.cancel();
}

// Of a failure what may be kept for ever: never the provider's own words, which may quote the call.
std::string in_short(const Error& error) {
  std::string out(info(error.code).name);
  if (error.details.is_object() && error.details.contains("upstream_status"))
    out += fmt::format(" (status {})", dump(error.details["upstream_status"]));
  return out;
}

class Pursuit {
 public:
  Pursuit(Router& router, Plan plan, AttemptHooks hooks, Random& random, Executor executor)
      : router_(router),
        plan_(std::move(plan)),
        hooks_(std::move(hooks)),
        random_(random),
        executor_(executor),
        bell_(std::make_shared<Bell>(executor)) {
    queue_.assign(plan_.candidates.begin(), plan_.candidates.end());
    const DurationUs total = plan_.total_us > 0 && hooks_.total_us > 0 ? std::min(plan_.total_us, hooks_.total_us)
                                                                       : std::max(plan_.total_us, hooks_.total_us);
    if (total > 0) total_ = Deadline::at(began_ + us(total)), total_at_ = began_ + us(total);
    if (plan_.route->keep_alive_us > 0 && hooks_.on_silence) ping_at_ = began_ + us(plan_.route->keep_alive_us);
  }

  Task<std::expected<Served, Unserved>> run() {
    const size_t hook = hooks_.client.on_cancel([bell = bell_, executor = executor_](CancelReason reason) {
      asio::post(executor, [bell, reason] {
        bell->client_gone = true;
        bell->reason = reason;
        bell->timer.cancel();
      });
    });
    auto out = co_await pursue();
    hooks_.client.forget(hook);
    if (broke_) std::rethrow_exception(broke_);
    co_return out;
  }

 private:
  Task<std::expected<Served, Unserved>> pursue() {
    for (;;) {
      if (auto won = take_ended()) co_return co_await serve(std::move(won));
      if (bell_->client_gone)
        stop(Error(bell_->reason == CancelReason::kShutdown ? ErrorCode::kShuttingDown : ErrorCode::kCancelled),
             bell_->reason);
      if (Steady::now() >= total_at_) stop(out_of_time(), CancelReason::kDeadline);
      cancel_late();
      if (!over_) launch_due();
      if (flights_.empty() && (over_ || resume_at_ == kNever)) {
        co_await discard_all();
        co_return std::unexpected(unserved());
      }
      co_await sleep();
    }
  }

  // Until something ends or is due. Pings in between, from here alone.
  Task<void> sleep() {
    Time wake = over_ ? kNever : std::min({ping_at_, total_at_, hedge_at()});
    if (!over_ && flights_.empty()) wake = std::min(wake, resume_at_);
    for (const auto& flight : flights_) {
      if (!flight->late) wake = std::min(wake, flight->late_at);
      if (flight->ended) co_return;
    }
    bell_->timer.expires_at(wake);
    if (!bell_->client_gone || over_) (void)co_await bell_->timer.async_wait(asio::as_tuple(asio::use_awaitable));
    if (over_ || Steady::now() < ping_at_) co_return;
    ping_at_ = Steady::now() + us(plan_.route->keep_alive_us);
    co_await hooks_.on_silence();
  }

  Time hedge_at() const {
    if (plan_.hedge_after_us <= 0 || hedged_ || flights_.size() != 1) return kNever;
    return flights_.front()->began + us(plan_.hedge_after_us);
  }

  void launch_due() {
    if (flights_.empty()) {
      if (auto next = pick()) launch(std::move(*next), false);
    } else if (Steady::now() >= hedge_at()) {
      hedged_ = true;
      auto next = pick();
      if (!next) {
        next = flights_.front()->candidate;  // nobody else: the same one may be quicker a second time
        if (const auto verdict = router_.enter(*next, plan_.tokens); !verdict.may || verdict.limited_us > 0) return;
      }
      next->reason = fmt::format("hedge: {} was silent for {}", flights_.front()->candidate.deployment,
                                 duration_text(plan_.hedge_after_us));
      launch(std::move(*next), true);
    }
  }

  void launch(Candidate candidate, bool hedge) {
    auto flight = std::make_shared<Flight>();
    flight->began = Steady::now();
    if (candidate.first_byte_us > 0) flight->late_at = flight->began + us(candidate.first_byte_us);
    flight->record = records_.size();
    records_.push_back({.deployment = candidate.deployment,
                        .number = number_ + 1,
                        .reason = candidate.reason,
                        .began_us = since(began_)});
    Turn turn{.number = ++number_,
              .deployment = candidate.deployment,
              .hedge = hedge,
              .first_byte_us = candidate.first_byte_us,
              .between_bytes_us = plan_.route->between_bytes_us,
              .total = total_,
              .max_cost = plan_.max_cost,
              .cancel = flight->cancel};
    flight->candidate = std::move(candidate);
    flight->attempt = hooks_.make(std::move(turn));
    flights_.push_back(flight);
    asio::co_spawn(executor_, fly(flight, bell_), asio::detached);
  }

  // The next to ask now. None: resume_at_ says when, or never.
  std::optional<Candidate> pick() {
    resume_at_ = kNever;
    for (;;) {
      if (queue_.empty() && !next_round()) return std::nullopt;
      if (records_.size() >= kMostAttempts) return std::nullopt;
      if (const Time now = Steady::now(); now < round_at_) {
        resume_at_ = round_at_;
        return std::nullopt;
      }
      auto best = queue_.end();
      DurationUs least = 0;
      for (auto it = queue_.begin(); it != queue_.end();) {
        const auto verdict = router_.look(*it, plan_.tokens);
        if (!verdict.may || verdict.limited_us > plan_.route->max_wait_us ||
            Steady::now() + us(verdict.limited_us) >= total_at_) {
          skip(*it, verdict);
          it = queue_.erase(it);
          best = queue_.end(), least = 0;
          it = queue_.begin();
          continue;
        }
        if (best == queue_.end() || verdict.limited_us < least) best = it, least = verdict.limited_us;
        if (least == 0) break;
        ++it;
      }
      if (best == queue_.end()) continue;
      if (least > 0) {
        resume_at_ = Steady::now() + us(least);
        return std::nullopt;
      }
      Candidate next = std::move(*best);
      queue_.erase(best);
      if (const auto verdict = router_.enter(next, plan_.tokens); verdict.may && verdict.limited_us == 0) return next;
    }
  }

  bool next_round() {
    if (again_.empty() || round_ >= plan_.route->retries) return false;
    const DurationUs most =
        std::min(plan_.route->backoff_us << std::min(round_, kMostDoublings), plan_.route->backoff_max_us);
    const auto wait = static_cast<DurationUs>(random_.below(static_cast<uint64_t>(std::max<DurationUs>(0, most)) + 1));
    if (Steady::now() + us(wait) >= total_at_) return false;
    ++round_;
    round_at_ = Steady::now() + us(wait);
    queue_ = std::exchange(again_, {});
    for (auto& one : queue_) one.reason = fmt::format("again after {}", duration_text(wait));
    return true;
  }

  void skip(const Candidate& candidate, const Health::Verdict& verdict) {
    std::string reason =
        !verdict.may ? "its circuit is open"
                     : fmt::format("its limit holds for {} ({})", duration_text(verdict.limited_us), verdict.limit);
    if (!error_) error_ = not_now(candidate.deployment, verdict);
    records_.push_back({.deployment = candidate.deployment,
                        .outcome = "skipped",
                        .reason = std::move(reason),
                        .began_us = since(began_)});
  }

  // Looks at what has ended: the winner, or null.
  std::shared_ptr<Flight> take_ended() {
    for (size_t at = 0; at < flights_.size();) {
      const auto flight = flights_[at];
      if (!flight->ended) {
        ++at;
        continue;
      }
      flights_.erase(flights_.begin() + static_cast<ptrdiff_t>(at));
      router_.told_limits(flight->candidate.deployment, flight->attempt->limits());
      AttemptRecord& record = records_[flight->record];
      record.duration_us = since(flight->began);
      if (*flight->ended && !over_) {
        record.outcome = "answered";
        return flight;
      }
      failed(*flight, record);
    }
    return nullptr;
  }

  void failed(Flight& flight, AttemptRecord& record) {
    record.outcome = flight.lost || *flight.ended ? "lost" : "failed";
    if (*flight.ended) {  // after the end of all: its answer is thrown away
      discards_.push_back(std::move(flight.attempt));
      return;
    }
    if (flight.broke && !broke_) broke_ = flight.broke;
    Error error = std::move(flight.ended->error());
    if (flight.late)
      error = Error(ErrorCode::kUpstreamTimeout,
                    fmt::format("'{}' sent no first byte within {}.", flight.candidate.deployment,
                                duration_text(flight.candidate.first_byte_us)));
    record.code = std::string(info(error.code).name);
    if (!flight.lost) record.reason += "; " + (flight.late ? error.message : in_short(error));
    router_.failed(flight.candidate.deployment, error);
    if (flight.lost || over_) return;
    const Failure failure = failure_of(error);
    if (failure == Failure::kRequest || failure == Failure::kOurs)
      return stop(std::move(error), CancelReason::kStopped);
    if (failure != Failure::kNotHere) again_.push_back(flight.candidate);
    const bool says_more = !error_ || failure != Failure::kNotHere || failure_of(*error_) == Failure::kNotHere;
    if (says_more) error_ = std::move(error);
  }

  // The call ends with this error, as soon as what is under way has settled.
  void stop(Error error, CancelReason reason) {
    if (over_) return;
    over_ = true;
    error_ = std::move(error);
    for (const auto& flight : flights_) flight->cancel.cancel(reason);
  }

  void cancel_late() {
    for (const auto& flight : flights_) {
      if (flight->late || Steady::now() < flight->late_at) continue;
      flight->late = true;
      flight->cancel.cancel(CancelReason::kDeadline);
    }
  }

  Error out_of_time() {
    Error error(ErrorCode::kUpstreamTimeout,
                fmt::format("No answer came within the {} that this call has in all.", duration_text(since(began_))));
    if (error_) error.message += " Last: " + error_->message;
    return error;
  }

  Task<std::expected<Served, Unserved>> serve(std::shared_ptr<Flight> won) {
    over_ = true;
    router_.answered(plan_, won->candidate.deployment, since(won->began));
    for (const auto& flight : flights_) {
      flight->lost = true;
      flight->cancel.cancel(CancelReason::kStopped);
    }
    co_await settle_rest();
    co_return Served{.attempt = std::move(won->attempt),
                     .deployment = won->candidate.deployment,
                     .number = records_[won->record].number,
                     .total = total_,
                     .attempts = std::move(records_)};
  }

  Task<void> settle_rest() {
    while (!flights_.empty()) {
      (void)take_ended();
      if (flights_.empty()) break;
      co_await sleep();
    }
    co_await discard_all();
  }

  // Answers that nobody waits for: one that lost, or one that began to come as the caller left.
  Task<void> discard_all() {
    for (auto& attempt : std::exchange(discards_, {})) co_await attempt->discard();
  }

  Unserved unserved() {
    Unserved out{.error = error_.value_or(plan_.refusal()), .attempts = std::move(records_)};
    const auto asked = std::ranges::count_if(out.attempts, [](const auto& one) { return one.outcome != "skipped"; });
    if (asked > 1 && out.error.code != ErrorCode::kCancelled)
      out.error.message += " Asked: " + attempts_header(out.attempts) + ".";
    if (!out.error.details.is_object()) out.error.details = Json::object();
    if (plan_.route->offered) out.error.details["route"] = plan_.route->name;
    return out;
  }

  Router& router_;
  Plan plan_;
  AttemptHooks hooks_;
  Random& random_;
  Executor executor_;
  std::shared_ptr<Bell> bell_;
  Time began_ = Steady::now();
  Deadline total_;
  Time total_at_ = kNever, ping_at_ = kNever, resume_at_ = kNever, round_at_ = began_;
  std::deque<Candidate> queue_, again_;           // of this round, of the next
  std::vector<std::shared_ptr<Flight>> flights_;  // at most two
  std::vector<std::unique_ptr<Attempt>> discards_;
  std::vector<AttemptRecord> records_;
  std::optional<Error> error_;
  std::exception_ptr broke_;
  int number_ = 0, round_ = 0;
  bool hedged_ = false, over_ = false;
};

}  // namespace

Error not_now(const std::string& deployment, const Health::Verdict& verdict) {
  if (!verdict.may)
    return {ErrorCode::kModelUnavailable,
            fmt::format("'{}' failed several times and rests.", deployment),
            {{"retry_after_us", verdict.again_us}}};
  return {ErrorCode::kRateLimited,
          fmt::format("The provider of '{}' takes no more calls for {} ({}).", deployment,
                      duration_text(verdict.limited_us), verdict.limit),
          {{"retry_after_us", verdict.limited_us}, {"upstream_status", 429}}};
}

Json to_json(const AttemptRecord& record) {
  Json out = {{"deployment", record.deployment},
              {"outcome", record.outcome},
              {"reason", record.reason},
              {"began_us", record.began_us},
              {"duration_us", record.duration_us}};
  if (!record.code.empty()) out["code"] = record.code;
  return out;
}

std::string attempts_header(const std::vector<AttemptRecord>& records) {
  std::vector<std::string> parts;
  for (const auto& one : records)
    parts.push_back(one.code.empty() ? fmt::format("{};{}", one.deployment, one.outcome)
                                     : fmt::format("{};{}={}", one.deployment, one.outcome, one.code));
  return join(parts, ", ");
}

Task<std::expected<Served, Unserved>> run_attempts(Router& router, Plan plan, AttemptHooks hooks, Random& random) {
  auto executor = co_await asio::this_coro::executor;
  Pursuit pursuit(router, std::move(plan), std::move(hooks), random, executor);
  co_return co_await pursuit.run();
}

}  // namespace steward::gateway::routing
