#include "journal/erasure.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <unordered_set>

#include "base/crash_point.h"
#include "base/json.h"
#include "journal/schema.h"

namespace steward::journal {
namespace {

constexpr std::string_view kAppliedKey = "erasures_log_bytes";
constexpr int kErasedSchema = 1;

std::unexpected<Error> log_failure(const HomePaths& paths) {
  return fail(ErrorCode::kStoreUnavailable,
              fmt::format("{} can't be written: {}.", paths.erasures().string(), std::strerror(errno)));
}

void set_applied(Store& store, int64_t bytes) {
  store.db()
      .prepare("INSERT INTO meta VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET value=excluded.value")
      .bind(1, kAppliedKey)
      .bind(2, bytes)
      .run();
}

struct Found {
  Id id;
  Seq seq;
  std::string kind;
  bool erased;
};

std::vector<Found> found_rows(Statement& row) {
  std::vector<Found> out;
  while (row.step()) out.push_back({row.text(0), static_cast<Seq>(row.integer(1)), row.text(2), row.integer(3) != 0});
  return out;
}

std::vector<Found> by_id(Store& store, int64_t tenant, const Id& id) {
  return found_rows(store.db()
                        .prepare("SELECT id, pos & 1099511627775, kind, erased FROM records WHERE id=? AND tenant=?")
                        .bind(1, id)
                        .bind(2, tenant));
}

std::vector<Found> by_source(Store& store, int64_t tenant, const Id& source) {
  return found_rows(
      store.db()
          .prepare(
              "SELECT r.id, r.pos & 1099511627775, r.kind, r.erased FROM sources s JOIN records r ON r.pos = s.pos "
              "WHERE s.source=? AND r.tenant=? ORDER BY r.pos")
          .bind(1, source)
          .bind(2, tenant));
}

}  // namespace

std::set<Seq> erased_seqs(const Record& record) {
  std::set<Seq> out;
  if (record.kind != kErasedKind) return out;
  const Json body = Json::parse(record.body, nullptr, false);
  if (!body.is_object() || !body.contains("seqs") || !body["seqs"].is_array()) return out;
  for (const auto& seq : body["seqs"]) {
    if (seq.is_number_unsigned()) out.insert(seq.get<Seq>());
  }
  return out;
}

bool Eraser::is_kept(std::string_view kind) const {
  if (kind == kErasedKind) return true;
  return std::any_of(kept_.begin(), kept_.end(),
                     [&](const std::string& k) { return k.ends_with('.') ? kind.starts_with(k) : kind == k; });
}

// Breadth first over `sources`. A kept record is never erased; asked for by name it is refused, met on the way it is
// passed over.
Result<std::vector<Eraser::Target>> Eraser::find_targets(Store& store, const Id& tenant,
                                                         const ErasureRequest& request) const {
  const Store::Head* head = store.find_head(tenant);
  if (!head) return fail(ErrorCode::kNotFound, "There is no such tenant.");
  std::vector<Target> targets;
  std::vector<Id> open = request.ids;
  std::unordered_set<Id> seen(open.begin(), open.end());
  for (size_t i = 0; i < open.size(); ++i) {
    const Id id = open[i];
    const bool asked = i < request.ids.size();
    const auto self = by_id(store, head->number, id);
    const auto drawn = request.cascade || self.empty() ? by_source(store, head->number, id) : std::vector<Found>{};
    if (asked && self.empty() && drawn.empty())
      return fail(ErrorCode::kNotFound, fmt::format("There is nothing under {} to erase.", id.substr(0, 80)));
    for (const auto& record : self) {
      if (asked && is_kept(record.kind))
        return fail(ErrorCode::kForbidden,
                    fmt::format("A record of kind {} holds no content and is kept.", record.kind));
      if (!record.erased && !is_kept(record.kind)) targets.push_back({record.id, record.seq});
    }
    for (const auto& record : drawn) {
      if (seen.insert(record.id).second) open.push_back(record.id);
    }
    if (targets.size() > kMaxErasedAtOnce || open.size() > kMaxErasedAtOnce) {
      return fail(ErrorCode::kInvalidRequest,
                  fmt::format("Over {} records hang on this; erase them in parts.", kMaxErasedAtOnce));
    }
  }
  return targets;
}

Result<std::vector<Record>> Eraser::erase(Store& store, const Id& tenant, const ErasureRequest& request) {
  auto targets = find_targets(store, tenant, request);
  if (!targets) return fail(targets.error());
  if (targets->empty()) return std::vector<Record>{};
  auto bytes = log(tenant, *targets);
  if (!bytes) return fail(bytes.error());
  crash_point("erase_after_log");
  auto records = write_tombstones(store, tenant, request, *targets);
  if (records) set_applied(store, *bytes);
  return records;
}

Result<std::vector<Record>> Eraser::write_tombstones(Store& store, const Id& tenant, const ErasureRequest& request,
                                                     const std::vector<Target>& targets) {
  Json body{{"seqs", Json::array()}, {"ids", Json::array()}, {"reason", request.reason}};
  for (const auto& target : targets) {
    body["seqs"].push_back(target.seq);
    body["ids"].push_back(target.id);
  }
  Draft draft{.stream = "erasure/" + tenant,
              .kind = std::string(kErasedKind),
              .body = dump(body),
              .schema = kErasedSchema,
              .actor = request.actor,
              .on_behalf_of = request.on_behalf_of};
  auto records = store.append(tenant, {std::move(draft)});
  if (!records) return records;
  for (const auto& target : targets) store.tombstone(tenant, target.seq);
  return records;
}

// One line an erasure. Its end is synced before the journal commits; a torn last line (a crash while writing) is closed
// by a line end.
Result<int64_t> Eraser::log(const Id& tenant, const std::vector<Target>& targets) {
  Json line{{"time", clock_.now_us()}, {"tenant", tenant}, {"records", Json::array()}};
  for (const auto& target : targets) line["records"].push_back(target.id);
  const int fd = ::open(paths_.erasures().c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return log_failure(paths_);
  off_t size = ::lseek(fd, 0, SEEK_END);
  char last = '\n';
  if (size > 0 && ::pread(fd, &last, 1, size - 1) != 1) last = '\0';
  const std::string text = (last == '\n' ? "" : "\n") + dump(line) + "\n";
  const bool done = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
  const int error = errno;
  size = ::lseek(fd, 0, SEEK_END);
  ::close(fd);
  errno = error;
  if (!done) return log_failure(paths_);
  return static_cast<int64_t>(size);
}

Result<size_t> Eraser::apply_line(Store& store, std::string_view line) {
  const Json parsed = Json::parse(line, nullptr, false);
  if (!parsed.is_object() || !parsed.contains("records") || !parsed["records"].is_array()) return 0;  // torn by a crash
  const Id tenant = parsed.value("tenant", "");
  const Store::Head* head = store.find_head(tenant);
  if (!head) return 0;
  std::vector<Target> targets;
  for (const auto& id : parsed["records"]) {
    if (!id.is_string()) continue;
    for (const auto& record : by_id(store, head->number, id.get<std::string>())) {
      if (!record.erased && !is_kept(record.kind)) targets.push_back({record.id, record.seq});
    }
  }
  if (targets.empty()) return 0;
  auto records = write_tombstones(store, tenant, {.reason = "logged_before"}, targets);
  if (!records) return fail(records.error());
  return targets.size();
}

Result<size_t> Eraser::finish_log(Store& store) {
  std::ifstream in(paths_.erasures(), std::ios::binary | std::ios::ate);
  const int64_t size = in ? static_cast<int64_t>(in.tellg()) : 0;
  int64_t applied = store.db().integer(fmt::format("SELECT value FROM meta WHERE key='{}'", kAppliedKey));
  if (applied > size) applied = 0;  // another log was put here: all of it counts
  if (size == 0 || applied == size) return 0;
  in.seekg(applied);
  size_t erased = 0;
  store.begin();
  for (std::string line; std::getline(in, line);) {
    auto n = apply_line(store, line);
    if (!n) {
      store.rollback();
      return fail(n.error());
    }
    erased += *n;
  }
  set_applied(store, size);
  store.commit();
  return erased;
}

}  // namespace steward::journal
