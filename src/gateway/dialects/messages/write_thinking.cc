// How much to think: newer Claude models think adaptively and take an effort, older ones take a budget of tokens.
#include <algorithm>

#include "gateway/dialects/messages/messages.h"
#include "gateway/form/reasoning.h"
#include "gateway/peek.h"

namespace steward::gateway::messages {
namespace {

constexpr int64_t kLeastBudget = 1'024;  // Anthropic takes no smaller one
// Claude models before adaptive thinking, by what their names hold (also with a cloud's prefix or version).
constexpr std::string_view kBudgetModels[] = {"claude-2",   "claude-3",  "claude-instant", "opus-4-0",   "opus-4-1",
                                              "opus-4-2",   "opus-4-5",  "opus-4@",        "sonnet-4-0", "sonnet-4-2",
                                              "sonnet-4-5", "sonnet-4@", "haiku-4-5",      "haiku-4-2"};

Json own_thinking(const Thinking& thinking) {
  Json out = Json::object();
  if (thinking.adaptive) {
    out["type"] = "adaptive";
  } else if (thinking.enabled) {
    out["type"] = *thinking.enabled ? "enabled" : "disabled";
  } else {
    return out;
  }
  if (thinking.budget_tokens) out["budget_tokens"] = *thinking.budget_tokens;
  merge_into(out, thinking.extra);
  if (thinking.show) out["display"] = *thinking.show ? "summarized" : "omitted";
  return out;
}

bool wants_display(const Thinking& thinking) { return !thinking.summary.empty() || thinking.show == true; }

// Before models that think adaptively: a turn that goes on after a tool's result must begin with its thinking. Where
// that can't be given back (another provider made it), the provider would refuse the call; it goes on without.
bool lost_its_thinking(const Json& body) {
  const Json& messages = peek(body, "messages");
  for (auto message = messages.rbegin(); message != messages.rend(); ++message) {
    const Json& content = peek(*message, "content");
    if (peek_text(*message, "role") != "assistant") {
      const bool result = content.is_array() && !content.empty() && peek_text(content[0], "type") == "tool_result";
      if (!result) return false;
      continue;
    }
    if (!content.is_array() || content.empty()) return false;
    const std::string first = peek_text(content[0], "type");
    const bool calls =
        std::ranges::any_of(content, [](const Json& one) { return peek_text(one, "type") == "tool_use"; });
    if (calls && first != "thinking" && first != "redacted_thinking") return true;
  }
  return false;
}

void write_budget(Json& body, const Request& request, const OutgoingCall& call) {
  std::optional<int64_t> budget = budget_asked(request.thinking, call.max_output);
  if (!budget) {
    if (!request.thinking.adaptive && request.thinking.enabled != true && request.thinking.budget_tokens != -1) return;
    budget = budget_of_effort("medium");
    if (call.max_output > 0) budget = std::min(*budget, call.max_output - 1);
  }
  if (*budget <= 0) return;  // these models don't think unless they are asked to
  const std::string name(caller_name(request.from, Setting::kThinking));
  if (call.max_output > 0 && call.max_output <= kLeastBudget) {
    call.refusals->note_dropped(name);  // no room for the least budget inside of what may be said
    return;
  }
  if (lost_its_thinking(body)) {
    call.refusals->note_dropped(name);
    return;
  }
  body["thinking"] = {{"type", "enabled"}, {"budget_tokens", std::max(*budget, kLeastBudget)}};
}

void write_effort(Json& body, const Thinking& thinking) {
  const std::string effort = effort_asked(thinking);
  if (effort == "none") {
    body["thinking"] = {{"type", "disabled"}};
    return;
  }
  body["thinking"] = {{"type", "adaptive"}};
  if (wants_display(thinking)) body["thinking"]["display"] = "summarized";
  if (!effort.empty()) body["output_config"]["effort"] = effort == "minimal" ? "low" : effort;
}

}  // namespace

bool thinks_by_effort(std::string_view model) {
  if (model.find("claude") == std::string_view::npos) return false;
  if (model.ends_with("opus-4") || model.ends_with("sonnet-4")) return false;
  return std::ranges::none_of(kBudgetModels,
                              [&](std::string_view old) { return model.find(old) != std::string_view::npos; });
}

Status write_thinking(Json& body, const Request& request, const OutgoingCall& call) {
  const Thinking& thinking = request.thinking;
  if (request.from == Dialect::kMessages) {
    if (Json own = own_thinking(thinking); !own.empty()) body["thinking"] = std::move(own);
    if (!thinking.effort.empty()) body["output_config"]["effort"] = thinking.effort;
    return {};
  }
  if (thinking.unset()) return {};
  for (const auto& [name, value] : thinking.extra.items()) {
    call.refusals->note_dropped(fmt::format("{}.{}", caller_name(request.from, Setting::kThinking), name));
  }
  const bool asked = !thinking.effort.empty() || thinking.budget_tokens || thinking.enabled || thinking.adaptive;
  if (!asked) return {};  // only how it would be shown
  if (thinks_by_effort(call.model)) {
    write_effort(body, thinking);
  } else {
    write_budget(body, request, call);
  }
  return {};
}

}  // namespace steward::gateway::messages
