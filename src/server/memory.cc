#include "server/memory.h"

#include "base/crypto.h"
#include "ledger/period.h"
#include "memory/memory.h"
#include "memory/view.h"
#include "server/admin.h"
#include "server/app.h"
#include "server/people_json.h"
#include "talk/prompt.h"
#include "talk/rows.h"

namespace steward::server {
namespace {

constexpr size_t kMostShared = 20'000;  // messages of others that one question looks at, those shared last first

// What others share with somebody, as Talk has it: of each conversation the path down to where it is shared.
std::vector<memory::SharedWith> shared_with(journal::Db& db, const Id& tenant, const Id& principal,
                                            const std::vector<Id>& readers) {
  std::vector<memory::SharedWith> out;
  std::map<Id, std::set<Id>> told;  // conversation → messages: two shares of one may overlap
  size_t messages = 0;
  auto shares = talk::shares_with(db, tenant, readers);
  std::ranges::sort(shares, std::greater<>(), &talk::ShareRow::created);
  for (const auto& share : shares) {
    if (share.owner == principal || messages >= kMostShared) continue;
    memory::SharedWith one{.conversation = share.conversation, .owner = share.owner};
    for (const Id& id : talk::ids_on_path(db, tenant, share.leaf)) {
      if (told[share.conversation].insert(id).second) one.messages.push_back(id);
    }
    if (messages + one.messages.size() > kMostShared) one.messages.resize(kMostShared - messages);
    messages += one.messages.size();
    if (!one.messages.empty()) out.push_back(std::move(one));
  }
  return out;
}

Task<Result<Reply>> answered(Core& core, AdminCall call) {
  auto body = co_await core.memory->search(std::move(call.caller), std::move(call.body));
  if (!body) co_return fail(std::move(body.error()));
  co_return Reply{200, std::move(*body)};
}

bool has_memory_off(const Core& core, const Id& person) {
  const Json settings = core.people->state().settings(person);
  const auto told = settings.find("memory");
  return told != settings.end() && *told == false;
}

talk::Remembered::Piece piece_for(const memory::Piece& piece, const date::time_zone* zone) {
  talk::Remembered::Piece out{
      .conversation = piece.conversation, .lines = {}, .passages = piece.passages, .why = memory::why_of(piece)};
  for (const auto& one : piece.messages) {
    out.lines.push_back({.message = one.id,
                         .role = one.role,
                         .time = one.time,
                         .when = ledger::local_time(zone, one.time),
                         .text = one.text});
  }
  return out;
}

}  // namespace

Task<talk::Remembered> remember_for(Core& core, talk::Ask ask, std::string message, size_t tokens) {
  if (!core.memory->enabled()) co_return talk::Remembered{.pieces = {}, .off = "server"};
  if (has_memory_off(core, ask.caller.principal)) co_return talk::Remembered{.pieces = {}, .off = "settings"};
  if (!memory::may_read(ask.caller)) co_return talk::Remembered{.pieces = {}, .off = "key"};
  memory::Wish wish{.conversation = ask.conversation, .text = std::move(message), .without = ask.without};
  wish.tokens = tokens;
  auto pieces = co_await core.memory->for_answer(ask.caller, std::move(wish));
  talk::Remembered out;
  if (!pieces) co_return out;  // an answer is never held up by what was said before
  const auto* zone = zone_of(core, ask.caller.principal);
  for (const auto& piece : *pieces) out.pieces.push_back(piece_for(piece, zone));
  co_return out;
}

Task<Result<talk::Remembered>> remember_again(Core& core, identity::Caller caller, talk::Remembered given) {
  if (given.pieces.empty()) co_return given;
  if (auto may = memory::may_read(caller); !may) co_return fail(std::move(may.error()));
  std::vector<std::vector<int64_t>> passages;
  for (const auto& piece : given.pieces) passages.push_back(piece.passages);
  const auto again = co_await core.memory->again(caller.tenant, std::move(passages));
  const auto* zone = zone_of(core, caller.principal);
  for (size_t i = 0; i < given.pieces.size(); ++i) {
    if (!again[i]) continue;
    auto piece = piece_for(*again[i], zone);
    piece.first = given.pieces[i].first;
    piece.why = given.pieces[i].why;
    given.pieces[i] = std::move(piece);
  }
  co_return given;
}

namespace {

Task<Result<gateway::Recollected>> recollected(Core& core, identity::Caller caller, std::string model,
                                               std::string message) {
  if (auto may = memory::may_read(caller); !may) co_return fail(std::move(may.error()));
  const size_t tokens = talk::tokens_to_remember(talk::ability_of(core.gateway->services(), model));
  const talk::Remembered found = co_await remember_for(core, {.caller = std::move(caller)}, std::move(message), tokens);
  gateway::Recollected out{
      .text = talk::told_of(found), .pieces = found.pieces.size(), .messages = {}, .off = found.off};
  for (const auto& piece : found.pieces) {
    for (const auto& line : piece.lines) out.messages.push_back(line.message);
  }
  co_return out;
}

}  // namespace

std::vector<Endpoint> memory_endpoints(Core& core) {
  Endpoint search = json_endpoint(
      "POST", "/v1/memory/search",
      {.tag = "Memory",
       .summary = "What was said before that a question is about, with its sources",
       .description = "Over one's own conversations and what others share, by words, meaning, time and names. By a key "
                      "only if `memory` is among its endpoints.",
       .request_schema = "MemorySearch",
       .response_schema = "MemoryFound"},
      [&core](AdminCall call) { return answered(core, std::move(call)); }, /*repeatable=*/true);
  search.access = Access::kKey;
  return {std::move(search)};
}

Status configure_memory_view(Core& core, const std::string& key, Result<Config> config) {
  if (!config) return fail(std::move(config.error()));
  core.memory_view->configure(
      {.enabled = config->boolean("memory.enabled"),
       .blob = [&core](const Id& tenant, const std::string& blob) { return core.blobs->get(tenant, blob); },
       .key = [key](const Id& tenant) { return hmac_sha256(key, tenant); }});
  return {};
}

Status make_memory(Core& core) {
  const auto config = core.config.get();
  const std::string zone = config->text("server.time_zone");
  memory::Parts parts{.services = core.gateway->services(),
                      .views = *core.views,
                      .threads = *core.threads,
                      .file = core.home.root / "vectors" / "memory.db",
                      .enabled = config->boolean("memory.enabled"),
                      .time_zone = zone.empty() ? host_time_zone() : zone,
                      .shared = shared_with,
                      .name_of = [&core](const Id& principal) { return name_of(core, principal); },
                      .paused = [&core](const Id& principal) { return has_memory_off(core, principal); }};
  core.memory = std::make_unique<memory::Memory>(std::move(parts));
  if (core.memory->enabled())
    core.gateway->services().recollection = [&core](identity::Caller caller, std::string model, std::string message) {
      return recollected(core, std::move(caller), std::move(model), std::move(message));
    };
  return core.memory->start();
}

}  // namespace steward::server
