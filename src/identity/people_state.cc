#include "identity/people_state.h"

#include "base/json.h"
#include "identity/password.h"
#include "identity/records.h"
#include "journal/erasure.h"

namespace steward::identity {

void PeopleState::reset() {
  const std::unique_lock lock(mutex_);
  things_.clear();
  sessions_.clear();
  links_.clear();
  credentials_.clear();
  by_tag_.clear();
  emails_.clear();
}

journal::Seq PeopleState::load(journal::Db& views, const Id& tenant) {
  const journal::Seq seq = journal::stored_seq(views, PeopleView::kName, PeopleView::kVersion, tenant);
  if (seq == 0) return 0;
  const std::unique_lock lock(mutex_);
  auto& select = views.prepare("SELECT id, body FROM people_things WHERE tenant=? ORDER BY id").bind(1, tenant);
  while (select.step()) put(select.text(0), parse_own(select.text(1)));
  select.reset();
  return seq;
}

void PeopleState::apply(const journal::Record& record) {
  if (record.kind == journal::kErasedKind) {
    const std::set<journal::Seq> erased = journal::erased_seqs(record);
    const std::unique_lock lock(mutex_);
    std::vector<std::pair<Id, Json>> changed;
    for (const auto& [id, thing] : things_) {
      if (thing.value("tenant", "") != record.tenant) continue;
      Json copy = thing;
      bool any = false;
      for (const journal::Seq seq : seqs_of_thing(thing)) any |= erased.contains(seq) && erase_from_thing(copy, seq);
      if (any) changed.emplace_back(id, std::move(copy));
    }
    for (const auto& [id, thing] : changed) put(id, thing);
    return;
  }
  if (!is_of_people(record.kind)) return;
  const Id id = id_of_stream(record.stream);
  const std::unique_lock lock(mutex_);
  const auto it = things_.find(id);
  Json thing = it == things_.end() ? Json::object() : it->second;
  if (fold_thing(thing, record))
    put(id, thing);
  else
    drop(id);
}

void PeopleState::drop(const Id& id) {
  if (const auto it = sessions_.find(id); it != sessions_.end()) by_tag_.erase(it->second.tag);
  if (const auto it = links_.find(id); it != links_.end()) by_tag_.erase(it->second.tag);
  sessions_.erase(id);
  links_.erase(id);
  credentials_.erase(id);
  emails_.erase(id);
  things_.erase(id);
}

void PeopleState::put(const Id& id, const Json& thing) {
  const Json copy = thing;  // `thing` may lie in what drop() takes
  drop(id);
  things_[id] = copy;
  if (id.starts_with("ses_")) {
    Session session = session_of(id, copy);
    if (!session.tag.empty()) by_tag_[session.tag] = id;
    sessions_[id] = std::move(session);
  } else if (id.starts_with("link_")) {
    Link link = link_of(id, copy);
    if (!link.tag.empty()) by_tag_[link.tag] = id;
    links_[id] = std::move(link);
  } else if (id.starts_with("cred_")) {
    credentials_[id] = credential_of(id, copy);
  } else if (std::string email = email_of(copy); !email.empty()) {
    emails_[id] = std::move(email);
  }
}

std::optional<Session> PeopleState::session_by_tag(const std::string& tag) const {
  const std::shared_lock lock(mutex_);
  const auto id = by_tag_.find(tag);
  if (id == by_tag_.end()) return std::nullopt;
  const auto it = sessions_.find(id->second);
  return it == sessions_.end() ? std::nullopt : std::optional(it->second);
}

std::optional<Session> PeopleState::session(const Id& id) const {
  const std::shared_lock lock(mutex_);
  const auto it = sessions_.find(id);
  return it == sessions_.end() ? std::nullopt : std::optional(it->second);
}

std::vector<Session> PeopleState::sessions_of(const Id& person) const {
  std::vector<Session> out = sessions();
  std::erase_if(out, [&](const Session& session) { return session.person != person; });
  return out;
}

std::vector<Session> PeopleState::sessions() const {
  const std::shared_lock lock(mutex_);
  std::vector<Session> out;
  for (const auto& [id, session] : sessions_) out.push_back(session);
  return out;
}

std::optional<Link> PeopleState::link_by_tag(const std::string& tag) const {
  const std::shared_lock lock(mutex_);
  const auto id = by_tag_.find(tag);
  if (id == by_tag_.end()) return std::nullopt;
  const auto it = links_.find(id->second);
  return it == links_.end() ? std::nullopt : std::optional(it->second);
}

std::optional<Link> PeopleState::link(const Id& id) const {
  const std::shared_lock lock(mutex_);
  const auto it = links_.find(id);
  return it == links_.end() ? std::nullopt : std::optional(it->second);
}

std::vector<Link> PeopleState::links() const {
  const std::shared_lock lock(mutex_);
  std::vector<Link> out;
  for (const auto& [id, link] : links_) out.push_back(link);
  return out;
}

std::optional<Credential> PeopleState::credential(const Id& person, std::string_view kind) const {
  for (auto& each : credentials_of(person)) {
    if (each.kind == kind) return each;
  }
  return std::nullopt;
}

std::vector<Credential> PeopleState::credentials_of(const Id& person) const {
  const std::shared_lock lock(mutex_);
  std::vector<Credential> out;
  for (const auto& [id, each] : credentials_) {
    if (each.person == person && !person.empty()) out.push_back(each);
  }
  return out;
}

std::string PeopleState::email(const Id& person) const {
  const std::shared_lock lock(mutex_);
  const auto it = emails_.find(person);
  return it == emails_.end() ? std::string() : it->second;
}

Json PeopleState::settings(const Id& person) const {
  const std::shared_lock lock(mutex_);
  const auto it = things_.find(person);
  return it == things_.end() ? Json::object() : settings_of(it->second);
}

std::vector<Id> PeopleState::with_email(const std::string& folded) const {
  const std::shared_lock lock(mutex_);
  std::vector<Id> out;
  for (const auto& [person, email] : emails_) {
    if (folded_name(email) == folded) out.push_back(person);
  }
  return out;
}

std::string PeopleState::dump() const {
  const std::shared_lock lock(mutex_);
  return Json(things_).dump();
}

namespace {

void store(journal::Db& db, const Id& tenant, const Id& id, const Json& thing) {
  db.prepare("INSERT OR REPLACE INTO people_things(tenant,id,body) VALUES(?,?,?)")
      .bind(1, tenant)
      .bind(2, id)
      .bind(3, dump(thing))
      .run();
  db.prepare("DELETE FROM people_seqs WHERE tenant=? AND id=?").bind(1, tenant).bind(2, id).run();
  for (const journal::Seq seq : seqs_of_thing(thing)) {
    db.prepare("INSERT INTO people_seqs(tenant,seq,id) VALUES(?,?,?)").bind(1, tenant).bind(2, seq).bind(3, id).run();
  }
}

void drop(journal::Db& db, const Id& tenant, const Id& id) {
  db.prepare("DELETE FROM people_things WHERE tenant=? AND id=?").bind(1, tenant).bind(2, id).run();
  db.prepare("DELETE FROM people_seqs WHERE tenant=? AND id=?").bind(1, tenant).bind(2, id).run();
}

Json stored(journal::Db& db, const Id& tenant, const Id& id) {
  auto& select = db.prepare("SELECT body FROM people_things WHERE tenant=? AND id=?").bind(1, tenant).bind(2, id);
  Json thing = select.step() ? parse_own(select.text(0)) : Json::object();
  select.reset();
  return thing;
}

void erase(journal::Db& db, const journal::Record& record) {
  for (const journal::Seq seq : journal::erased_seqs(record)) {
    auto& select =
        db.prepare("SELECT id FROM people_seqs WHERE tenant=? AND seq=?").bind(1, record.tenant).bind(2, seq);
    const Id id = select.step() ? select.text(0) : Id();
    select.reset();
    if (id.empty()) continue;
    Json thing = stored(db, record.tenant, id);
    if (erase_from_thing(thing, seq)) store(db, record.tenant, id, thing);
  }
}

}  // namespace

void PeopleView::create(journal::Db& db) {
  db.execute(
      "CREATE TABLE people_things(tenant TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY(tenant,id)) "
      "WITHOUT ROWID; CREATE TABLE people_seqs(tenant TEXT NOT NULL, seq INTEGER NOT NULL, id TEXT NOT NULL, PRIMARY "
      "KEY(tenant,seq)) WITHOUT ROWID; CREATE INDEX people_seqs_of ON people_seqs(tenant,id);");
}

void PeopleView::apply(journal::Db& db, const journal::Record& record) {
  if (record.kind == journal::kErasedKind) return erase(db, record);
  if (!is_of_people(record.kind)) return;
  const Id id = id_of_stream(record.stream);
  Json thing = stored(db, record.tenant, id);
  if (fold_thing(thing, record))
    store(db, record.tenant, id, thing);
  else
    drop(db, record.tenant, id);
}

}  // namespace steward::identity
