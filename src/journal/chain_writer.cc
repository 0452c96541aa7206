#include "journal/chain_writer.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <unordered_set>

#include "base/json.h"
#include "base/text.h"
#include "journal/schema.h"

namespace steward::journal {
namespace {

constexpr size_t kVersionCacheLimit =
    100'000;                                // streams whose version is kept in memory; over it the cache starts anew
constexpr size_t kRandomPoolBytes = 8'192;  // one call of the generator serves many records

// Ids and names only: no white space (sources are joined by it), no control characters, valid UTF-8 (a database of text
// and every export need it).
bool is_plain(std::string_view text) {
  return text.size() <= kMaxFieldBytes &&
         std::none_of(text.begin(), text.end(), [](unsigned char c) { return c <= ' ' || c == 0x7f; }) &&
         (std::none_of(text.begin(), text.end(), [](unsigned char c) { return c >= 0x80; }) || is_valid_utf8(text));
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
    if (!is_plain(*field)) return bad("a header field is too long, holds white space or is not UTF-8");
  }
  if (d.sources.size() > kMaxSources || d.blobs.size() > kMaxBlobsPerRecord)
    return bad("it names too many sources or blobs");
  for (const auto& source : d.sources) {
    if (source.empty() || !is_plain(source)) return bad("a source is no id");
  }
  if (d.schema == 0) return bad("schema numbers begin at 1");
  if (d.body.size() > kMaxBodyBytes)
    return bad(fmt::format("its body is over {} bytes; large content is a blob", kMaxBodyBytes));
  if (!is_json(d.body)) return bad("its body is not JSON");
  return {};
}

}  // namespace

ChainWriter::ChainWriter(Store& store, Clock& clock, Random& random, const std::vector<std::string>& kinds,
                         BlobCheck blob_stored)
    : store_(store),
      clock_(clock),
      random_(random),
      kinds_(kinds.begin(), kinds.end()),
      blob_stored_(std::move(blob_stored)) {}

void ChainWriter::forget() {
  heads_.clear();
  versions_.clear();
}

void ChainWriter::begin() {
  if (versions_.size() >= kVersionCacheLimit) versions_.clear();
  store_.begin();
}

void ChainWriter::commit() {
  store_.commit(changed_heads());
  for (auto& [tenant, head] : heads_) head.changed = false;
}

void ChainWriter::rollback() noexcept {
  forget();
  store_.rollback();
}

ChainWriter::Head* ChainWriter::cached_head(const Id& tenant) {
  if (auto it = heads_.find(tenant); it != heads_.end()) return &it->second;
  auto stored = store_.find_head(tenant);
  if (!stored) return nullptr;
  return &heads_.emplace(tenant, Head{std::move(*stored), false}).first->second;
}

const StoredHead* ChainWriter::find_head(const Id& tenant) { return cached_head(tenant); }

ChainWriter::Head& ChainWriter::head_for(const Id& tenant) {
  if (Head* head = cached_head(tenant)) return *head;
  return heads_.emplace(tenant, Head{store_.add_tenant(tenant), false}).first->second;
}

std::vector<StoredHead> ChainWriter::changed_heads() const {
  std::vector<StoredHead> out;
  for (const auto& [tenant, head] : heads_) {
    if (head.changed) out.push_back(head);
  }
  return out;
}

Status ChainWriter::check(const Id& tenant, const std::vector<Draft>& drafts) const {
  if (!is_tenant(tenant)) return fail(ErrorCode::kInvalidRequest, "A record needs a tenant.");
  if (drafts.size() > kMaxDraftsPerAppend) return fail(ErrorCode::kInvalidRequest, "Too many records in one append.");
  std::unordered_set<std::string_view> ids;
  for (const auto& draft : drafts) {
    if (auto s = check_draft(draft); !s) return s;
    if (!kinds_.empty() && !kinds_.contains(draft.kind))
      return fail(ErrorCode::kInternal,
                  fmt::format("No list names the kind '{}' (journal/record_kind.h): it was not written.", draft.kind));
    if (!draft.id.empty() && !ids.insert(draft.id).second)
      return fail(ErrorCode::kConflict, fmt::format("A record {} is already there.", draft.id));
    for (const auto& blob : draft.blobs) {
      if (!blob_stored_(tenant, blob))
        return fail(ErrorCode::kConflict, fmt::format("The blob {} is not stored: put it again.", blob.substr(0, 80)));
    }
  }
  return {};
}

Status ChainWriter::look_up(const Head* head, const std::vector<Draft>& drafts) {
  std::vector<std::string> streams;
  std::vector<Id> ids;
  for (const auto& draft : drafts) {
    if (!draft.id.empty()) ids.push_back(draft.id);
    if (head && !versions_.contains({head->number, draft.stream})) streams.push_back(draft.stream);
  }
  if (streams.empty() && ids.empty()) return {};
  const auto known = store_.look_up(head ? head->number : 0, streams, ids);
  if (!known.record.empty())
    return fail(ErrorCode::kConflict, fmt::format("A record {} is already there.", known.record));
  for (size_t i = 0; i < streams.size(); ++i) versions_[{head->number, streams[i]}] = known.versions[i];
  return {};
}

Status ChainWriter::check_versions(const Head* head, const std::vector<Draft>& drafts) {
  for (const auto& draft : drafts) {
    if (!draft.expected_version) continue;
    const uint64_t version = head ? stream_version(head->number, draft.stream) : 0;
    if (version != *draft.expected_version) {
      return fail(ErrorCode::kConflict, fmt::format("{} was changed meanwhile; read it again and retry.", draft.stream),
                  {{"stream", draft.stream}, {"version", version}, {"expected", *draft.expected_version}});
    }
  }
  return {};
}

Result<std::vector<Record>> ChainWriter::append(const Id& tenant, std::vector<Draft> drafts) {
  std::vector<Record> records;
  if (drafts.empty()) return records;
  if (auto s = check(tenant, drafts); !s) return fail(s.error());
  const Head* known = cached_head(tenant);
  if (auto s = look_up(known, drafts); !s) return fail(s.error());
  if (auto s = check_versions(known, drafts); !s) return fail(s.error());
  Head& head = head_for(tenant);
  records.reserve(drafts.size());
  for (auto& draft : drafts) {
    records.push_back(complete(tenant, head, draft));
    insert(head, records.back(), draft.blobs);
  }
  return records;
}

Record ChainWriter::complete(const Id& tenant, const Head& head, Draft& draft) {
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

void ChainWriter::insert(Head& head, const Record& r, const std::vector<std::string>& blobs) {
  if (r.seq > static_cast<Seq>(kLargestSeq)) throw DbError(0, "The tenant's chain is full.");
  store_.insert(head, r, blobs, Erasure::kNone);
  stream_version(head.number, r.stream) = r.version;
  head.seq = r.seq;
  head.digest = r.digest;
  head.changed = true;
}

void ChainWriter::tombstone(const Id& tenant, Seq seq) { store_.tombstone(cached_head(tenant)->number, seq); }

std::string ChainWriter::random_bytes(size_t n) {
  if (random_used_ + n > random_pool_.size()) {
    random_pool_ = random_.bytes(kRandomPoolBytes);
    random_used_ = 0;
  }
  random_used_ += n;
  return random_pool_.substr(random_used_ - n, n);
}

}  // namespace steward::journal
