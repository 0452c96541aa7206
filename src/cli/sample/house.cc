#include "cli/sample/house.h"

#include "base/crypto.h"
#include "gateway/peek.h"
#include "identity/password.h"
#include "ledger/period.h"
#include "server/settings.h"
#include "talk/talk.h"

namespace steward::cli {
using gateway::peek;
using gateway::peek_integer;
using gateway::peek_text;
namespace {

constexpr DurationUs kDayUs = 24LL * 3600 * kSecondUs;

std::vector<std::string> texts_in(const Json& list) {
  std::vector<std::string> out;
  for (const auto& one : list) {
    if (one.is_string()) out.push_back(one.get<std::string>());
  }
  return out;
}

Result<ledger::BudgetSpec> budget_in(const Json& step) {
  auto limit = parse_usd(peek_text(step, "limit_usd"));
  if (!limit) return fail(std::move(limit.error()));
  return ledger::BudgetSpec{.name = peek_text(step, "name").empty() ? "default" : peek_text(step, "name"),
                            .scope = {},
                            .limit = *limit,
                            .period = ledger::period_from_text(peek_text(step, "period"))};
}

template <class T>
Status status_of(const Result<T>& result) {
  return result ? Status{} : Status(fail(result.error()));
}

}  // namespace

Status SampleHouse::make(const Json& step) {
  static const std::map<std::string, Make> kMakes = {
      {"team", &SampleHouse::team},   {"person", &SampleHouse::person},   {"invitation", &SampleHouse::invitation},
      {"key", &SampleHouse::key},     {"revoked", &SampleHouse::revoked}, {"budget", &SampleHouse::budget},
      {"price", &SampleHouse::price}, {"setting", &SampleHouse::setting}, {"project", &SampleHouse::project},
      {"place", &SampleHouse::place}, {"share", &SampleHouse::share}};
  const std::string what = peek_text(step, "make");
  const auto found = kMakes.find(what);
  if (found == kMakes.end())
    return fail(ErrorCode::kConfig, fmt::format("The sample names a step '{}' that is not known.", what));
  auto done = (this->*found->second)(step);
  if (done) return done;
  return fail(done.error().code, fmt::format("The sample's {} '{}' can't be made: {}", what, peek_text(step, "name"),
                                             done.error().message));
}

Result<Id> SampleHouse::id_of(const std::string& name) const {
  const auto found = ids_.find(name);
  if (found != ids_.end()) return found->second;
  return fail(ErrorCode::kConfig, fmt::format("There is no '{}' yet.", name));
}

Status SampleHouse::views_stand() {
  return wait(core_, core_.views->wait_applied(core_.tenant, core_.journal->written_seq(core_.tenant)));
}

Status SampleHouse::team(const Json& step) {
  const std::string name = peek_text(step, "name");
  auto made = wait(core_, core_.identity->create_principal(core_.owner(), identity::PrincipalKind::kTeam, name, ""));
  if (made) ids_[name] = made->id;
  return status_of(made);
}

Result<identity::NewLink> SampleHouse::link_for(const Json& step) {
  identity::LinkSpec spec{.name = peek_text(step, "name"), .email = peek_text(step, "email")};
  spec.role = identity::role_from_text(peek_text(step, "role")).value_or(identity::Role::kMember);
  spec.lasts_us = std::max<int64_t>(1, peek_integer(step, "days")) * kDayUs;
  for (const auto& team : texts_in(peek(step, "teams"))) {
    auto id = id_of(team);
    if (!id) return fail(std::move(id.error()));
    spec.teams.insert(*id);
  }
  return wait(core_, core_.people->make_link(core_.owner(), std::move(spec)));
}

Status SampleHouse::invitation(const Json& step) { return status_of(link_for(step)); }

// Nobody knows their passwords: a visitor who wants to be one of them makes a link for recovery.
Status SampleHouse::person(const Json& step) {
  auto link = link_for(step);
  if (!link) return fail(std::move(link.error()));
  if (password_.empty()) {
    auto hash = identity::hash_password(to_hex(random_.bytes(16)));
    if (!hash) return fail(std::move(hash.error()));
    password_ = std::move(*hash);
  }
  identity::Newcomer newcomer{.name = link->link.name, .email = link->link.email, .time_zone = {}, .password_hash = {}};
  newcomer.password_hash = password_;
  auto came = wait(core_, core_.people->come_in(link->token, std::move(newcomer)));
  if (came) ids_[link->link.name] = *came;
  return status_of(came);
}

Status SampleHouse::key(const Json& step) {
  const Json& limits = peek(step, "limits");
  identity::KeySpec spec;
  spec.name = peek_text(step, "name");
  spec.models = texts_in(peek(step, "models"));
  spec.endpoints = texts_in(peek(step, "endpoints"));
  spec.limits = {.requests_per_minute = peek_integer(limits, "requests_per_minute"),
                 .tokens_per_minute = peek_integer(limits, "tokens_per_minute"),
                 .concurrency = peek_integer(limits, "concurrency")};
  for (const auto& [name, value] : peek(step, "tags").items()) spec.tags[name] = value.get<std::string>();
  for (auto [member, field] : {std::pair("owner", &identity::KeySpec::owner), {"team", &identity::KeySpec::team}}) {
    if (peek_text(step, member).empty()) continue;
    auto id = id_of(peek_text(step, member));
    if (!id) return fail(std::move(id.error()));
    spec.*field = *id;
  }
  std::vector<ledger::BudgetSpec> budgets;
  if (const Json& budget = peek(step, "budget"); budget.is_object()) {
    auto of_key = budget_in(budget);
    if (!of_key) return fail(std::move(of_key.error()));
    of_key->name = "key";
    budgets.push_back(std::move(*of_key));
  }
  auto made = wait(core_, core_.ledger->create_key(core_.owner(), std::move(spec), std::move(budgets)));
  if (made) ids_[made->key.spec.name] = made->key.id;
  return status_of(made);
}

Status SampleHouse::revoked(const Json& step) {
  auto id = id_of(peek_text(step, "name"));
  if (!id) return fail(std::move(id.error()));
  return wait(core_, core_.identity->revoke_key(core_.owner(), *id));
}

Status SampleHouse::budget(const Json& step) {
  auto spec = budget_in(step);
  if (!spec) return fail(std::move(spec.error()));
  const std::string of = peek_text(step, "of");
  auto scope = of.empty() ? Result<Id>(core_.tenant) : id_of(of);
  if (!scope) return fail(std::move(scope.error()));
  spec->scope = *scope;
  return status_of(wait(core_, core_.ledger->set_budget(core_.owner(), std::move(*spec))));
}

Status SampleHouse::price(const Json& step) {
  const ledger::Price price{.input = peek_integer(step, "input_pico"),
                            .output = peek_integer(step, "output_pico"),
                            .source = "owner",
                            .from = core_.clock.now_us()};
  return wait(core_,
              core_.ledger->set_price(core_.owner(), peek_text(step, "provider"), peek_text(step, "name"), price));
}

Status SampleHouse::setting(const Json& step) {
  return wait(core_,
              core_.settings->change(*core_.journal, core_.owner(), peek_text(step, "name"), peek(step, "value")));
}

Status SampleHouse::project(const Json& step) {
  const Json body = {{"name", peek_text(step, "name")}, {"instructions", peek_text(step, "instructions")}};
  auto made = wait(core_, core_.talk->make_project(core_.owner(), body));
  if (made) ids_[peek_text(step, "name")] = peek_text(*made, "id");
  return status_of(made);
}

Status SampleHouse::place(const Json& step) {
  if (auto ok = views_stand(); !ok) return ok;
  for (const auto& title : texts_in(peek(step, "conversations"))) {
    auto conversation = id_of(title);
    if (!conversation) return fail(std::move(conversation.error()));
    Json place = Json::object();
    if (const std::string folder = peek_text(step, "folder"); !folder.empty()) place["folder"] = folder;
    if (const std::string project = peek_text(step, "project"); !project.empty()) {
      auto id = id_of(project);
      if (!id) return fail(std::move(id.error()));
      place["project"] = *id;
    }
    auto placed = wait(core_, core_.talk->change(core_.owner(), *conversation, std::move(place)));
    if (!placed) return fail(std::move(placed.error()));
  }
  return {};
}

Status SampleHouse::share(const Json& step) {
  if (auto ok = views_stand(); !ok) return ok;
  auto conversation = id_of(peek_text(step, "conversation"));
  if (!conversation) return fail(std::move(conversation.error()));
  const std::string with = peek_text(step, "with");
  auto reader = with.empty() ? Result<Id>("link") : id_of(with);
  if (!reader) return fail(std::move(reader.error()));
  return status_of(wait(core_, core_.talk->share(core_.owner(), *conversation, {{"with", *reader}})));
}

}  // namespace steward::cli
