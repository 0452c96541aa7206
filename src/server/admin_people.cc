// /admin/v1/people and /admin/v1/invitations: what an owner of the organisation does with people.
#include "base/text.h"
#include "identity/access.h"
#include "journal/erasure.h"
#include "server/admin_json.h"
#include "server/fields.h"
#include "server/options.h"
#include "server/page.h"
#include "server/people_api.h"
#include "server/people_json.h"
#include "server/worker.h"

namespace steward::server {
namespace {

constexpr int64_t kMaxInvitationS = 90 * 24 * 3600;
constexpr int64_t kMaxLinkS = 7 * 24 * 3600;

Result<Id> asked_person(const Core& core, const AdminCall& call) {
  const Id id = call.request.params.at("id");
  const auto snapshot = core.identity->snapshot();
  const auto it = snapshot->principals.find(id);
  const bool good = it != snapshot->principals.end() && it->second.tenant == call.caller.tenant &&
                    it->second.kind == identity::PrincipalKind::kUser;
  if (good) return id;
  return fail(ErrorCode::kNotFound,
              fmt::format("There is no person '{}': 'steward people list' shows them.", id.substr(0, 80)));
}

Task<Result<Reply>> list_people(Core& core, AdminCall call) {
  auto query = page_query(call.request);
  if (!query) co_return fail(query.error());
  const auto snapshot = core.identity->snapshot();
  std::vector<std::pair<std::string, Json>> rows;
  for (const auto& [id, principal] : snapshot->principals) {
    if (principal.tenant == call.caller.tenant && principal.kind == identity::PrincipalKind::kUser)
      rows.emplace_back(id, person_json(core, id));
  }
  co_return page_of(rows, *query);
}

Task<Result<Reply>> get_person(Core& core, AdminCall call) {
  const auto person = asked_person(core, call);
  if (!person) co_return fail(person.error());
  co_return Reply{200, person_json(core, *person)};
}

std::optional<identity::Role> read_role(Fields& fields) {
  const auto text = fields.text("role");
  if (!text) return std::nullopt;
  const auto role = identity::role_from_text(*text);
  if (!role) fields.problem("role", "must be owner, member or guest");
  return role;
}

Task<Result<Reply>> change_person(Core& core, AdminCall call) {
  const auto person = asked_person(core, call);
  if (!person) co_return fail(person.error());
  Fields fields(call.body);
  identity::Change change;
  change.name = fields.text("name");
  change.email = fields.text("email");
  change.time_zone = fields.text("time_zone");
  change.role = read_role(fields);
  const auto disabled = fields.boolean("disabled");
  if (auto good = fields.finish(); !good) co_return fail(good.error());
  if (auto done = co_await core.people->change(call.caller, *person, std::move(change)); !done)
    co_return fail(done.error());
  if (disabled) {
    if (auto done = co_await core.identity->set_disabled(call.caller, *person, *disabled); !done)
      co_return fail(done.error());
    if (*disabled) {
      auto ended = co_await core.people->end_sessions(call.caller, *person, "", "disabled");
      if (!ended) co_return fail(ended.error());
    }
  }
  co_return Reply{200, person_json(core, *person)};
}

Task<Result<Reply>> make_link(Core& core, AdminCall call) {
  const auto person = asked_person(core, call);
  if (!person) co_return fail(person.error());
  Fields fields(call.body);
  const auto lasts_s = fields.integer("expires_in_s", 60, kMaxLinkS);
  if (auto good = fields.finish(); !good) co_return fail(good.error());
  identity::LinkSpec spec{
      .kind = core.people->has_credential(*person) ? identity::LinkKind::kRecovery : identity::LinkKind::kFirst,
      .person = *person};
  spec.role = core.people->role_of(*person);
  spec.lasts_us = lasts_s.value_or(core.config.get()->integer("people.link_minutes") * 60) * kSecondUs;
  auto made = co_await core.people->make_link(call.caller, std::move(spec));
  if (!made) co_return fail(made.error());
  co_return Reply{201, link_json(core, *made)};
}

Task<Result<Reply>> sign_out(Core& core, AdminCall call) {
  const auto person = asked_person(core, call);
  if (!person) co_return fail(person.error());
  auto ended = co_await core.people->end_sessions(call.caller, *person, "", "signed_out_by_owner");
  if (!ended) co_return fail(ended.error());
  co_return Reply{200, {{"object", "sessions_revoked"}, {"count", *ended}}};
}

// Of a person's principal the records that tell who it was.
Result<std::vector<Id>> records_of(journal::Journal& journal, const Id& tenant, const Id& person) {
  std::vector<Id> ids;
  auto page = journal.read_stream(tenant, "principal/" + person, 0, 1'000);
  if (!page) return fail(page.error());
  for (const auto& record : *page) {
    if (record.kind == "principal.created" || record.kind == "principal.renamed") ids.push_back(record.id);
  }
  return ids;
}

// With all that names them as its source, and the invitation that named them.
Task<Result<Reply>> erase_person(Core& core, AdminCall call) {
  const auto person = asked_person(core, call);
  if (!person) co_return fail(person.error());
  if (auto done = co_await core.identity->set_disabled(call.caller, *person, true); !done) co_return fail(done.error());
  auto ended = co_await core.people->end_sessions(call.caller, *person, "", "erased");
  if (!ended) co_return fail(ended.error());
  const std::function<Result<std::vector<Id>>()> work = [journal = core.journal.get(), tenant = call.caller.tenant,
                                                         person = *person] {
    return records_of(*journal, tenant, person);
  };
  auto ids = co_await core.worker->run<std::vector<Id>>(work);
  if (!ids) co_return fail(ids.error());
  std::vector<Id> all = *ids;
  all.push_back(*person);
  for (const auto& link : core.people->state().links()) {
    if (link.used_by == *person && link.kind == identity::LinkKind::kInvitation) all.push_back(link.id);
  }
  auto reply = co_await erase_records(core, call.caller, std::move(all), "person_asked");
  if (reply || reply.error().code != ErrorCode::kNotFound) co_return reply;
  // Nothing names them as its source: somebody who never signed in.
  co_return co_await erase_records(core, call.caller, std::move(*ids), "person_asked");
}

Task<Result<Reply>> list_invitations(Core& core, AdminCall call) {
  auto query = page_query(call.request);
  if (!query) co_return fail(query.error());
  const bool all = query_text(call.request, "all") == "true";
  std::vector<std::pair<std::string, Json>> rows;
  for (const auto& link : core.people->state().links()) {
    if (link.tenant != call.caller.tenant || link.kind != identity::LinkKind::kInvitation) continue;
    Json row = invitation_json(core, link);
    if (all || row["status"] == "open") rows.emplace_back(link.id, std::move(row));
  }
  co_return page_of(rows, *query);
}

Task<Result<Reply>> invite(Core& core, AdminCall call) {
  Fields fields(call.body);
  identity::LinkSpec spec{.kind = identity::LinkKind::kInvitation};
  spec.name = std::string(trim(fields.text("name").value_or("")));
  spec.email = std::string(trim(fields.text("email").value_or("")));
  spec.role = read_role(fields).value_or(identity::Role::kMember);
  const auto teams = fields.texts("teams").value_or(std::vector<std::string>{});
  spec.teams = {teams.begin(), teams.end()};
  const auto lasts_s = fields.integer("expires_in_s", 60, kMaxInvitationS);
  spec.lasts_us = lasts_s.value_or(core.config.get()->integer("people.invitation_days") * 24 * 3600) * kSecondUs;
  if (auto good = fields.finish(); !good) co_return fail(good.error());
  auto made = co_await core.people->make_link(call.caller, std::move(spec));
  if (!made) co_return fail(made.error());
  co_return Reply{201, link_json(core, *made)};
}

Task<Result<Reply>> withdraw(Core& core, AdminCall call) {
  auto link = co_await core.people->withdraw_link(call.caller, call.request.params.at("id"));
  if (!link) co_return fail(link.error());
  co_return Reply{200, invitation_json(core, *link)};
}

std::vector<Endpoint> invitation_endpoints(Core& core) {
  const std::string tag = "People and teams";
  return {
      json_endpoint("GET", "/admin/v1/invitations",
                    {.tag = tag,
                     .summary = "List invitations",
                     .response_schema = "Invitation",
                     .list = true,
                     .query = {{"all", "true: also those that were used, withdrawn or are too old", "boolean"}}},
                    [&core](AdminCall call) { return list_invitations(core, std::move(call)); }),
      json_endpoint(
          "POST", "/admin/v1/invitations",
          {.tag = tag,
           .summary = "Invite somebody",
           .description = "The link is in this answer and nowhere else, ever again; it lets one person in, once.",
           .request_schema = "NewInvitation",
           .response_schema = "Link",
           .success = 201},
          [&core](AdminCall call) { return invite(core, std::move(call)); }, false),
      json_endpoint("DELETE", "/admin/v1/invitations/{id}",
                    {.tag = tag, .summary = "Withdraw an invitation", .response_schema = "Invitation"},
                    [&core](AdminCall call) { return withdraw(core, std::move(call)); }),
  };
}

}  // namespace

std::vector<Endpoint> people_endpoints(Core& core) {
  const std::string tag = "People and teams";
  std::vector<Endpoint> out = {
      json_endpoint("GET", "/admin/v1/people",
                    {.tag = tag, .summary = "List people", .response_schema = "Person", .list = true},
                    [&core](AdminCall call) { return list_people(core, std::move(call)); }),
      json_endpoint("GET", "/admin/v1/people/{id}",
                    {.tag = tag, .summary = "Show a person", .response_schema = "Person"},
                    [&core](AdminCall call) { return get_person(core, std::move(call)); }),
      json_endpoint("PATCH", "/admin/v1/people/{id}",
                    {.tag = tag,
                     .summary = "Change a person's role or name, disable or enable them",
                     .description = "Holds from the next request on, also of those who are signed in.",
                     .request_schema = "PersonChange",
                     .response_schema = "Person"},
                    [&core](AdminCall call) { return change_person(core, std::move(call)); }),
      json_endpoint(
          "POST", "/admin/v1/people/{id}/link",
          {.tag = tag,
           .summary = "Make a link that lets somebody in again",
           .description = "Takes the place of their older links. Used, it sets a new password and signs them out "
                          "everywhere else.",
           .request_schema = "NewLink",
           .response_schema = "Link",
           .success = 201},
          [&core](AdminCall call) { return make_link(core, std::move(call)); }, false),
      json_endpoint("POST", "/admin/v1/people/{id}/sign_out",
                    {.tag = tag, .summary = "Sign somebody out everywhere", .response_schema = "SessionsRevoked"},
                    [&core](AdminCall call) { return sign_out(core, std::move(call)); }),
      json_endpoint(
          "POST", "/admin/v1/people/{id}/erase",
          {.tag = tag,
           .summary = "Erase who a person was",
           .description = "Name, address, settings, credentials and sessions; their place in the accounts stays, "
                          "nameless and disabled. The job that is named purges the files.",
           .response_schema = "Job",
           .success = 202},
          [&core](AdminCall call) { return erase_person(core, std::move(call)); }, false),
  };
  for (auto& endpoint : invitation_endpoints(core)) out.push_back(std::move(endpoint));
  return out;
}

Task<Result<std::optional<identity::NewLink>>> first_link(Core& core) {
  const identity::Caller owner = core.owner();
  if (core.people->has_credential(owner.principal)) co_return std::optional<identity::NewLink>{};
  identity::LinkSpec spec{.kind = identity::LinkKind::kFirst, .person = owner.principal};
  spec.role = identity::Role::kOwner;
  spec.lasts_us = core.config.get()->integer("people.link_minutes") * 60 * kSecondUs;
  auto made = co_await core.people->make_link(owner, std::move(spec));
  if (!made) co_return fail(made.error());
  co_return std::optional(std::move(*made));
}

}  // namespace steward::server
