#include "journal/audit.h"

#include <fmt/format.h>

#include <map>
#include <memory>
#include <set>

#include "base/crypto.h"
#include "base/json.h"
#include "journal/digest.h"
#include "journal/erasure.h"
#include "journal/scan.h"

namespace steward::journal {
namespace {

constexpr size_t kPage = 1'000;

std::string text_of(const Json& object, const char* name) { return object.at(name).get<std::string>(); }

// get<>() would make some number of any: of -1, 1.5 and 1e300 too.
bool has_whole_numbers(const Json& object) {
  for (const char* name : {"seq", "version", "schema"}) {
    if (!object.at(name).is_number_unsigned()) return false;
  }
  const Json& time = object.at("time_us");
  return object.at("schema").get<uint64_t>() <= UINT32_MAX && time.is_number_integer() &&
         (!time.is_number_unsigned() || time.get<uint64_t>() <= static_cast<uint64_t>(INT64_MAX));
}

Result<std::string> digest_of(const Json& object, const char* name) {
  auto bytes = from_hex(text_of(object, name));
  if (bytes && bytes->size() != kDigestBytes)
    return fail(ErrorCode::kInvalidRequest, fmt::format("'{}' is not 32 bytes.", name));
  return bytes;
}

}  // namespace

struct ChainChecker::State {
  struct Tenant {
    Head head;
    std::set<Seq> erased, explained;
  };
  ChainHasher hasher;
  std::map<Id, Tenant> tenants;
};

ChainChecker::ChainChecker() : state_(std::make_unique<State>()) {}
ChainChecker::~ChainChecker() = default;

std::string ChainChecker::check(const Record& record, bool with_body) {
  auto [it, is_new] = state_->tenants.try_emplace(record.tenant);
  auto& tenant = it->second;
  if (is_new) tenant.head = {record.tenant, 0, ChainHasher::first_previous()};
  if (record.seq != tenant.head.seq + 1)
    return fmt::format("record {} follows {}: records are missing or out of order", record.seq, tenant.head.seq);
  if (record.erased) {
    if (!record.body.empty() || !record.salt.empty()) return "it is marked erased but has a body or a salt";
    tenant.erased.insert(record.seq);
  } else if (with_body && state_->hasher.body_digest(record.salt, record.body) != record.body_digest) {
    return "its body is not what was recorded";
  }
  if (state_->hasher.digest(tenant.head.digest, record) != record.digest)
    return "its header, or the chain before it, is not what was recorded";
  tenant.head.seq = record.seq;
  tenant.head.digest = record.digest;
  if (record.kind == kErasedKind) tenant.explained.merge(erased_seqs(record));
  return {};
}

Seq ChainChecker::first_unexplained(const Id& tenant) const {
  const auto it = state_->tenants.find(tenant);
  if (it == state_->tenants.end()) return 0;
  for (Seq seq : it->second.erased) {
    if (!it->second.explained.contains(seq)) return seq;
  }
  return 0;
}

Head ChainChecker::head(const Id& tenant) const {
  const auto it = state_->tenants.find(tenant);
  return it == state_->tenants.end() ? Head{tenant, 0, ""} : it->second.head;
}

namespace {

struct Verification {
  Scan& scan;
  const std::vector<Head>& witnessed;
  VerifyReport report;
  ChainChecker checker;

  bool bad(const Id& tenant, Seq seq, std::string problem) {
    report.ok = false;
    report.tenant = tenant;
    report.seq = seq;
    report.problem = std::move(problem);
    return false;
  }

  bool witness_agrees(const Record& record) {
    for (const auto& head : witnessed) {
      if (head.tenant == record.tenant && head.seq == record.seq && head.digest != record.digest) {
        return bad(record.tenant, record.seq, "its digest is not what the witness keeps");
      }
    }
    return true;
  }

  bool walk(const Id& tenant) {
    for (Seq at = 0;;) {
      const auto page = scan.page(tenant, at, kPage);
      if (page.empty()) return true;
      for (const auto& record : page) {
        if (auto problem = checker.check(record, true); !problem.empty())
          return bad(tenant, record.seq, std::move(problem));
        if (!witness_agrees(record)) return false;
        ++report.records;
        report.erased += record.erased;
      }
      at = page.back().seq;
    }
  }

  bool tenant_holds(const Head& stored) {
    if (!walk(stored.tenant)) return false;
    const Head found = checker.head(stored.tenant);
    if (found.seq != stored.seq)
      return bad(stored.tenant, found.seq + 1,
                 fmt::format("the chain ends at {}, its head says {}", found.seq, stored.seq));
    if (found.seq > 0 && found.digest != stored.digest)
      return bad(stored.tenant, found.seq, "the head's digest is not the last record's");
    if (const Seq seq = checker.first_unexplained(stored.tenant))
      return bad(stored.tenant, seq, "its content is gone, but no record says that it was erased");
    for (const auto& head : witnessed) {
      if (head.tenant == stored.tenant && head.seq > found.seq)
        return bad(stored.tenant, found.seq + 1, fmt::format("the witness has seen record {}", head.seq));
    }
    if (found.seq > 0) report.heads.push_back(found);
    return true;
  }

