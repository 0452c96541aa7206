#include "talk/answers.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "gateway/peek.h"
#include "gateway/serve.h"
#include "talk/call_facts.h"
#include "talk/prompt.h"
#include "talk/records.h"
#include "talk/sink.h"

namespace steward::talk {
using gateway::peek;
using gateway::peek_text;
namespace {

constexpr size_t kMaxOpen = 2'000;     // answers under way or waiting, of all people
constexpr size_t kMaxOpenOfOne = 200;  // of one: nobody fills the line of the others
constexpr int64_t kMaxTries = 3;       // over restarts
constexpr std::string_view kPath = "/v1/conversations";

std::string_view status_of(const Run& run, const Outcome& outcome) {
  if (run.cancel.reason() == CancelReason::kStopped) return "stopped";
  if (outcome.error) return "failed";
  const auto reason = outcome.finished.value_or(gateway::FinishReason::kOther);
  return reason == gateway::FinishReason::kLength ? "incomplete" : "completed";
}

}  // namespace

Result<bool> Answers::enter(const Id& answer, const Id& above, const Id& who) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return fail(ErrorCode::kShuttingDown);
  if (open_.size() >= kMaxOpen)
    return fail(ErrorCode::kQueueFull, fmt::format("{} answers are being made: try again in a moment.", kMaxOpen));
  const auto own = std::ranges::count_if(open_, [&](const auto& one) { return one.second == who; });
  if (static_cast<size_t>(own) >= kMaxOpenOfOne)
    return fail(
        ErrorCode::kQueueFull,
        fmt::format("{} of your answers are being made or wait: say more once some have come, or take some back.",
                    kMaxOpenOfOne));
  return place(answer, above, who);
}

bool Answers::place(const Id& answer, const Id& above, const Id& who) {
  const bool waits = !above.empty() && (open_.contains(above) || !resumed_);
  open_[answer] = who;
  if (waits) waiting_.push_back({.answer = answer, .above = above});
  return waits;
}

void Answers::begin(Ask ask, bool waits) {
  if (waits) {
    const std::lock_guard lock(mutex_);
    const auto it = std::ranges::find(waiting_, ask.answer, &Waiting::answer);
    if (it == waiting_.end()) return;  // taken back meanwhile
    if (!it->released) {
      it->ask = std::move(ask);
      return;
    }
    waiting_.erase(it);
  }
  spawn(std::move(ask));
}

void Answers::leave(const Id& answer) {
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(waiting_, [&](const Waiting& one) { return one.answer == answer; });
  }
  ended(answer);
}

std::shared_ptr<Run> Answers::find(const Id& answer) const {
  const std::lock_guard lock(mutex_);
  const auto found = runs_.find(answer);
  return found == runs_.end() ? nullptr : found->second;
}

// What waits for it waits from now on for what it waited for.
bool Answers::withdraw(const Id& answer) {
  {
    const std::lock_guard lock(mutex_);
    const auto it = std::ranges::find(waiting_, answer, &Waiting::answer);
    if (it == waiting_.end() || it->released) return false;
    const Id above = it->above;
    waiting_.erase(it);
    for (auto& other : waiting_) {
      if (other.above == answer) other.above = above;
    }
    open_.erase(answer);
  }
  return true;
}

Task<bool> Answers::stop(Id answer) {
  const auto run = find(answer);
  if (!run) co_return false;
  run->cancel.cancel(CancelReason::kStopped);
  co_await run->wait();
  co_return true;
}

void Answers::spawn(Ask ask) {
  auto run = std::make_shared<Run>(std::move(ask));
  size_t thread = 0;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;  // its record stands: the next start takes it up
    runs_[run->ask.answer] = run;
    ++coroutines_;
    thread = next_thread_++ % parts_.threads.count();
  }
  asio::co_spawn(parts_.threads.context(thread), guarded(run), asio::detached);  // stop() waits for it
}

// An answer has ended or will not be: what waited for it may begin.
void Answers::ended(const Id& answer) {
  {
    const std::lock_guard lock(mutex_);
    open_.erase(answer);
    runs_.erase(answer);
  }
  release();
}

