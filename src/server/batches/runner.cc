#include "server/batches/runner.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include "base/json.h"
#include "server/kept.h"

namespace steward::server {
namespace {

constexpr int kMostAgain = 8;  // a line that met a full queue or a rate limit is asked again
constexpr std::chrono::seconds kFirstWait{1}, kLongestWait{60};
constexpr size_t kInlineAnswer = 32 * 1024;  // an answer up to here stands in its record, a larger one in a blob

// An answer that nobody reads as it comes.
class Caught final : public net::Responder {
 public:
  net::Headers& headers() override { return headers_; }
  Task<Status> send(int status, std::string, std::string body) override {
    status_ = status;
    body_ = std::move(body);
    begun_ = true;
    co_return Status{};
  }
  Task<Status> begin(int status, std::string) override {
    status_ = status;
    begun_ = true;
    co_return Status{};
  }
  Task<Status> write(std::string chunk) override {
    body_ += chunk;
    co_return Status{};
  }
  Task<Status> end() override { co_return Status{}; }
  bool begun() const override { return begun_; }

  int status() const { return status_; }
  const std::string& body() const { return body_; }

 private:
  net::Headers headers_;
  int status_ = 500;
  std::string body_;
  bool begun_ = false;
};

struct Answered {
  int status = 0;
  Id request;
  std::string body;
};

struct Question {
  std::string url, body;
  Id request_id;
  TimeUs now = 0;
  CancelToken cancel;
};

Task<Answered> ask_once(Core& core, const Endpoint& endpoint, identity::Caller caller, Question question) {
  net::Request request;
  request.method = "POST";
  request.path = std::move(question.url);
  request.headers.set("content-type", "application/json");
  request.body = std::move(question.body);
  request.remote = "batch";
  request.request_id = question.request_id;
  request.received_us = question.now;
  request.cancel = std::move(question.cancel);
  Caught caught;
  co_await run_kept(core, endpoint, std::move(caller), request, caught);
  co_return Answered{caught.status(), question.request_id, caught.body()};
}

// A full queue or a rate limit passes: a batch has time. A spent budget doesn't: that is the line's answer.
bool passes(const Answered& answer) {
  if (answer.status == 503) return true;
  if (answer.status != 429) return false;
  const Json body = read_own(answer.body);
  const Json error = body.is_object() ? body.value("error", Json()) : Json();
  return !error.is_object() || error.value("code", Json()) != "budget_exceeded";
}

Task<Answered> ask(Core& core, const Endpoint& endpoint, identity::Caller caller, Question question) {
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
  for (int tries = 0;; ++tries) {
    Answered answer = co_await ask_once(core, endpoint, caller, question);
    if (!passes(answer) || tries >= kMostAgain || question.cancel.cancelled()) co_return answer;
    timer.expires_after(std::min(kFirstWait * (1 << tries), kLongestWait));
    co_await timer.async_wait(boost::asio::use_awaitable);
  }
}

Result<identity::Caller> caller_of(Core& core, const Id& tenant, const BatchOrder& order) {
  if (order.key.empty()) {
    identity::Caller owner = core.owner();
    owner.in_batch = true;
    return owner;
  }
  const auto snapshot = core.identity->snapshot();
  const auto key = snapshot->keys.find(order.key);
  const bool expired = key != snapshot->keys.end() && key->second->spec.expires_at > 0 &&
                       key->second->spec.expires_at <= core.clock.now_us();
  if (key == snapshot->keys.end() || key->second->revoked || expired)
    return fail(ErrorCode::kKeyRevoked, "The key that asked for this batch is not good any more.");
  if (key->second->spec.content_days == identity::kNoContent)
    return fail(ErrorCode::kForbidden, "The key keeps no content any more, and a batch's answers are content.");
  return identity::Caller{
      .tenant = tenant, .principal = order.owner, .key = key->second, .admin = false, .in_batch = true};
}

class Runner {
 public:
  Runner(Core& core, const jobs::Job& job, jobs::JobContext& context, const BatchTargets& targets)
      : core_(core),
        tenant_(job.tenant),
        id_(job.input.value("batch", "")),
        context_(context),
        targets_(targets),
        ids_(core.clock, core.random) {}

