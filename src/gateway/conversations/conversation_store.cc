#include "gateway/conversations/conversation_store.h"

#include <algorithm>

#include "base/json.h"
#include "gateway/conversations/path.h"
#include "gateway/peek.h"

namespace steward::gateway {
namespace {

constexpr size_t kMaxItems = 20'000;  // of one conversation
constexpr size_t kMaxItemsAtOnce = 20;
constexpr size_t kPage = 1'000;
constexpr std::string_view kUpdated = "conversation.updated", kItemAdded = "conversation.item_added";

std::string stream_of(const Id& id) { return "conversation/" + id; }

Error not_found(const Id& id) {
  return Error(ErrorCode::kNotFound, fmt::format("Conversation with id '{}' not found.", id.substr(0, 100)),
               {{"param", "conversation_id"}});
}

Status check_items(const Json& items) {
  if (items.is_null()) return {};
  if (!items.is_array() || !std::ranges::all_of(items, [](const Json& item) { return item.is_object(); }))
    return fail(ErrorCode::kInvalidRequest, "'items' must be an array of items.", {{"param", "items"}});
  if (items.size() <= kMaxItemsAtOnce) return {};
  return fail(ErrorCode::kInvalidRequest, fmt::format("At most {} items can be added at once.", kMaxItemsAtOnce),
              {{"param", "items"}});
}

}  // namespace

Result<ConversationStore::Known> ConversationStore::read(const identity::Caller& caller, const Id& id) const {
  if (!id.starts_with("conv_") || id.size() > 128) return fail(not_found(id));
  Known known;
  for (uint64_t after = 0;;) {
    auto page = services_.journal.read_stream(caller.tenant, stream_of(id), after, kPage);
    if (!page) return fail(std::move(page.error()));
    const size_t got = page->size();
    for (auto& record : *page) known.all.push_back(std::move(record));
    if (got < kPage) break;
    after = known.all.back().version;
  }
  if (known.all.empty() || known.all.front().erased || is_deleted(known.all)) return fail(not_found(id));
  const Json about = read_own(known.all.front().body);
  const identity::Resource resource{.tenant = caller.tenant, .owner = peek_text(about, "owner")};
  if (!services_.identity.may(caller, identity::Verb::kRead, resource)) return fail(not_found(id));
  known.told = {{"id", id},
                {"object", "conversation"},
                {"created_at", known.all.front().time / kSecondUs},
                {"metadata", peek(about, "metadata")}};
  for (const auto& record : known.all) {
    if (record.erased) continue;
    if (record.kind == kUpdated) known.told["metadata"] = peek(read_own(record.body), "metadata");
  }
  for (const size_t at : current_path(known.all)) known.items.push_back(known.all[at]);
  return known;
}

Task<Result<std::vector<journal::Draft>>> ConversationStore::drafts_of(identity::Caller caller, Id id, Json items) {
  std::vector<journal::Draft> drafts;
  for (auto& item : items) {
    const Json about = {{"owner", caller.principal}, {"item", peek_text(item, "id")}};
    auto draft = co_await responses_.draft(caller, stream_of(id), std::string(kItemAdded), about, std::move(item));
    if (!draft) co_return fail(std::move(draft.error()));
    draft->sources = {peek_text(about, "item")};
    drafts.push_back(std::move(*draft));
  }
  co_return drafts;
}

Task<Result<Json>> ConversationStore::find(identity::Caller caller, Id id) {
  auto known = read(caller, id);
  if (!known) co_return fail(std::move(known.error()));
  co_return std::move(known->told);
}

Task<Result<Json>> ConversationStore::items(identity::Caller caller, Id id) {
  auto known = read(caller, id);
  if (!known) co_return fail(std::move(known.error()));
  Json out = Json::array();
  for (const auto& record : known->items) {
    auto item = co_await responses_.content_of(record);
    if (!item) co_return fail(std::move(item.error()));
    for (const char* ours : {"reasoning", "tools"}) item->erase(ours);  // Talk's own, beside what Responses knows
    out.push_back(std::move(*item));
  }
  co_return out;
}

Task<Result<Json>> ConversationStore::add(identity::Caller caller, Id id, Json items) {
  if (!items.is_array() || items.empty())
    co_return fail(ErrorCode::kInvalidRequest, "'items' is missing: an array of items.", {{"param", "items"}});
  if (auto ok = check_items(items); !ok) co_return fail(std::move(ok.error()));
  auto known = read(caller, id);
  if (!known) co_return fail(std::move(known.error()));
  if (known->items.size() + items.size() > kMaxItems)
    co_return fail(ErrorCode::kInvalidRequest, fmt::format("A conversation holds at most {} items.", kMaxItems),
                   {{"param", "items"}});
  Json with_ids = items_with_ids(services_, items);
  auto drafts = co_await drafts_of(caller, id, with_ids);
  if (!drafts) co_return fail(std::move(drafts.error()));
  auto done = co_await services_.journal.append(caller.tenant, std::move(*drafts), journal::Wait::kDurable);
  if (!done) co_return fail(std::move(done.error()));
  co_return with_ids;
}

Task<Result<Json>> ConversationStore::item(identity::Caller caller, Id id, Id item) {
  auto all = co_await items(caller, id);
  if (!all) co_return all;
  for (auto& one : *all) {
    if (peek_text(one, "id") == item) co_return std::move(one);
  }
  co_return fail(ErrorCode::kNotFound, "There is no such item in this conversation.", {{"param", "item_id"}});
}

Task<Status> ConversationStore::erase_item(identity::Caller caller, Id id, Id item) {
  auto known = read(caller, id);
  if (!known) co_return fail(std::move(known.error()));
  std::vector<Id> said;  // by an answer that was gone on with, more than once
  for (const auto& record : known->all) {
    const bool holds = record.kind == kItemAdded || record.kind == "conversation.content";
    if (holds && !record.erased && peek_text(read_own(record.body), "item") == item) said.push_back(record.id);
  }
  // And what is kept of it in steps, of an answer (talk/steps.h).
  for (uint64_t after = 0; !said.empty();) {
    auto page = services_.journal.read_stream(caller.tenant, "answer/" + item, after, kPage);
    if (!page) co_return fail(std::move(page.error()));
    for (const auto& record : *page) {
      if (!record.erased) said.push_back(record.id);
    }
    if (page->size() < kPage) break;
    after = page->back().version;
  }
  if (!said.empty()) {
    if (auto done = co_await responses_.erase_records(caller, std::move(said)); !done) co_return done;
    co_return co_await responses_.erase_drawn_from(std::move(caller), std::move(item));
  }
  co_return fail(ErrorCode::kNotFound, "There is no such item in this conversation.", {{"param", "item_id"}});
}

}  // namespace steward::gateway
