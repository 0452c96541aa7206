#include "gateway/dialects/hints.h"

#include <algorithm>

#include "gateway/peek.h"

namespace steward::gateway {
namespace {

bool is_given(const Request& request, Setting setting) {
  switch (setting) {
    case Setting::kUser: return !request.user.empty();
    case Setting::kSafetyIdentifier: return !request.safety_identifier.empty();
    case Setting::kPromptCacheKey: return !request.prompt_cache_key.empty();
    case Setting::kPromptCacheRetention: return !request.prompt_cache_retention.empty();
    case Setting::kMetadata: return request.metadata.is_object() && !request.metadata.empty();
    case Setting::kCache: return request.cache.has_value();
    default: return false;
  }
}

constexpr std::string_view kBreakpoint = "prompt_cache_breakpoint";

void tell_mark(const Request& request, const std::optional<CacheMark>& mark, Refusals& refusals) {
  if (!mark) return;
  const bool breakpoint = request.from == Dialect::kResponses || mark->extra.contains(kBreakpoint);
  refusals.note_dropped(std::string(breakpoint ? kBreakpoint : "cache_control"));
}

void tell_marks_of(const Request& request, const std::vector<Part>& parts, Refusals& refusals) {
  for (const Part& part : parts) {
    tell_mark(request, part.cache, refusals);
    if (const auto* result = std::get_if<ToolResult>(&part.body)) tell_marks_of(request, result->content, refusals);
  }
}

struct Never {
  std::string_view name, why;
};
constexpr Never kChatNever[] = {
    {"store", "Chat Completions are not kept; send the conversation with each call, or use Responses, which are."},
    {"prediction", "what is rejected of it would cost more than can be reserved; leave it out."},
    {"modalities", "only text comes out; leave it out."},
    {"audio", "only text comes out; leave it out."},
    {"functions", "use 'tools'."},
    {"function_call", "use 'tool_choice'."},
};

// Some are known by their name, some only with a value.
bool asks_for_it(std::string_view name, const Json& value) {
  if (name == "store") return value == true;
  if (name != "modalities") return !value.is_null();
  return value.is_array() && std::ranges::any_of(value, [](const Json& one) { return one == "audio"; });
}

}  // namespace

void tell_hints(const Request& request, std::initializer_list<Setting> without, Refusals& refusals) {
  for (const Setting setting : without) {
    if (is_given(request, setting)) refusals.note_dropped(std::string(caller_name(request.from, setting)));
  }
  constexpr const char* kEdits = "context_management";
  if (request.from == Dialect::kMessages && !peek(request.own, kEdits).is_null()) refusals.note_dropped(kEdits);
}

void tell_cache_marks(const Request& request, Refusals& refusals) {
  for (const Message& message : request.messages) tell_marks_of(request, message.parts, refusals);
  for (const Tool& tool : request.tools) tell_mark(request, tool.cache, refusals);
}

bool is_usual_level(std::string_view service_tier) {
  return service_tier.empty() || service_tier == "auto" || service_tier == "default" || service_tier == "standard";
}

std::string_view never_passed_on(Dialect from, std::string_view name, const Json& value) {
  if (from != Dialect::kChat) return {};
  const auto* found = std::ranges::find(kChatNever, name, &Never::name);
  return found != std::end(kChatNever) && asks_for_it(name, value) ? found->why : std::string_view();
}

Status refuse_never(std::string_view name, std::string_view why, Refusals& refusals) {
  auto refused = refusals.refuse(name, why);
  if (!refused) refused.error().message = fmt::format("'{}' can't be honoured: {}", name, why);
  return refused;
}

}  // namespace steward::gateway
