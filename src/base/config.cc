#include "base/config.h"

#include <stdexcept>

#include "base/config_providers.h"
#include "base/config_toml.h"
#include "base/text.h"

namespace steward {
namespace {

struct Alias {
  std::string_view environment;
  std::string_view key;
};
constexpr Alias kAliases[] = {{"STEWARD_PORT", "server.port"}, {"STEWARD_MASTER_KEY_FILE", "secrets.master_key_file"}};
constexpr size_t kMaxThings = 1000;  // named models, providers or prices in one section

const ConfigSection* find_section(std::string_view name) {
  for (const auto& section : config_sections()) {
    if (section.name == name) return &section;
  }
  return nullptr;
}

std::string upper(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c >= 'a' && c <= 'z')
      out += static_cast<char>(c - 'a' + 'A');
    else if ((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
      out += c;
    else
      out += '_';
  }
  return out;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& known) {
  const std::string near = nearest(word, known);
  return near.empty() ? "" : fmt::format("; did you mean '{}'?", near);
}

std::vector<std::string> names_in(std::string_view section) {
  std::vector<std::string> out;
  for (const auto& key : config_keys()) {
    if (key.section == section) out.emplace_back(key.name);
  }
  return out;
}

std::string full_key(std::string_view section, std::string_view thing, std::string_view name) {
  return thing.empty() ? fmt::format("{}.{}", section, name) : fmt::format("{}.{}.{}", section, thing, name);
}

}  // namespace

// Lays the sources over each other, weakest first, and collects every problem.
class ConfigLoader {
 public:
  Result<Config> load(const ConfigSources& sources) {
    environment_ = &sources.environment;
    add_defaults("");
    if (sources.toml) add_toml(*sources.toml, sources.toml_name);
    for (const auto& [key, value] : sources.settings) add_setting(key, value);
    add_known_providers(sources.environment);
    for (const auto& [name, text] : sources.environment) add_environment(name, text);
    for (const auto& [key, text] : sources.flags) add_flag(key, text);
    check_providers();
    if (problems_.empty()) return std::move(config_);
    return fail(ErrorCode::kConfig, join(problems_, "\n"), {{"problems", problems_}});
  }

 private:
  void problem(std::string text) { problems_.push_back(std::move(text)); }

  void set(std::string_view section, std::string_view thing, const ConfigKey& key, Result<Json> value, Origin origin,
           std::string where) {
    const std::string name = full_key(section, thing, key.name);
    if (!value) return problem(fmt::format("{}: {} {}.", where, name, value.error().message));
    if (!thing.empty()) add_thing(section, thing);
    config_.values_[name] = ConfigValue{std::move(*value), origin, std::move(where), &key};
  }

  void add_defaults(std::string_view only_section, std::string_view thing = {}) {
    for (const auto& key : config_keys()) {
      const bool named = find_section(key.section)->named;
      if (thing.empty() ? named : key.section != only_section) continue;
      config_.values_.try_emplace(full_key(key.section, thing, key.name),
                                  ConfigValue{*parse_config_text(key, key.fallback), Origin::kDefault, "", &key});
    }
  }

  void add_thing(std::string_view section, std::string_view thing) {
    auto& things = things_[std::string(section)];
    if (!things.insert(std::string(thing)).second) return;
    add_defaults(section, thing);
    const auto* known = section == "providers" ? find_known_provider(thing) : nullptr;
    if (known == nullptr) return;
    config_.values_[full_key(section, thing, "base_url")].value = std::string(known->base_url);
    config_.values_[full_key(section, thing, "key_env")].value = key_variable(*known, *environment_);
  }

  void add_toml(std::string_view text, const std::string& name) {
    auto entries = parse_toml(text, name);
    if (!entries) return problem(entries.error().message);
    for (const auto& entry : *entries) add_toml_entry(entry, fmt::format("{}:{}", name, entry.line));
    for (auto& [full, table] : tables_) {
      const auto path = *split_config_key(full);
      const auto* key = find_config_key(path.section, path.name);
      set(path.section, path.thing, *key, check_config_value(*key, table.first), Origin::kFile, table.second);
    }
  }

  void add_toml_entry(const TomlEntry& entry, const std::string& where) {
    const auto& path = entry.path;
    if (path.empty()) return;
    const auto* section = find_section(path[0]);
    if (section == nullptr) {
      std::vector<std::string> known;
      for (const auto& s : config_sections()) known.emplace_back(s.name);
      return problem(
          fmt::format("{}: there is no section '{}'{}", where, path[0], end_of(did_you_mean(path[0], known))));
    }
    const size_t at = section->named ? 2 : 1;
    if (path.size() <= at) return add_bare(*section, path, entry, where);
    const std::string thing = section->named ? path[1] : "";
    if (section->named && !thing_allowed(*section, thing, where)) return;
    const auto* key = find_config_key(section->name, path[at]);
    if (key == nullptr) return unknown(*section, thing, path[at], where);
    const bool table = key->type == ConfigType::kTextTable || key->type == ConfigType::kIntegerTable;
    if (table && path.size() <= at + 2) {
      auto& [values, place] =
          tables_.try_emplace(full_key(section->name, thing, key->name), Json::object(), where).first->second;
      if (path.size() == at + 2)
        values[path[at + 1]] = entry.value;
      else if (!entry.value.is_null())
        problem(fmt::format("{}: {} must be a table.", where, full_key(section->name, thing, key->name)));
      return;
    }
    if (path.size() > at + 1)
      return problem(fmt::format("{}: {} is not a table.", where, full_key(section->name, thing, key->name)));
    set(section->name, thing, *key, check_config_value(*key, entry.value), Origin::kFile, where);
  }

