// Talk's shares: a path of a conversation, read only, for whoever has the link, or for a person or a team.
#include <algorithm>

#include "base/crypto.h"
#include "gateway/peek.h"
#include "talk/records.h"
#include "talk/show.h"
#include "talk/talk.h"

namespace steward::talk {
using gateway::peek_text;
namespace {

constexpr size_t kTokenBytes = 32;
constexpr size_t kMaxShares = 100;  // of one conversation
constexpr std::string_view kLink = "link";

// Nothing of the owner's but what was said: no cost, no key's call.
Json without_costs(Json page) {
  for (auto& message : page["data"]) {
    for (const char* name :
         {"usage", "cost_nano_usd", "call", "calls", "attempt", "error", "left_out", "versions", "conversation"})
      message.erase(name);
    for (auto& one : message["attachments"])
      one = {{"name", one["name"]}, {"type", one["type"]}, {"kind", one["kind"]}};
  }
  return page;
}

Error no_share() {
  return Error(ErrorCode::kLinkInvalid, "This link leads nowhere: it is not whole, or it was taken back.");
}

}  // namespace

Task<Result<Talk::NewShare>> Talk::share(Caller caller, Id id, Json body) {
  auto row = co_await own(caller, id);
  if (!row) co_return fail(std::move(row.error()));
  const Id with = peek_text(body, "with");
  const auto snapshot = parts_.services.identity.snapshot();
  const auto reader = snapshot->principals.find(with);
  const bool somebody = reader != snapshot->principals.end() && reader->second.tenant == caller.tenant &&
                        (with.starts_with("usr_") || with.starts_with("team_")) && with != caller.principal;
  if (with != kLink && !somebody)
    co_return fail(ErrorCode::kInvalidRequest, "'with' must be link, or the id of another person or a team here.",
                   {{"param", "with"}});
  Id leaf = peek_text(body, "to").empty() ? row->current : peek_text(body, "to");
  if (leaf.empty())
    co_return fail(ErrorCode::kInvalidRequest, "There is nothing to share yet: nothing was said.", {{"param", "to"}});
  if (auto message = co_await message_in(caller.tenant, id, leaf); !message) co_return fail(std::move(message.error()));
  const auto before =
      co_await read<size_t>([tenant = caller.tenant, id](journal::Db& db) { return shares_of(db, tenant, id).size(); });
  if (before >= kMaxShares)
    co_return fail(ErrorCode::kInvalidRequest, fmt::format("A conversation has at most {} shares.", kMaxShares));
  NewShare out;
  Json about = {
      {"share", parts_.services.ids.make("shr")}, {"owner", caller.principal}, {"with", with}, {"leaf", leaf}};
  if (with == kLink) {
    out.token = to_base64url(parts_.services.random.bytes(kTokenBytes));
    about["tag"] = to_hex(hmac_sha256(parts_.share_key, out.token));
  }
  std::vector<journal::Draft> drafts;
  drafts.push_back(draft_of(caller, conversation_stream(id), kShareMade, about));
  if (with != kLink) drafts.back().sources = {with};  // so that they hear of it
  if (auto done = co_await commit(caller.tenant, std::move(drafts)); !done) co_return fail(std::move(done.error()));
  out.share = share_json({.id = peek_text(about, "share"),
                          .tenant = caller.tenant,
                          .conversation = id,
                          .owner = caller.principal,
                          .reader = with,
                          .leaf = leaf,
                          .created = parts_.services.clock.now_us()});
  co_return out;
}

Task<Result<Json>> Talk::shares(Caller caller, Id id) {
  auto row = co_await own(caller, id);
  if (!row) co_return fail(std::move(row.error()));
  const auto rows = co_await read<std::vector<ShareRow>>(
      [tenant = caller.tenant, id](journal::Db& db) { return shares_of(db, tenant, id); });
  Json data = Json::array();
  for (const auto& one : rows) data.push_back(share_json(one));
  co_return list_json(std::move(data), false);
}

Task<Result<Json>> Talk::take_back(Caller caller, Id id, Id share) {
  auto row = co_await own(caller, id);
  if (!row) co_return fail(std::move(row.error()));
  const auto rows = co_await read<std::vector<ShareRow>>(
      [tenant = caller.tenant, id](journal::Db& db) { return shares_of(db, tenant, id); });
  const auto found = std::ranges::find(rows, share, &ShareRow::id);
  if (found == rows.end())
    co_return fail(ErrorCode::kNotFound, "There is no such share of this conversation.", {{"param", "share"}});
  std::vector<journal::Draft> drafts;
  drafts.push_back(draft_of(caller, conversation_stream(id), kShareTakenBack, {{"share", share}}));
  if (found->reader != kLink) drafts.back().sources = {found->reader};
  if (auto done = co_await commit(caller.tenant, std::move(drafts)); !done) co_return fail(std::move(done.error()));
  co_return Json{{"id", share}, {"object", "share.deleted"}, {"deleted", true}};
}

Task<Result<Json>> Talk::shared(std::string token, Query query) {
  if (token.empty() || token.size() > 200) co_return fail(no_share());
  const std::string tag = to_hex(hmac_sha256(parts_.share_key, token));
  struct Found {
    std::optional<ShareRow> share;
    std::optional<ConversationRow> row;
  };
  auto found = co_await read<Found>([tag](journal::Db& db) {
    Found out{.share = share_by_tag(db, tag), .row = {}};
    if (out.share) out.row = find_conversation(db, out.share->tenant, out.share->conversation);
    return out;
  });
  if (!found.share || !found.row || found.row->deleted != 0) co_return fail(no_share());
  query.erase("at");
  auto page =
      co_await window_of(found.share->tenant, found.row->id, found.share->leaf, std::move(query), /*own=*/false);
  if (!page) co_return page;
  Json told = without_costs(std::move(*page));
  co_return Json{{"object", "shared_conversation"},        {"title", found.row->title},
                 {"by", parts_.name_of(found.row->owner)}, {"shared_at", found.share->created / kSecondUs},
                 {"messages", std::move(told["data"])},    {"has_more", told["has_more"]}};
}

}  // namespace steward::talk
