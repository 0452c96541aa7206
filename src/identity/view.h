// Identity's tables: one row for each tenant, principal, key and ACL with its state as JSON. The fold loads from them
// at start.
#pragma once
#include <functional>
#include <string_view>

#include "base/json.h"
#include "identity/identity.h"
#include "journal/db.h"
#include "journal/view.h"

namespace steward::identity {

class IdentityView final : public journal::View {
 public:
  static constexpr std::string_view kName = "identity";
  static constexpr int kVersion = 3;
  std::string_view name() const override { return kName; }
  int version() const override { return kVersion; }
  void create(journal::Db& db) override;
  void apply(journal::Db& db, const journal::Record& record) override;
};

void for_each_stored(journal::Db& views, const Id& tenant,
                     const std::function<void(const Id& id, const Json& body)>& each);

}  // namespace steward::identity