  Result<Json> run() {
    auto row = row_of();
    if (!row) return fail(std::move(row.error()));
    auto record = core_.journal->find(row->record);
    if (!record || record->erased) return Json{{"erased", true}};
    auto order = read_order(*record);
    if (!order) return Json{{"erased", true}};
    order_ = std::move(*order);
    if (row->status == "completed" || row->status == "failed") return Json{{"status", row->status}};
    auto bytes = core_.blobs->get(tenant_, order_.input_blob);
    if (!bytes) return fail(std::move(bytes.error()));
    input_ = read_batch_input(*bytes, order_.endpoint);
    total_ = static_cast<int64_t>(input_.lines.size());
    if (!input_.problems.empty()) return end("failed", {{"errors", input_.problems}});
    if (row->status == "validating") {
      if (auto ok = change("in_progress"); !ok) return fail(std::move(ok.error()));
    }
    auto ended = answer_lines();
    if (!ended) return fail(std::move(ended.error()));
    return make_files(*ended);
  }

 private:
  struct UnderWay {
    size_t line = 0;
    CancelToken cancel;
    std::future<Answered> answer;
  };

  Result<BatchRow> row_of() {
    std::optional<BatchRow> row;
    core_.views->query_blocking([&](journal::Db& db) { row = find_batch(db, tenant_, "", id_); });
    // The views may be a moment behind the record that made this job.
    if (!row) return fail(ErrorCode::kStarting, "The batch isn't in the views yet.");
    return std::move(*row);
  }

  bool is_cancelled() {
    auto row = row_of();
    return row && (row->status == "cancelling" || row->status == "cancelled");
  }

  Status append(journal::Draft draft) {
    draft.actor = order_.actor;
    std::vector<journal::Draft> drafts;
    drafts.push_back(std::move(draft));
    auto written = core_.journal->append_blocking(tenant_, std::move(drafts));
    return written ? Status{} : fail(std::move(written.error()));
  }

  Status change(const std::string& status, Json more = Json::object()) {
    journal::Draft draft;
    draft.stream = "batch/" + id_;
    draft.kind = kBatchStateKind;
    more["status"] = status;
    more["total"] = total_;
    draft.body = dump(more);
    return append(std::move(draft));
  }

  Result<Json> end(const std::string& status, Json more) {
    if (auto ok = change(status, std::move(more)); !ok) return fail(std::move(ok.error()));
    return Json{{"status", status}, {"lines", total_}};
  }

  UnderWay begin(size_t line, const identity::Caller& caller) {
    UnderWay out{.line = line, .cancel = {}, .answer = {}};
    const BatchLine& asked = input_.lines[line];
    Question question{asked.url, dump(asked.body), ids_.make("req"), core_.clock.monotonic_us(), out.cancel};
    out.answer = asio::co_spawn(core_.threads->context(line % core_.threads->count()),
                                ask(core_, targets_.at(asked.url), caller, std::move(question)), asio::use_future);
    return out;
  }

  TimeUs until_of_content() const {
    const auto snapshot = core_.identity->snapshot();
    const auto key = snapshot->keys.find(order_.key);
    return key == snapshot->keys.end() ? 0 : content_until(core_, key->second);
  }

  Status keep(size_t line, const Answered& answer) {
    Json body = {{"line", line},
                 {"good", answer.status >= 200 && answer.status < 400},
                 {"status", answer.status},
                 {"request", answer.request}};
    if (const TimeUs until = until_of_content(); until > 0) body["until_us"] = until;
    journal::Draft draft;
    draft.stream = "batch/" + id_;
    draft.kind = kBatchLineKind;
    draft.label = "outside";
    if (answer.body.size() <= kInlineAnswer) {
      body["body"] = answer.body;
    } else {
      auto blob = core_.blobs->put(tenant_, answer.body);
      if (!blob) return fail(std::move(blob.error()));
      body["blob"] = *blob;
      draft.blobs = {*blob};
    }
    draft.body = dump(body);
    return append(std::move(draft));
  }

