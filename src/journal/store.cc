#include "journal/store.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <unordered_set>

#include "journal/schema.h"

namespace steward::journal {
namespace {

constexpr size_t kVersionCacheLimit =
    100'000;                                // streams whose version is kept in memory; over it the cache starts anew
constexpr size_t kRandomPoolBytes = 8'192;  // one call of the generator serves many records

// Ids and names only: no white space (sources are joined by it), no control characters.
bool is_plain(std::string_view text) {
  return text.size() <= kMaxFieldBytes &&
         std::none_of(text.begin(), text.end(), [](unsigned char c) { return c <= ' ' || c == 0x7f; });
}

// A tenant's id names folders too.
bool is_tenant(std::string_view id) {
  return !id.empty() && id.size() <= 64 &&
         std::all_of(id.begin(), id.end(), [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '-'; });
}

Status check_draft(const Draft& d) {
  const auto bad = [&](std::string_view what) {
    return fail(ErrorCode::kInvalidRequest,
                fmt::format("A record of kind '{}' was refused: {}.", d.kind.substr(0, 64), what));
  };
  if (d.stream.empty() || d.kind.empty()) return bad("it needs a stream and a kind");
  for (const std::string* field : {&d.stream, &d.kind, &d.id, &d.actor, &d.on_behalf_of, &d.cause, &d.acl, &d.label}) {
    if (!is_plain(*field)) return bad("a header field is too long or holds white space");
  }
  if (d.sources.size() > kMaxSources || d.blobs.size() > kMaxBlobsPerRecord)
    return bad("it names too many sources or blobs");
  for (const auto& source : d.sources) {
    if (source.empty() || !is_plain(source)) return bad("a source is no id");
  }
  if (d.schema == 0) return bad("schema numbers begin at 1");
  if (d.body.size() > kMaxBodyBytes)
    return bad(fmt::format("its body is over {} bytes; large content is a blob", kMaxBodyBytes));
  if (!Json::accept(d.body)) return bad("its body is not JSON");
  return {};
}

}  // namespace

Store::Store(std::filesystem::path path, const char* vfs, Clock& clock, Random& random, BlobCheck blob_stored)
    : path_(std::move(path)), vfs_(vfs), clock_(clock), random_(random), blob_stored_(std::move(blob_stored)) {}

void Store::open() {
  close();
  Db db = open_journal_db(path_, Db::Mode::kReadWrite, vfs_);
  migrate_journal(db);
  db_.emplace(std::move(db));
}

void Store::close() {
  forget();
  in_group_ = false;
  db_.reset();
}

void Store::forget() {
  heads_.clear();
  versions_.clear();
}

void Store::begin() {
  db_->prepare("BEGIN IMMEDIATE").run();
  in_group_ = true;
}

void Store::commit() {
  for (auto& [tenant, head] : heads_) {
    if (!head.changed) continue;
    db_->prepare("UPDATE tenants SET seq=?2, digest=?3 WHERE number=?1")
        .bind(1, head.number)
        .bind(2, head.seq)
        .bind_blob(3, head.digest)
        .run();
  }
  db_->prepare("COMMIT").run();
  for (auto& [tenant, head] : heads_) head.changed = false;
  in_group_ = false;
}

void Store::rollback() noexcept {
  forget();
  if (!in_group_ || !db_) return;
  in_group_ = false;
  try {
    db_->execute("ROLLBACK");
  } catch (const DbError&) {  // SQLite rolls back by itself upon some I/O errors
  }
}

void Store::probe() {
  db_->execute("BEGIN IMMEDIATE");
  in_group_ = true;
  db_->execute("INSERT INTO meta VALUES('probe', 1) ON CONFLICT(key) DO UPDATE SET value=value+1");
  db_->execute("COMMIT");
  in_group_ = false;
}

Store::Head* Store::find_head(const Id& tenant) {
  if (auto it = heads_.find(tenant); it != heads_.end()) return &it->second;
  auto& row = db_->prepare("SELECT number, seq, digest FROM tenants WHERE id=?").bind(1, tenant);
  if (!row.step()) return nullptr;
  Head head{row.integer(0), static_cast<Seq>(row.integer(1)), row.blob(2), false};
  row.reset();
  return &heads_.emplace(tenant, std::move(head)).first->second;
}

Store::Head& Store::head_for(const Id& tenant) {
  if (Head* head = find_head(tenant)) return *head;
  db_->prepare("INSERT INTO tenants(id, seq, digest) VALUES(?, 0, ?)")
      .bind(1, tenant)
      .bind_blob(2, ChainHasher::first_previous())
      .run();
  return *find_head(tenant);
}

std::vector<std::pair<Id, Seq>> Store::changed_heads() const {
  std::vector<std::pair<Id, Seq>> out;
  for (const auto& [tenant, head] : heads_) {
    if (head.changed) out.emplace_back(tenant, head.seq);
  }
  return out;
}

uint64_t& Store::stream_version(int64_t tenant_number, const std::string& stream) {
  StreamKey key{tenant_number, stream};
  if (auto it = versions_.find(key); it != versions_.end()) return it->second;
  if (versions_.size() >= kVersionCacheLimit) versions_.clear();
  auto& row = db_->prepare("SELECT max(version) FROM records WHERE tenant=? AND stream=?")
                  .bind(1, tenant_number)
                  .bind(2, stream);
  row.step();
  const auto version = static_cast<uint64_t>(row.integer(0));
  row.reset();
  return versions_.emplace(std::move(key), version).first->second;
}

Status Store::check(const Id& tenant, const std::vector<Draft>& drafts) {
  if (!is_tenant(tenant)) return fail(ErrorCode::kInvalidRequest, "A record needs a tenant.");
  if (drafts.size() > kMaxDraftsPerAppend) return fail(ErrorCode::kInvalidRequest, "Too many records in one append.");
  std::unordered_set<std::string_view> ids;
  for (const auto& draft : drafts) {
    if (auto s = check_draft(draft); !s) return s;
    if (!draft.id.empty()) {
      auto& row = db_->prepare("SELECT 1 FROM records WHERE id=?").bind(1, draft.id);
      const bool known = row.step();
      row.reset();
      if (known || !ids.insert(draft.id).second)
        return fail(ErrorCode::kConflict, fmt::format("A record {} is already there.", draft.id));
    }
    for (const auto& blob : draft.blobs) {
      if (!blob_stored_(tenant, blob))
        return fail(ErrorCode::kConflict, fmt::format("The blob {} is not stored: put it again.", blob.substr(0, 80)));
    }
  }
  return {};
}

Status Store::check_versions(const Head& head, const std::vector<Draft>& drafts) {
  for (const auto& draft : drafts) {
    if (!draft.expected_version) continue;
    const uint64_t version = stream_version(head.number, draft.stream);
    if (version != *draft.expected_version) {
      return fail(ErrorCode::kConflict, fmt::format("{} was changed meanwhile; read it again and retry.", draft.stream),
                  {{"stream", draft.stream}, {"version", version}, {"expected", *draft.expected_version}});
    }
  }
  return {};
}

Result<std::vector<Record>> Store::append(const Id& tenant, std::vector<Draft> drafts) {
  std::vector<Record> records;
  if (drafts.empty()) return records;
  if (auto s = check(tenant, drafts); !s) return fail(s.error());
  Head& head = head_for(tenant);
  if (auto s = check_versions(head, drafts); !s) return fail(s.error());
  records.reserve(drafts.size());
  for (auto& draft : drafts) {
    records.push_back(complete(tenant, head, draft));
    insert(head, records.back(), draft.blobs);
  }
  return records;
}

Record Store::complete(const Id& tenant, const Head& head, Draft& draft) {
  Record r;
  r.tenant = tenant;
  r.seq = head.seq + 1;
  r.time = draft.time ? draft.time : clock_.now_us();
  r.id = draft.id.empty() ? "rec_" + ulid(r.time, random_bytes(10)) : std::move(draft.id);
  r.stream = std::move(draft.stream);
  r.version = stream_version(head.number, r.stream) + 1;
  r.kind = std::move(draft.kind);
  r.schema = draft.schema;
  r.actor = std::move(draft.actor);
  r.on_behalf_of = std::move(draft.on_behalf_of);
  r.cause = std::move(draft.cause);
  r.sources = std::move(draft.sources);
  r.acl = std::move(draft.acl);
  r.label = std::move(draft.label);
  r.body = std::move(draft.body);
  r.salt = random_bytes(kSaltBytes);
  r.body_digest = hasher_.body_digest(r.salt, r.body);
  r.digest = hasher_.digest(head.digest, r);
  return r;
}

void Store::insert(Head& head, const Record& r, const std::vector<std::string>& blobs) {
  if (r.seq > static_cast<Seq>(kLargestSeq)) throw DbError(0, "The tenant's chain is full.");
  const int64_t pos = position(head.number, r.seq);
  db_->prepare("INSERT INTO records VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,0,?16,?17,?18)")
      .bind(1, pos)
      .bind(2, head.number)
      .bind(3, r.id)
      .bind(4, r.stream)
      .bind(5, r.version)
      .bind(6, r.kind)
      .bind(7, int64_t{r.schema})
      .bind(8, r.time)
      .bind(9, r.actor)
      .bind(10, r.on_behalf_of)
      .bind(11, r.cause)
      .bind(12, join_sources(r.sources))
      .bind(13, r.acl)
      .bind(14, r.label)
      .bind_blob(15, r.body)
      .bind_blob(16, r.salt)
      .bind_blob(17, r.body_digest)
      .bind_blob(18, r.digest)
      .run();
  for (const auto& source : r.sources) {
    db_->prepare("INSERT OR IGNORE INTO sources VALUES(?,?)").bind(1, source).bind(2, pos).run();
  }
  for (const auto& blob : blobs) {
    db_->prepare("INSERT OR IGNORE INTO blob_refs VALUES(?,?,?)").bind(1, head.number).bind(2, blob).bind(3, pos).run();
  }
  stream_version(head.number, r.stream) = r.version;
  head.seq = r.seq;
  head.digest = r.digest;
  head.changed = true;
}

void Store::tombstone(const Id& tenant, Seq seq) {
  const int64_t pos = position(find_head(tenant)->number, seq);
  db_->prepare("UPDATE records SET body=NULL, salt=NULL, erased=1 WHERE pos=? AND erased=0").bind(1, pos).run();
  db_->prepare("INSERT OR IGNORE INTO doomed_blobs SELECT tenant, blob FROM blob_refs WHERE pos=?").bind(1, pos).run();
  db_->prepare("DELETE FROM blob_refs WHERE pos=?").bind(1, pos).run();
}

std::string Store::random_bytes(size_t n) {
  if (random_used_ + n > random_pool_.size()) {
    random_pool_ = random_.bytes(kRandomPoolBytes);
    random_used_ = 0;
  }
  random_used_ += n;
  return random_pool_.substr(random_used_ - n, n);
}

}  // namespace steward::journal