void Answers::release() {
  std::vector<Ask> ready;
  {
    const std::lock_guard lock(mutex_);
    for (auto it = waiting_.begin(); it != waiting_.end() && resumed_ && !stopping_;) {
      if (open_.contains(it->above)) {
        ++it;
        continue;
      }
      it->released = true;
      if (it->ask) {
        ready.push_back(std::move(*it->ask));
        it = waiting_.erase(it);
      } else {
        ++it;
      }
    }
  }
  for (auto& one : ready) spawn(std::move(one));
}

Task<void> Answers::guarded(std::shared_ptr<Run> run) {
  try {
    co_await make(run);
  } catch (const std::exception& e) {
    parts_.services.log.error("an answer broke", {{"message", run->ask.answer}, {"type", typeid(e).name()}});
  }
  ended(run->ask.answer);
  run->finish();
  const std::lock_guard lock(mutex_);
  --coroutines_;
  idle_.notify_all();
}

void Answers::tell_state(const Run& run, std::string_view status) {
  parts_.tell(
      {.stream = conversation_stream(run.ask.conversation),
       .tenant = run.ask.caller.tenant,
       .owner = run.ask.caller.principal,
       .readers = run.readers,
       .event = "state",
       .data = dump(Json{
           {"conversation", run.ask.conversation}, {"message", run.ask.answer}, {"status", std::string(status)}})});
}

Task<Status> Answers::announce(std::shared_ptr<Run> run) {
  const Ask& ask = run->ask;
  std::vector<journal::Draft> drafts;
  drafts.push_back(
      draft_of(ask.caller, conversation_stream(ask.conversation), kAnswerStarted, body_of(ask), ask.answer));
  auto done = co_await parts_.services.journal.append(ask.caller.tenant, std::move(drafts));
  if (!done) co_return fail(std::move(done.error()));
  co_return co_await parts_.views.wait_applied(ask.caller.tenant, done->last_seq());
}

// Who hears it, and which attempt this is.
Task<void> Answers::look_around(std::shared_ptr<Run> run) {
  struct Around {
    std::vector<ShareRow> shares;
    std::optional<MessageRow> row;
  };
  const std::function<Around(journal::Db&)> look = [tenant = run->ask.caller.tenant, talk = run->ask.conversation,
                                                    answer = run->ask.answer](journal::Db& db) {
    return Around{.shares = shares_of(db, tenant, talk), .row = find_message(db, tenant, answer)};
  };
  const Around around = co_await parts_.views.query(look);
  run->shared = !around.shares.empty();
  for (const auto& share : around.shares) {
    if (share.reader != "link") run->readers.push_back(share.reader);
  }
  if (around.row) run->attempt = around.row->attempt;
}

Task<void> Answers::make(std::shared_ptr<Run> run) {
  if (!run->ask.announced) {
    if (auto ok = co_await announce(run); !ok) {
      parts_.services.log.warn("an answer waits for the journal", {{"code", info(ok.error().code).name}});
      co_return;  // it stays queued: the next start takes it up
    }
  }
  co_await look_around(run);
  tell_state(*run, "in_progress");
  Json told = Json::object();
  auto ok = co_await ask_and_follow(run, told);
  if (!ok) {
    told["status"] = run->cancel.reason() == CancelReason::kStopped ? "stopped" : "failed";
    told["error"] = error_json(ok.error());
  }
  if (run->cancel.reason() == CancelReason::kShutdown) co_return co_await leave_to_next(run);
  const std::string status = peek_text(told, "status");
  if (auto kept = co_await keep(run, std::move(told)); !kept) {
    parts_.services.log.error("an answer could not be kept; it is asked anew after a start",
                              {{"message", run->ask.answer}, {"code", info(kept.error().code).name}});
    co_return;
  }
  tell_state(*run, status);
  if (status == "completed" && on_answered) co_await on_answered(run->ask);
}

// It goes on after the next start, from all that came.
Task<void> Answers::leave_to_next(std::shared_ptr<Run> run) {
  auto kept = co_await steps_.keep(run, journal::Wait::kDurable);
  if (!kept)
    parts_.services.log.error("the last of an answer could not be kept at the end",
                              {{"message", run->ask.answer}, {"code", info(kept.error().code).name}});
}

