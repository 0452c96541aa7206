#include "identity/state.h"

#include "base/crypto.h"
#include "identity/records.h"
#include "identity/view.h"
#include "journal/erasure.h"

namespace steward::identity {

std::string acl_set_key(const Id& tenant, const std::set<Id>& principals) {
  std::string key = tenant;
  for (const Id& id : principals) {
    key += ' ';
    key += id;
  }
  return key;
}

void State::reset() {
  std::scoped_lock lock(mutex_);
  now_ = {};
  acl_by_set_.clear();
  changed_.store(true, std::memory_order_release);
}

journal::Seq State::load(journal::Db& views, const Id& tenant) {
  const journal::Seq seq = journal::stored_seq(views, IdentityView::kName, IdentityView::kVersion, tenant);
  if (seq == 0) return 0;
  std::scoped_lock lock(mutex_);
  changed_.store(true, std::memory_order_release);
  for_each_stored(views, tenant, [this, &tenant](const Id& id, const Json& body) {
    if (id.starts_with("ten_")) {
      now_.tenants[id] = body.at("name").get<std::string>();
      now_.tenant_owner[id] = body.at("owner").get<std::string>();
    } else if (id.starts_with("acl_")) {
      put_acl({id, body.at("principals").get<std::set<Id>>(), tenant});
    } else if (id.starts_with("key_")) {
      put_key(key_from_json(body));
    } else {
      now_.principals[id] = principal_from_json(body);
    }
  });
  return seq;
}

void State::apply(const journal::Record& record) {
  const std::string_view kind = record.kind;
  if (kind == journal::kErasedKind) return apply_erasure(record);
  const bool mine = kind.starts_with("tenant.") || kind.starts_with("principal.") || kind.starts_with("group.") ||
                    kind.starts_with("key.") || kind.starts_with("acl.");
  if (!mine) return;
  const Json body = body_of(record);
  std::scoped_lock lock(mutex_);
  changed_.store(true, std::memory_order_release);
  if (kind == "tenant.created") {
    const Id id = id_of_stream(record.stream);
    now_.tenants[id] = body.value("name", "");
    now_.tenant_owner[id] = body.value("owner", "");
  } else if (kind.starts_with("key.")) {
    apply_key(record, body);
  } else if (kind == "acl.interned") {
    put_acl(interned_acl(record, body));
  } else {
    apply_principal(record, body);
  }
}

void State::apply_key(const journal::Record& record, const Json& body) {
  if (record.kind == "key.created") return put_key(created_key(record, body));
  const auto it = now_.keys.find(id_of_stream(record.stream));
  if (it == now_.keys.end()) return;
  Key key = *it->second;
  for (const auto& hash : key.hashes) now_.keys_by_hash.erase(hash);
  fold_into(key, record, body);
  put_key(std::move(key));
}

void State::apply_principal(const journal::Record& record, const Json& body) {
  if (record.kind == "principal.created") {
    Principal principal = created_principal(record, body);
    now_.principals[principal.id] = std::move(principal);
  } else if (record.kind.starts_with("principal.")) {
    const auto it = now_.principals.find(id_of_stream(record.stream));
    if (it != now_.principals.end()) fold_into(it->second, record, body);
  } else if (record.kind == "group.member_set" && !record.erased) {
    const auto it = now_.principals.find(body.at("member").get<std::string>());
    if (it == now_.principals.end()) return;
    const Id group = id_of_stream(record.stream);
    if (body.at("in").get<bool>())
      it->second.groups.insert(group);
    else
      it->second.groups.erase(group);
  }
}

void State::apply_erasure(const journal::Record& record) {
  const std::set<journal::Seq> seqs = journal::erased_seqs(record);
  std::scoped_lock lock(mutex_);
  for (auto& [id, principal] : now_.principals) {
    if (principal.tenant == record.tenant && seqs.contains(principal.made_seq)) forget_person(principal);
  }
  changed_.store(true, std::memory_order_release);
}

void State::put_key(Key key) {
  auto shared = std::make_shared<const Key>(std::move(key));
  for (const auto& hash : shared->hashes) now_.keys_by_hash[hash] = shared;
  now_.keys[shared->id] = std::move(shared);
}

void State::put_acl(Acl acl) {
  acl_by_set_[acl_set_key(acl.tenant, acl.principals)] = acl.id;
  now_.acls[acl.id] = std::move(acl);
}

std::shared_ptr<const Snapshot> State::snapshot() const {
  if (!changed_.load(std::memory_order_acquire)) return published_.load(std::memory_order_acquire);
  std::scoped_lock lock(mutex_);
  if (changed_.load(std::memory_order_acquire)) {
    published_.store(std::make_shared<const Snapshot>(now_), std::memory_order_release);
    changed_.store(false, std::memory_order_release);
  }
  return published_.load(std::memory_order_acquire);
}

std::optional<Id> State::find_acl(const Id& tenant, const std::set<Id>& principals) const {
  const auto it = acl_by_set_.find(acl_set_key(tenant, principals));
  return it == acl_by_set_.end() ? std::nullopt : std::optional<Id>(it->second);
}

std::string State::dump() const {
  Json all = Json::object();
  for (const auto& [id, name] : now_.tenants) all[id] = {{"name", name}, {"owner", now_.tenant_owner.at(id)}};
  for (const auto& [id, principal] : now_.principals) all[id] = to_json(principal);
  for (const auto& [id, key] : now_.keys) all[id] = to_json(*key);
  for (const auto& [id, acl] : now_.acls) all[id] = acl.principals;
  std::map<std::string, Id> by_hash;
  for (const auto& [hash, key] : now_.keys_by_hash) by_hash[to_hex(hash)] = key->id;
  all["hashes"] = by_hash;
  return all.dump();
}

}  // namespace steward::identity
