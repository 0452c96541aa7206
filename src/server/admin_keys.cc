#include "identity/access.h"
#include "server/admin.h"
#include "server/admin_json.h"
#include "server/options.h"
#include "server/page.h"
#include "server/people_api.h"

namespace steward::server {
namespace {

constexpr int64_t kMaxOverlapS = 90 * 24 * 3600;

// Whose keys an address is about. Of one's own, whoever else's is not there at all.
enum class Whose { kAll, kMine };

bool is_among(const identity::Key& key, const AdminCall& call, Whose whose) {
  return key.tenant == call.caller.tenant && (whose == Whose::kAll || key.spec.owner == call.caller.principal);
}

std::shared_ptr<const identity::Key> find_key(const Core& core, const AdminCall& call, Whose whose) {
  const auto snapshot = core.identity->snapshot();
  const auto found = snapshot->keys.find(call.request.params.at("id"));
  return found == snapshot->keys.end() || !is_among(*found->second, call, whose) ? nullptr : found->second;
}

// Identity's commands ask for an administrator. That somebody may do this with a key of their own was decided here: it
// is theirs, and a guest, who calls no model, has none.
Result<identity::Caller> acting(const Core& core, const AdminCall& call, Whose whose) {
  identity::Caller actor = call.caller;
  if (whose == Whose::kAll) return actor;
  auto may = core.identity->may(actor, identity::Verb::kUseModel, {.tenant = actor.tenant});
  if (!may) return fail(may.error());
  actor.admin = true;
  return actor;
}

// A key of one's own never administers, belongs to nobody else, and counts to a team that one is in.
Status check_own(const Core& core, const AdminCall& call, const identity::KeySpec& spec) {
  const auto refuse = [](std::string_view field, std::string sentence) {
    return fail(ErrorCode::kForbidden, std::move(sentence), {{"param", field}});
  };
  if (spec.admin) return refuse("admin", "A key with the scope admin is made by an owner, under /admin/v1/keys.");
  if (spec.owner != call.caller.principal) return refuse("owner", "A key of yours is yours; leave 'owner' out.");
  if (spec.team.empty()) return {};
  const auto selves = identity::acts_as(*core.identity->snapshot(), call.caller.tenant, call.caller.principal);
  if (!selves.contains(spec.team)) return refuse("team", "You are in no such team.");
  return {};
}

std::unexpected<Error> no_key(const AdminCall& call) {
  return fail(ErrorCode::kNotFound, fmt::format("There is no key '{}': 'steward keys list' shows them.",
                                                call.request.params.at("id").substr(0, 80)));
}

Task<Result<Reply>> list_keys(Core& core, AdminCall call, Whose whose) {
  auto query = page_query(call.request);
  if (!query) co_return fail(query.error());
  const auto snapshot = core.identity->snapshot();
  std::vector<std::pair<std::string, Json>> rows;
  for (const auto& [id, key] : snapshot->keys) {
    if (is_among(*key, call, whose)) rows.emplace_back(id, key_json(*key, core.clock.now_us()));
  }
  co_return page_of(rows, *query);
}

// The budgets that a new key begins with: the one asked for, else the configuration's.
Result<std::vector<ledger::BudgetSpec>> first_budgets(const Core& core, Fields& fields) {
  ledger::BudgetSpec spec;
  spec.name = "key";
  if (const Json* asked = fields.object("budget")) {
    Fields inner(*asked);
    const auto limit = read_usd(inner, "limit_usd");
    if (!limit) inner.problem("limit_usd", "is needed");
    spec.limit = limit.value_or(0);
    spec.period = read_period(inner, "period").value_or(ledger::Period::kForever);
    spec.time_zone = inner.text("time_zone").value_or("");
    if (auto good = inner.finish(); !good) fields.problem("budget", "is not right: " + good.error().message);
    return std::vector{spec};
  }
  return new_key_budgets(*core.config.get());
}

Task<Result<Reply>> create_key(Core& core, AdminCall call, Whose whose) {
  const auto actor = acting(core, call, whose);
  if (!actor) co_return fail(actor.error());
  Fields fields(call.body);
  identity::KeySpec spec;
  spec.name = fields.need_text("name");
  if (whose == Whose::kMine) spec.owner = call.caller.principal;
  read_key_spec(fields, spec);
  auto budgets = first_budgets(core, fields);
  if (auto good = fields.finish(); !good) co_return fail(good.error());
  if (whose == Whose::kMine) {
    if (auto own = check_own(core, call, spec); !own) co_return fail(own.error());
  }
  auto made = co_await core.ledger->create_key(*actor, std::move(spec), std::move(*budgets));
  if (!made) co_return fail(made.error());
  Json body = key_json(made->key, core.clock.now_us());
  body["secret"] = made->secret;
  co_return Reply{201, std::move(body)};
}

Task<Result<Reply>> get_key(Core& core, AdminCall call, Whose whose) {
  const auto key = find_key(core, call, whose);
  if (!key) co_return no_key(call);
  co_return Reply{200, key_json(*key, core.clock.now_us())};
}

Task<Result<Reply>> change_key(Core& core, AdminCall call, Whose whose) {
  const auto key = find_key(core, call, whose);
  if (!key) co_return no_key(call);
  const auto actor = acting(core, call, whose);
  if (!actor) co_return fail(actor.error());
  Fields fields(call.body);
  identity::KeySpec spec = key->spec;
  read_key_spec(fields, spec);
  if (auto good = fields.finish(); !good) co_return fail(good.error());
  if (whose == Whose::kMine) {
    if (auto own = check_own(core, call, spec); !own) co_return fail(own.error());
  }
  auto changed = co_await core.identity->update_key(*actor, key->id, std::move(spec));
  if (!changed) co_return fail(changed.error());
  co_return Reply{200, key_json(*changed, core.clock.now_us())};
}

Task<Result<Reply>> rotate_key(Core& core, AdminCall call, Whose whose) {
  const auto key = find_key(core, call, whose);
  if (!key) co_return no_key(call);
  const auto actor = acting(core, call, whose);
  if (!actor) co_return fail(actor.error());
  Fields fields(call.body);
  const int64_t overlap_s = fields.integer("overlap_s", 0, kMaxOverlapS).value_or(0);
  if (auto good = fields.finish(); !good) co_return fail(good.error());
  auto made = co_await core.identity->rotate_key(*actor, key->id, overlap_s * kSecondUs);
  if (!made) co_return fail(made.error());
  Json body = key_json(made->key, core.clock.now_us());
  body["secret"] = made->secret;
  body["old_secret_until"] = to_rfc3339(core.clock.now_us() + overlap_s * kSecondUs);
  co_return Reply{200, std::move(body)};
}

Task<Result<Reply>> revoke_key(Core& core, AdminCall call, Whose whose) {
  const auto key = find_key(core, call, whose);
  if (!key) co_return no_key(call);
  identity::Caller actor = call.caller;  // a guest may still end a key from before
  actor.admin = true;
  if (auto done = co_await core.identity->revoke_key(actor, key->id); !done) co_return fail(done.error());
  Json body = key_json(*key, core.clock.now_us());
  body["status"] = "revoked";
  co_return Reply{200, std::move(body)};
}

Task<Result<Reply>> list_principals(Core& core, AdminCall call) {
  auto query = page_query(call.request);
  if (!query) co_return fail(query.error());
  const auto snapshot = core.identity->snapshot();
  std::vector<std::pair<std::string, Json>> rows;
  for (const auto& [id, principal] : snapshot->principals) {
    if (principal.tenant == call.caller.tenant) rows.emplace_back(id, principal_json(principal));
  }
  co_return page_of(rows, *query);
}

Task<Result<Reply>> create_principal(Core& core, AdminCall call) {
  Fields fields(call.body);
  const std::string kind = fields.need_text("kind");
  const std::string name = fields.need_text("name");
  const std::string zone = fields.text("time_zone").value_or("");
  std::optional<identity::PrincipalKind> of;
  if (kind == "user") of = identity::PrincipalKind::kUser;
  if (kind == "team") of = identity::PrincipalKind::kTeam;
  if (kind == "service") of = identity::PrincipalKind::kService;
  if (!of) fields.problem("kind", "must be user, team or service");
  if (auto good = fields.finish(); !good) co_return fail(good.error());
  auto made = co_await core.identity->create_principal(call.caller, *of, name, zone);
  if (!made) co_return fail(made.error());
  co_return Reply{201, principal_json(*made)};
}

Task<Result<Reply>> change_principal(Core& core, AdminCall call) {
  const std::string id = call.request.params.at("id");
  Fields fields(call.body);
  const auto disabled = fields.boolean("disabled");
  if (!disabled) fields.problem("disabled", "must be true or false");
  if (auto good = fields.finish(); !good) co_return fail(good.error());
  if (auto done = co_await core.identity->set_disabled(call.caller, id, *disabled); !done) co_return fail(done.error());
  const auto snapshot = core.identity->snapshot();
  co_return Reply{200, principal_json(snapshot->principals.at(id))};
}

Task<Result<Reply>> set_member(Core& core, AdminCall call, bool in) {
  const std::string group = call.request.params.at("id"), member = call.request.params.at("member");
  if (auto done = co_await core.identity->set_member(call.caller, group, member, in); !done)
    co_return fail(done.error());
  co_return Reply{200, {{"object", "membership"}, {"group", group}, {"member", member}, {"in", in}}};
}

}  // namespace

namespace {

using KeyHandler = Task<Result<Reply>> (*)(Core&, AdminCall, Whose);

struct KeyRoute {
  std::string method, rest;
  EndpointDoc doc;
  KeyHandler handler;
  bool repeatable = true;
};

std::vector<KeyRoute> key_routes() {
  return {
      {"GET", "", {.summary = "List keys", .response_schema = "Key", .list = true}, list_keys},
      {"POST",
       "",
       {.summary = "Make a key",
        .description = "The secret is in this answer and nowhere else, ever again.",
        .request_schema = "NewKey",
        .response_schema = "KeyWithSecret",
        .success = 201},
       create_key,
       false},
      {"GET", "/{id}", {.summary = "Show a key", .response_schema = "Key"}, get_key},
      {"PATCH",
       "/{id}",
       {.summary = "Change a key",
        .description = "Fields that are not given stay.",
        .request_schema = "KeyChange",
        .response_schema = "Key"},
       change_key},
      {"POST",
       "/{id}/rotate",
       {.summary = "Give a key a new secret",
        .description = "The old secret holds for overlap_s seconds more.",
        .request_schema = "Rotation",
        .response_schema = "KeyWithSecret"},
       rotate_key,
       false},
      {"POST", "/{id}/revoke", {.summary = "Revoke a key, at once and for good", .response_schema = "Key"}, revoke_key},
  };
}

}  // namespace

std::vector<Endpoint> key_endpoints(Core& core) {
  std::vector<Endpoint> out;
  for (const Whose whose : {Whose::kAll, Whose::kMine}) {
    for (auto& route : key_routes()) {
      const JsonHandler handler = [&core, whose, run = route.handler](AdminCall call) {
        return run(core, std::move(call), whose);
      };
      route.doc.tag = whose == Whose::kMine ? "Mine" : "Keys";
      if (whose == Whose::kMine) route.doc.summary += ", of my own";
      const std::string pattern = (whose == Whose::kMine ? "/v1/me/keys" : "/admin/v1/keys") + route.rest;
      out.push_back(json_endpoint(route.method, pattern, std::move(route.doc), handler, route.repeatable));
      if (whose == Whose::kMine) out.back().access = Access::kPerson;
    }
  }
  return out;
}

std::vector<Endpoint> principal_endpoints(Core& core) {
  const std::string tag = "People and teams";
  return {
      json_endpoint(
          "GET", "/admin/v1/principals",
          {.tag = tag, .summary = "List people, teams and services", .response_schema = "Principal", .list = true},
          [&core](AdminCall call) { return list_principals(core, std::move(call)); }),
      json_endpoint(
          "POST", "/admin/v1/principals",
          {.tag = tag,
           .summary = "Add a person, a team or a service",
           .request_schema = "NewPrincipal",
           .response_schema = "Principal",
           .success = 201},
          [&core](AdminCall call) { return create_principal(core, std::move(call)); }, false),
      json_endpoint("PATCH", "/admin/v1/principals/{id}",
                    {.tag = tag,
                     .summary = "Disable somebody, or enable them again",
                     .description = "The keys of a disabled person or service stop at once.",
                     .request_schema = "PrincipalChange",
                     .response_schema = "Principal"},
                    [&core](AdminCall call) { return change_principal(core, std::move(call)); }),
      json_endpoint("PUT", "/admin/v1/principals/{id}/members/{member}",
                    {.tag = tag, .summary = "Put somebody into a team", .response_schema = "Membership"},
                    [&core](AdminCall call) { return set_member(core, std::move(call), true); }),
      json_endpoint("DELETE", "/admin/v1/principals/{id}/members/{member}",
                    {.tag = tag, .summary = "Take somebody out of a team", .response_schema = "Membership"},
                    [&core](AdminCall call) { return set_member(core, std::move(call), false); }),
  };
}

}  // namespace steward::server
