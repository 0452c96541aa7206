// The view of memory's first layer, episodes: every message that a person or an assistant said in a conversation, cut
// into passages, word for word, with its time, speaker and place, and an index of its terms.
//
// The index is parted by person: a query of one person's words touches nothing of anybody else's, and the rarity of a
// word is that among their own passages. A partition is the start of a hash of the person's id; a passage's number is
// made of its record's seq and its place in the message, so that live and rebuilt tables are the same. A passage's key
// (an HMAC under a key of its tenant) names its vector (vectors.h).
//
// What is said in a conversation that is to leave no trace, or while its owner has memory switched off, is not kept;
// switching it on again brings none of it back. Such a message has its place in the tree and no passage.
//
// Folded on the applier's thread. Switched off it keeps nothing, and has another version: switching it folds anew.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "base/json.h"
#include "journal/view.h"

namespace steward::memory {

inline constexpr int kVersion = 2, kVersionOff = 1'000'000;

struct ViewParts {
  bool enabled = true;
  std::function<Result<std::string>(const Id& tenant, const std::string& blob)> blob;  // as TalkView has it
  std::function<std::string(const Id& tenant)> key;                                    // under which keys are made
};

class MemoryView final : public journal::View {
 public:
  explicit MemoryView(ViewParts parts) : parts_(std::move(parts)) {}
  void configure(ViewParts parts) { parts_ = std::move(parts); }  // before the views start
  std::string_view name() const override { return "memory"; }
  int version() const override { return parts_.enabled ? kVersion : kVersionOff; }
  void create(journal::Db& db) override;
  void apply(journal::Db& db, const journal::Record& record) override;

 private:
  void fold(journal::Db& db, const journal::Record& record, const Json& body);
  void content(journal::Db& db, const journal::Record& record, const Json& body);
  void item(journal::Db& db, const journal::Record& record, const Json& body);
  Json content_of(const journal::Record& record, const Json& body) const;

  ViewParts parts_;
};

int64_t partition_of(const Id& tenant, const Id& owner);

// What a message is, for its passages.
struct Message {
  Id conversation, owner, id, role;
  TimeUs time = 0;
};

namespace fold {  // fold.cc

int64_t tenant_number(journal::Db& db, const Id& tenant);
void remember(journal::Db& db, const journal::Record& record, const Message& message, std::string_view text,
              std::string_view key);
void forget_message(journal::Db& db, const Id& tenant, const Id& message);
void erased(journal::Db& db, const journal::Record& record);

}  // namespace fold
}  // namespace steward::memory
