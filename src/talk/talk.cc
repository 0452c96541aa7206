#include "talk/talk.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "gateway/peek.h"
#include "identity/access.h"
#include "talk/records.h"
#include "talk/show.h"
#include "talk/titles.h"
#include "talk/words.h"

namespace steward::talk {
using gateway::peek;
using gateway::peek_text;
namespace {

constexpr size_t kMaxMetadata = 16;
constexpr size_t kMaxItemsAtOnce = 20;
constexpr size_t kMaxFolder = 100;  // bytes of a folder's name
constexpr int64_t kDefaultPage = 20, kMaxPage = 100;

std::unexpected<Error> bad(std::string_view name, std::string sentence) {
  return fail(ErrorCode::kInvalidRequest, fmt::format("'{}' {}", name, sentence), {{"param", name}});
}

Status check_text(const Json& body, const char* name, size_t most) {
  const Json& value = peek(body, name);
  if (value.is_null()) return {};
  if (!value.is_string() || value.get_ref<const std::string&>().size() > most)
    return bad(name, fmt::format("must be a text of at most {} bytes.", most));
  return {};
}

Status check_metadata(const Json& metadata) {
  const bool fits =
      metadata.is_null() || (metadata.is_object() && metadata.size() <= kMaxMetadata &&
                             std::ranges::all_of(metadata, [](const Json& one) { return one.is_string(); }));
  if (fits) return {};
  return bad("metadata", fmt::format("must be an object of up to {} strings.", kMaxMetadata));
}

// What of a body is a place; null takes project and folder away.
Json place_in(const Json& body) {
  Json out = Json::object();
  for (const char* name : {"title", "project", "folder"}) {
    if (body.contains(name)) out[name] = collapse_whitespace(peek_text(body, name));
  }
  for (const char* name : {"pinned", "archived"}) {
    if (body.contains(name)) out[name] = peek(body, name) == true;
  }
  if (body.contains("title")) out["title_by"] = out["title"] == "" ? "" : "person";
  return out;
}

std::optional<bool> flag_in(const Talk::Query& query, const char* name) {
  const auto found = query.find(name);
  if (found == query.end() || found->second == "any") return {};
  return found->second == "true";
}

}  // namespace

Error no_conversation(const Id& id) {
  return Error(ErrorCode::kNotFound, fmt::format("Conversation with id '{}' not found.", id.substr(0, 100)),
               {{"param", "conversation_id"}});
}

Talk::Talk(Parts parts)
    : parts_(std::move(parts)),
      store_(parts_.services, parts_.disk),
      conversations_(parts_.services, store_),
      answers_(parts_, store_) {
  answers_.on_answered = [this](Ask ask) { return answered(std::move(ask)); };
}

void Talk::stop() { answers_.stop(); }

std::vector<Id> Talk::selves(const Caller& caller) const {
  const auto snapshot = parts_.services.identity.snapshot();
  const auto all = identity::acts_as(*snapshot, caller.tenant, caller.principal);
  return {all.begin(), all.end()};
}

Status Talk::may_keep(const Caller& caller) const {
  if (!caller.key || caller.key->spec.content_days != identity::kNoContent) return {};
  return fail(ErrorCode::kUnsupportedField, "A conversation can't be kept: of this key's calls no content is.",
              {{"param", "conversation"}});
}

Task<Result<Seen>> Talk::see(Caller caller, Id id) {
  if (!id.starts_with("conv_") || id.size() > 128) co_return fail(no_conversation(id));
  const Id tenant = caller.tenant;
  struct Found {
    std::optional<ConversationRow> row;
    Id leaf;  // of a share with the caller
  };
  const Found found = co_await read<Found>([tenant, id, readers = selves(caller)](journal::Db& db) {
    return Found{.row = find_conversation(db, tenant, id), .leaf = shared_leaf(db, tenant, id, readers)};
  });
  if (!found.row || found.row->deleted != 0) co_return fail(no_conversation(id));
  Seen out{.row = *found.row, .mine = true, .leaf = found.row->current};
  const identity::Resource resource{.tenant = tenant, .owner = out.row.owner};
  if (parts_.services.identity.may(caller, identity::Verb::kRead, resource)) co_return out;
  if (found.leaf.empty()) co_return fail(no_conversation(id));
  out.mine = false;
  out.leaf = found.leaf;
  out.row = co_await read<ConversationRow>([tenant, row = *found.row, leaf = found.leaf](journal::Db& db) {
    ConversationRow narrowed = row;
    narrow(db, tenant, narrowed, leaf);
    return narrowed;
  });
  co_return out;
}

Task<Result<ConversationRow>> Talk::own(Caller caller, Id id) {
  auto seen = co_await see(caller, id);
  if (!seen) co_return fail(std::move(seen.error()));
  if (!seen->mine)
    co_return fail(ErrorCode::kForbidden, "This conversation is shared with you to read; only its owner can change it.",
                   {{"needed", "owner"}});
  co_return std::move(seen->row);
}

Task<Status> Talk::commit(Id tenant, std::vector<journal::Draft> drafts) {
  auto done = co_await parts_.services.journal.append(tenant, std::move(drafts), journal::Wait::kDurable);
  if (!done) co_return fail(std::move(done.error()));
  co_return co_await parts_.views.wait_applied(tenant, done->last_seq());
}

Task<Status> Talk::check_place(Caller caller, Json body) {
  if (auto ok = check_text(body, "title", kMaxTitle * 4); !ok) co_return ok;
  if (auto ok = check_text(body, "folder", kMaxFolder); !ok) co_return ok;
  if (auto ok = check_text(body, "project", 64); !ok) co_return ok;
  if (auto ok = check_metadata(peek(body, "metadata")); !ok) co_return ok;
  for (const char* name : {"pinned", "archived", "remember"}) {
    if (body.contains(name) && !peek(body, name).is_boolean()) co_return bad(name, "must be true or false.");
  }
  const Id project = peek_text(body, "project");
  if (project.empty()) co_return Status{};
  const Id tenant = caller.tenant;
  const auto found = co_await read<std::optional<ProjectRow>>(
      [tenant, project](journal::Db& db) { return find_project(db, tenant, project); });
  if (!found || found->owner != caller.principal) co_return bad("project", "is no project of yours.");
  co_return Status{};
}

Task<Result<Json>> Talk::create(Caller caller, Json body) {
  if (auto ok = may_keep(caller); !ok) co_return fail(std::move(ok.error()));
  if (auto ok = co_await check_place(caller, body); !ok) co_return fail(std::move(ok.error()));
  if (body.contains("id") && !is_id(peek_text(body, "id"), "conv")) co_return bad("id", "must be conv_ and a ULID.");
  const Id id = body.contains("id") ? peek_text(body, "id") : parts_.services.ids.make("conv");
  Json about = place_in(body);
  about["owner"] = caller.principal;
  if (peek(body, "remember") == false) about["remember"] = false;
  about["metadata"] = peek(body, "metadata").is_object() ? peek(body, "metadata") : Json::object();
  std::vector<journal::Draft> drafts;
  drafts.push_back(draft_of(caller, conversation_stream(id), kCreated, about));
  drafts.back().expected_version = 0;
  const Json& given = peek(body, "items");
  if (!given.is_null() && (!given.is_array() || given.size() > kMaxItemsAtOnce ||
                           !std::ranges::all_of(given, [](const Json& one) { return one.is_object(); })))
    co_return bad("items", fmt::format("must be an array of up to {} items.", kMaxItemsAtOnce));
  auto items = co_await conversations_.drafts_of(caller, id, gateway::items_with_ids(parts_.services, given));
  if (!items) co_return fail(std::move(items.error()));
  for (auto& one : *items) drafts.push_back(std::move(one));
  auto done = co_await commit(caller.tenant, std::move(drafts));
  if (!done && done.error().code != ErrorCode::kConflict) co_return fail(std::move(done.error()));
  if (!done) {  // said again: it is there, or it is somebody else's
    (void)co_await parts_.views.wait_applied(caller.tenant, parts_.services.journal.written_seq(caller.tenant));
    if (auto seen = co_await own(caller, id); !seen) co_return fail(ErrorCode::kConflict, "This id is taken.");
  }
  co_return co_await find(std::move(caller), id);
}

Task<Result<Json>> Talk::find(Caller caller, Id id) {
  auto seen = co_await see(caller, id);
  if (!seen) co_return fail(std::move(seen.error()));
  co_return told_to(caller, seen->row);
}

Json Talk::told_to(const Caller& caller, const ConversationRow& row) const {
  Json out = conversation_json(row, caller.principal);
  out["by"] = row.owner == caller.principal ? Json(nullptr) : Json(parts_.name_of(row.owner));
  return out;
}

Task<Result<Json>> Talk::list(Caller caller, Query query) {
  int64_t limit = kDefaultPage;
  if (const std::string& text = query["limit"]; !text.empty()) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), limit);
    if (error != std::errc() || end != text.data() + text.size() || limit < 1 || limit > kMaxPage)
      co_return bad("limit", fmt::format("must lie between 1 and {}.", kMaxPage));
  }
  ListQuery list{.owner = caller.principal, .readers = selves(caller), .archived = false};
  if (query.contains("archived")) list.archived = flag_in(query, "archived");
  list.pinned = flag_in(query, "pinned");
  if (query.contains("project")) list.project = query["project"];
  if (query.contains("folder")) list.folder = query["folder"];
  list.after = query["after"];
  list.limit = static_cast<size_t>(limit) + 1;
  const Id tenant = caller.tenant;
  auto rows = co_await read<std::vector<ConversationRow>>(
      [tenant, list](journal::Db& db) { return list_conversations(db, tenant, list); });
  const bool more = rows.size() > static_cast<size_t>(limit);
  if (more) rows.pop_back();
  Json data = Json::array();
  for (const auto& row : rows) data.push_back(told_to(caller, row));
  co_return list_json(std::move(data), more);
}

