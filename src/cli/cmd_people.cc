// steward people and steward teams: who may come in, and as what.
#include "base/text.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/lookup.h"
#include "cli/table.h"

namespace steward::cli {
namespace {

struct PeopleOptions {
  std::optional<std::string> name, email, role, expires, who;
  std::vector<std::string> teams;
  std::string person, role_to, team, member;
  bool json = false, all = false, yes = false;
};

std::string text_of(const Json& json, const char* field) {
  const auto it = json.find(field);
  return it == json.end() || !it->is_string() ? std::string() : it->get<std::string>();
}

std::string day_of(const Json& json, const char* field, const char* otherwise) {
  const std::string text = text_of(json, field);
  return text.empty() ? otherwise : text.substr(0, 16) + "Z";
}

// By id, name or e-mail address.
Result<Json> find_person(Client& client, const std::string& word) {
  auto people = client.list("/admin/v1/people");
  if (!people) return fail(people.error());
  std::vector<Json> found;
  for (auto& person : *people) {
    if (person["id"] == word || person["name"] == word || equal_ignoring_ascii_case(text_of(person, "email"), word))
      found.push_back(std::move(person));
  }
  if (found.size() == 1) return std::move(found.front());
  if (found.empty())
    return fail(ErrorCode::kNotFound, fmt::format("There is no person '{}': 'steward people list' shows them.", word));
  return fail(ErrorCode::kInvalidRequest,
              fmt::format("'{}' fits {} people: give the id; 'steward people list' shows them.", word, found.size()));
}

Result<Id> find_team(Client& client, const std::string& word) {
  if (is_id(word, "team")) return word;
  auto principals = client.list("/admin/v1/principals");
  if (!principals) return fail(principals.error());
  std::vector<Id> found;
  for (const auto& one : *principals) {
    if (one["kind"] == "team" && one["name"] == word) found.push_back(one["id"]);
  }
  if (found.size() == 1) return found.front();
  if (found.empty())
    return fail(
        ErrorCode::kNotFound,
        fmt::format("There is no team '{}': 'steward teams list' shows them, 'steward teams new' makes one.", word));
  return fail(ErrorCode::kInvalidRequest, fmt::format("'{}' fits {} teams: give the id.", word, found.size()));
}

std::string team_names(const Json& person) {
  std::vector<std::string> names;
  for (const auto& team : person["teams"]) names.push_back(team["name"]);
  return join(names, ", ");
}

int list(const PeopleOptions& options, const Context& context) {
  auto client = Client::connect(context);
  if (!client) return context.failed(client.error());
  auto people = (*client)->list("/admin/v1/people");
  if (!people) return context.failed(people.error());
  Table table;
  for (const char* title : {"id", "name", "e-mail", "role", "status", "teams", "last seen"}) table.column(title);
  for (const auto& person : *people) {
    table.row({person["id"], person["name"], text_of(person, "email"), person["role"], person["status"],
               team_names(person), day_of(person, "last_seen_at", "never")});
  }
  if (options.json) return context.line(Json(*people).dump(2)), kDone;
  context.print(table.text(context));
  return kDone;
}

int tell_link(const Result<Json>& link, const PeopleOptions& options, const Context& context) {
  if (!link) return context.failed(link.error());
  if (options.json) return context.line(link->dump(2)), kDone;
  context.line(context.bold(text_of(*link, "link")));
  const std::string name = text_of((*link)["person"], "name");
  context.line(fmt::format("It lets {} in, once, until {}. It is shown this once.", name.empty() ? "one person" : name,
                           day_of(*link, "expires_at", "")));
  return kDone;
}

Result<Json> body_with_expiry(const PeopleOptions& options) {
  Json body = Json::object();
  if (!options.expires) return body;
  auto span = parse_span(*options.expires);
  if (!span) return fail(span.error());
  body["expires_in_s"] = *span / kSecondUs;
  return body;
}

int invite(const PeopleOptions& options, const Context& context) {
  auto body = body_with_expiry(options);
  if (!body) return context.failed(body.error());
  auto client = Client::connect(context);
  if (!client) return context.failed(client.error());
  if (options.name) (*body)["name"] = *options.name;
  if (options.email) (*body)["email"] = *options.email;
  if (options.role) (*body)["role"] = *options.role;
  for (const auto& word : options.teams) {
    auto team = find_team(**client, word);
    if (!team) return context.failed(team.error());
    (*body)["teams"].push_back(*team);
  }
  return tell_link((*client)->post("/admin/v1/invitations", *body), options, context);
}

int invitations(const PeopleOptions& options, const Context& context) {
  auto client = Client::connect(context);
  if (!client) return context.failed(client.error());
  auto rows = (*client)->list(options.all ? "/admin/v1/invitations?all=true" : "/admin/v1/invitations");
  if (!rows) return context.failed(rows.error());
  if (options.json) return context.line(Json(*rows).dump(2)), kDone;
  Table table;
  for (const char* title : {"id", "name", "e-mail", "role", "status", "expires"}) table.column(title);
  for (const auto& row : *rows) {
    table.row({row["id"], text_of(row, "name"), text_of(row, "email"), row["role"], row["status"],
               day_of(row, "expires_at", "")});
  }
  if (table.empty()) return context.line("No invitation is open: 'steward people invite' makes one."), kDone;
  context.print(table.text(context));
  return kDone;
}

int withdraw(const PeopleOptions& options, const Context& context) {
  auto client = Client::connect(context);
  if (!client) return context.failed(client.error());
  auto done = (*client)->call("DELETE", "/admin/v1/invitations/" + percent_encoded(options.person), Json());
  if (!done) return context.failed(done.error());
  if (options.json) return context.line(done->dump(2)), kDone;
  return context.line("The invitation is withdrawn; its link leads nowhere now."), kDone;
}

// link: for somebody, else for the owner; recover: the same for somebody who must be named.
int link(const PeopleOptions& options, const Context& context) {
  auto body = body_with_expiry(options);
  if (!body) return context.failed(body.error());
  auto client = Client::connect(context);
  if (!client) return context.failed(client.error());
  Id id;
  if (options.who) {
    auto person = find_person(**client, *options.who);
    if (!person) return context.failed(person.error());
    id = (*person)["id"];
  } else {
    auto status = (*client)->get("/admin/v1/status");
    if (!status) return context.failed(status.error());
    id = (*status)["owner"].get<std::string>();
  }
  return tell_link((*client)->post("/admin/v1/people/" + percent_encoded(id) + "/link", *body), options, context);
}

int act(const PeopleOptions& options, const Context& context, const std::string& method, const std::string& action,
        const Json& body, const std::function<std::string(const Json&)>& sentence) {
  auto client = Client::connect(context);
  if (!client) return context.failed(client.error());
  auto person = find_person(**client, options.person);
  if (!person) return context.failed(person.error());
  auto done =
      (*client)->call(method, "/admin/v1/people/" + percent_encoded((*person)["id"].get<std::string>()) + action, body);
  if (!done) return context.failed(done.error());
  if (options.json) return context.line(done->dump(2)), kDone;
  return context.line(sentence(*done)), kDone;
}

int set_disabled(const PeopleOptions& options, const Context& context, bool disabled) {
  return act(options, context, "PATCH", "", {{"disabled", disabled}}, [disabled](const Json& person) {
    return fmt::format("{} is {}.", text_of(person, "name"),
                       disabled ? "disabled: signed out everywhere, and their keys stopped" : "enabled again");
  });
}

int erase(const PeopleOptions& options, const Context& context) {
  if (!options.yes)
    return context.failed(Error(ErrorCode::kConfig,
                                "Erasing can't be undone: name, address, settings and credentials go for good. Say "
                                "--yes to do it."));
  return act(options, context, "POST", "/erase", Json::object(), [](const Json& job) {
    return fmt::format("Hidden everywhere now; the job {} cleans the files.", text_of(job, "id"));
  });
}

void add_links(Command& people, const std::shared_ptr<PeopleOptions>& options, const Context& context) {
  Command invite_command = people.sub("invite", "Invite somebody: prints a link that lets one person in, once.");
  invite_command.describe(
      "The link is shown this once; send it by a way you trust. Whoever opens it chooses a password, and a name "
      "unless\n"
      "--name gives it. An owner administers everything; a member has their own things, calls models and makes keys;\n"
      "a guest sees only what is shared with them and spends nothing.");
  invite_command.option("--name", options->name, "How they will be called; without it they choose", "NAME")
      .option("--email", options->email, "An address to sign in with as well", "ADDRESS")
      .option("--role", options->role, "owner, member (the default) or guest", "ROLE")
      .option("--team", options->teams, "A team to be in, by name or id; repeat for more", "TEAM")
      .option("--expires", options->expires, "How long it holds: 24h, 7d (people.invitation_days)", "TIME")
      .flag("--json", options->json, "Print JSON")
      .examples(
          "steward people invite --name Bo\nsteward people invite --email cy@example.org --role guest --expires 24h\n"
          "steward people invite --team research --team board --json");
  invite_command.run([options, &context] { return invite(*options, context); });

  Command list_command = people.sub("invitations", "List invitations that are open.");
  list_command.examples("steward people invitations");
  list_command.flag("--all", options->all, "Also those used, withdrawn, or too old");
  list_command.flag("--json", options->json, "Print JSON");
  list_command.run([options, &context] { return invitations(*options, context); });

  Command withdraw_command = people.sub("withdraw", "Withdraw an invitation.");
  withdraw_command.examples("steward people withdraw inv_01KA4M7Q2E8ZV5T3J9W6C1XRND");
  withdraw_command.argument("ID", options->person, "As 'steward people invitations' shows it");
  withdraw_command.flag("--json", options->json, "Print JSON");
  withdraw_command.run([options, &context] { return withdraw(*options, context); });

  Command link_command = people.sub("link", "Print a new sign-in link, for the owner or for somebody.");
  link_command.examples("steward people link   # for the owner, who then sets a password");
  link_command.describe(
      "The way in after the first start, when its link is too old. It takes the place of older links of that person,\n"
      "works once, and holds for people.link_minutes.");
  link_command.argument("PERSON", options->who, "Name, e-mail address or id; without it the owner")
      .option("--expires", options->expires, "How long it holds: 10m, 24h", "TIME");
  link_command.flag("--json", options->json, "Print JSON");
  link_command.run([options, &context] { return link(*options, context); });

  Command recover_command = people.sub("recover", "Print a link for somebody who lost their password.");
  recover_command.describe(
      "Opened, it asks for a new password and signs them out everywhere else. Until then the old one holds.");
  recover_command.argument("PERSON", options->person, "Name, e-mail address or id")
      .option("--expires", options->expires, "How long it holds: 10m, 24h", "TIME");
  recover_command.flag("--json", options->json, "Print JSON").examples("steward people recover bo");
  recover_command.run([options, &context] {
    options->who = options->person;
    return link(*options, context);
  });
}

void add_changes(Command& people, const std::shared_ptr<PeopleOptions>& options, const Context& context) {
  const std::string which = "Name, e-mail address or id";
  Command role_command = people.sub("role", "Change somebody's role, at once.");
  role_command.examples("steward people role ada@example.com guest");
  role_command.argument("PERSON", options->person, which);
  role_command.argument("ROLE", options->role_to, "owner, member or guest").flag("--json", options->json, "Print JSON");
  role_command.describe("Holds from their next request on. Who is no owner any more loses their admin keys.");
  role_command.run([options, &context] {
    return act(*options, context, "PATCH", "", {{"role", options->role_to}}, [](const Json& person) {
      return fmt::format("{} is {} now.", text_of(person, "name"), text_of(person, "role"));
    });
  });

  Command disable_command = people.sub("disable", "Keep somebody out: signs them out and stops their keys, at once.");
  disable_command.examples("steward people disable ada@example.com");
  disable_command.argument("PERSON", options->person, which).flag("--json", options->json, "Print JSON");
  disable_command.run([options, &context] { return set_disabled(*options, context, true); });

  Command enable_command = people.sub("enable", "Let somebody in again who was disabled.");
  enable_command.examples("steward people enable ada@example.com");
  enable_command.argument("PERSON", options->person, which).flag("--json", options->json, "Print JSON");
  enable_command.run([options, &context] { return set_disabled(*options, context, false); });

  Command out_command = people.sub("sign-out", "Sign somebody out everywhere.");
  out_command.examples("steward people sign-out ada@example.com");
  out_command.argument("PERSON", options->person, which).flag("--json", options->json, "Print JSON");
  out_command.run([options, &context] {
    return act(*options, context, "POST", "/sign_out", Json::object(),
               [](const Json& done) { return fmt::format("{} sessions ended.", done.value("count", 0)); });
  });

  Command erase_command = people.sub("erase", "Erase who somebody was, for good.");
  erase_command.examples("steward people erase ada@example.com");
  erase_command.describe(
      "Name, address, settings, credentials and sessions; their place in the accounts stays, nameless and disabled.\n"
      "Conversations are erased by themselves: docs/privacy.md.");
  erase_command.argument("PERSON", options->person, which).flag("--yes", options->yes, "Yes, for good");
  erase_command.flag("--json", options->json, "Print JSON");
  erase_command.run([options, &context] { return erase(*options, context); });
}

int list_teams(const PeopleOptions& options, const Context& context) {
  auto client = Client::connect(context);
  if (!client) return context.failed(client.error());
  auto principals = (*client)->list("/admin/v1/principals");
  if (!principals) return context.failed(principals.error());
  auto people = (*client)->list("/admin/v1/people");
  if (!people) return context.failed(people.error());
  Json shown = Json::array();
  Table table;
  for (const char* title : {"id", "name", "people"}) table.column(title);
  for (auto& team : *principals) {
    if (team["kind"] != "team") continue;
    std::vector<std::string> members;
    for (const auto& person : *people) {
      for (const auto& in : person["teams"]) {
        if (in["id"] == team["id"]) members.push_back(person["name"]);
      }
    }
    team["members"] = members;
    table.row({team["id"], team["name"], join(members, ", ")});
    shown.push_back(std::move(team));
  }
  if (options.json) return context.line(shown.dump(2)), kDone;
  if (table.empty()) return context.line("There is no team yet: 'steward teams new NAME' makes one."), kDone;
  context.print(table.text(context));
  return kDone;
}

int new_team(const PeopleOptions& options, const Context& context) {
  auto client = Client::connect(context);
  if (!client) return context.failed(client.error());
  auto made = (*client)->post("/admin/v1/principals", {{"kind", "team"}, {"name", options.team}});
  if (!made) return context.failed(made.error());
  if (options.json) return context.line(made->dump(2)), kDone;
  return context.line(fmt::format("{} is the team {}.", text_of(*made, "id"), options.team)), kDone;
}

int set_member(const PeopleOptions& options, const Context& context, const std::string& method) {
  auto client = Client::connect(context);
  if (!client) return context.failed(client.error());
  auto team = find_team(**client, options.team);
  if (!team) return context.failed(team.error());
  auto person = find_person(**client, options.member);
  if (!person) return context.failed(person.error());
  const std::string id = (*person)["id"];
  auto done = (*client)->call(
      method, fmt::format("/admin/v1/principals/{}/members/{}", percent_encoded(*team), percent_encoded(id)), Json());
  if (!done) return context.failed(done.error());
  if (options.json) return context.line(done->dump(2)), kDone;
  return context.line(fmt::format("{} is {} the team {}.", text_of(*person, "name"),
                                  method == "PUT" ? "in" : "no longer in", options.team)),
         kDone;
}

}  // namespace

void add_people(Command& program, const Context& context) {
  Command people = program.sub("people", "Invite people, give them roles, let them in again.");
  people.needs_sub();
  auto options = std::make_shared<PeopleOptions>();
  Command list_command = people.sub("list", "List the people.");
  list_command.examples("steward people list");
  list_command.flag("--json", options->json, "Print JSON");
  list_command.run([options, &context] { return list(*options, context); });
  add_links(people, options, context);
  add_changes(people, options, context);
}

void add_teams(Command& program, const Context& context) {
  Command teams = program.sub("teams", "Teams of people: budgets and things can be a team's.");
  teams.needs_sub();
  auto options = std::make_shared<PeopleOptions>();
  Command list_command = teams.sub("list", "List the teams and who is in them.");
  list_command.examples("steward teams list");
  list_command.flag("--json", options->json, "Print JSON");
  list_command.run([options, &context] { return list_teams(*options, context); });

  Command new_command = teams.sub("new", "Make a team.");
  new_command.examples("steward teams new research");
  new_command.argument("NAME", options->team, "How it is called").flag("--json", options->json, "Print JSON");
  new_command.run([options, &context] { return new_team(*options, context); });

  for (const bool in : {true, false}) {
    Command command =
        teams.sub(in ? "add" : "remove", in ? "Put somebody into a team." : "Take somebody out of a team.");
    command.examples(fmt::format("steward teams {} research ada@example.com", in ? "add" : "remove"));
    command.argument("TEAM", options->team, "Name or id");
    command.argument("PERSON", options->member, "Name, e-mail address or id")
        .flag("--json", options->json, "Print JSON");
    command.run([options, &context, in] { return set_member(*options, context, in ? "PUT" : "DELETE"); });
  }
}

}  // namespace steward::cli
