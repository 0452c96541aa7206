#include "gateway/bound.h"

#include <algorithm>

#include "gateway/peek.h"

namespace steward::gateway {
namespace {

constexpr int64_t kSlack = 64;  // digits of a limit that is written anew

struct Paid {
  std::string_view part, kind;
};
// By a part of the type's name, for each provider spells and dates them anew. The first that fits.
constexpr Paid kPaid[] = {{"web_search", ledger::kWebSearch},
                          {"google_search", ledger::kWebSearch},
                          {"googleSearch", ledger::kWebSearch},
                          {"googleSearchRetrieval", ledger::kWebSearch},
                          {"enterpriseWebSearch", ledger::kWebSearch},
                          {"x_search", ledger::kXSearch},
                          {"web_fetch", ledger::kWebFetch},
                          {"url_context", ledger::kWebFetch},
                          {"urlContext", ledger::kWebFetch},
                          {"file_search", ledger::kFileSearch},
                          {"fileSearch", ledger::kFileSearch},
                          {"code_interpreter", ledger::kCodeExecution},
                          {"code_execution", ledger::kCodeExecution},
                          {"codeExecution", ledger::kCodeExecution},
                          {"google_maps", ledger::kMaps},
                          {"googleMaps", ledger::kMaps},
                          {"image_generation", ledger::kImageGeneration}};

struct Weighed {
  int64_t bytes = 0;   // of base64 in the body, counted otherwise
  int64_t tokens = 0;  // instead
  bool images = false, audio = false;
};

void weigh(const std::vector<Part>& parts, int64_t document_tokens, Weighed& out) {
  for (const Part& part : parts) {
    if (const auto* result = std::get_if<ToolResult>(&part.body)) weigh(result->content, document_tokens, out);
    const auto* media = std::get_if<Media>(&part.body);
    if (media == nullptr) continue;
    const auto size = static_cast<int64_t>(media->data.size());
    switch (media->kind) {
      case Media::Kind::kImage:
        out.images = true;
        out.bytes += size;
        out.tokens += kImageTokens;
        break;
      case Media::Kind::kDocument:
        if (!media->text.empty()) break;
        out.images = true;  // pages are seen as pictures too
        out.bytes += size;
        out.tokens += document_tokens;
        break;
      case Media::Kind::kVideo: out.images = true; [[fallthrough]];
      case Media::Kind::kAudio:  // by its bytes: the thinnest sound has more of them than tokens
        out.audio = true;
        if (size == 0) out.tokens += document_tokens;
        break;
    }
  }
}

std::optional<ledger::ServiceLevel> level_of(const std::string& tier) {
  if (tier.empty() || tier == "default" || tier == "standard" || tier == "standard_only")
    return ledger::ServiceLevel::kDefault;
  return ledger::service_from_text(tier);  // "auto" and what nobody knows: whichever the provider chooses
}

ledger::CacheWrites writes_of(std::string_view body, const Target& target) {
  const ProviderDialect dialect = target.options->profile.dialect;
  const bool marks = body.find("\"cache_control\"") != std::string_view::npos;
  if (!marks && (dialect == ProviderDialect::kAnthropic || dialect == ProviderDialect::kBedrock))
    return ledger::CacheWrites::kNone;
  return body.find("\"1h\"") != std::string_view::npos ? ledger::CacheWrites::kAny : ledger::CacheWrites::kFiveMinutes;
}

// How often a hosted tool may be used; none: nobody said.
std::optional<int64_t> limit_of(const Request& request, const Tool& tool) {
  if (peek(tool.extra, "max_uses").is_number_integer()) return peek_integer(tool.extra, "max_uses");
  if (peek(request.extra, "max_tool_calls").is_number_integer()) return peek_integer(request.extra, "max_tool_calls");
  return {};
}

// Whether the body names a tool of this kind, whichever dialect's word and date it has: a hosted tool of another
// dialect is left out there. Within a text that somebody wrote the quotes would be escaped.
bool is_written(std::string_view body, std::string_view kind) {
  constexpr std::string_view kWord = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
  for (const Paid& paid : kPaid) {
    if (paid.kind != kind) continue;
    for (size_t at = body.find(paid.part); at != std::string_view::npos; at = body.find(paid.part, at + 1)) {
      const size_t end = body.find_first_not_of(kWord, at);
      if (at >= 2 && body[at - 1] == '"' && body[at - 2] != '\\' && end != std::string_view::npos && body[end] == '"')
        return true;
    }
  }
  return false;
}

void bound_tools(const Request& request, std::string_view body, Bound& bound) {
  for (const Tool& tool : request.tools) {
    if (tool.kind != Tool::Kind::kHosted) continue;
    const std::string_view kind = paid_kind(tool.type);
    if (kind.empty() || !is_written(body, kind)) continue;
    const auto limit = limit_of(request, tool);
    if (!limit) bound.open_ended = tool.type;
    bound.may_use.tool_calls[std::string(kind)] += std::clamp<int64_t>(limit.value_or(kHostedToolCalls), 0, 10'000);
  }
  if (body.find("\"web_search_options\"") != std::string_view::npos)
    bound.may_use.tool_calls[std::string(ledger::kWebSearch)] += kHostedToolCalls;
}

}  // namespace

std::string_view paid_kind(std::string_view hosted_type) {
  for (const Paid& paid : kPaid) {
    if (hosted_type.find(paid.part) != std::string_view::npos) return paid.kind;
  }
  return {};
}

Bound remote_bound(const Request& request, std::string_view body, const Target& target, int64_t default_output) {
  Bound bound{.choices = request.n, .requested_output = request.max_output};
  Weighed weighed;
  const int64_t document =
      target.context_tokens > 0 ? std::min(target.context_tokens, kDocumentTokens) : kDocumentTokens;
  for (const Message& message : request.messages) weigh(message.parts, document, weighed);
  bound.input_tokens =
      std::max<int64_t>(0, static_cast<int64_t>(body.size()) - weighed.bytes) + weighed.tokens + kSlack;
  bound.output_cap = target.max_output_tokens > 0 ? target.max_output_tokens
                                                  : std::max(default_output, request.max_output.value_or(0));
  if (target.context_tokens > 0) bound.output_cap = std::min(bound.output_cap, target.context_tokens);
  bound_tools(request, body, bound);
  bound.may_use.image_input = weighed.images;
  bound.may_use.audio_input = weighed.audio;
  const bool any_modality = body.find("odalities\"") != std::string_view::npos;
  bound.may_use.image_output = any_modality || target.upstream_model.find("image") != std::string::npos ||
                               bound.may_use.tool_calls.contains(ledger::kImageGeneration);
  bound.may_use.audio_output = any_modality || body.find("\"audio\"") != std::string_view::npos;
  bound.may_use.service = level_of(request.service_tier);
  bound.may_use.cache_writes = writes_of(body, target);
  return bound;
}

}  // namespace steward::gateway