Task<Result<Json>> Talk::change(Caller caller, Id id, Json body) {
  auto row = co_await own(caller, id);
  if (!row) co_return fail(std::move(row.error()));
  if (auto ok = co_await check_place(caller, body); !ok) co_return fail(std::move(ok.error()));
  if (body.contains("remember") && peek(body, "remember") != row->remember)
    co_return bad("remember", "is said when a conversation begins: what was kept of it goes when it is deleted.");
  Json place = place_in(body);
  if (const Id current = peek_text(body, "current"); !current.empty()) {
    auto message = co_await message_in(caller.tenant, id, current);
    if (!message) co_return fail(std::move(message.error()));
    place["current"] = co_await read<Id>(
        [tenant = caller.tenant, id, current](journal::Db& db) { return newest_leaf(db, tenant, id, current); });
  }
  std::vector<journal::Draft> drafts;
  if (body.contains("metadata")) {
    const Json metadata = peek(body, "metadata").is_object() ? peek(body, "metadata") : Json::object();
    drafts.push_back(draft_of(caller, conversation_stream(id), kUpdated, {{"metadata", metadata}}));
  }
  if (!place.empty()) drafts.push_back(draft_of(caller, conversation_stream(id), kPlaced, place));
  if (!drafts.empty()) {
    if (auto ok = co_await commit(caller.tenant, std::move(drafts)); !ok) co_return fail(std::move(ok.error()));
  }
  co_return co_await find(std::move(caller), id);
}

