#include "server/memory.h"

#include "base/crypto.h"
#include "memory/memory.h"
#include "memory/view.h"
#include "server/admin.h"
#include "server/app.h"
#include "server/people_json.h"
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
                      .name_of = [&core](const Id& principal) { return name_of(core, principal); }};
  core.memory = std::make_unique<memory::Memory>(std::move(parts));
  return core.memory->start();
}

}  // namespace steward::server
