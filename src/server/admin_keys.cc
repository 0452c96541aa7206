#include "server/admin.h"
#include "server/admin_json.h"
#include "server/options.h"
#include "server/page.h"

namespace steward::server {
namespace {

constexpr int64_t kMaxOverlapS = 90 * 24 * 3600;

std::shared_ptr<const identity::Key> find_key(const Core& core, const AdminCall& call) {
  const auto snapshot = core.identity->snapshot();
  const auto found = snapshot->keys.find(call.request.params.at("id"));
  return found == snapshot->keys.end() || found->second->tenant != call.caller.tenant ? nullptr : found->second;
}

std::unexpected<Error> no_key(const AdminCall& call) {
  return fail(ErrorCode::kNotFound, fmt::format("There is no key '{}': 'steward keys list' shows them.",
                                                call.request.params.at("id").substr(0, 80)));
}

Task<Result<Reply>> list_keys(Core& core, AdminCall call) {
  auto query = page_query(call.request);
  if (!query) co_return fail(query.error());
  const auto snapshot = core.identity->snapshot();
  std::vector<std::pair<std::string, Json>> rows;
  for (const auto& [id, key] : snapshot->keys) {
    if (key->tenant == call.caller.tenant) rows.emplace_back(id, key_json(*key, core.clock.now_us()));
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

Task<Result<Reply>> create_key(Core& core, AdminCall call) {
  Fields fields(call.body);
  identity::KeySpec spec;
  spec.name = fields.need_text("name");
  read_key_spec(fields, spec);
  auto budgets = first_budgets(core, fields);
  if (auto good = fields.finish(); !good) co_return fail(good.error());
  auto made = co_await core.ledger->create_key(call.caller, std::move(spec), std::move(*budgets));
  if (!made) co_return fail(made.error());
  Json body = key_json(made->key, core.clock.now_us());
  body["secret"] = made->secret;
  co_return Reply{201, std::move(body)};
}

Task<Result<Reply>> get_key(Core& core, AdminCall call) {
  const auto key = find_key(core, call);
  if (!key) co_return no_key(call);
  co_return Reply{200, key_json(*key, core.clock.now_us())};
}

Task<Result<Reply>> change_key(Core& core, AdminCall call) {
  const auto key = find_key(core, call);
  if (!key) co_return no_key(call);
  Fields fields(call.body);
  identity::KeySpec spec = key->spec;
  read_key_spec(fields, spec);
  if (auto good = fields.finish(); !good) co_return fail(good.error());
  auto changed = co_await core.identity->update_key(call.caller, key->id, std::move(spec));
  if (!changed) co_return fail(changed.error());
  co_return Reply{200, key_json(*changed, core.clock.now_us())};
}

Task<Result<Reply>> rotate_key(Core& core, AdminCall call) {
  const auto key = find_key(core, call);
  if (!key) co_return no_key(call);
  Fields fields(call.body);
  const int64_t overlap_s = fields.integer("overlap_s", 0, kMaxOverlapS).value_or(0);
  if (auto good = fields.finish(); !good) co_return fail(good.error());
  auto made = co_await core.identity->rotate_key(call.caller, key->id, overlap_s * kSecondUs);
  if (!made) co_return fail(made.error());
  Json body = key_json(made->key, core.clock.now_us());
  body["secret"] = made->secret;
  body["old_secret_until"] = to_rfc3339(core.clock.now_us() + overlap_s * kSecondUs);
  co_return Reply{200, std::move(body)};
}

Task<Result<Reply>> revoke_key(Core& core, AdminCall call) {
  const auto key = find_key(core, call);
  if (!key) co_return no_key(call);
  if (auto done = co_await core.identity->revoke_key(call.caller, key->id); !done) co_return fail(done.error());
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

std::vector<Endpoint> key_endpoints(Core& core) {
  const std::string tag = "Keys";
  return {
      json_endpoint("GET", "/admin/v1/keys",
                    {.tag = tag, .summary = "List keys", .response_schema = "Key", .list = true},
                    [&core](AdminCall call) { return list_keys(core, std::move(call)); }),
      json_endpoint(
          "POST", "/admin/v1/keys",
          {.tag = tag,
           .summary = "Make a key",
           .description = "The secret is in this answer and nowhere else, ever again.",
           .request_schema = "NewKey",
           .response_schema = "KeyWithSecret",
           .success = 201},
          [&core](AdminCall call) { return create_key(core, std::move(call)); }, false),
      json_endpoint("GET", "/admin/v1/keys/{id}", {.tag = tag, .summary = "Show a key", .response_schema = "Key"},
                    [&core](AdminCall call) { return get_key(core, std::move(call)); }),
      json_endpoint("PATCH", "/admin/v1/keys/{id}",
                    {.tag = tag,
                     .summary = "Change a key",
                     .description = "Fields that are not given stay.",
                     .request_schema = "KeyChange",
                     .response_schema = "Key"},
                    [&core](AdminCall call) { return change_key(core, std::move(call)); }),
      json_endpoint(
          "POST", "/admin/v1/keys/{id}/rotate",
          {.tag = tag,
           .summary = "Give a key a new secret",
           .description = "The old secret holds for overlap_s seconds more.",
           .request_schema = "Rotation",
           .response_schema = "KeyWithSecret"},
          [&core](AdminCall call) { return rotate_key(core, std::move(call)); }, false),
      json_endpoint("POST", "/admin/v1/keys/{id}/revoke",
                    {.tag = tag, .summary = "Revoke a key, at once and for good", .response_schema = "Key"},
                    [&core](AdminCall call) { return revoke_key(core, std::move(call)); }),
  };
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
