#include "gateway/dialects/messages/messages.h"
#include "gateway/peek.h"

namespace steward::gateway::messages {
namespace {

Json input_of(const ToolCall& call) {
  if (call.kind == ToolCall::Kind::kCustom) return {{"input", call.arguments}};
  auto input = parse_json(call.arguments.empty() ? "{}" : call.arguments);
  if (input && input->is_object()) return std::move(*input);
  return {{"INVALID_JSON", call.arguments}};  // as Anthropic's documentation wants broken arguments told
}

std::string thinking_of(const Reasoning& reasoning) {
  std::string out;
  for (const auto& summary : reasoning.summary) out += (out.empty() ? "" : "\n\n") + summary;
  return out + (out.empty() || reasoning.text.empty() ? "" : "\n\n") + reasoning.text;
}

Json whole_block(const Part& part, size_t index, bool own, const AnswerContext& context) {
  Json block = block_start(part, index, own, context);
  if (block.is_null()) return block;
  if (const auto* call = std::get_if<ToolCall>(&part.body)) block["input"] = input_of(*call);
  if (const auto* text = std::get_if<Text>(&part.body); text && !text->citations.empty()) {
    block["citations"] = Json::array();
    for (const auto& one : text->citations) block["citations"].push_back(citation_json(one, own));
  }
  if (const auto* reasoning = std::get_if<Reasoning>(&part.body); reasoning && block["type"] == "thinking") {
    block["thinking"] = thinking_of(*reasoning);
    block["signature"] = seal_signature(part.signature);
  }
  return block;
}

}  // namespace

std::string stop_reason_of(const Finish& finish, bool own) {
  if (own && !finish.raw.empty()) return finish.raw;
  switch (finish.reason) {
    case FinishReason::kStop: return "end_turn";
    case FinishReason::kStopSequence: return "stop_sequence";
    case FinishReason::kLength: return "max_tokens";
    case FinishReason::kToolCalls: return "tool_use";
    case FinishReason::kContentFilter:
    case FinishReason::kRefusal: return "refusal";
    case FinishReason::kPause: return "pause_turn";
    case FinishReason::kOther: break;
  }
  return "end_turn";
}

Json write_answer(const WholeAnswer& answer, const AnswerContext& context, const ledger::Usage& usage, const Json&) {
  const bool own = answer.begin.from == Dialect::kMessages;
  Json content = Json::array();
  Json before = Json::array();
  Finish finish{.choice = 0, .reason = FinishReason::kOther, .raw = {}, .stop_sequence = {}};
  if (const auto found = answer.choices.find(0); found != answer.choices.end()) {
    for (const Part& part : found->second.parts) {
      Json block = whole_block(part, content.size(), own, context);
      if (block.is_null()) {
        if (Json entry = foreign_entry(part); !entry.is_null()) before.push_back(std::move(entry));
        continue;
      }
      if (!before.empty()) block[std::string(kSteward)]["before"] = std::exchange(before, Json::array());
      content.push_back(std::move(block));
    }
    if (found->second.finish) finish = *found->second.finish;
  }
  Json out = {{"id", message_id(context)},     {"type", "message"},
              {"role", "assistant"},           {"model", context.model},
              {"content", std::move(content)}, {"stop_reason", stop_reason_of(finish, own)},
              {"stop_sequence", nullptr}};
  if (!finish.stop_sequence.empty()) out["stop_sequence"] = finish.stop_sequence;
  out["usage"] = write_usage(usage, own && answer.usage ? answer.usage->raw : Json());
  if (own) {
    merge_into(out, answer.begin.extra);
    merge_into(out, finish.extra);
  }
  if (!before.empty()) out[std::string(kSteward)] = {{"before", std::move(before)}};
  return out;
}

}  // namespace steward::gateway::messages