// Of earlier conversations, unless that is not to be or would tell others of them.
Task<Remembered> Answers::remembered_for(std::shared_ptr<Run> run) {
  const Ask& ask = run->ask;
  if (!ask.memory) co_return Remembered{.pieces = {}, .off = "asked"};
  if (run->shared) co_return Remembered{.pieces = {}, .off = "shared"};
  struct Asked {
    bool remember = false;
    Id record;
  };
  const std::function<Asked(journal::Db&)> look = [tenant = ask.caller.tenant, talk = ask.conversation,
                                                   parent = ask.parent](journal::Db& db) {
    const auto row = find_conversation(db, tenant, talk);
    const auto message = find_message(db, tenant, parent);
    return Asked{.remember = row && row->remember, .record = message ? message->record : Id()};
  };
  const Asked asked = co_await parts_.views.query(look);
  if (!asked.remember) co_return Remembered{.pieces = {}, .off = "conversation"};
  if (asked.record.empty() || !parts_.remember) co_return Remembered{};
  auto record = parts_.services.journal.find(asked.record);
  if (!record) co_return Remembered{};  // erased this moment
  auto item = co_await store_.content_of(*record);
  if (!item) co_return Remembered{};
  co_return co_await parts_.remember(ask, said_in(*item).text,
                                     tokens_to_remember(ability_of(parts_.services, ask.model)));
}

// Beside the model's answer its steps are kept, until it ends in whatever way.
Task<Status> Answers::ask_and_follow(std::shared_ptr<Run> run, Json& told) {
  const auto executor = co_await asio::this_coro::executor;
  auto [order, broke, asked, stopped] =
      co_await asio::experimental::make_parallel_group(asio::co_spawn(executor, ask_model(run, told), asio::deferred),
                                                       asio::co_spawn(executor, steps_.follow(run), asio::deferred))
          .async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
  if (broke) std::rethrow_exception(broke);
  co_return std::move(asked);
}

Task<Status> Answers::ask_model(std::shared_ptr<Run> run, Json& told) {
  const Remembered remembered = co_await remembered_for(run);
  auto prompt = co_await prompt_of(parts_, store_, run->ask, co_await instructions_for(parts_, run->ask), remembered);
  if (!prompt) co_return fail(std::move(prompt.error()));
  if (run->cancel.cancelled()) co_return fail(ErrorCode::kCancelled);
  Sink sink(*run, parts_.tell);
  gateway::Asked asked{
      .request = std::move(prompt->request), .ingress = &sink, .endpoint = "chat", .may_drop = {"unsupported"}};
  net::Request request;
  request.method = "POST";
  request.path = kPath;
  request.request_id = parts_.services.ids.make("req");
  request.received_us = parts_.services.clock.monotonic_us();
  request.cancel = run->cancel;
  co_await gateway::serve(parts_.services, run->ask.caller, std::move(asked), request, sink);
  const Outcome& outcome = sink.outcome();
  std::vector<Id> calls = run->ask.calls;
  if (!outcome.call.empty()) calls.push_back(outcome.call);
  told = facts_of_calls(parts_.services.journal, run->ask.caller.tenant, calls);
  told["status"] = status_of(*run, outcome);
  if (parts_.services.router.find(outcome.route)) told["route"] = outcome.route;  // else it is the model's own name
  if (prompt->left_out > 0) told["left_out"] = prompt->left_out;
  told["memory"] = record_of(run->ask, remembered);
  if (outcome.error && run->cancel.reason() != CancelReason::kStopped) told["error"] = error_json(*outcome.error);
  co_return Status{};
}

