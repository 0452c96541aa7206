#include "gateway/providers/table.h"

#include <algorithm>
#include <utility>

namespace steward::gateway {
namespace {

constexpr std::array<std::pair<ProviderDialect, std::string_view>, 5> kDialects = {
    {{ProviderDialect::kOpenAi, "openai"},
     {ProviderDialect::kResponses, "responses"},
     {ProviderDialect::kAnthropic, "anthropic"},
     {ProviderDialect::kGemini, "gemini"},
     {ProviderDialect::kBedrock, "bedrock"}}};

// What a provider is taken for of which only the dialect is known: nothing is held back from it but what no server of
// that kind is sure to take, so that its own refusal tells the caller.
const std::array<ProviderProfile, 5> kPlain = {{
    {.dialect = ProviderDialect::kOpenAi,
     .quirks = {.max_choices = 0,
                .max_stops = 0,
                .logprobs = true,
                .reasoning_ask = ReasoningAsk::kEffort,
                .files = true,
                .audio = true}},
    {.dialect = ProviderDialect::kResponses,
     .quirks = {.max_tokens_field = "max_output_tokens",
                .developer_role = true,
                .schemas = Schemas::kStrict,
                .logprobs = true,
                .reasoning_ask = ReasoningAsk::kObject,
                .reasoning_field = "",
                .reasoning_back = true,
                .tool_images = true,
                .files = true,
                .speaks_responses = true}},
    {.dialect = ProviderDialect::kAnthropic},
    {.dialect = ProviderDialect::kGemini},
    {.dialect = ProviderDialect::kBedrock},
}};

ProviderProfile without_name(ProviderProfile profile) {
  profile.name = "";
  profile.base_url = "";
  profile.key_env = "";
  profile.quirks.web_search = "";  // who merely speaks like its maker may run none
  return profile;
}

// Of the dialects that one known provider defines, its own profile is the plain one.
std::vector<ProviderProfile> make_plain() {
  std::vector<ProviderProfile> out(kPlain.begin(), kPlain.end());
  for (auto& plain : out) {
    for (const auto& known : provider_profiles()) {
      const bool defines = plain.dialect != ProviderDialect::kOpenAi && plain.dialect != ProviderDialect::kResponses;
      if (defines && known.dialect == plain.dialect) {
        plain = without_name(known);
        break;
      }
    }
  }
  return out;
}

bool fits(std::string_view pattern, std::string_view model) {
  return pattern.ends_with('*') ? model.starts_with(pattern.substr(0, pattern.size() - 1)) : model == pattern;
}

}  // namespace

const std::vector<ProviderProfile>& provider_profiles() {
  static const std::vector<ProviderProfile> kProfiles = {
#define STEWARD_PROVIDER(provider, url, env, spoken, key, ...) \
  {.name = provider,                                           \
   .base_url = url,                                            \
   .key_env = env,                                             \
   .dialect = ProviderDialect::spoken,                         \
   .auth = Auth::key,                                          \
   .quirks = {__VA_ARGS__}},
#include "base/providers.def"
#undef STEWARD_PROVIDER
  };
  return kProfiles;
}

const ProviderProfile* find_profile(std::string_view name) {
  const auto& all = provider_profiles();
  const auto found = std::ranges::find(all, name, &ProviderProfile::name);
  return found == all.end() ? nullptr : &*found;
}

const ProviderProfile& plain_profile(ProviderDialect dialect) {
  static const std::vector<ProviderProfile> kAll = make_plain();
  return *std::ranges::find(kAll, dialect, &ProviderProfile::dialect);
}

ProviderProfile profile_for(std::string_view like, const ProviderDialect* asked) {
  const ProviderProfile* known = find_profile(like);
  if (known == nullptr) return plain_profile(asked != nullptr ? *asked : ProviderDialect::kOpenAi);
  if (asked == nullptr || *asked == known->dialect) return *known;
  ProviderProfile other = plain_profile(*asked);
  if (known->quirks.speaks_responses && *asked == ProviderDialect::kResponses) {  // another door of the same house
    other.name = known->name;
    other.base_url = known->base_url;
    other.key_env = known->key_env;
    other.auth = known->auth;
    other.quirks.headers = known->quirks.headers;
    other.quirks.batches = known->quirks.batches;
  }
  return other;
}

std::string_view to_text(ProviderDialect dialect) {
  return std::ranges::find(kDialects, dialect, [](auto& d) { return d.first; })->second;
}

const ProviderDialect* provider_dialect_from_text(std::string_view text) {
  const auto found = std::ranges::find(kDialects, text, [](auto& d) { return d.second; });
  return found == kDialects.end() ? nullptr : &found->first;
}

bool fits_models(std::string_view patterns, std::string_view model) {
  if (patterns.empty()) return true;
  for (size_t at = 0; at <= patterns.size();) {
    const size_t end = std::min(patterns.find('|', at), patterns.size());
    if (fits(patterns.substr(at, end - at), model)) return true;
    at = end + 1;
  }
  return false;
}

}  // namespace steward::gateway
