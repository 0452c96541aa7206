#include <algorithm>

#include "gateway/dialects/dialect.h"
#include "gateway/dialects/hints.h"

namespace steward::gateway {
namespace {
constexpr size_t kMaxDroppedTold = 50;
}

Status Refusals::refuse(Setting setting, std::string_view why_and_what_works) {
  return refuse(caller_name(caller_, setting), why_and_what_works);
}

Status Refusals::refuse(std::string_view name, std::string_view why_and_what_works) {
  const auto named = [&](const std::string& one) { return one == "unsupported" || one == name; };
  if (std::ranges::any_of(may_drop_, named)) {
    note_dropped(std::string(name));
    return {};
  }
  return fail(
      ErrorCode::kUnsupportedField,
      fmt::format("'{}' can't be honoured by this model's provider: {}", name.substr(0, 200), why_and_what_works),
      {{"param", std::string(name.substr(0, 200))}});
}

Status Refusals::refuse_extra(const Json& extra, std::string_view at, std::string_view why_and_what_works) {
  if (!extra.is_object()) return {};
  for (const auto& [name, value] : extra.items()) {
    if (value.is_null()) continue;
    if (const auto never = at.empty() ? never_passed_on(caller_, name, value) : ""; !never.empty()) {
      if (auto ok = refuse_never(name, never, *this); !ok) return ok;
      continue;
    }
    if (auto ok = refuse(at.empty() ? name : fmt::format("{}.{}", at, name), why_and_what_works); !ok) return ok;
  }
  return {};
}

Status Refusals::leave_out_hosted(const Request& request, size_t tool) {
  using Choice = ToolChoice::Kind;
  const Tool& hosted = request.tools[tool];
  const std::string at = fmt::format("{}[{}]", caller_name(caller_, Setting::kTools), tool);
  const auto is_own = [](const Tool& one) { return one.kind != Tool::Kind::kHosted; };
  const Choice choice = request.tool_choice.kind;
  const bool named = choice == Choice::kNamed && !request.tool_choice.extra.empty();
  if (choice == Choice::kNone || (!named && std::ranges::any_of(request.tools, is_own))) {
    note_dropped(fmt::format("{} ({})", at, hosted.type));
    return {};
  }
  return refuse(at, fmt::format("a tool of type '{}' runs at its own provider: use a model of that provider, or give a "
                                "function instead.",
                                hosted.type));
}

void Refusals::note_dropped(std::string name) {
  if (dropped_.size() < kMaxDroppedTold && std::ranges::find(dropped_, name) == dropped_.end()) {
    dropped_.push_back(std::move(name));
  }
}

const Ingress& ingress_of(Dialect dialect) {
  switch (dialect) {
    case Dialect::kResponses: return responses_ingress();
    case Dialect::kMessages: return messages_ingress();
    case Dialect::kGemini: return gemini_ingress();
    case Dialect::kChat: break;
  }
  return chat_ingress();
}

const Egress& egress_of(Dialect dialect) {
  switch (dialect) {
    case Dialect::kResponses: return responses_egress();
    case Dialect::kMessages: return messages_egress();
    case Dialect::kGemini: return gemini_egress();
    case Dialect::kChat: break;
  }
  return chat_egress();
}

}  // namespace steward::gateway
