#include "jobs/state.h"

#include "base/json.h"
#include "journal/db.h"

namespace steward::jobs {
namespace {

constexpr std::pair<JobState, std::string_view> kStates[] = {{JobState::kQueued, "queued"},
                                                             {JobState::kRunning, "running"},
                                                             {JobState::kFinished, "finished"},
                                                             {JobState::kFailed, "failed"},
                                                             {JobState::kCancelled, "cancelled"}};

JobState state_from_text(std::string_view text) {
  for (const auto& [state, known] : kStates) {
    if (known == text) return state;
  }
  return JobState::kFailed;
}

Id job_of(const journal::Record& record) { return record.stream.substr(record.stream.find('/') + 1); }

}  // namespace

std::string_view to_text(JobState state) {
  for (const auto& [known, text] : kStates) {
    if (known == state) return text;
  }
  return "failed";
}

bool is_open(const Job& job) { return job.state == JobState::kQueued || job.state == JobState::kRunning; }

Json to_json(const Job& job) {
  return {{"id", job.id},
          {"tenant", job.tenant},
          {"kind", job.kind},
          {"lane", static_cast<int>(job.lane)},
          {"input", job.input},
          {"state", to_text(job.state)},
          {"epoch", job.epoch},
          {"tries_left", job.tries_left},
          {"due_at", job.due_at},
          {"changed_at", job.changed_at},
          {"progress", job.progress},
          {"result", job.result},
          {"error", job.error}};
}

Job from_json(const Json& json) {
  Job job;
  job.id = json.at("id").get<std::string>();
  job.tenant = json.at("tenant").get<std::string>();
  job.kind = json.at("kind").get<std::string>();
  job.lane = static_cast<Lane>(json.at("lane").get<int>());
  job.input = json.at("input");
  job.state = state_from_text(json.at("state").get<std::string>());
  job.epoch = json.at("epoch").get<int64_t>();
  job.tries_left = json.at("tries_left").get<int64_t>();
  job.due_at = json.at("due_at").get<TimeUs>();
  job.changed_at = json.at("changed_at").get<TimeUs>();
  job.progress = json.at("progress");
  job.result = json.at("result");
  job.error = json.at("error").get<std::string>();
  return job;
}

void fold_into(Job& job, const journal::Record& record) {
  const Json body = record.erased ? Json::object() : parse_own(record.body);
  job.changed_at = record.time;
  if (record.kind == "job.queued") {
    job.id = job_of(record);
    job.tenant = record.tenant;
    job.kind = body.value("kind", "");
    job.lane = static_cast<Lane>(body.value("lane", 1));
    job.input = body.value("input", Json::object());
    job.due_at = body.value("due_at_us", TimeUs{0});
    job.tries_left = body.value("tries", int64_t{0});
    if (record.erased) job.state = JobState::kFailed;
  } else if (record.kind == "job.leased") {
    job.state = JobState::kRunning;
    job.epoch = body.value("epoch", job.epoch + 1);
    --job.tries_left;
  } else if (record.kind == "job.progressed") {
    job.progress = body.value("progress", Json());
  } else if (record.kind == "job.finished") {
    job.state = JobState::kFinished;
    job.result = body.value("result", Json());
  } else if (record.kind == "job.retried") {
    job.state = JobState::kQueued;
    job.error = body.value("error", "");
    job.due_at = body.value("due_at_us", record.time);
  } else if (record.kind == "job.failed") {
    job.state = JobState::kFailed;
    job.error = body.value("error", "");
  } else if (record.kind == "job.cancelled") {
    job.state = JobState::kCancelled;
  }
}

void State::reset() {
  std::scoped_lock lock(mutex_);
  open_.clear();
}

journal::Seq State::load(journal::Db& views, const Id& tenant) {
  const journal::Seq seq = journal::stored_seq(views, kViewName, kViewVersion, tenant);
  if (seq == 0) return 0;
  std::scoped_lock lock(mutex_);
  auto& row = views.prepare("SELECT body FROM jobs_all WHERE tenant=? AND open=1").bind(1, tenant);
  while (row.step()) {
    Job job = from_json(parse_own(row.text(0)));
    open_[job.id] = std::move(job);
  }
  row.reset();
  return seq;
}

void State::apply(const journal::Record& record) {
  if (!record.kind.starts_with("job.")) return;
  const Id id = job_of(record);
  std::scoped_lock lock(mutex_);
  const auto it = open_.find(id);
  if (it == open_.end() && record.kind != "job.queued") return;
  Job& job = it == open_.end() ? open_[id] : it->second;
  fold_into(job, record);
  if (!is_open(job)) open_.erase(id);
}

std::vector<Job> State::open_jobs() const {
  std::scoped_lock lock(mutex_);
  std::vector<Job> all;
  for (const auto& [id, job] : open_) all.push_back(job);
  return all;
}

std::optional<Job> State::find(const Id& job) const {
  std::scoped_lock lock(mutex_);
  const auto it = open_.find(job);
  return it == open_.end() ? std::nullopt : std::optional<Job>(it->second);
}

void JobsView::create(journal::Db& db) {
  db.execute(
      "CREATE TABLE jobs_all(tenant TEXT NOT NULL, id TEXT NOT NULL, open INTEGER NOT NULL, body TEXT NOT NULL, "
      "PRIMARY KEY(tenant,id)) "
      "WITHOUT ROWID; CREATE INDEX jobs_open ON jobs_all(tenant) WHERE open=1;");
}

void JobsView::apply(journal::Db& db, const journal::Record& record) {
  if (!record.kind.starts_with("job.")) return;
  std::optional<Job> job = find_job(db, record.tenant, job_of(record));
  if (!job && record.kind != "job.queued") return;
  if (!job) job.emplace();
  fold_into(*job, record);
  db.prepare("INSERT INTO jobs_all VALUES(?,?,?,?) ON CONFLICT DO UPDATE SET open=excluded.open, body=excluded.body")
      .bind(1, record.tenant)
      .bind(2, job->id)
      .bind(3, is_open(*job) ? 1 : 0)
      .bind(4, dump(to_json(*job)))
      .run();
}

std::optional<Job> find_job(journal::Db& db, const Id& tenant, const Id& id) {
  auto& row = db.prepare("SELECT body FROM jobs_all WHERE tenant=? AND id=?").bind(1, tenant).bind(2, id);
  std::optional<Job> job;
  if (row.step()) job = from_json(parse_own(row.text(0)));
  row.reset();
  return job;
}

std::vector<Job> list_jobs(journal::Db& db, const Id& tenant, size_t limit) {
  auto& row = db.prepare("SELECT body FROM jobs_all WHERE tenant=? ORDER BY id DESC LIMIT ?")
                  .bind(1, tenant)
                  .bind(2, static_cast<int64_t>(limit));
  std::vector<Job> all;
  while (row.step()) all.push_back(from_json(parse_own(row.text(0))));
  row.reset();
  return all;
}

}  // namespace steward::jobs
