// Talk's deletion: hidden at once, taken back for a while, then erased by a job: every record of the conversation, its
// attachments, the responses that were made in it, and with them its rows, its words in the index and its blobs.
//
// And what goes by itself: steps of answers that have ended (steps.h) and attachments that were never sent. Looked for
// now and then; a job is made where there is something.
#include "gateway/peek.h"
#include "talk/records.h"
#include "talk/show.h"
#include "talk/talk.h"

namespace steward::talk {
using gateway::peek_integer;
using gateway::peek_text;
namespace {

constexpr std::string_view kJob = "talk.erase", kTidyJob = "talk.tidy";
constexpr DurationUs kStepsUs =
    3600 * kSecondUs;  // an ended answer's stay for so long: one erasure takes those of many
constexpr DurationUs kDayUs = 24 * 3600 * kSecondUs;
constexpr size_t kFilesAtOnce = 500;
constexpr int kRounds = 1'000;  // of one job; the next look makes another
constexpr size_t kPage = 1'000;
constexpr size_t kAtOnce = 5'000;  // records of one erasure: the writer is not held up for longer

// What stands of the streams still, as much as is erased at once: each from its end, so that the first record of the
// last of them goes last. While that stands, the rest is found again.
Result<std::vector<Id>> standing(journal::Journal& journal, const Id& tenant, const std::vector<std::string>& streams) {
  std::vector<Id> out;
  for (const auto& stream : streams) {
    std::vector<Id> all;
    for (uint64_t after = 0;;) {
      auto page = journal.read_stream(tenant, stream, after, kPage);
      if (!page) return fail(std::move(page.error()));
      for (const auto& record : *page) {
        if (!record.erased) all.push_back(record.id);
      }
      if (page->size() < kPage) break;
      after = page->back().version;
    }
    const size_t count = std::min(kAtOnce - out.size(), all.size());
    out.insert(out.end(), all.end() - static_cast<ptrdiff_t>(count), all.end());
    if (out.size() == kAtOnce) break;
  }
  return out;
}

// What answers that are kept for repeats (Idempotency-Key) may tell of, and name as their source.
std::vector<Id> kept_about(const std::vector<std::string>& streams) {
  std::vector<Id> out;
  for (const auto& stream : streams) {
    if (!stream.starts_with("answer/")) out.push_back(stream.substr(stream.find('/') + 1));
  }
  return out;
}

bool caught_up(journal::Views& views, const Id& tenant, journal::Seq written, const jobs::JobContext& context) {
  while (views.applied_seq(tenant) < written) {
    if (context.cancelled()) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace

Task<Result<Json>> Talk::remove(Caller caller, Id id) {
  auto row = co_await own(caller, id);
  if (!row) co_return fail(std::move(row.error()));
  (void)co_await stop_all_in(caller, id);
  const TimeUs now = parts_.services.clock.now_us();
  const TimeUs until = now + parts_.limits().undo_seconds * kSecondUs;
  std::vector<journal::Draft> drafts;
  drafts.push_back(draft_of(caller, conversation_stream(id), kDeleted, {{"until_us", until}}));
  if (auto done = co_await commit(caller.tenant, std::move(drafts)); !done) co_return fail(std::move(done.error()));
  auto job = co_await parts_.jobs.enqueue(caller.tenant, gateway::doer(caller),
                                          {.kind = std::string(kJob),
                                           .lane = jobs::Lane::kPerson,
                                           .input = {{"conversation", id}, {"until_us", until}},
                                           .due_at = until,
                                           .tries = jobs::kMostTries});
  if (!job) co_return fail(std::move(job.error()));
  co_return Json{{"id", id}, {"object", "conversation.deleted"}, {"deleted", true}, {"final_at_us", until}};
}

Task<Result<Json>> Talk::restore(Caller caller, Id id) {
  const auto row = co_await read<std::optional<ConversationRow>>(
      [tenant = caller.tenant, id](journal::Db& db) { return find_conversation(db, tenant, id); });
  const bool gone = row && row->deleted != 0 && row->deleted <= parts_.services.clock.now_us();
  if (!row || row->owner != caller.principal || gone) co_return fail(no_conversation(id));
  if (row->deleted != 0) {
    std::vector<journal::Draft> drafts;
    drafts.push_back(draft_of(caller, conversation_stream(id), kRestored, Json::object()));
    if (auto done = co_await commit(caller.tenant, std::move(drafts)); !done) co_return fail(std::move(done.error()));
  }
  co_return co_await find(std::move(caller), id);
}

void Talk::register_jobs() {
  parts_.jobs.handle(std::string(kJob), [this](const jobs::Job& job, jobs::JobContext& context) {
    return erase_conversation(job, context);
  });
  parts_.jobs.handle(std::string(kTidyJob),
                     [this](const jobs::Job& job, jobs::JobContext& context) { return tidy_up(job, context); });
}

// An attachment that is being read may add what was read meanwhile: looked at again until nothing is left. What comes
// later still is erased by whoever added it (read_attachment).
Task<Status> Talk::erase_streams(Caller caller, std::vector<std::string> streams) {
  for (const auto& thing : kept_about(streams)) {
    if (auto done = co_await store_.erase_drawn_from(caller, thing); !done) co_return done;
  }
  for (;;) {
    auto ids = standing(parts_.services.journal, caller.tenant, streams);
    if (!ids) co_return fail(std::move(ids.error()));
    if (ids->empty()) co_return Status{};
    if (auto done = co_await store_.erase_records(caller, std::move(*ids)); !done) co_return done;
  }
}

// All that hangs on it; the conversation's own last, since while its first record stands it is found again.
std::vector<std::string> Talk::streams_of(journal::Db& db, const Id& tenant, const Id& conversation) const {
  std::vector<std::string> out;
  for (const auto& one : attachments_of(db, tenant, conversation)) out.push_back(attachment_stream(one.id));
  for (const auto& one : answers_kept_in(db, tenant, conversation)) out.push_back(answer_stream(one));
  for (const auto& one : responses_in(db, tenant, conversation)) out.push_back("response/" + one);
  out.push_back(conversation_stream(conversation));
  return out;
}

Task<Result<Json>> Talk::erase(Caller caller, Id id) {
  auto row = co_await own(caller, id);
  if (!row) co_return fail(std::move(row.error()));
  (void)co_await stop_all_in(caller, id);
  (void)co_await parts_.views.wait_applied(caller.tenant, parts_.services.journal.written_seq(caller.tenant));
  const auto streams = co_await read<std::vector<std::string>>(
      [this, tenant = caller.tenant, id](journal::Db& db) { return streams_of(db, tenant, id); });
  if (auto done = co_await erase_streams(caller, streams); !done) co_return fail(std::move(done.error()));
  (void)co_await parts_.views.wait_applied(caller.tenant, parts_.services.journal.written_seq(caller.tenant));
  co_return Json{{"id", id}, {"object", "conversation.deleted"}, {"deleted", true}};
}

// On a job's thread. Only what is deleted still, and by the deletion that made this job.
Result<Json> Talk::erase_conversation(const jobs::Job& job, jobs::JobContext& context) {
  const Id id = peek_text(job.input, "conversation"), tenant = job.tenant;
  auto& journal = parts_.services.journal;
  std::optional<ConversationRow> row;
  std::vector<std::string> streams;
  if (!caught_up(parts_.views, tenant, journal.written_seq(tenant), context)) return fail(ErrorCode::kShuttingDown);
  parts_.views.query_blocking([&](journal::Db& db) {
    row = find_conversation(db, tenant, id);
    streams = streams_of(db, tenant, id);
  });
  const bool due = !row || (row->deleted != 0 && row->deleted == peek_integer(job.input, "until_us"));
  if (!due) return Json{{"erased", 0}, {"reason", "restored"}};
  if (!row) streams.clear();  // an earlier try erased it: its files are left
  size_t erased = 0;
  for (const auto& thing : kept_about(streams)) {
    auto done = journal.erase_blocking(
        tenant, {.ids = {thing}, .cascade = false, .whole = false, .actor = row->owner, .reason = "person_asked"});
    if (!done && done.error().code != ErrorCode::kNotFound) return fail(std::move(done.error()));
  }
  for (;;) {
    auto ids = standing(journal, tenant, streams);
    if (!ids) return fail(std::move(ids.error()));
    if (ids->empty()) break;
    erased += ids->size();
    auto done = journal.erase_blocking(
        tenant,
        {.ids = std::move(*ids), .cascade = false, .actor = row->owner, .on_behalf_of = {}, .reason = "person_asked"});
    if (!done) return fail(std::move(done.error()));
  }
  auto purged = parts_.purge(job, context);
  if (!purged) return purged;
  return Json{{"erased", erased}};
}

Talk::Untidy Talk::untidy(journal::Db& db, const Id& tenant) const {
  const TimeUs now = parts_.services.clock.now_us();
  Untidy out{.steps = superseded_steps(db, tenant, now - kStepsUs, kAtOnce), .files = {}};
  const int64_t days = parts_.limits().unsent_days;
  if (days > 0) out.files = unsent_attachments(db, tenant, now - days * kDayUs, kFilesAtOnce);
  return out;
}

Task<void> Talk::tidy(Id tenant) {
  const auto found = co_await read<Untidy>([this, tenant](journal::Db& db) { return untidy(db, tenant); });
  if (found.steps.empty() && found.files.empty()) co_return;
  auto job = co_await parts_.jobs.enqueue(tenant, Id(), {.kind = std::string(kTidyJob), .once = "due"});
  if (!job)
    parts_.services.log.warn("what Talk no longer needs stays a while", {{"code", info(job.error().code).name}});
}

// On a job's thread.
Result<Json> Talk::tidy_up(const jobs::Job& job, jobs::JobContext& context) {
  auto& journal = parts_.services.journal;
  size_t steps = 0, files = 0;
  for (int round = 0; round < kRounds && !context.cancelled(); ++round) {
    if (!caught_up(parts_.views, job.tenant, journal.written_seq(job.tenant), context)) break;
    Untidy found;
    parts_.views.query_blocking([&](journal::Db& db) { found = untidy(db, job.tenant); });
    if (found.steps.empty() && found.files.empty()) break;
    std::vector<std::string> streams;
    for (const auto& file : found.files) streams.push_back(attachment_stream(file));
    auto ids = standing(journal, job.tenant, streams);
    if (!ids) return fail(std::move(ids.error()));
    for (auto* some : {&found.steps, &*ids}) {
      if (some->empty()) continue;
      const std::string reason = some == &found.steps ? "superseded" : "never_sent";
      auto done = journal.erase_blocking(job.tenant, {.ids = *some, .cascade = false, .reason = reason});
      if (!done && done.error().code != ErrorCode::kNotFound) return fail(std::move(done.error()));
    }
    steps += found.steps.size(), files += found.files.size();
  }
  auto purged = parts_.purge(job, context);
  if (!purged) return purged;
  return Json{{"steps", steps}, {"attachments", files}};
}

}  // namespace steward::talk