Task<Result<MessageRow>> Talk::message_in(Id tenant, Id conversation, Id message) {
  auto row = co_await read<std::optional<MessageRow>>(
      [tenant, message](journal::Db& db) { return find_message(db, tenant, message); });
  if (row && row->conversation == conversation) co_return std::move(*row);
  co_return fail(ErrorCode::kNotFound, "There is no such message in this conversation.", {{"param", "message"}});
}

Task<void> Talk::resume(Id tenant) {
  const auto applied = co_await parts_.views.wait_applied(tenant, parts_.services.journal.written_seq(tenant));
  if (!applied) co_return;
  struct Left {
    std::vector<MessageRow> open;
    std::map<Id, Id> owners;
    std::vector<AttachmentRow> unread;
  };
  auto left = co_await read<Left>([tenant](journal::Db& db) {
    Left out{.open = open_answers(db, tenant, ""), .owners = {}, .unread = unread_attachments(db, tenant)};
    for (const auto& one : out.open) {
      const auto row = find_conversation(db, tenant, one.conversation);
      if (row && row->deleted == 0) out.owners[one.conversation] = row->owner;
    }
    return out;
  });
  if (!left.open.empty()) parts_.services.log.info("answers are taken up again", {{"answers", left.open.size()}});
  co_await answers_.resume(tenant, std::move(left.open), std::move(left.owners));
  for (auto& one : left.unread) {
    auto bytes = co_await parts_.disk.get(tenant, one.blob);
    const Caller owner{.tenant = tenant, .principal = one.owner};
    if (bytes) co_await read_attachment(owner, one.id, one.name, std::move(*bytes));
  }
}

// The title of a second rung, where one is configured and nobody has written one.
Task<void> Talk::answered(Ask ask) {
  if (parts_.limits().title_model.empty()) co_return;
  const Id tenant = ask.caller.tenant, conversation = ask.conversation;
  const auto row = co_await read<std::optional<ConversationRow>>(
      [tenant, conversation](journal::Db& db) { return find_conversation(db, tenant, conversation); });
  if (!row || row->title_by != "rule" || row->messages > 2) co_return;
  auto asked = co_await message_in(tenant, conversation, ask.parent);
  auto answer = co_await message_in(tenant, conversation, ask.answer);
  if (!asked || !answer) co_return;
  auto question = co_await said_by(tenant, *asked);
  auto reply = co_await said_by(tenant, *answer);
  if (!question || !reply) co_return;
  ask.text = ask.reasoning = "";
  const identity::Caller caller = ask.caller;
  const std::string title = co_await title_by_model(parts_, std::move(ask), question->text, reply->text);
  const auto now = co_await read<std::optional<ConversationRow>>(
      [tenant, conversation](journal::Db& db) { return find_conversation(db, tenant, conversation); });
  if (title.empty() || !now || now->title_by != "rule") co_return;
  std::vector<journal::Draft> drafts;
  drafts.push_back(draft_of(caller, conversation_stream(conversation), kTitled,
                            {{"title", title}, {"title_by", "model"}}, asked->id));
  drafts.back().sources.push_back(answer->id);
  (void)co_await commit(tenant, std::move(drafts));
}

}  // namespace steward::talk