  // How it ended: "completed", "expired" or "cancelled". An error: the job is to be tried again.
  Result<std::string> answer_lines() {
    std::set<int64_t> done;
    for (const auto& [line, record] : answers()) done.insert(line);
    std::vector<UnderWay> under_way;
    size_t next = 0;
    std::string ending = "completed";
    while (next < input_.lines.size() || !under_way.empty()) {
      if (ending == "completed") ending = what_ends_it();
      if (ending != "completed") next = input_.lines.size();
      while (next < input_.lines.size() && under_way.size() < kLinesAtOnce) {
        const size_t line = next++;
        if (done.contains(static_cast<int64_t>(line))) continue;
        auto caller = caller_of(core_, tenant_, order_);
        if (!caller) {
          const ErrorInfo& about = info(caller.error().code);
          const Json refusal = {{"error", {{"message", caller.error().message}, {"code", about.name}}}};
          if (auto ok = keep(line, {about.http_status, "", dump(refusal)}); !ok) return fail(std::move(ok.error()));
          continue;
        }
        under_way.push_back(begin(line, *caller));
      }
      if (under_way.empty()) continue;
      if (context_.cancelled() || ending == "cancelled") {
        for (auto& one : under_way) one.cancel.cancel(CancelReason::kClientGone);
      }
      UnderWay first = std::move(under_way.front());
      under_way.erase(under_way.begin());
      const Answered answer = first.answer.get();
      const bool cut = first.cancel.cancelled();
      if (!cut) {
        if (auto ok = keep(first.line, answer); !ok) return fail(std::move(ok.error()));
      }
      if (context_.cancelled()) {
        if (under_way.empty()) return fail(ErrorCode::kShuttingDown, "The server stops; the batch goes on afterwards.");
        next = input_.lines.size();
      }
    }
    return ending;
  }

  std::string what_ends_it() {
    if (core_.clock.now_us() > order_.created_at + kBatchWindowUs) return "expired";
    return is_cancelled() ? "cancelled" : "completed";
  }

  std::vector<std::pair<int64_t, Id>> answers() {
    std::vector<std::pair<int64_t, Id>> out;
    core_.views->query_blocking([&](journal::Db& db) { out = answered_lines(db, tenant_, id_); });
    return out;
  }

  Result<std::string> line_text(int64_t line, const Id& record_id, bool& good) {
    auto record = core_.journal->find(record_id);
    if (!record) return fail(std::move(record.error()));
    const Json kept = read_own(record->body);
    if (!kept.is_object() || static_cast<size_t>(line) >= input_.lines.size()) return std::string();
    std::string body = kept.value("body", "");
    if (kept.contains("blob")) {
      auto bytes = core_.blobs->get(tenant_, kept["blob"].get<std::string>());
      if (!bytes) return fail(std::move(bytes.error()));
      body = std::move(*bytes);
    }
    good = kept.value("good", false);
    const Json parsed = read_own(body);
    const Json out = {{"id", fmt::format("batch_req_{}_{}", id_.substr(id_.find('_') + 1), line)},
                      {"custom_id", input_.lines[static_cast<size_t>(line)].custom_id},
                      {"response",
                       {{"status_code", kept.value("status", 500)},
                        {"request_id", kept.value("request", "")},
                        {"body", parsed.is_discarded() ? Json(body) : parsed}}},
                      {"error", nullptr}};
    return dump(out) + "\n";
  }