  // An empty section, an empty named thing, or a value where a table belongs.
  void add_bare(const ConfigSection& section, const std::vector<std::string>& path, const TomlEntry& entry,
                const std::string& where) {
    if (!entry.value.is_null()) {
      return problem(
          fmt::format("{}: '{}' must be a table{}.", where, join(path, "."), section.named ? " of named tables" : ""));
    }
    if (path.size() == 2 && thing_allowed(section, path[1], where)) add_thing(section.name, path[1]);
  }

  bool thing_allowed(const ConfigSection& section, const std::string& thing, const std::string& where) {
    const bool bad = thing.empty() || thing.size() > 200 ||
                     std::ranges::any_of(thing, [](unsigned char c) { return c < 0x21 || c == 0x7f; });
    if (bad) problem(fmt::format("{}: '{}' is no name for [{}.NAME].", where, thing.substr(0, 80), section.name));
    const auto found = things_.find(std::string(section.name));
    const bool full = found != things_.end() && found->second.size() >= kMaxThings && !found->second.contains(thing);
    if (full) problem(fmt::format("{}: there are more than {} tables in [{}].", where, kMaxThings, section.name));
    return !bad && !full;
  }

  void unknown(const ConfigSection& section, const std::string& thing, const std::string& name,
               const std::string& where) {
    problem(fmt::format("{}: there is no key '{}'{}", where, full_key(section.name, thing, name),
                        end_of(did_you_mean(name, names_in(section.name)))));
  }
  static std::string end_of(const std::string& hint) { return hint.empty() ? "." : hint; }

  void add_setting(const std::string& full, const Json& value) {
    const auto path = split_config_key(full);
    const auto* key = path ? find_config_key(path->section, path->name) : nullptr;
    if (key == nullptr) return;  // set by a later version, then stepped back: it has no meaning here
    set(path->section, path->thing, *key, check_config_value(*key, value), Origin::kSetting, "settings");
  }

  void add_flag(const std::string& full, const std::string& text) {
    const auto path = split_config_key(full);
    const auto* key = path ? find_config_key(path->section, path->name) : nullptr;
    if (key == nullptr || find_section(path->section)->named == path->thing.empty()) {
      return problem(fmt::format("--set: there is no key '{}'{}", full, end_of(did_you_mean(full, all_keys()))));
    }
    set(path->section, path->thing, *key, parse_config_text(*key, text), Origin::kFlag, "flag");
  }

  std::vector<std::string> all_keys() const {
    std::vector<std::string> out;
    for (const auto& [key, value] : config_.values_) out.push_back(key);
    return out;
  }

  void add_known_providers(const std::map<std::string, std::string>& environment) {
    for (const auto& provider : known_providers()) {
      if (is_in_environment(provider, environment)) add_thing("providers", provider.name);
    }
  }

  void add_environment(const std::string& name, const std::string& text) {
    for (const auto& alias : kAliases) {
      if (alias.environment != name) continue;
      const auto path = *split_config_key(alias.key);
      const auto* key = find_config_key(path.section, path.name);
      return set(path.section, "", *key, parse_config_text(*key, text), Origin::kEnvironment, name);
    }
    if (!name.starts_with("STEWARD_")) return;
    for (const auto& section : config_sections()) {
      const std::string prefix = fmt::format("STEWARD_{}_", upper(section.name));
      if (!name.starts_with(prefix)) continue;
      section.named ? add_named_environment(section, name, prefix.size(), text)
                    : add_plain_environment(section, name, prefix.size(), text);
      return;
    }
  }

  void add_plain_environment(const ConfigSection& section, const std::string& name, size_t prefix,
                             const std::string& text) {
    const std::string word = to_lower_ascii(std::string_view(name).substr(prefix));
    const auto* key = find_config_key(section.name, word);
    if (key == nullptr) {
      return problem(fmt::format("{}: there is no key '{}.{}'{}", name, section.name, word,
                                 end_of(did_you_mean(word, names_in(section.name)))));
    }
    set(section.name, "", *key, parse_config_text(*key, text), Origin::kEnvironment, name);
  }

