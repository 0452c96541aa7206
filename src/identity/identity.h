// Who is who: tenants, principals, groups, API keys, interned ACLs, and the one function that decides.
//
// Identity is a fold on the writer thread that publishes an immutable snapshot after every change: reading takes no
// lock that waits and may happen on any thread. Changes are commands: each becomes records through the journal, and
// answers once they are written. Secrets are never kept: a key is stored as SHA-256, shown once in the answer of
// create_key or rotate_key. Names are in bodies, never headers.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/async.h"
#include "base/money.h"
#include "journal/journal.h"
#include "journal/view.h"

namespace steward::identity {

// Principals: usr_ team_ agt_ key_ svc_; the tenant (ten_) stands for the organisation.
enum class PrincipalKind { kUser, kTeam, kAgent, kKey, kService };

// What a person is in the organisation. An owner administers; a member has their own things, calls models and makes
// keys; a guest sees what is shared with them and spends nothing.
enum class Role : uint8_t { kMember, kOwner, kGuest };

struct Principal {
  Id id;
  PrincipalKind kind;
  std::string name;
  std::string time_zone;  // IANA, or empty: the host's
  std::set<Id> groups;    // teams it is a member of, directly
  bool disabled = false;
  Role role = Role::kMember;  // of a person
  Id tenant;
  journal::Seq made_seq = 0;  // of the record that its name is from: erasing that takes its name
};

// Zero means "no limit of this kind".
struct RateLimits {
  int64_t requests_per_minute = 0;
  int64_t tokens_per_minute = 0;
  int64_t concurrency = 0;
};

// What is kept of a key's calls: for how many days requests and answers are; 0: metadata alone (the default);
// kNoContent: no content in any store, also where the caller asks for it (an Idempotency-Key is refused).
inline constexpr int64_t kNoContent = -1;
inline constexpr int64_t kMaxContentDays = 3650;
std::string content_text(int64_t days);                           // "metadata", "none", "30d"
std::optional<int64_t> content_from_text(std::string_view text);  // nullopt: none of these

struct KeySpec {
  std::string name;
  Id owner;                         // usr_ or svc_; empty: the tenant's owner
  Id team;                          // team_ or empty
  std::vector<std::string> models;  // exact names or "prefix*"; empty: all
  std::vector<std::string>
      endpoints;  // "chat", "completions", "embeddings", "models", "memory"; empty: all of the model API, and no memory
  bool admin = false;     // scope admin: /admin/v1
  TimeUs expires_at = 0;  // 0: never
  std::map<std::string, std::string> tags;
  RateLimits limits;
  double weight = 1.0;       // share in the fair queue
  int64_t content_days = 0;  // see kNoContent
};

struct Key {
  Id id;
  Id tenant;
  std::string visible;               // "sk-steward-3fA9": the first characters, enough to recognise it
  std::vector<std::string> hashes;   // SHA-256 raw; two while a rotation overlaps
  std::vector<TimeUs> hash_expires;  // beside each; 0: never
  KeySpec spec;
  TimeUs created_at = 0;
  bool revoked = false;
};

struct NewKey {
  Key key;
  std::string secret;  // "sk-steward-…": shown once
};

struct Acl {
  Id id;
  std::set<Id> principals;
  Id tenant;
};

// More records of the same append as a new key (its budgets): asked on the writer thread, once everything about the key
// is decided.
using AlsoAppend = std::function<Result<std::vector<journal::Draft>>(const Key&)>;

struct Snapshot {
  std::map<Id, std::string> tenants;  // id → name
  std::map<Id, Principal> principals;
  std::map<Id, std::shared_ptr<const Key>> keys;
  std::unordered_map<std::string, std::shared_ptr<const Key>> keys_by_hash;
  std::map<Id, Acl> acls;
  std::map<Id, Id> tenant_owner;  // tenant → its owner usr_
};

enum class Verb { kRead, kWrite, kShare, kAdmin, kUseModel };
struct Resource {
  Id tenant;
  Id owner;              // or empty
  Id acl;                // or empty: only its owner and the tenant's admins
  std::string model;     // for kUseModel
  std::string endpoint;  // for kUseModel
};

// What a request acts as, found once at its start.
struct Caller {
  Id tenant;
  Id principal;                    // usr_, agt_, svc_ (for a key: its owner)
  std::shared_ptr<const Key> key;  // or null: over the home's socket, or a signed-in person
  bool admin = false;
  bool in_batch = false;  // asks by a line of a batch: nobody waits, and where the price has a row for batches it holds
};

class Identity {
 public:
  virtual ~Identity() = default;
  virtual journal::Fold& fold() = 0;
  virtual std::vector<journal::View*> views() = 0;
  virtual std::shared_ptr<const Snapshot> snapshot() const = 0;

  // kUnauthenticated, kKeyExpired, kKeyRevoked. Constant work for any secret of the right form.
  virtual Result<Caller> authenticate(std::string_view secret) const = 0;
  virtual Status may(const Caller& caller, Verb verb,
                     const Resource& resource) const = 0;  // kForbidden says what would be needed
  virtual std::set<Id> readable_acls(const Id& tenant, const Id& principal) const = 0;

  // Makes the first tenant, its owner and nothing else, if there is none. Answers the tenant's id.
  virtual Result<Id> bootstrap(std::string tenant_name, std::string owner_name, std::string time_zone) = 0;

  virtual Task<Result<NewKey>> create_key(Caller actor, KeySpec spec, AlsoAppend also = {}) = 0;
  virtual Task<Result<NewKey>> rotate_key(Caller actor, Id key, DurationUs overlap_us) = 0;
  virtual Task<Status> revoke_key(Caller actor, Id key) = 0;
  virtual Task<Result<Key>> update_key(Caller actor, Id key, KeySpec spec) = 0;
  virtual Task<Result<Principal>> create_principal(Caller actor, PrincipalKind kind, std::string name,
                                                   std::string time_zone) = 0;
  virtual Task<Status> set_disabled(Caller actor, Id principal, bool disabled) = 0;  // its keys stop at once
  virtual Task<Status> set_member(Caller actor, Id group, Id member, bool in) = 0;
  virtual Task<Result<Id>> intern_acl(Caller actor, std::set<Id> principals) = 0;
};

std::unique_ptr<Identity> make_identity(journal::Journal& journal, Clock& clock, Random& random, Log log);

}  // namespace steward::identity
