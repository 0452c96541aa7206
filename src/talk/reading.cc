// Talk's reading: windows of a path, the tree, and search.
#include <charconv>

#include "gateway/peek.h"
#include "talk/search.h"
#include "talk/show.h"
#include "talk/talk.h"

namespace steward::talk {
namespace {

constexpr int64_t kDefaultWindow = 50, kMaxWindow = 200;
constexpr size_t kMaxTree = 20'000;
constexpr int64_t kMaxHits = 50;

Result<int64_t> number_in(const Talk::Query& query, const char* name, int64_t otherwise, int64_t least, int64_t most) {
  const auto found = query.find(name);
  if (found == query.end() || found->second.empty()) return otherwise;
  int64_t number = 0;
  const std::string& text = found->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size() && number >= least && number <= most) return number;
  return fail(ErrorCode::kInvalidRequest, fmt::format("'{}' must lie between {} and {}.", name, least, most),
              {{"param", name}});
}

Error not_on_path(const char* name) {
  return Error(ErrorCode::kInvalidRequest, fmt::format("'{}' is no message on this path.", name), {{"param", name}});
}

std::string given(const Talk::Query& query, const char* name) {
  const auto found = query.find(name);
  return found == query.end() ? std::string() : found->second;
}

}  // namespace

Task<Result<Said>> Talk::said_by(Id tenant, MessageRow row) {
  if (row.status == "in_progress" && !answers_.find(row.id)) {  // left by an earlier process
    auto kept = co_await answers_.kept(tenant, row);
    if (!kept) co_return fail(std::move(kept.error()));
    co_return Said{.text = std::move(kept->text), .reasoning = std::move(kept->reasoning)};
  }
  if (row.record.empty()) co_return Said{};
  auto record = parts_.services.journal.find(row.record);
  if (!record) co_return fail(std::move(record.error()));
  auto item = co_await store_.content_of(*record);
  if (item) co_return said_in(*item);
  if (item.error().code == ErrorCode::kNotFound) co_return Said{};  // erased this moment
  co_return fail(std::move(item.error()));
}

Task<Result<Json>> Talk::shown(Id tenant, MessageRow row) {
  auto said = co_await said_by(tenant, row);
  if (!said) co_return fail(std::move(said.error()));
  std::vector<AttachmentRow> attached;
  if (!row.attachments.empty()) {
    attached = co_await read<std::vector<AttachmentRow>>([tenant, conversation = row.conversation](journal::Db& db) {
      return attachments_of(db, tenant, conversation);
    });
  }
  const auto run = answers_.find(row.id);
  co_return message_json(row, *said, attached, run.get(), /*own=*/true);
}

Task<Result<Json>> Talk::shown_all(Id tenant, Id conversation, Window window, bool own) {
  std::vector<AttachmentRow> attached;
  if (std::ranges::any_of(window.rows, [](const MessageRow& row) { return !row.attachments.empty(); })) {
    attached = co_await read<std::vector<AttachmentRow>>(
        [tenant, conversation](journal::Db& db) { return attachments_of(db, tenant, conversation); });
  }
  Json data = Json::array();
  for (const auto& row : window.rows) {
    auto said = co_await said_by(tenant, row);
    if (!said) co_return fail(std::move(said.error()));
    const auto run = answers_.find(row.id);
    data.push_back(message_json(row, *said, attached, run.get(), own));
  }
  co_return list_json(std::move(data), window.more);
}

// Where the path ends that is asked for: of one's own, below `at` wherever that leads; of another's, where it was
// shared.
Task<Result<Id>> Talk::leaf_of(Caller caller, Seen seen, Query query) {
  const Id at = given(query, "at");
  if (at.empty()) co_return seen.leaf;
  const Id tenant = caller.tenant, conversation = seen.row.id, leaf = seen.leaf;
  auto message = co_await message_in(tenant, conversation, at);
  if (!message) co_return fail(std::move(message.error()));
  const bool current =
      co_await read<bool>([tenant, leaf, at](journal::Db& db) { return is_on_path(db, tenant, leaf, at); });
  if (current) co_return leaf;
  if (!seen.mine) co_return fail(not_on_path("at"));
  co_return co_await read<Id>(
      [tenant, conversation, at](journal::Db& db) { return newest_leaf(db, tenant, conversation, at); });
}