Task<Status> Answers::keep(std::shared_ptr<Run> run, Json told) {
  const Ask& ask = run->ask;
  const Run::Snapshot now = run->now();
  const std::string stream = conversation_stream(ask.conversation);
  told["item"] = ask.answer;
  std::vector<journal::Draft> drafts;
  if (!now.text.empty() || !now.reasoning.empty()) {
    auto content = co_await store_.draft(ask.caller, stream, std::string(kContent), Json{{"item", ask.answer}},
                                         item_of(ask.answer, "assistant", now.text, now.reasoning));
    if (!content) co_return fail(std::move(content.error()));
    content->sources = {ask.answer};
    drafts.push_back(std::move(*content));
  }
  drafts.push_back(draft_of(ask.caller, stream, kAnswerEnded, told, ask.answer));
  auto done = co_await parts_.services.journal.append(ask.caller.tenant, std::move(drafts), journal::Wait::kDurable);
  if (!done) co_return fail(std::move(done.error()));
  co_return co_await parts_.views.wait_applied(ask.caller.tenant, done->last_seq());
}

Task<void> Answers::resume(Id tenant, std::vector<MessageRow> open, std::map<Id, Id> owners) {
  const auto snapshot = parts_.services.identity.snapshot();
  for (auto& row : open) {
    Ask ask{.conversation = row.conversation, .answer = row.id, .parent = row.parent};
    ask.caller = {.tenant = tenant, .principal = owners[row.conversation]};
    ask.model = peek_text(row.asked, "model");
    ask.instructions = peek_text(row.asked, "instructions");
    (void)read_memory(row.asked, ask);
    const Id key = peek_text(row.asked, "key");
    if (const auto found = snapshot->keys.find(key); found != snapshot->keys.end()) ask.caller.key = found->second;
    if (ask.caller.principal.empty() || find(row.id)) continue;
    co_await take_up(std::move(ask), std::move(row));
  }
  {
    const std::lock_guard lock(mutex_);
    resumed_ = true;
  }
  release();
}

// A model goes on from text alone: where there are only thoughts it begins anew, and so do they.
Task<Status> Answers::go_on_from_kept(Ask& ask, const MessageRow& row) {
  auto kept = co_await steps_.read(ask.caller.tenant, row);
  if (!kept) co_return fail(std::move(kept.error()));
  ask.calls = std::move(kept->calls);
  ask.text = std::move(kept->text);
  ask.text.resize(std::max(std::min(kept->firm, ask.text.size()), whole_words(ask.text).size()));
  ask.continues = !ask.text.empty();
  if (ask.continues) ask.reasoning = std::move(kept->reasoning);
  co_return Status{};
}

Task<void> Answers::take_up(Ask ask, MessageRow row) {
  const auto snapshot = parts_.services.identity.snapshot();
  const auto self = snapshot->principals.find(ask.caller.principal);
  const bool disabled = self == snapshot->principals.end() || self->second.disabled;
  const bool keyless = !peek_text(row.asked, "key").empty() && (!ask.caller.key || ask.caller.key->revoked);
  if (auto ok = co_await go_on_from_kept(ask, row); !ok) {
    parts_.services.log.error("an answer could not be taken up again; the next start tries it",
                              {{"message", row.id}, {"code", info(ok.error().code).name}});
    co_return;
  }
  if (disabled || keyless || row.tries >= kMaxTries) {
    Json told = facts_of_calls(parts_.services.journal, ask.caller.tenant, ask.calls);
    told["status"] = "failed";
    told["error"] = {{"code", info(ErrorCode::kUpstreamError).name},
                     {"message", disabled || keyless ? "Whoever asked may not ask any more."
                                                     : "It could not be made after restarts. Try again."}};
    (void)co_await keep(std::make_shared<Run>(std::move(ask)), std::move(told));
    co_return;
  }
  bool waits = false;
  {
    const std::lock_guard lock(mutex_);  // it has had its place: no limit turns it away
    if (stopping_) co_return;
    waits = place(row.id, row.status == "queued" ? peek_text(row.asked, "above") : Id(), ask.caller.principal);
  }
  begin(std::move(ask), waits);
}

void Answers::stop() {
  std::vector<std::shared_ptr<Run>> runs;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const auto& [id, run] : runs_) runs.push_back(run);
  }
  for (const auto& run : runs) run->cancel.cancel(CancelReason::kShutdown);
  constexpr std::chrono::seconds kLongest{10};
  std::unique_lock lock(mutex_);
  idle_.wait_for(lock, kLongest, [this] { return coroutines_ == 0; });
}

}  // namespace steward::talk
