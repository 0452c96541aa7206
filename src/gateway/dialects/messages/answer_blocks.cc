// Parts of an answer as blocks: what a stream's content_block_start holds, and what travels beside the blocks.
#include "gateway/dialects/messages/messages.h"
#include "gateway/peek.h"

namespace steward::gateway::messages {
namespace {

std::string call_id(const ToolCall& call, size_t index, const AnswerContext& context) {
  if (!call.id.empty()) return call.id;
  return fmt::format("toolu_{}_{}", context.call.substr(context.call.find('_') + 1), index);
}

Json reasoning_start(const Part& part, const Reasoning& reasoning) {
  if (reasoning.redacted && !part.signature.empty())
    return {{"type", "redacted_thinking"}, {"data", seal_signature(part.signature)}};
  return {{"type", "thinking"}, {"thinking", reasoning.text}, {"signature", ""}};
}

}  // namespace

std::string message_id(const AnswerContext& context) {
  return "msg_" + context.call.substr(context.call.find('_') + 1);
}

Json block_start(const Part& part, size_t index, bool own, const AnswerContext& context) {
  Json block;
  Json beside = Json::object();  // what a block has no room for
  if (const auto* text = std::get_if<Text>(&part.body)) {
    block = {{"type", "text"}, {"text", text->text}};
    put(beside, "signature", seal_signature(part.signature));
  } else if (const auto* refusal = std::get_if<Refusal>(&part.body)) {
    block = {{"type", "text"}, {"text", refusal->text}};
  } else if (const auto* call = std::get_if<ToolCall>(&part.body)) {
    block = {
        {"type", "tool_use"}, {"id", call_id(*call, index, context)}, {"name", call->name}, {"input", Json::object()}};
    put(beside, "signature", seal_signature(part.signature));
  } else if (const auto* reasoning = std::get_if<Reasoning>(&part.body)) {
    block = reasoning_start(part, *reasoning);
    put(beside, "id", part.id);
    if (!reasoning->summary.empty()) beside["summary"] = reasoning->summary;
  } else if (const auto* foreign = std::get_if<Foreign>(&part.body); foreign && foreign->from == Dialect::kMessages) {
    return foreign->raw;
  } else {
    return nullptr;
  }
  if (own) merge_into(block, part.extra);
  if (!beside.empty()) block[std::string(kSteward)] = std::move(beside);
  return block;
}

Json foreign_entry(const Part& part) {
  if (const auto* foreign = std::get_if<Foreign>(&part.body))
    return {{"from", to_text(foreign->from)}, {"type", foreign->type}, {"raw", foreign->raw}};
  const auto* media = std::get_if<Media>(&part.body);
  if (media == nullptr) return nullptr;
  Json raw = {{"kind", static_cast<int>(media->kind)}};
  put(raw, "mime", media->mime);
  put(raw, "data", media->data);
  put(raw, "url", media->url);
  put(raw, "name", media->name);
  return {{"from", "steward"}, {"type", "media"}, {"raw", std::move(raw)}};
}

Part part_of_entry(const Json& entry) {
  const std::string from = peek_text(entry, "from");
  const Json& raw = peek(entry, "raw");
  Part part;
  if (from == "steward") {
    const int64_t kind = peek_integer(raw, "kind");
    Media media{.kind = kind >= 0 && kind <= static_cast<int>(Media::Kind::kVideo) ? static_cast<Media::Kind>(kind)
                                                                                   : Media::Kind::kImage};
    media.mime = peek_text(raw, "mime");
    media.data = peek_text(raw, "data");
    media.url = peek_text(raw, "url");
    media.name = peek_text(raw, "name");
    part.body = std::move(media);
    return part;
  }
  Foreign foreign{.from = Dialect::kMessages, .type = peek_text(entry, "type"), .raw = raw};
  for (const Dialect one : {Dialect::kChat, Dialect::kResponses, Dialect::kGemini}) {
    if (to_text(one) == from) foreign.from = one;
  }
  part.body = std::move(foreign);
  return part;
}

}  // namespace steward::gateway::messages
