#include "identity/people.h"

#include "base/crypto.h"
#include "base/text.h"
#include "identity/password.h"
#include "identity/people_commands.h"

namespace steward::identity {
namespace {

constexpr size_t kTokenBytes = 32;
constexpr size_t kTokenChars = 43;  // of these, in base64url without padding
constexpr size_t kSeenLimit = 100'000;
constexpr size_t kBrowserBytes = 200;

bool is_of_token(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

bool has_token_form(std::string_view token) {
  return token.size() == kTokenChars && std::ranges::all_of(token, is_of_token);
}

Status standing(const Link& link, TimeUs now) {
  if (link.withdrawn || link.tag.empty()) return fail(ErrorCode::kLinkInvalid);
  if (link.used_at != 0) return fail(ErrorCode::kLinkUsed);
  if (link.expires_at <= now) return fail(ErrorCode::kLinkExpired);
  return {};
}

}  // namespace

People::People(journal::Journal& journal, Identity& identity, Clock& clock, Random& random, std::string sealing_key,
               Log log)
    : journal_(journal),
      identity_(identity),
      clock_(clock),
      random_(random),
      ids_(clock, random),
      key_(std::move(sealing_key)),
      log_(std::move(log)) {}

std::string People::new_token() { return to_base64url(random_.bytes(kTokenBytes)); }

std::string People::tag_of(std::string_view token) const {
  return to_hex(hmac_sha256(key_, "token\n" + std::string(token)));
}

std::string People::csrf_token(std::string_view token) const {
  return to_base64url(hmac_sha256(key_, "csrf\n" + std::string(token)));
}

std::string People::seal_hash(const Id& credential, const std::string& hash) {
  return to_base64(seal(key_, hash, credential, random_));
}

Role People::role_of(const Id& person) const {
  const auto snapshot = identity_.snapshot();
  const auto it = snapshot->principals.find(person);
  return it == snapshot->principals.end() ? Role::kGuest : role_in(*snapshot, it->second.tenant, person);
}

// --- sessions

TimeUs People::seen_at(const Session& session) const {
  const std::scoped_lock lock(seen_mutex_);
  const auto it = seen_.find(session.id);
  return it == seen_.end() ? session.seen_at : std::max(session.seen_at, it->second);
}

bool People::expired(const Session& session) const {
  const TimeUs now = clock_.now_us();
  return session.expires_at <= now || seen_at(session) + session.idle_us <= now;
}

Result<Session> People::find_session(std::string_view token) const {
  // Whatever the token, one HMAC and one look-up by it.
  auto session = state_.session_by_tag(tag_of(token));
  if (!session || !has_token_form(token) || !is_open(session->id)) return fail(ErrorCode::kSessionEnded);
  return *session;
}

bool People::is_open(const Id& id) const {
  const auto session = state_.session(id);
  if (!session || session->tag.empty() || expired(*session)) return false;
  const auto snapshot = identity_.snapshot();
  const auto person = snapshot->principals.find(session->person);
  return person != snapshot->principals.end() && !person->second.disabled;
}

Result<SignedIn> People::authenticate(std::string_view token) {
  auto session = find_session(token);
  if (!session) return fail(session.error());
  touch(*session);
  const Role role = role_in(*identity_.snapshot(), session->tenant, session->person);
  return SignedIn{
      {.tenant = session->tenant, .principal = session->person, .key = nullptr, .admin = role == Role::kOwner},
      session->id};
}

void People::touch(const Session& session) {
  const TimeUs now = clock_.now_us();
  {
    const std::scoped_lock lock(seen_mutex_);
    TimeUs& seen = seen_[session.id];
    seen = now;
    if (seen_.size() > kSeenLimit) seen_.clear();
    if (now - session.seen_at < noted_every_us_) return;
  }
  const Caller self{.tenant = session.tenant, .principal = session.person, .key = nullptr};
  journal::Decision decide = [this, self, id = session.id]() -> Drafts {
    const auto known = state_.session(id);
    const TimeUs at = clock_.now_us();
    if (!known || at - known->seen_at < noted_every_us_) return std::vector<journal::Draft>{};
    return std::vector{people_draft(self, id, "session.seen", Json::object(), self.principal, at)};
  };
  journal_.submit(session.tenant, std::move(decide), [](const Result<journal::Appended>&) {});
}

Task<Result<NewSession>> People::open_session(Id tenant, SessionSpec spec) {
  const std::string token = new_token();
  const Id id = ids_.make("ses");
  const Caller self{.tenant = tenant, .principal = spec.person, .key = nullptr};
  const TimeUs now = clock_.now_us();
  std::string browser = replace_invalid_utf8(spec.browser.substr(0, kBrowserBytes));
  const Json body = {{"person", spec.person},
                     {"tag", tag_of(token)},
                     {"browser", browser},
                     {"address", replace_invalid_utf8(spec.address.substr(0, kBrowserBytes))},
                     {"expires_at", now + spec.lasts_us},
                     {"idle_us", spec.idle_us}};
  std::vector<journal::Draft> drafts{people_draft(self, id, "session.opened", body, spec.person, now)};
  auto appended = co_await journal_.append(tenant, std::move(drafts), journal::Wait::kDurable);
  if (!appended) co_return fail(appended.error());
  auto session = state_.session(id);
  if (!session) co_return fail(ErrorCode::kSessionEnded);
  log_.info("signed in", {{"person", spec.person}, {"session", id}, {"tenant", tenant}});
  co_return NewSession{std::move(*session), token};
}

Task<Result<size_t>> People::end_sessions(Caller actor, Id person, Id but, std::string reason) {
  journal::Decision decide = [this, actor, person, but, reason] {
    return ended_sessions({*identity_.snapshot(), state_, clock_.now_us()}, actor, person, but, reason);
  };
  auto appended = co_await journal_.decide(actor.tenant, std::move(decide), journal::Wait::kDurable);
  if (!appended) co_return fail(appended.error());
  co_return appended->records.size();
}

Task<Status> People::end_session(Caller actor, Id session, std::string reason) {
  journal::Decision decide = [this, actor, session, reason]() -> Drafts {
    const auto known = state_.session(session);
    if (!known) return std::vector<journal::Draft>{};
    return std::vector{
        people_draft(actor, session, "session.ended", {{"reason", reason}}, known->person, clock_.now_us())};
  };
  auto appended = co_await journal_.decide(actor.tenant, std::move(decide), journal::Wait::kDurable);
  if (!appended) co_return fail(appended.error());
  co_return Status{};
}

Task<Status> People::end_expired() {
  std::map<Id, std::vector<journal::Draft>> due;
  for (const Session& session : state_.sessions()) {
    if (!expired(session)) continue;
    const Caller self{.tenant = session.tenant, .principal = session.person, .key = nullptr};
    due[session.tenant].push_back(
        people_draft(self, session.id, "session.ended", {{"reason", "expired"}}, session.person, clock_.now_us()));
    const std::scoped_lock lock(seen_mutex_);
    seen_.erase(session.id);
  }
  for (auto& [tenant, drafts] : due) {
    if (auto appended = co_await journal_.append(tenant, std::move(drafts)); !appended)
      co_return fail(appended.error());
  }
  co_return Status{};
}

// --- who somebody is

std::optional<Id> People::find_by_login(std::string_view login) const {
  const std::string folded = folded_name(login);
  if (folded.empty()) return std::nullopt;
  std::set<Id> found;
  for (const Id& id : state_.with_email(folded)) {
    if (has_credential(id)) found.insert(id);
  }
  const auto snapshot = identity_.snapshot();
  for (const auto& [id, principal] : snapshot->principals) {
    if (principal.kind == PrincipalKind::kUser && folded_name(principal.name) == folded && has_credential(id))
      found.insert(id);
  }
  if (found.size() != 1 || snapshot->principals.at(*found.begin()).disabled) return std::nullopt;
  return *found.begin();
}

std::optional<std::string> People::password_hash(const Id& person) const {
  const auto credential = state_.credential(person, "password");
  if (!credential) return std::nullopt;
  const auto sealed = from_base64(credential->sealed);
  if (!sealed) return std::nullopt;
  auto hash = unseal(key_, *sealed, credential->id);
  return hash ? std::optional(std::move(*hash)) : std::nullopt;
}

// --- links

Result<Link> People::look_up(std::string_view token) const {
  const auto link = state_.link_by_tag(tag_of(token));
  if (!link || !has_token_form(token)) return fail(ErrorCode::kLinkInvalid);
  if (auto good = standing(*link, clock_.now_us()); !good) return fail(good.error());
  return *link;
}

journal::Decision People::link_decision(Caller actor, LinkSpec spec, Id id, std::string tag) {
  return [this, actor, spec, id, tag] {
    const TimeUs now = clock_.now_us();
    Link link{.id = id, .tenant = actor.tenant, .kind = spec.kind, .tag = tag, .person = spec.person};
    link.name = spec.name;
    link.email = spec.email;
    link.role = spec.role;
    link.teams = spec.teams;
    link.expires_at = now + spec.lasts_us;
    return decide_link({*identity_.snapshot(), state_, now}, actor, link);
  };
}

Task<Result<NewLink>> People::make_link(Caller actor, LinkSpec spec) {
  const std::string token = new_token();
  const Id id = ids_.make("link");
  auto appended = co_await journal_.decide(actor.tenant, link_decision(actor, std::move(spec), id, tag_of(token)),
                                           journal::Wait::kDurable);
  if (!appended) co_return fail(appended.error());
  log_.info("link made", {{"link", id}, {"tenant", actor.tenant}});
  co_return NewLink{*state_.link(id), token};
}

Task<Result<Link>> People::withdraw_link(Caller actor, Id id) {
  journal::Decision decide = [this, actor, id]() -> Drafts {
    const auto link = state_.link(id);
    if (!link || link->tenant != actor.tenant)
      return fail(ErrorCode::kNotFound, fmt::format("There is no invitation '{}' here.", id.substr(0, 80)));
    if (link->used_at != 0)
      return fail(ErrorCode::kConflict, "The invitation was used; disable the person instead.",
                  {{"reason", "invitation_used"}});
    if (link->withdrawn) return std::vector<journal::Draft>{};
    return std::vector{people_draft(actor, id, "link.withdrawn", Json::object(), link->person, clock_.now_us())};
  };
  auto appended = co_await journal_.decide(actor.tenant, std::move(decide), journal::Wait::kDurable);
  if (!appended) co_return fail(appended.error());
  co_return *state_.link(id);
}

journal::Decision People::come_in_decision(std::string tag, Newcomer newcomer, std::shared_ptr<Id> person) {
  ComeIn what{.link = {},
              .newcomer = std::move(newcomer),
              .fresh_person = ids_.make("usr"),
              .fresh_credential = ids_.make("cred")};
  return [this, tag, what, person]() mutable -> Drafts {
    const TimeUs now = clock_.now_us();
    const auto link = state_.link_by_tag(tag);
    if (!link) return fail(ErrorCode::kLinkInvalid);
    if (auto good = standing(*link, now); !good) return fail(good.error());
    what.link = *link;
    const auto known = state_.credential(link->person, "password");
    what.sealed = seal_hash(known ? known->id : what.fresh_credential, what.newcomer.password_hash);
    return decide_come_in({*identity_.snapshot(), state_, now}, what, *person);
  };
}

Task<Result<Id>> People::come_in(std::string token, Newcomer newcomer) {
  auto link = look_up(token);
  if (!link) co_return fail(link.error());
  auto person = std::make_shared<Id>();
  auto appended = co_await journal_.decide(link->tenant, come_in_decision(tag_of(token), std::move(newcomer), person),
                                           journal::Wait::kDurable);
  if (!appended) co_return fail(appended.error());
  log_.info("somebody came in by a link", {{"link", link->id}, {"person", *person}, {"tenant", link->tenant}});
  co_return *person;
}

// --- changes

Task<Status> People::set_password(Caller actor, Id person, std::string hash, Id keep_session) {
  const Id fresh = ids_.make("cred");
  journal::Decision decide = [this, actor, person, hash = std::move(hash), fresh, keep_session]() -> Drafts {
    const auto snapshot = identity_.snapshot();
    const PeopleNow now{*snapshot, state_, clock_.now_us()};
    const auto before = state_.credential(person, "password");
    const Id id = before ? before->id : fresh;
    auto drafts = ended_sessions(now, actor, person, keep_session, "password_changed");
    if (!drafts) return drafts;
    const Json body = {{"person", person}, {"kind", "password"}, {"sealed", seal_hash(id, hash)}};
    drafts->push_back(people_draft(actor, id, "credential.set", body, person, now.now));
    return drafts;
  };
  auto appended = co_await journal_.decide(actor.tenant, std::move(decide), journal::Wait::kDurable);
  if (!appended) co_return fail(appended.error());
  co_return Status{};
}

Task<Status> People::change(Caller actor, Id person, Change change) {
  journal::Decision decide = [this, actor, person, change = std::move(change)] {
    return decide_change({*identity_.snapshot(), state_, clock_.now_us()}, actor, person, change);
  };
  auto appended = co_await journal_.decide(actor.tenant, std::move(decide), journal::Wait::kDurable);
  if (!appended) co_return fail(appended.error());
  co_return Status{};
}

Task<Status> People::change_settings(Caller actor, Id person, Json values) {
  journal::Decision decide = [this, actor, person, values = std::move(values)]() -> Drafts {
    Json all = state_.settings(person);
    for (const auto& [name, value] : values.items()) {
      if (value.is_null())
        all.erase(name);
      else
        all[name] = value;
    }
    if (dump(all).size() > kSettingsBytes)
      return fail(ErrorCode::kInvalidRequest, "Somebody's settings take at most 64 kB.", {{"param", "values"}});
    if (all == state_.settings(person)) return std::vector<journal::Draft>{};
    return std::vector{
        people_draft(actor, person, "person.settings", {{"values", std::move(all)}}, person, clock_.now_us())};
  };
  auto appended = co_await journal_.decide(actor.tenant, std::move(decide), journal::Wait::kDurable);
  if (!appended) co_return fail(appended.error());
  co_return Status{};
}

}  // namespace steward::identity
