// The configuration: one table of keys (config_keys.cc) makes the TOML reader, the environment reader, the flags, the
// checks, the docs (docs/configuration.md) and the "did you mean" of every error.
//
// A key is "section.name"; in the sections that hold named things (models, providers, prices) it is
// "section.NAME.name", where NAME may itself hold dots. Precedence: flag > environment > settings records > TOML file >
// default. A Config is a value: made once from its sources, never changed; a reload makes another and compares. It
// holds no secrets, only where they are (key_env, key_file, key_secret). Any thread may read one.
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace steward {

enum class ConfigType { kBool, kInteger, kText, kChoice, kPath, kList, kTextTable, kIntegerTable, kUsd };
enum class Reload { kAtOnce, kRestart };

struct ConfigKey {
  std::string_view section;  // "server"
  std::string_view name;     // "port"
  ConfigType type;
  std::string_view fallback;    // the default, as an environment variable would say it
  int64_t least = 0, most = 0;  // of integers
  std::string_view choices;     // of kChoice: "day|week|month"
  Reload reload = Reload::kRestart;
  std::string_view doc;  // one sentence
};

struct ConfigSection {
  std::string_view name;
  bool named;  // holds [section.NAME] tables
  std::string_view doc;
};

const std::vector<ConfigSection>& config_sections();
const std::vector<ConfigKey>& config_keys();
const ConfigKey* find_config_key(std::string_view section, std::string_view name);
std::string config_environment_name(const ConfigKey& key);  // "STEWARD_SERVER_PORT"; "STEWARD_PROVIDERS_NAME_BASE_URL"

enum class Origin { kDefault, kFile, kSetting, kEnvironment, kFlag };
std::string_view origin_name(Origin origin);

struct ConfigValue {
  Json value;  // bool, integer, string, array of strings, object; money stays decimal text
  Origin origin = Origin::kDefault;
  std::string where;  // "steward.toml:12", "STEWARD_PORT", "--port"; empty for a default
  const ConfigKey* key = nullptr;
};

struct ConfigSources {
  std::optional<std::string> toml;  // the file's text
  std::string toml_name = "steward.toml";
  std::map<std::string, Json> settings;            // from settings records
  std::map<std::string, std::string> environment;  // all of it; what does not begin with STEWARD_ is left alone
  std::map<std::string, std::string> flags;        // full key → text
};

class Config {
 public:
  // kConfig lists every problem, a line each, with the place and the nearest known key.
  static Result<Config> load(const ConfigSources& sources);

  // A key that does not exist is a bug: std::logic_error.
  bool boolean(std::string_view key) const { return at(key).value.get<bool>(); }
  int64_t integer(std::string_view key) const { return at(key).value.get<int64_t>(); }
  std::string text(std::string_view key) const { return at(key).value.get<std::string>(); }
  std::filesystem::path path(std::string_view key) const { return text(key); }
  std::vector<std::string> list(std::string_view key) const { return at(key).value.get<std::vector<std::string>>(); }
  template <class T>
  std::map<std::string, T> table(std::string_view key) const {
    return at(key).value.get<std::map<std::string, T>>();
  }

  std::vector<std::string> names(std::string_view section) const;  // of the named things in it
  const ConfigValue& at(std::string_view key) const;
  const std::map<std::string, ConfigValue>& all() const { return values_; }

 private:
  friend class ConfigLoader;
  std::map<std::string, ConfigValue> values_;
};

struct ConfigChange {
  std::string key;
  Reload reload;
};
std::vector<ConfigChange> changes(const Config& before, const Config& after);

// "openai/gpt.input" → section, NAME (empty for a plain section) and name; nullopt if there are no two parts.
struct ConfigPath {
  std::string section, thing, name;
};
std::optional<ConfigPath> split_config_key(std::string_view key);

// One value checked against its key: from JSON (settings, the API) or from text (environment, flags).
Result<Json> check_config_value(const ConfigKey& key, const Json& value);
Result<Json> parse_config_text(const ConfigKey& key, std::string_view text);

std::string config_docs();  // docs/configuration.md

}  // namespace steward
