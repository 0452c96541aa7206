#include "gateway/conversations/background.h"

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "base/json.h"
#include "gateway/dialects/responses/responses.h"
#include "gateway/peek.h"
#include "gateway/serve.h"
#include "journal/erasure.h"
#include "net/sse.h"

namespace steward::gateway {
namespace {

constexpr size_t kMaxRuns = 1'000;
constexpr int64_t kMaxTries = 3;  // over restarts
constexpr size_t kMaxEventBytes = size_t{64} << 20;
constexpr std::string_view kPath = "/v1/responses";

// Headers that say how a call is answered; the key's and the connection's own are nobody's business later.
Json kept_headers(const net::Headers& headers) {
  Json out = Json::array();
  for (const auto& [name, value] : headers.all()) {
    if (name.starts_with("x-steward-") || name.starts_with("X-Steward-")) out.push_back({name, value});
  }
  return out;
}

// Takes an answer's stream apart into its events.
class RunResponder final : public net::Responder {
 public:
  explicit RunResponder(BackgroundRun& run) : run_(run) {}
  net::Headers& headers() override { return headers_; }
  Task<Status> send(int, std::string, std::string body) override {
    begun_ = true;
    const Json json = read_own(body);
    error = peek(json, "error");
    co_return Status{};
  }
  Task<Status> begin(int, std::string) override {
    begun_ = true;
    co_return Status{};
  }
  Task<Status> write(std::string chunk) override {
    for (size_t at = 0; at < chunk.size();) {
      const size_t end = chunk.find("\n\n", at);
      if (end == std::string::npos) break;
      if (chunk[at] != ':') take(chunk.substr(at, end + 2 - at));
      at = end + 2;
    }
    co_return run_.cancel.cancelled() ? Status(fail(ErrorCode::kCancelled)) : Status{};
  }
  Task<Status> end() override { co_return Status{}; }
  bool begun() const override { return begun_; }

  Json error;  // of an answer that failed

 private:
  void take(std::string event) {
    if (event.starts_with("event: response.failed")) {
      const size_t data = event.find("data: ");
      const Json json = read_own(event.substr(data + 6));
      error = peek(peek(json, "response"), "error");
      return;  // told once it is stored
    }
    run_.add_event(std::move(event));
  }

