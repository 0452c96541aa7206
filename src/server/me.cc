// /v1/me: what is somebody's own - who they are, their settings, their sessions, the budgets over them.
#include "base/text.h"
#include "identity/access.h"
#include "server/admin_json.h"
#include "server/fields.h"
#include "server/page.h"
#include "server/people_api.h"
#include "server/people_json.h"
#include "server/sign_in.h"
#include "server/web_session.h"

namespace steward::server {
namespace {

constexpr size_t kUiSettings = 64;
constexpr size_t kUiSettingBytes = 1'024;
constexpr size_t kTextSettingBytes = 200;

struct Setting {
  std::string_view name;
  std::vector<std::string> choices;  // empty: any short text
  bool boolean = false;
};

const std::vector<Setting>& known_settings() {
  static const std::vector<Setting> kSettings = {{"language", {"auto", "en", "zh"}, false},
                                                 {"theme", {"system", "light", "dark"}, false},
                                                 {"single_keys", {}, true},
                                                 {"display_currency", {}, false},
                                                 {"memory", {}, true},
                                                 {"default_model", {}, false}};
  return kSettings;
}

std::unexpected<Error> bad_setting(std::string_view name, std::string_view why) {
  return fail(ErrorCode::kInvalidRequest, fmt::format("The setting '{}' {}.", name.substr(0, 80), why),
              {{"param", "values"}});
}

Status check_setting(const std::string& name, const Json& value) {
  if (value.is_null()) return {};
  if (name.starts_with("ui.")) {
    if (name.size() > kTextSettingBytes || !(value.is_string() || value.is_number() || value.is_boolean()) ||
        dump(value).size() > kUiSettingBytes)
      return bad_setting(name, "must be a text, a number or a boolean of at most 1 kB");
    return {};
  }
  for (const Setting& known : known_settings()) {
    if (known.name != name) continue;
    if (known.boolean) return value.is_boolean() ? Status{} : bad_setting(name, "must be true or false");
    if (!value.is_string() || value.get<std::string>().size() > kTextSettingBytes)
      return bad_setting(name, "must be a short text");
    if (!known.choices.empty() && std::ranges::find(known.choices, value.get<std::string>()) == known.choices.end())
      return bad_setting(name, "must be one of " + join(known.choices, ", "));
    return {};
  }
  return bad_setting(
      name, "is not known: there are language, theme, single_keys, display_currency, memory, default_model, ui.*");
}

Json settings_json(const Core& core, const Id& person) {
  return {{"object", "settings"}, {"values", core.people->state().settings(person)}};
}

Task<Result<Reply>> change_settings(Core& core, AdminCall call) {
  Fields fields(call.body);
  const Json* values = fields.object("values");
  if (!values) fields.problem("values", "is needed");
  if (auto good = fields.finish(); !good) co_return fail(good.error());
  size_t ui = 0;
  Json after = core.people->state().settings(call.caller.principal);
  after.update(*values);
  for (const auto& [name, value] : after.items()) {
    if (auto good = check_setting(name, value); !good) co_return fail(good.error());
    ui += name.starts_with("ui.") && !value.is_null() ? 1 : 0;
  }
  if (ui > kUiSettings) co_return bad_setting("ui.*", fmt::format("has at most {} values", kUiSettings));
  auto done = co_await core.people->change_settings(call.caller, call.caller.principal, *values);
  if (!done) co_return fail(done.error());
  co_return Reply{200, settings_json(core, call.caller.principal)};
}

Task<Result<Reply>> change_me(Core& core, AdminCall call) {
  Fields fields(call.body);
  identity::Change change;
  change.name = fields.text("name");
  change.email = fields.text("email");
  change.time_zone = fields.text("time_zone");
  const auto password = fields.text("current_password");
  if (auto good = fields.finish(); !good) co_return fail(good.error());
  const Id me = call.caller.principal;
  // The address is a way in, so whoever found an open browser can't turn it into theirs.
  if (change.email && *change.email != core.people->state().email(me) && !call.session.empty()) {
    if (!password)
      co_return fail(ErrorCode::kInvalidRequest, "Changing the e-mail address needs the current password.",
                     {{"param", "current_password"}, {"reason", "password_needed"}});
    if (auto right = co_await core.sign_in->confirm(me, *password, address_of(call.request)); !right)
      co_return fail(right.error());
  }
  if (auto done = co_await core.people->change(call.caller, me, std::move(change)); !done) co_return fail(done.error());
  co_return Reply{200, person_json(core, me)};
}

Task<Result<Reply>> change_password(Core& core, AdminCall call) {
  Fields fields(call.body);
  const std::string current = fields.need_text("current_password"), fresh = fields.need_text("new_password");
  if (auto good = fields.finish(); !good) co_return fail(good.error());
  const Id me = call.caller.principal;
  if (auto good = good_password(core, fresh, name_of(core, me), core.people->state().email(me)); !good)
    co_return fail(good.error());
  if (auto right = co_await core.sign_in->confirm(me, current, address_of(call.request)); !right)
    co_return fail(right.error());
  auto hash = co_await core.sign_in->hash(fresh);
  if (!hash) co_return fail(hash.error());
  auto done = co_await core.people->set_password(call.caller, me, std::move(*hash), call.session);
  if (!done) co_return fail(done.error());
  const auto session = core.people->state().session(call.session);
  const auto token = session_token_of(core, call.request);
  if (!session || !token) co_return Reply{200, {{"object", "session"}, {"signed_in", false}}};
  co_return Reply{200, session_json(core, *session, *token)};
}

Task<Result<Reply>> list_sessions(Core& core, AdminCall call) {
  auto query = page_query(call.request);
  if (!query) co_return fail(query.error());
  std::vector<std::pair<std::string, Json>> rows;
  for (const auto& session : core.people->state().sessions_of(call.caller.principal)) {
    if (core.people->is_open(session.id))
      rows.emplace_back(session.id, session_entry_json(core, session, call.session));
  }
  co_return page_of(rows, *query);
}

Task<Result<Reply>> end_session(Core& core, AdminCall call) {
  const Id id = call.request.params.at("id");
  const auto session = core.people->state().session(id);
  const identity::Resource theirs{.tenant = call.caller.tenant, .owner = session ? session->person : Id()};
  if (!session || !core.identity->may(call.caller, identity::Verb::kWrite, theirs))
    co_return fail(ErrorCode::kNotFound, fmt::format("You have no session '{}'.", id.substr(0, 80)));
  Json entry = session_entry_json(core, *session, call.session);
  if (auto done = co_await core.people->end_session(call.caller, id, "signed_out"); !done) co_return fail(done.error());
  Reply reply{200, std::move(entry)};
  if (id == call.session) reply.headers.push_back(no_session_cookie(core));
  co_return reply;
}

Task<Result<Reply>> end_all_sessions(Core& core, AdminCall call) {
  Fields fields(call.body);
  const bool keep = fields.boolean("keep_current").value_or(false);
  if (auto good = fields.finish(); !good) co_return fail(good.error());
  auto ended = co_await core.people->end_sessions(call.caller, call.caller.principal, keep ? call.session : Id(),
                                                  "signed_out_everywhere");
  if (!ended) co_return fail(ended.error());
  Reply reply{200, {{"object", "sessions_revoked"}, {"count", *ended}}};
  if (!keep) reply.headers.push_back(no_session_cookie(core));
  co_return reply;
}

// Those that bound what one spends: one's own, of one's keys, of one's teams and what is above them, the whole's.
Task<Result<Reply>> list_budgets(Core& core, AdminCall call) {
  auto query = page_query(call.request);
  if (!query) co_return fail(query.error());
  const auto snapshot = core.identity->snapshot();
  std::set<Id> scopes = identity::acts_as(*snapshot, call.caller.tenant, call.caller.principal);
  if (core.people->role_of(call.caller.principal) == identity::Role::kGuest) scopes = {call.caller.principal};
  for (const auto& [id, key] : snapshot->keys) {
    if (key->spec.owner == call.caller.principal && key->tenant == call.caller.tenant) scopes.insert(id);
  }
  auto budgets = co_await core.ledger->budgets(call.caller.tenant);
  if (!budgets) co_return fail(budgets.error());
  std::ranges::sort(*budgets, {}, &ledger::Budget::id);
  std::vector<std::pair<std::string, Json>> rows;
  for (const auto& budget : *budgets) {
    if (scopes.contains(budget.spec.scope)) rows.emplace_back(budget.id, budget_json(budget));
  }
  co_return page_of(rows, *query);
}

template <class Show>
Task<Result<Reply>> show_now(Show show, AdminCall call) {
  co_return Reply{200, show(call.caller.principal)};
}

template <class Show>
JsonHandler shown(Show show) {
  return [show](AdminCall call) -> Task<Result<Reply>> { return show_now(show, std::move(call)); };
}

std::vector<Endpoint> session_list_endpoints(Core& core) {
  const std::string tag = "Mine";
  return {
      person_endpoint("GET", "/v1/me/sessions",
                      {.tag = tag, .summary = "Where I am signed in", .response_schema = "SessionEntry", .list = true},
                      [&core](AdminCall call) { return list_sessions(core, std::move(call)); }),
      person_endpoint("DELETE", "/v1/me/sessions/{id}",
                      {.tag = tag, .summary = "Sign out there", .response_schema = "SessionEntry"},
                      [&core](AdminCall call) { return end_session(core, std::move(call)); }),
      person_endpoint("POST", "/v1/me/sessions/revoke",
                      {.tag = tag,
                       .summary = "Sign out everywhere",
                       .request_schema = "SessionsRevocation",
                       .response_schema = "SessionsRevoked"},
                      [&core](AdminCall call) { return end_all_sessions(core, std::move(call)); }),
      person_endpoint(
          "GET", "/v1/me/budgets",
          {.tag = tag, .summary = "The budgets over what I spend", .response_schema = "Budget", .list = true},
          [&core](AdminCall call) { return list_budgets(core, std::move(call)); }),
  };
}

}  // namespace

Endpoint person_endpoint(std::string method, std::string pattern, EndpointDoc doc, JsonHandler handler,
                         bool repeatable) {
  Endpoint endpoint =
      json_endpoint(std::move(method), std::move(pattern), std::move(doc), std::move(handler), repeatable);
  endpoint.access = Access::kPerson;
  return endpoint;
}

std::vector<Endpoint> me_endpoints(Core& core) {
  const std::string tag = "Mine";
  std::vector<Endpoint> out = {
      person_endpoint("GET", "/v1/me", {.tag = tag, .summary = "Who I am", .response_schema = "Person"},
                      shown([&core](const Id& me) { return person_json(core, me); })),
      person_endpoint("PATCH", "/v1/me",
                      {.tag = tag,
                       .summary = "Change my name, address or time zone",
                       .description = "A changed e-mail address needs current_password.",
                       .request_schema = "MeChange",
                       .response_schema = "Person"},
                      [&core](AdminCall call) { return change_me(core, std::move(call)); }),
      person_endpoint(
          "POST", "/v1/me/password",
          {.tag = tag,
           .summary = "Change my password",
           .description = "Signs me out everywhere else.",
           .request_schema = "PasswordChange",
           .response_schema = "Session"},
          [&core](AdminCall call) { return change_password(core, std::move(call)); }, false),
      person_endpoint("GET", "/v1/me/settings",
                      {.tag = tag, .summary = "How I like the app", .response_schema = "Settings"},
                      shown([&core](const Id& me) { return settings_json(core, me); })),
      person_endpoint("PATCH", "/v1/me/settings",
                      {.tag = tag,
                       .summary = "Change how I like the app",
                       .description = "null takes a value back.",
                       .request_schema = "SettingsChange",
                       .response_schema = "Settings"},
                      [&core](AdminCall call) { return change_settings(core, std::move(call)); }),
  };
  for (auto& endpoint : session_list_endpoints(core)) out.push_back(std::move(endpoint));
  return out;
}

}  // namespace steward::server
