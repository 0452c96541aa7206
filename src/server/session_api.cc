// /v1/session: signing in and out, and the links that let somebody in.
#include "base/text.h"
#include "identity/password.h"
#include "server/admin_json.h"
#include "server/fields.h"
#include "server/people_api.h"
#include "server/people_json.h"
#include "server/sign_in.h"
#include "server/web_session.h"

namespace steward::server {
namespace {

Json nobody() { return {{"object", "session"}, {"signed_in", false}}; }

Reply signed_in(Core& core, const identity::NewSession& made) {
  const DurationUs left = made.session.expires_at - core.clock.now_us();
  return {200, session_json(core, made.session, made.token), {session_cookie(core, made.token, left)}};
}

Task<Result<Reply>> show_session(Core& core, AdminCall call) {
  const auto token = session_token_of(core, call.request);
  if (!token) co_return Reply{200, nobody()};
  const auto who = core.people->authenticate(*token);
  if (!who) co_return Reply{200, nobody(), {no_session_cookie(core)}};
  const auto session = core.people->state().session(who->session);
  if (!session) co_return Reply{200, nobody(), {no_session_cookie(core)}};
  co_return Reply{200, session_json(core, *session, *token)};
}

// A browser has one session: the one it had before ends.
Task<void> end_former(Core& core, const net::Request& request) {
  const auto token = session_token_of(core, request);
  if (!token) co_return;
  const auto session = core.people->find_session(*token);
  if (!session) co_return;
  const identity::Caller self{.tenant = session->tenant, .principal = session->person, .key = nullptr};
  (void)co_await core.people->end_session(self, session->id, "signed_in_anew");
}

Task<Result<Reply>> sign_in(Core& core, AdminCall call) {
  Fields fields(call.body);
  const std::string name = fields.need_text("name"), password = fields.need_text("password");
  if (auto good = fields.finish(); !good) co_return fail(good.error());
  auto person = co_await core.sign_in->by_password(name, password, address_of(call.request));
  if (!person) co_return fail(person.error());
  co_await end_former(core, call.request);
  auto made = co_await core.people->open_session(core.tenant, session_spec(core, call.request, *person));
  if (!made) co_return fail(made.error());
  co_return signed_in(core, *made);
}

Task<Result<Reply>> sign_out(Core& core, AdminCall call) {
  const auto token = session_token_of(core, call.request);
  if (!token) co_return Reply{200, nobody()};
  const auto who = session_caller(core, call.request);
  if (who && !*who && who->error().code != ErrorCode::kSessionEnded) co_return fail(who->error());
  if (who && *who) {
    if (auto done = co_await core.people->end_session((*who)->caller, (*who)->session, "signed_out"); !done)
      co_return fail(done.error());
  }
  co_return Reply{200, nobody(), {no_session_cookie(core)}};
}

Result<identity::Link> shown_link(Core& core, const AdminCall& call, const std::string& token) {
  const std::string address = address_of(call.request);
  if (auto may = core.sign_in->begin_link(address); !may) return fail(may.error());
  auto link = core.people->look_up(token);
  if (link || link.error().code != ErrorCode::kLinkInvalid) core.sign_in->link_was_good(address);
  return link;
}

Task<Result<Reply>> look_at_link(Core& core, AdminCall call) {
  Fields fields(call.body);
  const std::string token = fields.need_text("token");
  if (auto good = fields.finish(); !good) co_return fail(good.error());
  const auto link = shown_link(core, call, token);
  if (!link) co_return fail(link.error());
  const bool known = !link->person.empty();
  Json teams = Json::array();
  for (const Id& team : link->teams) teams.push_back(name_of(core, team));
  const auto snapshot = core.identity->snapshot();
  co_return Reply{200,
                  {{"object", "link"},
                   {"kind", identity::to_text(link->kind)},
                   {"person",
                    {{"name", known ? name_of(core, link->person) : link->name},
                     {"email", known ? core.people->state().email(link->person) : link->email}}},
                   {"role", identity::to_text(known ? core.people->role_of(link->person) : link->role)},
                   {"teams", std::move(teams)},
                   {"invited_by", link->kind == identity::LinkKind::kInvitation ? name_of(core, link->made_by) : ""},
                   {"organisation", snapshot->tenants.at(link->tenant)},
                   {"password_characters", core.config.get()->integer("people.password_characters")},
                   {"expires_at", time_json(link->expires_at)},
                   {"single_use", true}}};
}

Task<Result<Reply>> use_link(Core& core, AdminCall call) {
  Fields fields(call.body);
  const std::string token = fields.need_text("token"), password = fields.need_text("password");
  identity::Newcomer newcomer;
  newcomer.name = std::string(trim(fields.text("name").value_or("")));
  newcomer.email = std::string(trim(fields.text("email").value_or("")));
  newcomer.time_zone = fields.text("time_zone").value_or("");
  if (auto good = fields.finish(); !good) co_return fail(good.error());
  const auto link = shown_link(core, call, token);
  if (!link) co_return fail(link.error());
  const std::string name = link->person.empty() ? newcomer.name : name_of(core, link->person);
  if (auto good = good_password(core, password, name, newcomer.email); !good) co_return fail(good.error());
  auto hash = co_await core.sign_in->hash(password);
  if (!hash) co_return fail(hash.error());
  newcomer.password_hash = std::move(*hash);
  auto person = co_await core.people->come_in(token, std::move(newcomer));
  if (!person) co_return fail(person.error());
  co_await end_former(core, call.request);
  auto made = co_await core.people->open_session(link->tenant, session_spec(core, call.request, *person));
  if (!made) co_return fail(made.error());
  co_return signed_in(core, *made);
}

Endpoint open_endpoint(std::string method, std::string pattern, EndpointDoc doc, JsonHandler handler) {
  Endpoint endpoint = json_endpoint(std::move(method), std::move(pattern), std::move(doc), std::move(handler), false);
  endpoint.access = Access::kVisitor;
  return endpoint;
}

}  // namespace

identity::SessionSpec session_spec(const Core& core, const net::Request& request, const Id& person) {
  const auto config = core.config.get();
  return {.person = person,
          .browser = browser_name(request.headers.get("user-agent")),
          .address = address_of(request),
          .lasts_us = config->integer("people.session_days") * 24 * 3600 * kSecondUs,
          .idle_us = config->integer("people.session_idle_hours") * 3600 * kSecondUs};
}

Status good_password(const Core& core, std::string_view password, std::string_view name, std::string_view email) {
  return identity::check_password(
      password, static_cast<size_t>(core.config.get()->integer("people.password_characters")), name, email);
}

std::vector<Endpoint> session_endpoints(Core& core) {
  const std::string tag = "Signing in";
  return {
      open_endpoint("GET", "/v1/session",
                    {.tag = tag,
                     .summary = "Who is signed in here, and the token for what changes something",
                     .description = "Always 200; a stranger is told nothing but that nobody is signed in.",
                     .response_schema = "Session"},
                    [&core](AdminCall call) { return show_session(core, std::move(call)); }),
      open_endpoint("POST", "/v1/session",
                    {.tag = tag,
                     .summary = "Sign in",
                     .description = "By name or e-mail address. Sets the session's cookie.",
                     .request_schema = "SignIn",
                     .response_schema = "Session"},
                    [&core](AdminCall call) { return sign_in(core, std::move(call)); }),
      open_endpoint("DELETE", "/v1/session", {.tag = tag, .summary = "Sign out", .response_schema = "Session"},
                    [&core](AdminCall call) { return sign_out(core, std::move(call)); }),
      open_endpoint("POST", "/v1/session/link/look",
                    {.tag = tag,
                     .summary = "What a link would do",
                     .description = "Spends nothing.",
                     .request_schema = "LinkToken",
                     .response_schema = "LinkLook"},
                    [&core](AdminCall call) { return look_at_link(core, std::move(call)); }),
      open_endpoint("POST", "/v1/session/link",
                    {.tag = tag,
                     .summary = "Come in by a link",
                     .description = "Sets the password, spends the link and signs in. If the password or the name is "
                                    "refused, the link is not spent.",
                     .request_schema = "ComeIn",
                     .response_schema = "Session"},
                    [&core](AdminCall call) { return use_link(core, std::move(call)); }),
  };
}

}  // namespace steward::server
