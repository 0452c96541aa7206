#include "gateway/local_limits.h"

#include <algorithm>

#include "gateway/dialects/hints.h"
#include "gateway/peek.h"
#include "gateway/providers/table.h"

namespace steward::gateway {
namespace {

// Members that steer nothing here, whatever their value: left out and told.
constexpr std::string_view kHarmless[] = {"stream_options", "include",        "client_metadata",
                                          "inference_geo",  "safetySettings", "prompt_cache_options"};

bool only_text(const Json& modalities) {
  return std::ranges::all_of(modalities, [](const Json& one) { return one == "text"; });
}

void tell_unwritten(const Request& request, Refusals& refusals) {
  tell_hints(
      request,
      {Setting::kPromptCacheKey, Setting::kSafetyIdentifier, Setting::kUser, Setting::kMetadata, Setting::kCache},
      refusals);
  tell_cache_marks(request, refusals);
  if (!is_usual_level(request.service_tier))
    refusals.note_dropped(std::string(caller_name(request.from, Setting::kServiceTier)));
}

// A model that doesn't reason may be asked not to, or as it likes.
bool asks_to_reason(const Thinking& thinking) {
  const bool effort = !thinking.effort.empty() && thinking.effort != "none";
  return effort || thinking.enabled.value_or(false) || thinking.budget_tokens.value_or(0) > 0;
}

Status check_settings(const Request& request, Refusals& refusals) {
  const bool dearer = request.service_tier == "priority" || request.service_tier == "fast";
  const struct {
    bool said;
    Setting setting;
    std::string_view why;
  } cases[] = {
      {asks_to_reason(request.thinking), Setting::kThinking,
       "the shipped models do not reason; leave it out, or use a provider's model."},
      {!request.verbosity.empty(), Setting::kVerbosity, "ask for brevity in the messages, or use a provider's model."},
      {!request.prompt_cache_retention.empty(), Setting::kPromptCacheRetention,
       "the engine keeps its prompt cache by itself; leave it out."},
      {dearer, Setting::kServiceTier, "local models have one level of service: 'default'."},
  };
  for (const auto& one : cases) {
    if (!one.said) continue;
    if (auto ok = refusals.refuse(one.setting, one.why); !ok) return ok;
  }
  return {};
}

}  // namespace

Result<Request> for_local(const Request& request, Refusals& refusals) {
  if (auto ok = check_settings(request, refusals); !ok) return fail(std::move(ok.error()));
  tell_unwritten(request, refusals);
  Request plain = request;
  plain.thinking = {};
  plain.verbosity.clear();
  plain.prompt_cache_retention.clear();
  plain.service_tier.clear();
  plain.cache.reset();
  plain.metadata = nullptr;
  plain.stop.clear();  // looked for by Steward
  plain.include_encrypted_reasoning = false;
  for (const auto name : kHarmless) {
    if (plain.extra.erase(std::string(name)) > 0) refusals.note_dropped(std::string(name));
  }
  if (only_text(peek(plain.extra, "modalities"))) plain.extra.erase("modalities");  // as without it
  return plain;
}

const ProviderProfile& local_profile() {
  static const ProviderProfile kProfile{.name = "local",
                                        .auth = Auth::kNone,
                                        .quirks = {.max_choices = 0,
                                                   .max_stops = 0,
                                                   .schemas = Schemas::kStrict,
                                                   .logprobs = true,
                                                   .reasoning_back = true,
                                                   .images = false,
                                                   .image_urls = false,
                                                   .unknown_fields = false}};
  return kProfile;
}

}  // namespace steward::gateway
