// Any bytes as TOML, as an environment variable or as a flag: an error or a configuration, nothing else.
#include "base/config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace steward;
  const std::string text(reinterpret_cast<const char*>(data), size);
  ConfigSources file;
  file.toml = text;
  (void)Config::load(file);

  ConfigSources others;
  const size_t cut = text.find('\n');
  const std::string name = text.substr(0, cut), value = cut == std::string::npos ? "" : text.substr(cut + 1);
  others.environment["STEWARD_" + name] = value;
  others.flags[name] = value;
  others.settings[name] = value;
  (void)Config::load(others);
  for (const auto& key : config_keys()) {
    const auto parsed = parse_config_text(key, text);
    if (parsed && !check_config_value(key, *parsed)) __builtin_trap();  // what one reader takes, the other must take
  }
  return 0;
}
