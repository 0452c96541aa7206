#include "server/settings.h"

#include "base/json.h"

namespace steward::server {
namespace {
constexpr std::string_view kKind = "setting.changed";
constexpr std::string_view kView = "settings";
constexpr int kVersion = 1;

struct Change {
  std::string key;
  Json value;
};

std::optional<Change> change_of(const journal::Record& record) {
  if (record.kind != kKind || record.erased) return std::nullopt;
  const Json body = read_own(record.body);
  if (!body.is_object() || !body.contains("key") || !body["key"].is_string()) return std::nullopt;
  return Change{body["key"].get<std::string>(), body.value("value", Json())};
}
// The value as it will be kept; null takes the setting back.
Result<Json> checked_change(const std::string& key, const Json& value) {
  const auto path = split_config_key(key);
  const auto* known = path ? find_config_key(path->section, path->name) : nullptr;
  if (known == nullptr)
    return fail(ErrorCode::kInvalidRequest,
                fmt::format("There is no key '{}': 'steward config show' lists them.", key.substr(0, 200)));
  if (known->reload != Reload::kAtOnce) {
    return fail(
        ErrorCode::kInvalidRequest,
        fmt::format("'{}' can only be set in steward.toml or the environment, and holds from the next start.", key));
  }
  if (value.is_null()) return value;
  auto checked = check_config_value(*known, value);
  if (!checked) {
    Json details = checked.error().details;
    details["param"] = "value";
    if (!details.contains("reason")) details["reason"] = "value_wrong";
    return fail(ErrorCode::kInvalidRequest, fmt::format("'{}' {}.", key, checked.error().message), std::move(details));
  }
  return checked;
}

}  // namespace

class Settings::Table final : public journal::View {
 public:
  std::string_view name() const override { return kView; }
  int version() const override { return kVersion; }
  void create(journal::Db& db) override {
    db.execute(
        "CREATE TABLE settings_values (tenant TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY "
        "(tenant, key)) WITHOUT ROWID");
  }
  void apply(journal::Db& db, const journal::Record& record) override {
    const auto change = change_of(record);
    if (!change) return;
    if (change->value.is_null()) {
      db.prepare("DELETE FROM settings_values WHERE tenant = ? AND key = ?")
          .bind(1, std::string_view(record.tenant))
          .bind(2, std::string_view(change->key))
          .run();
      return;
    }
    db.prepare(
          "INSERT INTO settings_values VALUES (?, ?, ?) ON CONFLICT (tenant, key) DO UPDATE SET value = excluded.value")
        .bind(1, std::string_view(record.tenant))
        .bind(2, std::string_view(change->key))
        .bind(3, std::string_view(dump(change->value)))
        .run();
  }
};

Settings::Settings() : table_(std::make_unique<Table>()) {}
Settings::~Settings() = default;

journal::View& Settings::view() { return *table_; }

void Settings::reset() {
  const std::lock_guard lock(mutex_);
  values_.clear();
}

journal::Seq Settings::load(journal::Db& views, const Id& tenant) {
  const journal::Seq seq = journal::stored_seq(views, kView, kVersion, tenant);
  if (seq == 0) return 0;
  auto& rows = views.prepare("SELECT key, value FROM settings_values WHERE tenant = ?");
  rows.bind(1, std::string_view(tenant));
  const std::lock_guard lock(mutex_);
  while (rows.step()) values_[rows.text(0)] = read_own(rows.text(1));
  rows.reset();
  return seq;
}

void Settings::apply(const journal::Record& record) {
  const auto change = change_of(record);
  if (!change) return;
  const std::lock_guard lock(mutex_);
  if (change->value.is_null())
    values_.erase(change->key);
  else
    values_[change->key] = change->value;
}

std::map<std::string, Json> Settings::values() const {
  const std::lock_guard lock(mutex_);
  return values_;
}

Task<Status> Settings::change(journal::Journal& journal, identity::Caller actor, std::string key, Json value) {
  std::map<std::string, Json> values;
  values.emplace(std::move(key), std::move(value));
  co_return co_await change_all(journal, std::move(actor), std::move(values));
}

Task<Status> Settings::change_all(journal::Journal& journal, identity::Caller actor,
                                  std::map<std::string, Json> values) {
  std::vector<journal::Draft> drafts;
  for (const auto& [key, value] : values) {
    auto checked = checked_change(key, value);
    if (!checked) co_return fail(std::move(checked.error()));
    journal::Draft draft;
    draft.stream = "settings/" + actor.tenant;
    draft.kind = kKind;
    draft.body = dump(Json{{"key", key}, {"value", std::move(*checked)}});
    draft.actor = actor.key != nullptr ? actor.key->id : actor.principal;
    drafts.push_back(std::move(draft));
  }
  if (drafts.empty()) co_return Status{};
  auto written = co_await journal.append(actor.tenant, std::move(drafts), journal::Wait::kDurable);
  if (!written) co_return fail(written.error());
  co_return Status{};
}

}  // namespace steward::server
