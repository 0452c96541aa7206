#include "journal/erasure.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <unordered_set>

#include "base/crash_point.h"
#include "base/folder_sync.h"
#include "base/json.h"
#include "journal/schema.h"

namespace steward::journal {
namespace {

constexpr int kErasedSchema = 1;

std::unexpected<Error> log_failure(const HomePaths& paths) {
  return fail(ErrorCode::kStoreUnavailable,
              fmt::format("{} can't be written: {}.", paths.erasures().string(), std::strerror(errno)));
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

}  // namespace

std::set<Seq> erased_seqs(const Record& record) {
  std::set<Seq> out;
  if (record.kind != kErasedKind) return out;
  const Json body = read_own(record.body);
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

std::string Eraser::refusal(const std::string& kind, const ErasureRequest& request) const {
  if (is_kept(kind)) return fmt::format("A record of kind {} holds no content and is kept.", kind);
  if (request.whole || !whole_.contains(kind)) return {};
  return fmt::format("A record of kind {} is erased with its whole stream only: name the stream.", kind);
}

// Breadth first over `sources`. What is not erased by such a request is refused if it was asked for by name, and passed
// over if it was met on the way.
Result<std::vector<Eraser::Target>> Eraser::find_targets(ChainWriter& chain, const Id& tenant,
                                                         const ErasureRequest& request) const {
  const StoredHead* head = chain.find_head(tenant);
  if (!head) return fail(ErrorCode::kNotFound, "There is no such tenant.");
  std::vector<Target> targets;
  std::vector<Id> open = request.ids;
  std::unordered_set<Id> seen(open.begin(), open.end());
  for (size_t i = 0; i < open.size(); ++i) {
    const Id id = open[i];
    const bool asked = i < request.ids.size();
    const auto self = chain.store().by_id(head->number, id);
    const auto drawn =
        request.cascade || self.empty() ? chain.store().by_source(head->number, id) : std::vector<Store::Found>{};
    if (asked && self.empty() && drawn.empty())
      return fail(ErrorCode::kNotFound, fmt::format("There is nothing under {} to erase.", id.substr(0, 80)));
    for (const auto& record : self) {
      const std::string why = refusal(record.kind, request);
      if (asked && !why.empty()) return fail(ErrorCode::kForbidden, why);
      if (!record.erased && why.empty()) targets.push_back({record.id, record.seq});
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

Result<std::vector<Record>> Eraser::erase(ChainWriter& chain, const Id& tenant, const ErasureRequest& request) {
  auto targets = find_targets(chain, tenant, request);
  if (!targets) return fail(targets.error());
  if (targets->empty()) return std::vector<Record>{};
  auto bytes = log(tenant, *targets);
  if (!bytes) return fail(bytes.error());
  crash_point("erase_after_log");
  auto records = write_tombstones(chain, tenant, request, *targets);
  if (records) chain.store().set_meta(kErasuresApplied, *bytes);
  return records;
}

Result<std::vector<Record>> Eraser::write_tombstones(ChainWriter& chain, const Id& tenant,
                                                     const ErasureRequest& request,
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
  auto records = chain.append(tenant, {std::move(draft)});
  if (!records) return records;
  for (const auto& target : targets) chain.tombstone(tenant, target.seq);
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
  bool done = write_all(fd, text) && ::fsync(fd) == 0;
  if (done && size == 0) done = sync_parent(paths_.erasures()).has_value();  // a new file's name
  const int error = errno;
  size = ::lseek(fd, 0, SEEK_END);
  ::close(fd);
  errno = error;
  if (!done) return log_failure(paths_);
  return static_cast<int64_t>(size);
}

Result<size_t> Eraser::apply_line(ChainWriter& chain, std::string_view line) {
  const Json parsed = read_own(line);
  const bool whole = parsed.is_object() && parsed.contains("records") && parsed["records"].is_array() &&
                     parsed.contains("tenant") && parsed["tenant"].is_string();
  if (!whole) return 0;  // torn by a crash
  const Id tenant = parsed["tenant"].get<std::string>();
  const StoredHead* head = chain.find_head(tenant);
  if (!head) return 0;
  std::vector<Target> targets;
  for (const auto& id : parsed["records"]) {
    if (!id.is_string()) continue;
    for (const auto& record : chain.store().by_id(head->number, id.get<std::string>())) {
      if (!record.erased && !is_kept(record.kind)) targets.push_back({record.id, record.seq});
    }
  }
  if (targets.empty()) return 0;
  auto records = write_tombstones(chain, tenant, {.reason = "logged_before"}, targets);
  if (!records) return fail(records.error());
  return targets.size();
}

Result<size_t> Eraser::finish_log(ChainWriter& chain) {
  std::ifstream in(paths_.erasures(), std::ios::binary | std::ios::ate);
  const int64_t size = in ? static_cast<int64_t>(in.tellg()) : 0;
  int64_t applied = chain.store().scan().meta(kErasuresApplied);
  if (applied > size) applied = 0;  // another log was put here: all of it counts
  if (size == 0 || applied == size) return 0;
  in.seekg(applied);
  size_t erased = 0;
  chain.begin();
  for (std::string line; std::getline(in, line);) {
    auto n = apply_line(chain, line);
    if (!n) {
      chain.rollback();
      return fail(n.error());
    }
    erased += *n;
  }
  chain.store().set_meta(kErasuresApplied, size);
  chain.commit();
  return erased;
}

}  // namespace steward::journal
