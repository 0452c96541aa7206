#include "gateway/conversations/response_store.h"

#include <algorithm>

#include "base/json.h"
#include "gateway/peek.h"

namespace steward::gateway {
namespace {

constexpr size_t kMaxRecords = 64;   // of one response
constexpr size_t kMaxTurns = 2'000;  // that one goes on from
constexpr size_t kMaxHistoryItems = 20'000;
constexpr DurationUs kKeptUs = 30 * 24 * 3600 * kSecondUs;  // as long as OpenAI keeps them
constexpr DurationUs kDayUs = 24 * 3600 * kSecondUs;
constexpr std::string_view kStored = "response.stored", kQueued = "response.queued", kStarted = "response.started",
                           kEvents = "response.events";

std::string stream_of(const Id& id) { return "response/" + id; }

Error not_found(const Id& id) {
  return Error(ErrorCode::kNotFound, fmt::format("Response with id '{}' not found.", id.substr(0, 100)),
               {{"param", "response_id"}});
}

Json about_of(const identity::Caller& caller, const StoredResponse& what, TimeUs until_us) {
  Json out = {{"owner", caller.principal}, {"until_us", until_us}, {"status", what.status()}};
  if (caller.key) out["key"] = caller.key->id;
  if (!what.previous.empty()) out["previous"] = what.previous;
  if (!what.conversation.empty()) out["conversation"] = what.conversation;
  if (what.background) out["background"] = true;
  if (what.streamed) out["streamed"] = true;
  return out;
}

void take_about(const Json& about, StoredResponse& into) {
  into.owner = peek_text(about, "owner");
  into.key = peek_text(about, "key");
  into.previous = peek_text(about, "previous");
  into.conversation = peek_text(about, "conversation");
  into.background = peek(about, "background") == true;
  into.streamed = peek(about, "streamed") == true;
}

std::string_view id_prefix(const Json& item) {
  const std::string type = peek_text(item, "type");
  if (type == "message") return "msg";
  if (type == "function_call_output" || type == "function_call") return "fc";
  if (type == "custom_tool_call_output" || type == "custom_tool_call") return "ctc";
  if (type == "reasoning") return "rs";
  return "item";
}

}  // namespace

const Id& doer(const identity::Caller& caller) { return caller.key ? caller.key->id : caller.principal; }

std::string StoredResponse::status() const { return peek_text(response, "status"); }

Json items_with_ids(Services& services, const Json& input) {
  Json out = Json::array();
  if (input.is_string()) {
    out.push_back({{"type", "message"},
                   {"role", "user"},
                   {"content", Json::array({Json{{"type", "input_text"}, {"text", input}}})}});
  }
  if (input.is_array()) out = input;
  for (auto& item : out) {
    if (!item.is_object()) continue;
    if (!item.contains("type") && item.contains("role")) item["type"] = "message";
    if (peek_text(item, "type") == "message" && peek(item, "content").is_string()) {
      const bool said = peek_text(item, "role") == "assistant";
      Json part = {{"type", said ? "output_text" : "input_text"}, {"text", item["content"]}};
      if (said) part["annotations"] = Json::array();
      item["content"] = Json::array({std::move(part)});
    }
    if (peek_text(item, "type") == "message" && !item.contains("status")) item["status"] = "completed";
    if (!peek(item, "id").is_string()) item["id"] = services.ids.make(id_prefix(item));
  }
  return out;
}

Result<Json> page_of(const Json& items, const net::Request& request) {
  constexpr int64_t kDefaultPage = 20, kMaxPage = 100;
  const auto given = [&](const char* name) {
    const auto found = request.query.find(name);
    return found == request.query.end() ? std::string() : found->second;
  };
  int64_t limit = kDefaultPage;
  if (const std::string text = given("limit"); !text.empty()) {
    const Json number = read_own(text);
    limit = number.is_number_integer() ? number.get<int64_t>() : 0;
    if (limit < 1 || limit > kMaxPage)
      return fail(ErrorCode::kInvalidRequest, fmt::format("'limit' must lie between 1 and {}.", kMaxPage),
                  {{"param", "limit"}});
  }
  const std::string order = given("order"), after = given("after");
  if (!order.empty() && order != "asc" && order != "desc")
    return fail(ErrorCode::kInvalidRequest, "'order' must be asc or desc.", {{"param", "order"}});
  std::vector<const Json*> row;
  for (const auto& item : items) row.push_back(&item);
  if (order != "asc") std::ranges::reverse(row);
  size_t first = 0;
  if (!after.empty()) {
    const auto found = std::ranges::find_if(row, [&](const Json* item) { return peek_text(*item, "id") == after; });
    if (found == row.end())
      return fail(ErrorCode::kInvalidRequest, "'after' is the id of no item of this list.", {{"param", "after"}});
    first = static_cast<size_t>(found - row.begin()) + 1;
  }
  Json data = Json::array();
  for (size_t i = first; i < row.size() && data.size() < static_cast<size_t>(limit); ++i) data.push_back(*row[i]);
  Json out = {{"object", "list"}, {"data", Json::array()}};
  out["first_id"] = data.empty() ? Json("") : peek(data.front(), "id");
  out["last_id"] = data.empty() ? Json("") : peek(data.back(), "id");
  out["has_more"] = first + data.size() < row.size();
  out["data"] = std::move(data);
  return out;
}

Task<Result<journal::Draft>> ResponseStore::draft(identity::Caller caller, std::string stream, std::string kind,
                                                  Json about, Json content) {
  journal::Draft draft;
  draft.stream = std::move(stream);
  draft.kind = std::move(kind);
  draft.actor = doer(caller);
  draft.label = "outside";
  std::string bytes = dump(content);
  if (bytes.size() <= kInlineBytes) {
    about["content"] = std::move(content);
  } else {
    auto blob = co_await disk_.put(caller.tenant, std::move(bytes));
    if (!blob) co_return fail(std::move(blob.error()));
    about["blob"] = *blob;
    draft.blobs.push_back(std::move(*blob));
  }
  draft.body = dump(about);
  co_return draft;
}

Task<Result<Json>> ResponseStore::content_of(const journal::Record& record) {
  Json about = read_own(record.body);
  if (record.erased || !about.is_object()) co_return fail(ErrorCode::kNotFound);
  const std::string blob = peek_text(about, "blob");
  if (blob.empty()) co_return peek(about, "content");
  auto bytes = co_await disk_.get(record.tenant, blob);
  if (!bytes) co_return fail(std::move(bytes.error()));
  Json content = read_own(*bytes);
  if (content.is_discarded()) co_return fail(ErrorCode::kCorrupt);
  co_return content;
}

Task<Status> ResponseStore::append(identity::Caller caller, std::vector<journal::Draft> drafts) {
  auto done = co_await services_.journal.append(caller.tenant, std::move(drafts), journal::Wait::kDurable);
  co_return done ? Status{} : Status(fail(std::move(done.error())));
}

Task<Status> ResponseStore::put(identity::Caller caller, StoredResponse what, std::vector<journal::Draft> also,
                                Id call) {
  const int64_t days = caller.key ? caller.key->spec.content_days : 0;
  const TimeUs until = services_.clock.now_us() + (days > 0 ? days * kDayUs : kKeptUs);
  auto draft = co_await this->draft(caller, stream_of(what.id), std::string(kStored), about_of(caller, what, until),
                                    {{"response", what.response}, {"input", what.input}});
  if (!draft) co_return fail(std::move(draft.error()));
  if (!call.empty()) draft->sources = {call};
  also.push_back(std::move(*draft));
  co_return co_await append(std::move(caller), std::move(also));
}

Task<Status> ResponseStore::queue(identity::Caller caller, StoredResponse what) {
  auto draft = co_await this->draft(
      caller, stream_of(what.id), std::string(kQueued), about_of(caller, what, services_.clock.now_us() + kKeptUs),
      {{"response", what.response}, {"input", what.input}, {"request", what.request}, {"headers", what.headers}});
  if (!draft) co_return fail(std::move(draft.error()));
  std::vector<journal::Draft> drafts;
  drafts.push_back(std::move(*draft));
  co_return co_await append(std::move(caller), std::move(drafts));
}

Task<Status> ResponseStore::note_started(identity::Caller caller, Id id) {
  journal::Draft draft;
  draft.stream = stream_of(id);
  draft.kind = kStarted;
  draft.actor = doer(caller);
  draft.body = "{}";
  std::vector<journal::Draft> drafts;
  drafts.push_back(std::move(draft));
  co_return co_await append(std::move(caller), std::move(drafts));
}

Task<Status> ResponseStore::put_events(identity::Caller caller, Id id, std::string events) {
  const Json about = {{"owner", caller.principal}, {"until_us", services_.clock.now_us() + kKeptUs}};
  auto draft = co_await this->draft(caller, stream_of(id), std::string(kEvents), about, std::move(events));
  if (!draft) co_return fail(std::move(draft.error()));
  std::vector<journal::Draft> drafts;
  drafts.push_back(std::move(*draft));
  co_return co_await append(std::move(caller), std::move(drafts));
}

Result<std::vector<journal::Record>> ResponseStore::records(const identity::Caller& caller, const Id& id) const {
  if (!id.starts_with("resp_") || id.size() > 128) return fail(not_found(id));
  auto records = services_.journal.read_stream(caller.tenant, stream_of(id), 0, kMaxRecords);
  if (!records) return records;
  if (records->empty() || std::ranges::any_of(*records, &journal::Record::erased)) return fail(not_found(id));
  const Json about = read_own(records->front().body);
  const identity::Resource resource{.tenant = caller.tenant, .owner = peek_text(about, "owner")};
  if (!services_.identity.may(caller, identity::Verb::kRead, resource)) return fail(not_found(id));
  return records;
}

Task<Result<StoredResponse>> ResponseStore::find(identity::Caller caller, Id id) {
  auto all = records(caller, id);
  if (!all) co_return fail(std::move(all.error()));
  const journal::Record* last = nullptr;
  StoredResponse out{.id = id};
  for (const auto& record : *all) {
    if (record.kind == kStored || (record.kind == kQueued && last == nullptr)) last = &record;
    if (record.kind == kStarted) ++out.tries;
  }
  if (last == nullptr) co_return fail(not_found(id));
  take_about(read_own(last->body), out);
  auto content = co_await content_of(*last);
  if (!content) co_return fail(std::move(content.error()));
  out.response = peek(*content, "response");
  out.input = peek(*content, "input");
  out.request = peek(*content, "request");
  out.headers = peek(*content, "headers");
  co_return out;
}

Task<Result<std::string>> ResponseStore::events(identity::Caller caller, Id id) {
  auto all = records(caller, id);
  if (!all) co_return fail(std::move(all.error()));
  for (const auto& record : *all) {
    if (record.kind != kEvents) continue;
    auto content = co_await content_of(record);
    if (!content) co_return fail(std::move(content.error()));
    co_return content->is_string() ? content->get<std::string>() : std::string();
  }
  co_return fail(ErrorCode::kInvalidRequest,
                 "Only a response that was made with 'background' and 'stream' can be followed again.",
                 {{"param", "stream"}});
}

Task<Status> ResponseStore::erase_records(identity::Caller caller, std::vector<Id> records) {
  journal::ErasureRequest request{.ids = std::move(records),
                                  .cascade = false,
                                  .actor = doer(caller),
                                  .on_behalf_of = caller.principal,
                                  .reason = "person_asked"};
  auto done = co_await services_.journal.erase(caller.tenant, std::move(request));
  if (!done) co_return fail(std::move(done.error()));
  co_await disk_.purge(caller.tenant, doer(caller));
  co_return Status{};
}

Task<Status> ResponseStore::erase_drawn_from(identity::Caller caller, Id thing) {
  journal::ErasureRequest request{.ids = {std::move(thing)},
                                  .cascade = false,
                                  .whole = false,
                                  .actor = doer(caller),
                                  .on_behalf_of = caller.principal,
                                  .reason = "person_asked"};
  auto done = co_await services_.journal.erase(caller.tenant, std::move(request));
  if (done) co_await disk_.purge(caller.tenant, doer(caller));
  co_return done || done.error().code == ErrorCode::kNotFound ? Status{} : Status(fail(std::move(done.error())));
}

Task<Status> ResponseStore::erase(identity::Caller caller, Id id) {
  auto all = records(caller, id);
  if (!all) co_return fail(std::move(all.error()));
  std::vector<Id> ids;
  for (const auto& record : *all) ids.push_back(record.id);
  if (auto done = co_await erase_records(caller, std::move(ids)); !done) co_return done;
  co_return co_await erase_drawn_from(std::move(caller), std::move(id));
}

Task<Result<Json>> ResponseStore::history(identity::Caller caller, Id id) {
  std::vector<Json> turns;
  size_t items = 0;
  for (Id at = id; !at.empty();) {
    if (turns.size() >= kMaxTurns || items > kMaxHistoryItems)
      co_return fail(
          ErrorCode::kContextTooLong,
          fmt::format("The conversation before this has more than {} turns or {} items.", kMaxTurns, kMaxHistoryItems),
          {{"param", "previous_response_id"}});
    auto found = co_await find(caller, at);
    if (!found) {
      if (found.error().code != ErrorCode::kNotFound) co_return fail(std::move(found.error()));
      co_return fail(ErrorCode::kInvalidRequest,
                     fmt::format("Previous response with id '{}' not found.", at.substr(0, 100)),
                     {{"param", "previous_response_id"}, {"code", "previous_response_not_found"}});
    }
    const std::string status = found->status();
    if (status == "queued" || status == "in_progress")
      co_return fail(ErrorCode::kConflict, fmt::format("Response '{}' is not done yet.", at.substr(0, 100)),
                     {{"param", "previous_response_id"}});
    Json turn = std::move(found->input);
    for (auto& item : found->response["output"]) turn.push_back(std::move(item));
    items += turn.size();
    turns.push_back(std::move(turn));
    // What stands in a conversation is gone on with there.
    at = found->previous;
  }
  Json out = Json::array();
  for (auto turn = turns.rbegin(); turn != turns.rend(); ++turn) {
    for (auto& item : *turn) out.push_back(std::move(item));
  }
  co_return out;
}

}  // namespace steward::gateway