  // STEWARD_PROVIDERS_MY_LAB_BASE_URL: the longest known key at the end; what is between is the name, as an existing
  // thing spells it.
  void add_named_environment(const ConfigSection& section, const std::string& name, size_t prefix,
                             const std::string& text) {
    const std::string rest = name.substr(prefix);
    const ConfigKey* best = nullptr;
    for (const auto& key : config_keys()) {
      const std::string suffix = "_" + upper(key.name);
      if (key.section != section.name || rest.size() <= suffix.size() || !rest.ends_with(suffix)) continue;
      if (best == nullptr || key.name.size() > best->name.size()) best = &key;
    }
    if (best == nullptr) {
      return problem(fmt::format("{}: it must end with a key of [{}.NAME]: {}.", name, section.name,
                                 join(names_in(section.name), ", ")));
    }
    const std::string middle = rest.substr(0, rest.size() - best->name.size() - 1);
    std::string thing = to_lower_ascii(middle);
    std::ranges::replace(thing, '_', '-');
    for (const auto& known : things_[std::string(section.name)]) {
      if (upper(known) == middle) thing = known;
    }
    set(section.name, thing, *best, parse_config_text(*best, text), Origin::kEnvironment, name);
  }

  // `like` names whose address it has, if it says none of its own; and then whose variable may hold its key. A key
  // never goes by itself to an address that somebody else chose.
  void follow_like(const std::string& thing) {
    const std::string like = config_.at(full_key("providers", thing, "like")).value.get<std::string>();
    if (like.empty()) return;
    const auto* known = find_known_provider(like);
    if (known == nullptr) {
      std::vector<std::string> names;
      for (const auto& provider : known_providers()) names.emplace_back(provider.name);
      return problem(fmt::format("{} names no known provider: '{}'{}", full_key("providers", thing, "like"), like,
                                 end_of(did_you_mean(like, names))));
    }
    auto& url = config_.values_[full_key("providers", thing, "base_url")];
    if (!url.value.get<std::string>().empty()) return;
    url.value = std::string(known->base_url);
    auto& env = config_.values_[full_key("providers", thing, "key_env")];
    if (env.value.get<std::string>().empty()) env.value = key_variable(*known, *environment_);
  }

  void check_providers() {
    for (const auto& thing : config_.names("providers")) {
      follow_like(thing);
      const auto& url = config_.at(full_key("providers", thing, "base_url"));
      const std::string text = url.value.get<std::string>();
      const std::string name = full_key("providers", thing, "base_url");
      if (text.empty()) {
        std::vector<std::string> known;
        for (const auto& provider : known_providers()) known.emplace_back(provider.name);
        problem(fmt::format("{} is missing: this provider's address isn't known{}", name,
                            end_of(did_you_mean(thing, known))));
      } else if (!text.starts_with("http://") && !text.starts_with("https://")) {
        problem(fmt::format("{}: {} must begin with http:// or https://.", url.where, name));
      }
    }
  }

  const std::map<std::string, std::string>* environment_ = nullptr;  // of the sources, while load() runs
  Config config_;
  std::map<std::string, std::set<std::string>> things_;
  std::map<std::string, std::pair<Json, std::string>> tables_;  // table keys as the TOML file fills them
  std::vector<std::string> problems_;
};

Result<Config> Config::load(const ConfigSources& sources) { return ConfigLoader().load(sources); }

const ConfigValue& Config::at(std::string_view key) const {
  const auto found = values_.find(std::string(key));
  if (found == values_.end()) throw std::logic_error(fmt::format("no configuration key '{}'", key));
  return found->second;
}

std::vector<std::string> Config::names(std::string_view section) const {
  std::set<std::string> out;
  for (const auto& [full, value] : values_) {
    const auto path = split_config_key(full);
    if (path->section == section && !path->thing.empty()) out.insert(path->thing);
  }
  return {out.begin(), out.end()};
}

std::optional<ConfigPath> split_config_key(std::string_view key) {
  const size_t first = key.find('.');
  const size_t last = key.rfind('.');
  if (first == std::string_view::npos || first == 0 || last + 1 == key.size()) return std::nullopt;
  ConfigPath path{std::string(key.substr(0, first)), "", std::string(key.substr(last + 1))};
  if (last != first) path.thing = key.substr(first + 1, last - first - 1);
  return path;
}

std::string config_environment_name(const ConfigKey& key) {
  const bool named = find_section(key.section)->named;
  return fmt::format("STEWARD_{}_{}{}", upper(key.section), named ? "NAME_" : "", upper(key.name));
}

std::string_view origin_name(Origin origin) {
  static constexpr std::string_view kNames[] = {"default", "file", "setting", "environment", "flag"};
  return kNames[static_cast<size_t>(origin)];
}

std::vector<ConfigChange> changes(const Config& before, const Config& after) {
  std::vector<ConfigChange> out;
  const auto differs = [](const Config& config, const std::string& key, const Json& value) {
    const auto found = config.all().find(key);
    return found == config.all().end() || found->second.value != value;
  };
  for (const auto& [key, value] : after.all()) {
    if (differs(before, key, value.value)) out.push_back({key, value.key->reload});
  }
  for (const auto& [key, value] : before.all()) {
    if (!after.all().contains(key)) out.push_back({key, value.key->reload});
  }
  return out;
}

}  // namespace steward
