#include "identity/view.h"

#include "base/json.h"
#include "identity/records.h"
#include "journal/erasure.h"

namespace steward::identity {
namespace {

std::optional<Json> stored(journal::Db& db, const Id& tenant, const Id& id) {
  auto& select = db.prepare("SELECT body FROM identity_things WHERE tenant=? AND id=?").bind(1, tenant).bind(2, id);
  std::optional<Json> body;
  if (select.step()) body = parse_own(select.text(0));
  select.reset();
  return body;
}

void store(journal::Db& db, const Id& tenant, const Id& id, const Json& body) {
  db.prepare(
        "INSERT INTO identity_things(tenant,id,made_seq,body) VALUES(?,?,?,?) ON CONFLICT(tenant,id) DO UPDATE SET "
        "body=excluded.body, made_seq=excluded.made_seq")
      .bind(1, tenant)
      .bind(2, id)
      .bind(3, body.value("made_seq", int64_t{0}))
      .bind(4, dump(body))
      .run();
}

void erase(journal::Db& db, const journal::Record& record) {
  for (const journal::Seq seq : journal::erased_seqs(record)) {
    auto& select = db.prepare("SELECT body FROM identity_things WHERE tenant=? AND made_seq=? AND made_seq>0")
                       .bind(1, record.tenant)
                       .bind(2, seq);
    std::optional<Principal> principal;
    if (select.step()) principal = principal_from_json(parse_own(select.text(0)));
    select.reset();
    if (!principal) continue;
    forget_person(*principal);
    store(db, record.tenant, principal->id, to_json(*principal));
  }
}

void apply_key(journal::Db& db, const journal::Record& record, const Json& body) {
  const Id id = id_of_stream(record.stream);
  if (record.kind == "key.created") return store(db, record.tenant, id, to_json(created_key(record, body)));
  const auto before = stored(db, record.tenant, id);
  if (!before) return;
  Key key = key_from_json(*before);
  fold_into(key, record, body);
  store(db, record.tenant, id, to_json(key));
}

void set_member(journal::Db& db, const journal::Record& record, const Json& body) {
  if (record.erased) return;
  const Id member = body.at("member").get<std::string>();
  const auto before = stored(db, record.tenant, member);
  if (!before) return;
  Principal principal = principal_from_json(*before);
  if (body.at("in").get<bool>())
    principal.groups.insert(id_of_stream(record.stream));
  else
    principal.groups.erase(id_of_stream(record.stream));
  store(db, record.tenant, member, to_json(principal));
}

}  // namespace

void IdentityView::create(journal::Db& db) {
  db.execute(
      "CREATE TABLE identity_things(tenant TEXT NOT NULL, id TEXT NOT NULL, made_seq INTEGER NOT NULL, body TEXT NOT "
      "NULL, "
      "PRIMARY KEY(tenant,id)) WITHOUT ROWID; CREATE INDEX identity_made ON identity_things(tenant, made_seq) WHERE "
      "made_seq>0;");
}

void IdentityView::apply(journal::Db& db, const journal::Record& record) {
  const std::string_view kind = record.kind;
  const Id id = id_of_stream(record.stream);
  if (kind == journal::kErasedKind) {
    erase(db, record);
  } else if (kind.starts_with("key.")) {
    apply_key(db, record, body_of(record));
  } else if (kind == "tenant.created") {
    const Json body = body_of(record);
    store(db, record.tenant, id, {{"name", body.value("name", "")}, {"owner", body.value("owner", "")}});
  } else if (kind == "principal.created") {
    store(db, record.tenant, id, to_json(created_principal(record, body_of(record))));
  } else if (kind.starts_with("principal.")) {
    const auto before = stored(db, record.tenant, id);
    if (!before) return;
    Principal principal = principal_from_json(*before);
    fold_into(principal, record, body_of(record));
    store(db, record.tenant, id, to_json(principal));
  } else if (kind == "group.member_set") {
    set_member(db, record, body_of(record));
  } else if (kind == "acl.interned") {
    store(db, record.tenant, id, {{"principals", interned_acl(record, body_of(record)).principals}});
  }
}

void for_each_stored(journal::Db& views, const Id& tenant, const std::function<void(const Id&, const Json&)>& each) {
  auto& select = views.prepare("SELECT id, body FROM identity_things WHERE tenant=? ORDER BY id").bind(1, tenant);
  while (select.step()) each(select.text(0), parse_own(select.text(1)));
  select.reset();
}

}  // namespace steward::identity