  // One append: the files and the end of the batch, so that no kill leaves one without the other.
  Result<Json> make_files(const std::string& ending) {
    if (auto ok = change("finalizing"); !ok) return fail(std::move(ok.error()));
    if (auto ok = wait_for_views(); !ok) return fail(std::move(ok.error()));
    std::string good_lines, bad_lines;
    std::set<int64_t> answered;
    for (const auto& [line, record] : answers()) {
      bool good = false;
      auto text = line_text(line, record, good);
      if (!text) return fail(std::move(text.error()));
      (good ? good_lines : bad_lines) += *text;
      answered.insert(line);
    }
    if (ending != "completed") bad_lines += unanswered(answered, ending);
    std::vector<journal::Draft> drafts;
    Json about = {{"status", ending}, {"total", total_}, {"output_file", ""}, {"error_file", ""}};
    for (auto [bytes, member] : {std::pair{&good_lines, "output_file"}, std::pair{&bad_lines, "error_file"}}) {
      if (bytes->empty()) continue;
      auto draft = file_draft(
          core_, tenant_, ids_,
          {.owner = order_.owner,
           .actor = order_.actor,
           .name = fmt::format("{}_{}.jsonl", id_, member == std::string_view("output_file") ? "output" : "error"),
           .purpose = "batch_output",
           .bytes = std::move(*bytes),
           .expires_at = until_of_content(),
           .batch = id_});
      if (!draft) return fail(std::move(draft.error()));
      about[member] = draft->stream.substr(5);
      drafts.push_back(std::move(*draft));
    }
    journal::Draft last;
    last.stream = "batch/" + id_;
    last.kind = kBatchStateKind;
    last.actor = order_.actor;
    last.body = dump(about);
    drafts.push_back(std::move(last));
    auto written = core_.journal->append_blocking(tenant_, std::move(drafts), journal::Wait::kDurable);
    if (!written) return fail(std::move(written.error()));
    return Json{{"status", ending}, {"lines", total_}, {"answered", answered.size()}};
  }

  std::string unanswered(const std::set<int64_t>& answered, const std::string& ending) const {
    std::string out;
    for (size_t line = 0; line < input_.lines.size(); ++line) {
      if (answered.contains(static_cast<int64_t>(line))) continue;
      const std::string_view why = ending == "expired"
                                       ? "The batch's 24 hours were over before this request was answered."
                                       : "The batch was cancelled before this request was answered.";
      out += dump(Json{{"id", fmt::format("batch_req_{}_{}", id_.substr(id_.find('_') + 1), line)},
                       {"custom_id", input_.lines[line].custom_id},
                       {"response", nullptr},
                       {"error", {{"code", "batch_" + ending}, {"message", why}}}}) +
             "\n";
    }
    return out;
  }

  Status wait_for_views() {
    auto done = asio::co_spawn(core_.threads->context(0), settle_views(core_, tenant_), asio::use_future);
    return done.get();
  }

  Core& core_;
  Id tenant_, id_;
  jobs::JobContext& context_;
  const BatchTargets& targets_;
  IdMaker ids_;
  BatchOrder order_;
  BatchInput input_;
  int64_t total_ = 0;
};

}  // namespace

BatchTargets batch_targets(Core& core) {
  static constexpr std::string_view kUrls[] = {"/v1/chat/completions", "/v1/completions", "/v1/embeddings",
                                               "/v1/responses", "/v1/messages"};
  BatchTargets out;
  for (Endpoint& endpoint : model_api_endpoints(core)) {
    if (endpoint.method != "POST" || std::ranges::find(kUrls, endpoint.pattern) == std::end(kUrls)) continue;
    std::string url = endpoint.pattern;
    out.emplace(std::move(url), std::move(endpoint));
  }
  return out;
}

void register_batch_job(Core& core) {
  auto targets = std::make_shared<BatchTargets>(batch_targets(core));
  core.jobs->handle("batch.run", [&core, targets](const jobs::Job& job, jobs::JobContext& context) {
    return Runner(core, job, context, *targets).run();
  });
}

}  // namespace steward::server
