#include "server/idempotency.h"

#include "base/crypto.h"
#include "base/json.h"
#include "base/text.h"

namespace steward::server {
namespace {
constexpr DurationUs kHoldsUs = 24 * 3600 * kSecondUs;
constexpr size_t kMaxKeyBytes = 255;
constexpr size_t kMaxRecords = 1000;  // of one page
constexpr size_t kMostTold = 900;     // things that an answer is erased with; more are in none
constexpr size_t kUlidLength = 26;
constexpr std::string_view kAnswered = "idempotency.answered";
constexpr std::string_view kReleased = "idempotency.released";

Json body_of(const journal::Record& record) {
  Json body = read_own(record.body);
  return body.is_object() ? body : Json::object();
}

const Id& doer(const identity::Caller& caller) { return caller.key != nullptr ? caller.key->id : caller.principal; }
}  // namespace

Result<Idempotency::Begun> Idempotency::look(const identity::Caller& caller, const std::string& stream,
                                             const std::string& fingerprint, bool repeatable, uint64_t& version) {
  auto records = last_records(caller.tenant, stream);
  if (!records) return fail(records.error());
  Begun begun{stream, std::nullopt};
  version = records->empty() ? 0 : records->back().version;
  const TimeUs oldest = clock_.now_us() - kHoldsUs;
  if (records->empty() || records->back().time < oldest) return begun;
  const auto last_begun =
      std::find_if(records->rbegin(), records->rend(), [](const auto& r) { return r.kind == "idempotency.begun"; });
  if (last_begun != records->rend() && body_of(*last_begun).value("fingerprint", "") != fingerprint) {
    return fail(ErrorCode::kIdempotencyMismatch, "This Idempotency-Key was used for another request: take a new one.");
  }
  if (records->back().kind == kReleased) return begun;
  if (records->back().kind == kAnswered) {
    if (records->back().erased)
      return fail(ErrorCode::kConflict, "The answer under this Idempotency-Key was erased: take a new one.");
    const Json body = body_of(records->back());
    if (body.contains("kept")) {
      begun.kept = body["kept"];
      return begun;
    }
    begun.answer = Reply{body.value("status", 200), body.value("body", Json::object())};
    return begun;
  }
  if (!repeatable) {
    return fail(
        ErrorCode::kConflict,
        "An earlier request with this Idempotency-Key was cut off: look whether it took effect, then use a new key.");
  }
  return begun;
}

Task<Result<Idempotency::Begun>> Idempotency::begin(identity::Caller caller, std::string key, std::string fingerprint,
                                                    bool repeatable) {
  if (key.empty() || key.size() > kMaxKeyBytes || !is_valid_utf8(key)) {
    co_return fail(ErrorCode::kInvalidRequest, fmt::format("An Idempotency-Key has 1 to {} bytes.", kMaxKeyBytes));
  }
  const std::string stream = "idempotency/" + to_hex(sha256(fmt::format("{}\n{}", doer(caller), key))).substr(0, 40);
  {
    const std::lock_guard lock(mutex_);
    if (!under_way_.insert(stream).second) {
      co_return fail(ErrorCode::kConflict, "A request with this Idempotency-Key is still under way.",
                     {{"retry_after_us", kSecondUs}});
    }
  }
  uint64_t version = 0;
  auto begun = look(caller, stream, fingerprint, repeatable, version);
  if (!begun || begun->answer || begun->kept) {
    forget(stream);
    co_return begun;
  }
  journal::Draft draft;
  draft.stream = stream;
  draft.kind = "idempotency.begun";
  draft.body = dump(Json{{"fingerprint", fingerprint}});
  draft.actor = doer(caller);
  draft.expected_version = version;
  std::vector<journal::Draft> drafts;
  drafts.push_back(std::move(draft));
  auto written = co_await journal_.append(caller.tenant, std::move(drafts));
  if (!written) {
    forget(stream);
    co_return fail(written.error());
  }
  co_return begun;
}

Result<std::vector<journal::Record>> Idempotency::last_records(const Id& tenant, const std::string& stream) {
  for (uint64_t after = 0;;) {
    auto page = journal_.read_stream(tenant, stream, after, kMaxRecords);
    if (!page || page->size() < kMaxRecords) return page;
    after = page->back().version - 8;  // the last page holds at least the last use
  }
}

Task<Status> Idempotency::write(identity::Caller caller, journal::Draft draft, journal::Wait wait) {
  draft.actor = doer(caller);
  std::vector<journal::Draft> drafts;
  drafts.push_back(std::move(draft));
  auto written = co_await journal_.append(caller.tenant, std::move(drafts), wait);
  if (!written) co_return fail(written.error());
  co_return Status{};
}

Task<Status> Idempotency::keep(identity::Caller caller, std::string stream, Id call, std::set<Id> about, Json kept,
                               std::vector<std::string> blobs) {
  journal::Draft draft;
  draft.stream = std::move(stream);
  draft.kind = kAnswered;
  draft.body = dump(Json{{"until_us", clock_.now_us() + kHoldsUs}, {"call", call}, {"kept", std::move(kept)}});
  draft.blobs = std::move(blobs);
  if (!call.empty()) draft.sources = {call};
  draft.sources.insert(draft.sources.end(), about.begin(), about.end());
  co_return co_await write(std::move(caller), std::move(draft), journal::Wait::kDurable);
}

Task<Status> Idempotency::release(identity::Caller caller, std::string stream) {
  journal::Draft draft;
  draft.stream = std::move(stream);
  draft.kind = kReleased;
  draft.body = "{}";
  co_return co_await write(std::move(caller), std::move(draft), journal::Wait::kWritten);
}

namespace {

// An answer about somebody is erased with them.
std::vector<Id> people_in(const Json& body) {
  std::vector<Id> out;
  const auto take = [&out](const Json& json) {
    const Json id = json.is_object() ? json.value("id", Json()) : Json();
    if (id.is_string() && (is_id(id.get<std::string>(), "usr") || is_id(id.get<std::string>(), "link")))
      out.push_back(id.get<std::string>());
  };
  take(body);
  if (body.is_object()) take(body.value("person", Json()));
  return out;
}

void leave_out(Json& body, const char* what, const char* note) {
  if (!body.is_object() || !body.contains(what)) return;
  body.erase(what);
  body["note"] = note;
}

}  // namespace

std::set<Id> told_of(std::string_view answer) {
  constexpr std::string_view kPrefixes[] = {"conv", "msg", "att", "proj", "resp"};
  std::set<Id> out;
  for (size_t at = answer.find('_'); at != answer.npos && out.size() < kMostTold; at = answer.find('_', at + 1)) {
    for (const auto prefix : kPrefixes) {
      if (at < prefix.size()) continue;
      const std::string_view id = answer.substr(at - prefix.size(), prefix.size() + 1 + kUlidLength);
      if (is_id(id, prefix)) out.emplace(id);
    }
  }
  return out;
}

Task<Status> Idempotency::answered(identity::Caller caller, std::string stream, std::string address, Reply reply) {
  leave_out(reply.body, "secret", "The secret was shown once. If it was lost, rotate the key.");
  for (const char* link : {"link", "url"})
    leave_out(reply.body, link, "The link was shown once. If it was lost, make another.");
  journal::Draft draft;
  draft.sources = people_in(reply.body);
  std::set<Id> about = told_of(address);
  about.merge(told_of(dump(reply.body)));
  draft.sources.insert(draft.sources.end(), about.begin(), about.end());
  draft.stream = stream;
  draft.kind = kAnswered;
  Json body = {{"status", reply.status}, {"body", std::move(reply.body)}};
  if (!about.empty()) body["until_us"] = clock_.now_us() + kHoldsUs;
  draft.body = dump(body);
  draft.actor = doer(caller);
  std::vector<journal::Draft> drafts;
  drafts.push_back(std::move(draft));
  auto written = co_await journal_.append(caller.tenant, std::move(drafts), journal::Wait::kDurable);
  forget(stream);
  if (!written) co_return fail(written.error());
  co_return Status{};
}

void Idempotency::forget(const std::string& stream) {
  const std::lock_guard lock(mutex_);
  under_way_.erase(stream);
}

}  // namespace steward::server