  void run() {
    const std::string problem = scan.self_check();
    std::vector<Head> heads;
    for (auto& head : scan.heads()) heads.push_back({std::move(head.tenant), head.seq, std::move(head.digest)});
    for (const auto& head : heads) {
      if (!tenant_holds(head)) return;
    }
    for (const auto& head : witnessed) {
      if (checker.head(head.tenant).seq == 0) {
        bad(head.tenant, 1, "the witness knows this tenant, the journal does not");
        return;
      }
    }
    if (!problem.empty()) bad("", 0, problem);
  }
};

}  // namespace

Result<VerifyReport> verify_journal(const Location& location, const std::vector<Head>& witnessed) {
  try {
    const auto scan = open_scan(location);
    scan->begin_snapshot();  // one moment, whatever the server appends meanwhile
    Verification verification{*scan, witnessed, {}, {}};
    verification.run();
    scan->end_snapshot();
    return std::move(verification.report);
  } catch (const DbError& e) {
    return fail(ErrorCode::kStoreUnavailable, fmt::format("The journal can't be read: {}", e.what()));
  }
}

std::string to_export_line(const Record& r, bool with_body) {
  Json line{{"tenant", r.tenant},   {"seq", r.seq},
            {"id", r.id},           {"stream", r.stream},
            {"version", r.version}, {"kind", r.kind},
            {"schema", r.schema},   {"time_us", r.time},
            {"actor", r.actor},     {"on_behalf_of", r.on_behalf_of},
            {"cause", r.cause},     {"sources", r.sources},
            {"acl", r.acl},         {"label", r.label},
            {"erased", r.erased}};
  const bool shown = with_body && !r.erased;
  if (with_body) line["body"] = shown ? Json(r.body) : Json(nullptr);
  if (with_body) line["salt"] = shown ? Json(to_hex(r.salt)) : Json(nullptr);
  line["body_digest"] = to_hex(r.body_digest);
  line["digest"] = to_hex(r.digest);
  return line.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<Record> parse_export_line(std::string_view line) {
  auto parsed = parse_json(line);
  if (!parsed) return fail(parsed.error());
  try {
    const Json& j = *parsed;
    if (!has_whole_numbers(j))
      return fail(ErrorCode::kInvalidRequest, "This is no line of a journal export: a number is none.");
    Record r;
    r.tenant = text_of(j, "tenant"), r.seq = j.at("seq").get<Seq>(), r.id = text_of(j, "id"),
    r.stream = text_of(j, "stream");
    r.version = j.at("version").get<uint64_t>(), r.kind = text_of(j, "kind"), r.schema = j.at("schema").get<uint32_t>();
    r.time = j.at("time_us").get<TimeUs>(), r.actor = text_of(j, "actor"), r.on_behalf_of = text_of(j, "on_behalf_of");
    r.cause = text_of(j, "cause"), r.sources = j.at("sources").get<std::vector<Id>>(), r.acl = text_of(j, "acl"),
    r.label = text_of(j, "label");
    r.erased = j.at("erased").get<bool>();
    auto body_digest = digest_of(j, "body_digest"), digest = digest_of(j, "digest");
    if (!body_digest) return fail(body_digest.error());
    if (!digest) return fail(digest.error());
    r.body_digest = *body_digest;
    r.digest = *digest;
    if (!j.contains("body") || j.at("body").is_null()) return r;
    auto salt = digest_of(j, "salt");
    if (!salt) return fail(salt.error());
    r.salt = *salt;
    r.body = text_of(j, "body");
    return r;
  } catch (const Json::exception& e) {
    return fail(ErrorCode::kInvalidRequest, fmt::format("This is no line of a journal export: {}", e.what()));
  }
}

Status export_journal(const Location& location, const ExportOptions& options,
                      const std::function<Status(std::string_view line)>& sink) {
  try {
    const auto scan = open_scan(location);
    for (const auto& [tenant, head] : filled_heads(*scan)) {
      if (!options.tenant.empty() && tenant != options.tenant) continue;
      for (Seq at = options.after;;) {
        const auto page = scan->page(tenant, at, kPage);
        if (page.empty()) break;
        for (const auto& record : page) {
          if (auto s = sink(to_export_line(record, options.bodies)); !s) return s;
        }
        at = page.back().seq;
      }
    }
    return {};
  } catch (const DbError& e) {
    return fail(ErrorCode::kStoreUnavailable, fmt::format("The journal can't be read: {}", e.what()));
  }
}

}  // namespace steward::journal