  BackgroundRun& run_;
  net::Headers headers_;
  bool begun_ = false;
};

}  // namespace

void OpenResponses::create(journal::Db& db) {
  db.execute(
      "CREATE TABLE open_responses_queue (tenant TEXT NOT NULL, id TEXT NOT NULL, owner TEXT NOT NULL, key TEXT NOT "
      "NULL, seq INTEGER NOT NULL, PRIMARY KEY (tenant, id)) WITHOUT ROWID");
}

void OpenResponses::apply(journal::Db& db, const journal::Record& record) {
  if (record.kind == journal::kErasedKind) {
    for (const journal::Seq seq : journal::erased_seqs(record)) {
      db.prepare("DELETE FROM open_responses_queue WHERE tenant = ? AND seq = ?")
          .bind(1, record.tenant)
          .bind(2, seq)
          .run();
    }
    return;
  }
  if (!record.stream.starts_with("response/")) return;
  const std::string id = record.stream.substr(std::string_view("response/").size());
  if (record.kind == "response.stored") {
    db.prepare("DELETE FROM open_responses_queue WHERE tenant = ? AND id = ?").bind(1, record.tenant).bind(2, id).run();
  }
  if (record.kind != "response.queued" || record.erased) return;
  const Json about = read_own(record.body);
  db.prepare("INSERT OR REPLACE INTO open_responses_queue VALUES (?, ?, ?, ?, ?)")
      .bind(1, record.tenant)
      .bind(2, id)
      .bind(3, peek_text(about, "owner"))
      .bind(4, peek_text(about, "key"))
      .bind(5, record.seq)
      .run();
}

std::vector<OpenResponses::Open> OpenResponses::list(journal::Db& db, const Id& tenant) {
  auto& rows = db.prepare("SELECT id, owner, key FROM open_responses_queue WHERE tenant = ? ORDER BY seq LIMIT ?")
                   .bind(1, tenant)
                   .bind(2, static_cast<int64_t>(kMaxRuns));
  std::vector<Open> out;
  while (rows.step()) out.push_back({.id = rows.text(0), .owner = rows.text(1), .key = rows.text(2)});
  rows.reset();
  return out;
}

void BackgroundRun::add_event(std::string bytes) {
  std::vector<std::function<void()>> wake;
  {
    const std::lock_guard lock(mutex_);
    bytes_ += bytes.size();
    if (bytes_ > kMaxEventBytes) return;  // can't be followed to its end; the response itself is kept
    events_.push_back(std::move(bytes));
    wake = std::exchange(waiting_, {});
  }
  for (const auto& one : wake) one();
}

void BackgroundRun::finish() {
  std::vector<std::function<void()>> wake;
  {
    const std::lock_guard lock(mutex_);
    done_ = true;
    wake = std::exchange(waiting_, {});
  }
  for (const auto& one : wake) one();
}

bool BackgroundRun::done() const {
  const std::lock_guard lock(mutex_);
  return done_;
}

std::string BackgroundRun::all_events() const {
  const std::lock_guard lock(mutex_);
  std::string out;
  for (const auto& one : events_) out += one;
  return out;
}

std::vector<std::string> BackgroundRun::events_from(size_t from, bool& ended) const {
  const std::lock_guard lock(mutex_);
  ended = done_;
  if (from >= events_.size()) return {};
  return {events_.begin() + static_cast<ptrdiff_t>(from), events_.end()};
}

Task<void> BackgroundRun::wait(size_t seen, CancelToken client) {
  size_t hook = 0;
  co_await await_callback<bool>([&](std::function<void(bool)> done) {
    auto once = std::make_shared<std::atomic_flag>();
    const std::function<void()> wake = [once, done] {
      if (!once->test_and_set()) done(true);
    };
    hook = client.on_cancel([wake](CancelReason) { wake(); });
    std::unique_lock lock(mutex_);
    const bool ready = done_ || events_.size() > seen;
    if (!ready) waiting_.push_back(wake);
    lock.unlock();
    if (ready) wake();
  });
  client.forget(hook);
}

std::shared_ptr<BackgroundRun> Background::find(const Id& id) const {
  const std::lock_guard lock(mutex_);
  const auto found = runs_.find(id);
  return found == runs_.end() ? nullptr : found->second;
}

void Background::forget(const Id& id) {
  const std::lock_guard lock(mutex_);
  runs_.erase(id);
}

Task<Status> Background::queue(identity::Caller caller, std::shared_ptr<Turn> turn, const net::Headers& headers) {
  StoredResponse queued{.id = turn->id, .owner = caller.principal};
  queued.response = turns_.response_of(*turn, "queued", nullptr);
  queued.input = turn->input;
  queued.previous = turn->previous;
  queued.conversation = turn->conversation;
  queued.background = true;
  queued.streamed = turn->streamed;
  queued.request = turn->request_body;
  queued.headers = kept_headers(headers);
  co_return co_await store_.queue(std::move(caller), std::move(queued));
}

Result<std::shared_ptr<BackgroundRun>> Background::start(identity::Caller caller, std::shared_ptr<Turn> turn) {
  auto run = std::make_shared<BackgroundRun>(std::move(caller), std::move(turn));
  size_t thread = 0;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return fail(ErrorCode::kShuttingDown);
    if (runs_.size() >= kMaxRuns)
      return fail(ErrorCode::kQueueFull,
                  fmt::format("{} background responses are being made: try again later.", kMaxRuns));
    runs_[run->turn->id] = run;
    ++coroutines_;
    thread = next_thread_++ % threads_.count();
  }
  // Without the lock: on a thread of its own a coroutine begins at once, and may need it. See stop().
  asio::co_spawn(threads_.context(thread), run_guarded(run), asio::detached);
  return run;
}

Task<void> Background::run_guarded(std::shared_ptr<BackgroundRun> one) {
  try {
    co_await run(one);
  } catch (const std::exception& e) {
    services_.log.error("a background response broke", {{"response", one->turn->id}, {"what", e.what()}});
  }
  one->finish();
  const std::lock_guard lock(mutex_);
  runs_.erase(one->turn->id);
  --coroutines_;
  idle_.notify_all();
}