Task<Result<Json>> Talk::window_of(Id tenant, Id conversation, Id leaf, Query query, bool own) {
  auto limit = number_in(query, "limit", kDefaultWindow, 1, kMaxWindow);
  if (!limit) co_return fail(std::move(limit.error()));
  const Id before = given(query, "before"), after = given(query, "after");
  struct Found {
    Window window;
    const char* stranger = nullptr;
  };
  const auto count = static_cast<size_t>(*limit);
  auto found = co_await read<Found>([=](journal::Db& db) {
    Found out;
    for (const auto& [name, id] : {std::pair("before", before), std::pair("after", after)}) {
      if (!id.empty() && !is_on_path(db, tenant, leaf, id)) out.stranger = name;
    }
    if (out.stranger != nullptr) return out;
    Id from = leaf;
    if (!before.empty()) from = find_message(db, tenant, before)->parent;
    out.window = !after.empty() ? window_after(db, tenant, leaf, after, count) : window_up(db, tenant, from, count);
    return out;
  });
  if (found.stranger != nullptr) co_return fail(not_on_path(found.stranger));
  co_return co_await shown_all(tenant, conversation, std::move(found.window), own);
}

Task<Result<Json>> Talk::messages(Caller caller, Id id, Query query) {
  auto seen = co_await see(caller, id);
  if (!seen) co_return fail(std::move(seen.error()));
  auto leaf = co_await leaf_of(caller, *seen, query);
  if (!leaf) co_return fail(std::move(leaf.error()));
  co_return co_await window_of(caller.tenant, id, *leaf, std::move(query), seen->mine);
}

Task<Result<Json>> Talk::tree(Caller caller, Id id) {
  auto row = co_await own(caller, id);
  if (!row) co_return fail(std::move(row.error()));
  const auto rows = co_await read<std::vector<MessageRow>>(
      [tenant = caller.tenant, id](journal::Db& db) { return tree_of(db, tenant, id, kMaxTree + 1); });
  Json data = Json::array();
  for (const auto& one : rows) {
    if (data.size() < kMaxTree) data.push_back(branch_json(one));
  }
  co_return list_json(std::move(data), rows.size() > kMaxTree);
}

Task<Result<Json>> Talk::search(Caller caller, Query query) {
  auto limit = number_in(query, "limit", 20, 1, kMaxHits);
  auto before = number_in(query, "after", 0, 0, INT64_MAX);
  if (!limit) co_return fail(std::move(limit.error()));
  if (!before) co_return fail(std::move(before.error()));
  SearchQuery search{.principal = caller.principal, .readers = selves(caller)};
  search.terms = terms_of(given(query, "q"));
  search.conversation = given(query, "conversation");
  search.before = *before;
  search.limit = static_cast<size_t>(*limit) + 1;
  if (search.terms.empty()) co_return list_json(Json::array(), false);
  auto hits = co_await read<std::vector<Hit>>(
      [tenant = caller.tenant, search](journal::Db& db) { return search_words(db, tenant, search); });
  const bool more = hits.size() > static_cast<size_t>(*limit);
  if (more) hits.pop_back();
  Json data = Json::array();
  for (const auto& hit : hits) {
    std::string text = hit.title;
    if (hit.attachment) {
      auto bytes = hit.attachment->text_blob.empty()
                       ? Result<std::string>(std::string())
                       : co_await parts_.disk.get(caller.tenant, hit.attachment->text_blob);
      text = hit.attachment->name + "\n" + bytes.value_or(std::string());
    } else if (hit.message) {
      auto said = co_await said_by(caller.tenant, *hit.message);
      if (!said) co_return fail(std::move(said.error()));
      text = std::move(said->text);
    }
    const Snippet snippet = snippet_of(text, search.terms);
    data.push_back({{"id", std::to_string(hit.number)},
                    {"object", "hit"},
                    {"conversation", hit.conversation},
                    {"title", hit.title},
                    {"by", hit.owner == search.principal ? Json(nullptr) : Json(parts_.name_of(hit.owner))},
                    {"message", hit.message ? Json(hit.message->id) : Json(nullptr)},
                    {"attachment", hit.attachment ? Json(hit.attachment->name) : Json(nullptr)},
                    {"role", hit.message ? Json(hit.message->role) : Json(nullptr)},
                    {"created_at", hit.message ? Json(hit.message->created / kSecondUs) : Json(nullptr)},
                    {"snippet", snippet.text},
                    {"marks", snippet.marks}});
  }
  co_return list_json(std::move(data), more);
}

}  // namespace steward::talk
