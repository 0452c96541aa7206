#include "server/batches/runner.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>

#include "base/json.h"
#include "server/batches/posted.h"

namespace steward::server {
namespace {

constexpr DurationUs kFirstLookUs = 2 * kSecondUs,
                     kLastLookUs = 300 * kSecondUs;  // between looks at providers' batches
constexpr size_t kGatheredAtOnce = 64;               // lines between two looks at whether the batch was cancelled

class Runner {
 public:
  Runner(Core& core, const jobs::Job& job, jobs::JobContext& context, const BatchTargets& targets)
      : core_(core),
        tenant_(job.tenant),
        id_(job.input.value("batch", "")),
        looks_once_(job.input.value("alone", false)),
        context_(context),
        targets_(targets),
        keeping_(core, tenant_, id_),
        ids_(core.clock, core.random) {}

  // What an earlier run wrote down is in the views before anything is asked anew.
  Result<Json> run() {
    if (auto ok = wait(settle_views(core_, tenant_)); !ok) return fail(std::move(ok.error()));
    auto row = keeping_.row();
    if (!row) return fail(std::move(row.error()));
    auto record = core_.journal->find(row->record);
    if (!record || record->erased) return Json{{"erased", true}};
    auto order = read_order(*record);
    if (!order) return Json{{"erased", true}};
    order_ = std::move(*order);
    if (has_ended(row->status)) return Json{{"status", row->status}};
    auto bytes = core_.blobs->get(tenant_, order_.input_blob);
    if (!bytes) return fail(std::move(bytes.error()));
    input_ = read_batch_input(*bytes, order_.endpoint);
    keeping_.begin(order_, input_.lines.size());
    if (!input_.problems.empty()) return end("failed", {{"errors", input_.problems}});
    if (row->status == "validating") {
      if (auto ok = wait(keeping_.change("in_progress")); !ok) return fail(std::move(ok.error()));
    }
    return answer();
  }

 private:
  struct UnderWay {
    size_t line = 0;
    CancelToken cancel;
    std::future<Answered> answer;
  };

  // Posts, asks live, looks at what is with providers. Whichever run comes next goes on where this one ended.
  Result<Json> answer() {
    auto sent = keeping_.sent(false);
    if (!sent) return fail(std::move(sent.error()));
    std::set<int64_t> begun = answered();
    for (const Sent& one : *sent) {
      for (const SentLine& line : one.lines) begun.insert(static_cast<int64_t>(line.line));
    }
    std::vector<size_t> lines;
    for (size_t line = 0; line < input_.lines.size(); ++line) {
      if (!begun.contains(static_cast<int64_t>(line))) lines.push_back(line);
    }
    PostedLines posted(core_, targets_, keeping_, input_);
    for (std::span<const size_t> left(lines);
         !left.empty() && what_ends_it() == "completed" && !context_.cancelled();) {
      const auto some = left.first(std::min(kGatheredAtOnce, left.size()));
      if (auto ok = wait(posted.gather(some)); !ok) return fail(std::move(ok.error()));
      left = left.subspan(some.size());
    }
    auto live = wait(posted.post());
    if (!live) return fail(std::move(live.error()));
    auto ending = answer_live(std::move(*live));
    if (!ending) return fail(std::move(ending.error()));
    if (context_.cancelled()) return fail(ErrorCode::kShuttingDown, "The server stops; the batch goes on afterwards.");
    return look(posted, std::move(*ending));
  }

  Result<Json> look(PostedLines& posted, std::string ending) {
    if (auto ok = wait(settle_views(core_, tenant_)); !ok) return fail(std::move(ok.error()));
    auto open = keeping_.sent(true);
    if (!open) return fail(std::move(open.error()));
    const TimeUs now = core_.clock.now_us();
    TimeUs oldest = now;
    for (const Sent& one : *open) oldest = std::min(oldest, one.at);
    auto over = wait(posted.look(std::move(*open), answered(), ending != "completed"));
    if (!over) return fail(std::move(over.error()));
    const bool given_up = now > order_.created_at + kBatchWindowUs + kPostedGraceUs;
    if (*over || given_up) return make_files(ending);
    return looks_once_ ? Json{{"status", "waiting"}}
                       : look_again(now, std::clamp((now - oldest) / 20, kFirstLookUs, kLastLookUs));
  }

  Result<Json> look_again(TimeUs now, DurationUs after) {
    auto job = wait(core_.jobs->enqueue(tenant_, order_.actor,
                                        {.kind = std::string(kBatchLookJob),
                                         .lane = jobs::Lane::kBulk,
                                         .input = {{"batch", id_}},
                                         .due_at = now + after,
                                         .tries = jobs::kMostTries,
                                         .once = fmt::format("{}/{}", id_, now)}));
    if (!job) return fail(std::move(job.error()));
    return Json{{"status", "waiting"}};
  }

  template <class T>
  T wait(Task<T> task) {
    return asio::co_spawn(core_.threads->context(0), std::move(task), asio::use_future).get();
  }

  std::set<int64_t> answered() {
    std::set<int64_t> out;
    for (const auto& [line, record] : keeping_.answers()) out.insert(line);
    return out;
  }

  bool is_cancelled() {
    auto row = keeping_.row();
    return row && (row->status == "cancelling" || row->status == "cancelled");
  }

  Result<Json> end(const std::string& status, Json more) {
    if (auto ok = wait(keeping_.change(status, std::move(more))); !ok) return fail(std::move(ok.error()));
    return Json{{"status", status}, {"lines", keeping_.total()}};
  }