Task<void> Background::run(std::shared_ptr<BackgroundRun> run) {
  if (auto noted = co_await store_.note_started(run->caller, run->turn->id); !noted) co_return;
  net::Request request;
  request.method = "POST";
  request.path = kPath;
  request.request_id = services_.ids.make("req");
  request.received_us = services_.clock.monotonic_us();
  request.cancel = run->cancel;
  RunResponder responder(*run);
  co_await serve(services_, run->caller, run->turn->asked, request, responder);
  if (run->cancel.reason() == CancelReason::kShutdown && run->turn->response.is_null()) co_return;  // it stays queued
  if (run->turn->response.is_null()) {
    if (auto kept = co_await end_without_answer(run, responder.error); !kept)
      services_.log.warn("a background response could not be kept",
                         {{"response", run->turn->id}, {"code", info(kept.error().code).name}});
  }
  if (!run->turn->streamed) co_return;
  if (auto kept = co_await store_.put_events(run->caller, run->turn->id, run->all_events()); !kept)
    services_.log.warn("a response's events could not be kept",
                       {{"response", run->turn->id}, {"code", info(kept.error().code).name}});
}

Task<Status> Background::end_without_answer(std::shared_ptr<BackgroundRun> run, Json error) {
  const bool stopped = run->cancel.reason() == CancelReason::kStopped;
  Json response = turns_.response_of(*run->turn, stopped ? "cancelled" : "failed", nullptr);
  if (!stopped) {
    const std::string why = peek_text(error, "message");
    const auto code = responses::response_code(peek_text(error, "code"));
    response["error"] = {{"code", code}, {"message", why.empty() ? "The response could not be made." : why}};
  }
  run->turn->response = response;
  auto kept = co_await turns_.store(run->caller, run->turn, "");
  bool ended = false;
  const size_t number = run->events_from(0, ended).size();
  const std::string type = stopped ? "response.cancelled" : "response.failed";
  run->add_event(
      net::sse_event(type, dump(Json{{"type", type}, {"sequence_number", number}, {"response", std::move(response)}})));
  co_return kept;
}

void Background::resume(Id tenant, std::vector<OpenResponses::Open> open) {
  for (auto& one : open) {
    size_t thread = 0;
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
      ++coroutines_;
      thread = next_thread_++ % threads_.count();
    }
    asio::co_spawn(threads_.context(thread), resume_one(tenant, std::move(one)), asio::detached);  // as start()
  }
}

Task<void> Background::resume_one(Id tenant, OpenResponses::Open open) {
  try {
    identity::Caller caller{.tenant = tenant, .principal = open.owner};
    const auto snapshot = services_.identity.snapshot();
    if (const auto key = snapshot->keys.find(open.key); key != snapshot->keys.end()) caller.key = key->second;
    auto found = co_await store_.find(caller, open.id);
    if (found && found->status() == "queued") {
      net::Headers headers;
      for (const auto& field : found->headers) headers.add(field[0].get<std::string>(), field[1].get<std::string>());
      Json body = found->request;
      body["stream"] = true;
      const MadeAnew again{
          .id = open.id,
          .created_at = peek_integer(found->response, "created_at", services_.clock.now_us() / kSecondUs)};
      auto turn = co_await turns_.prepare(caller, std::move(body), headers, &again, nullptr);
      const bool gone = !open.key.empty() && (caller.key == nullptr || caller.key->revoked);
      if (turn && found->tries < kMaxTries && !gone) {
        (*turn)->streamed = found->streamed;
        (void)start(caller, *turn);
      } else {
        Json response = found->response;
        response["status"] = "failed";
        response["error"] = {
            {"code", "server_error"},
            {"message", gone ? "The key that asked is gone." : "It could not be made after restarts."}};
        found->response = std::move(response);
        (void)co_await store_.put(caller, std::move(*found), {}, "");
      }
    }
  } catch (const std::exception& e) {
    services_.log.error("a background response could not be taken up again",
                        {{"response", open.id}, {"what", e.what()}});
  }
  const std::lock_guard lock(mutex_);
  --coroutines_;
  idle_.notify_all();
}

void Background::stop() {
  std::vector<std::shared_ptr<BackgroundRun>> runs;
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

}  // namespace steward::gateway
