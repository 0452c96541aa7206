// docs/configuration.md, written from the table of keys; a test holds the committed file equal.
#include "base/config.h"
#include "base/config_providers.h"
#include "base/text.h"

namespace steward {
namespace {

constexpr std::string_view kHead = R"(# Configuration

This page is written by `steward config docs` from the table of keys; don't edit it by hand.

Nothing needs configuring: an empty home runs. What you do set goes into one TOML file, `steward.toml` in the home
(`$STEWARD_HOME`, by default `~/.local/share/steward`) or the file given by `steward serve --config FILE`. An unknown key is an error
that names the line and the nearest known key.

```toml
[server]
port = 8080

[budgets]
new_key_limit_usd = 5        # every new key begins with 5 dollars a month
new_key_period = "month"

[providers.openai]           # a known provider: its address is known, its key is taken from OPENAI_API_KEY
models = ["gpt-4.1-mini"]

[providers.lab]              # any OpenAI-compatible server
base_url = "http://10.0.0.7:8000/v1"
key_file = "/etc/steward/lab.key"

[prices."openai/gpt-4.1-mini"]   # US dollars for a million tokens
input = 0.40
output = 1.60
```

**What wins.** A flag (`steward serve --port 8080`, `--set limits.queue_length=100`) before an environment variable before a setting made
in the app (`steward config set`) before the TOML file before the default. `steward config show` prints every value with its origin.

**The environment.** Each key is also `STEWARD_SECTION_KEY` (`STEWARD_LOG_LEVEL=debug`). Lists are words with commas between them, tables
pairs `NAME=VALUE` with commas between them. Besides: `STEWARD_HOME` (the home), `STEWARD_PORT`, `STEWARD_MASTER_KEY_FILE`.

**Changing a running server.** `steward reload` (or SIGHUP) reads the file again, applies what can be applied at once without dropping a
call, and names what waits for a restart. A file with an error changes nothing.

**Secrets.** The configuration never holds a secret, only where one is: `key_env` (an environment variable), `key_file` (a file), or
`key_secret` (sealed with `steward secrets set NAME`). They are never printed, logged or journaled.

**Units.** `_ms` are milliseconds, `_s` seconds, `_bytes` bytes, `_mb` millions of bytes, `_usd` US dollars (a number or a text, at most nine decimals).
)";

std::string type_name(const ConfigKey& key) {
  switch (key.type) {
    case ConfigType::kBool: return "true or false";
    case ConfigType::kInteger: return fmt::format("{} to {}", key.least, key.most);
    case ConfigType::kChoice: {
      std::vector<std::string> choices;
      for (const auto choice : split(key.choices, '|')) choices.push_back(fmt::format("`{}`", choice));
      return join(choices, ", ");
    }
    case ConfigType::kPath: return "path";
    case ConfigType::kList: return "list of texts";
    case ConfigType::kTextTable: return "table of texts";
    case ConfigType::kIntegerTable: return "table of whole numbers";
    case ConfigType::kUsd: return "US dollars";
    default: return "text";
  }
}

std::string fallback_text(const ConfigKey& key) {
  return key.fallback.empty() ? "empty" : fmt::format("`{}`", key.fallback);
}

std::string section_docs(const ConfigSection& section) {
  std::string out = fmt::format("\n## [{}{}]\n\n{}\n\n", section.name, section.named ? ".NAME" : "", section.doc);
  out += "| key | value | default | environment | reload | what |\n| --- | --- | --- | --- | --- | --- |\n";
  for (const auto& key : config_keys()) {
    if (key.section != section.name) continue;
    out += fmt::format("| `{}` | {} | {} | `{}` | {} | {} |\n", key.name, type_name(key), fallback_text(key),
                       config_environment_name(key), key.reload == Reload::kAtOnce ? "at once" : "restart", key.doc);
  }
  return out;
}

// "A|B": the first that is set counts.
std::string variables_text(std::string_view variables) {
  std::string out;
  for (const auto name : split(variables, '|')) {
    if (!name.empty()) out += fmt::format("{}`{}`", out.empty() ? "" : " or ", name);
  }
  return out;
}

}  // namespace

std::string config_docs() {
  std::string out(kHead);
  for (const auto& section : config_sections()) out += section_docs(section);
  out +=
      "\n## Known providers\n\nWith its key in the environment a provider is there; `[providers.NAME]` refines it.\n\n";
  out += "| name | environment | address |\n| --- | --- | --- |\n";
  for (const auto& provider : known_providers())
    out += fmt::format("| {} | {} | {} |\n", provider.name, variables_text(provider.key_env), provider.base_url);
  return out;
}

}  // namespace steward