  UnderWay begin(size_t line, const identity::Caller& caller) {
    UnderWay out{.line = line, .cancel = {}, .answer = {}};
    const BatchLine& asked = input_.lines[line];
    Question question{asked.url, dump(asked.body), ids_.make("req"), core_.clock.monotonic_us(), out.cancel};
    out.answer = asio::co_spawn(core_.threads->context(line % core_.threads->count()),
                                ask(core_, targets_.at(asked.url), caller, std::move(question)), asio::use_future);
    return out;
  }

  Status refuse(size_t line, const Error& error) {
    const ErrorInfo& about = info(error.code);
    const Json refusal = {{"error", {{"message", error.message}, {"code", about.name}}}};
    return wait(keeping_.keep(line, {about.http_status, "", dump(refusal)}));
  }

  // How it ended: "completed", "expired" or "cancelled". An error: the job is to be tried again.
  Result<std::string> answer_live(std::vector<size_t> lines) {
    std::vector<UnderWay> under_way;
    size_t next = 0;
    std::string ending = what_ends_it();
    while (next < lines.size() || !under_way.empty()) {
      if (ending == "completed") ending = what_ends_it();
      if (ending != "completed" || context_.cancelled()) next = lines.size();
      while (next < lines.size() && under_way.size() < kLinesAtOnce) {
        const size_t line = lines[next++];
        auto caller = caller_of(core_, tenant_, order_);
        if (caller) {
          under_way.push_back(begin(line, *caller));
        } else if (auto ok = refuse(line, caller.error()); !ok) {
          return fail(std::move(ok.error()));
        }
      }
      if (under_way.empty()) continue;
      if (context_.cancelled() || ending == "cancelled") {
        for (auto& one : under_way) one.cancel.cancel(CancelReason::kClientGone);
      }
      UnderWay first = std::move(under_way.front());
      under_way.erase(under_way.begin());
      const Answered answer = first.answer.get();
      if (first.cancel.cancelled()) continue;
      if (auto ok = wait(keeping_.keep(first.line, answer)); !ok) return fail(std::move(ok.error()));
    }
    return ending;
  }

  std::string what_ends_it() {
    if (core_.clock.now_us() > order_.created_at + kBatchWindowUs) return "expired";
    return is_cancelled() ? "cancelled" : "completed";
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
    if (auto ok = wait(keeping_.change("finalizing")); !ok) return fail(std::move(ok.error()));
    if (auto ok = wait(settle_views(core_, tenant_)); !ok) return fail(std::move(ok.error()));
    std::string good_lines, bad_lines;
    std::set<int64_t> answered;
    for (const auto& [line, record] : keeping_.answers()) {
      bool good = false;
      auto text = line_text(line, record, good);
      if (!text) return fail(std::move(text.error()));
      (good ? good_lines : bad_lines) += *text;
      answered.insert(line);
    }
    bad_lines += unanswered(answered, ending);
    std::vector<journal::Draft> drafts;
    Json about = {{"status", ending}, {"total", keeping_.total()}, {"output_file", ""}, {"error_file", ""}};
    for (auto [bytes, member] : {std::pair{&good_lines, "output_file"}, std::pair{&bad_lines, "error_file"}}) {
      if (bytes->empty()) continue;
      auto draft = file_draft(
          core_, tenant_, ids_,
          {.owner = order_.owner,
           .actor = order_.actor,
           .name = fmt::format("{}_{}.jsonl", id_, member == std::string_view("output_file") ? "output" : "error"),
           .purpose = "batch_output",
           .bytes = std::move(*bytes),
           .expires_at = keeping_.until_of_content(),
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
    return Json{{"status", ending}, {"lines", keeping_.total()}, {"answered", answered.size()}};
  }

  static std::pair<std::string_view, std::string_view> why_unanswered(const std::string& ending) {
    if (ending == "expired")
      return {"batch_expired", "The batch's 24 hours were over before this request was answered."};
    if (ending == "cancelled") return {"batch_cancelled", "The batch was cancelled before this request was answered."};
    return {"batch_unanswered", "The provider's own batch ended without an answer to this request."};
  }

  std::string unanswered(const std::set<int64_t>& answered, const std::string& ending) const {
    const auto [code, why] = why_unanswered(ending);
    std::string out;
    for (size_t line = 0; line < input_.lines.size(); ++line) {
      if (answered.contains(static_cast<int64_t>(line))) continue;
      out += dump(Json{{"id", fmt::format("batch_req_{}_{}", id_.substr(id_.find('_') + 1), line)},
                       {"custom_id", input_.lines[line].custom_id},
                       {"response", nullptr},
                       {"error", {{"code", code}, {"message", why}}}}) +
             "\n";
    }
    return out;
  }

  Core& core_;
  Id tenant_, id_;
  bool looks_once_;  // beside the looks that follow each other
  jobs::JobContext& context_;
  const BatchTargets& targets_;
  BatchKeeping keeping_;
  IdMaker ids_;
  BatchOrder order_;
  BatchInput input_;
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
  for (const std::string_view kind : {kBatchRunJob, kBatchLookJob}) {
    core.jobs->handle(std::string(kind), [&core, targets](const jobs::Job& job, jobs::JobContext& context) {
      return Runner(core, job, context, *targets).run();
    });
  }
}

}  // namespace steward::server
