// Settings that were made in the app: `setting.changed` records, the layer between the environment and the TOML file.
//
// A fold of the journal that keeps the last value of each key, loaded from its view's table. Secrets can't be set this
// way.
#pragma once
#include <map>
#include <mutex>
#include <string>

#include "base/config.h"
#include "identity/identity.h"
#include "journal/journal.h"
#include "journal/record_kind.h"
#include "journal/view.h"

namespace steward::server {

inline constexpr journal::RecordKind kSettingRecordKinds[] = {{"setting.changed"}};

class Settings final : public journal::Fold {
 public:
  Settings();
  ~Settings() override;

  void reset() override;
  journal::Seq load(journal::Db& views, const Id& tenant) override;
  void apply(const journal::Record& record) override;

  journal::View& view();
  std::map<std::string, Json> values() const;  // any thread
  // Sets the key (null: takes the setting back) and answers once written. kInvalidRequest: no such key, a bad value, or
  // one that needs a restart.
  Task<Status> change(journal::Journal& journal, identity::Caller actor, std::string key, Json value);
  // Several keys at once: all or none.
  Task<Status> change_all(journal::Journal& journal, identity::Caller actor, std::map<std::string, Json> values);

 private:
  class Table;
  mutable std::mutex mutex_;
  std::map<std::string, Json> values_;
  std::unique_ptr<Table> table_;
};

}  // namespace steward::server
