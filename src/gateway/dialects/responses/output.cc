#include "gateway/dialects/responses/output.h"

#include "gateway/form/custom_tools.h"
#include "gateway/peek.h"

namespace steward::gateway::responses {
namespace {

bool is_content(const Part& part) {
  return std::holds_alternative<Text>(part.body) || std::holds_alternative<Refusal>(part.body) ||
         (std::holds_alternative<Foreign>(part.body) && peek(part.own, "content") == true);
}

std::string_view own_characters(const Id& id) { return std::string_view(id).substr(id.find('_') + 1); }

std::string known_as(const Output::Item& item, const ToolCall& call) {
  return call.id.empty() ? fmt::format("call_{}", own_characters(item.id)) : call.id;
}

}  // namespace

std::string response_id(const AnswerContext& context) { return fmt::format("resp_{}", own_characters(context.call)); }

std::string Output::call_id(size_t item, const ToolCall& call) const { return known_as(items_[item], call); }

std::string Output::make_id(std::string_view prefix) const {
  return fmt::format("{}_{}{:02}", prefix, own_characters(context_.call), items_.size());
}

Output::Place Output::place(size_t number, const Part& part) {
  const bool content = is_content(part);
  const bool begins = own_ && peek(part.own, "item").is_object();
  if (content && message_open_ && !begins) {
    Item& running = items_.back();
    running.parts.push_back(number);
    return {.item = items_.size() - 1, .content = running.parts.size() - 1, .is_new = false};
  }
  Item item;
  std::string_view prefix = "msg";
  if (content) {
    item.kind = Kind::kMessage;
  } else if (std::holds_alternative<Reasoning>(part.body)) {
    item.kind = Kind::kReasoning;
    prefix = "rs";
  } else if (const auto* called = std::get_if<ToolCall>(&part.body)) {
    item.kind = Kind::kCall;
    prefix = calls_custom(*called) ? "ctc" : "fc";
  } else if (const auto* foreign = std::get_if<Foreign>(&part.body); foreign == nullptr || !own_) {
    item.kind = Kind::kAside;
    if (foreign != nullptr) item.aside.foreign = *foreign;
    prefix = "rs";
  }
  item.id = own_ && !part.id.empty() ? part.id : make_id(prefix);
  item.parts.push_back(number);
  message_open_ = content;
  items_.push_back(std::move(item));
  return {.item = items_.size() - 1, .content = 0, .is_new = true};
}

size_t Output::add_aside(Aside aside) {
  message_open_ = false;
  items_.push_back(Item{.kind = Kind::kAside, .id = make_id("rs"), .parts = {}, .aside = std::move(aside)});
  return items_.size() - 1;
}

void Output::add_logprobs(size_t part, const Json& entries) {
  Json& list = logprobs_[part];
  if (list.is_null()) list = Json::array();
  for (const auto& entry : entries) list.push_back(entry);
}

const Json& Output::logprobs_of(size_t part) const {
  static const Json kNone = Json::array();
  const auto found = logprobs_.find(part);
  return found == logprobs_.end() ? kNone : found->second;
}

bool Output::calls_custom(const ToolCall& call) const {
  return call.kind == ToolCall::Kind::kCustom || is_custom_tool(request_, call.name);
}

Json Output::content_json(size_t number, const Part& part) const {
  Json out;
  if (const auto* text = std::get_if<Text>(&part.body)) {
    out = {{"type", "output_text"},
           {"text", text->text},
           {"annotations", Json::array()},
           {"logprobs", logprobs_of(number)}};
    for (const auto& citation : text->citations) out["annotations"].push_back(annotation_of(citation, own_));
  } else if (const auto* refusal = std::get_if<Refusal>(&part.body)) {
    out = {{"type", "refusal"}, {"refusal", refusal->text}};
  } else if (const auto* foreign = std::get_if<Foreign>(&part.body)) {
    return foreign->raw;
  }
  if (own_) merge_members(out, part.extra);
  return out;
}

Json Output::message(const Item& item, const std::vector<Part>& parts, bool announced) const {
  Json out = {{"id", item.id}, {"type", "message"}, {"role", "assistant"}, {"content", Json::array()}};
  const Part& first = parts[item.parts.front()];
  if (own_) merge_members(out, peek(first.own, "item"));
  if (announced || (own_ && peek(first.own, "empty") == true)) return out;
  for (const size_t number : item.parts) out["content"].push_back(content_json(number, parts[number]));
  return out;
}

Json Output::reasoning(const Item& item, const Part& part, bool announced) const {
  const auto& thought = std::get<Reasoning>(part.body);
  Json out = {{"id", item.id}, {"type", "reasoning"}, {"summary", Json::array()}};
  if (own_) merge_members(out, peek(part.own, "item"));
  if (announced) return out;
  for (const auto& one : thought.summary) out["summary"].push_back({{"type", "summary_text"}, {"text", one}});
  if (!thought.text.empty()) out["content"] = Json::array({Json{{"type", "reasoning_text"}, {"text", thought.text}}});
  if (!part.signature.empty()) out["encrypted_content"] = seal_signature(part.signature);
  return out;
}

Json Output::call(const Item& item, const Part& part, bool announced) const {
  const auto& called = std::get<ToolCall>(part.body);
  const bool custom = calls_custom(called);
  const FullName full = full_name(request_, called, part.own);
  Json out = {{"id", item.id}, {"type", custom ? "custom_tool_call" : "function_call"}};
  out["call_id"] = known_as(item, called);
  out["name"] = full.name;
  if (!full.space.empty()) out["namespace"] = full.space;
  std::string said = called.arguments;
  if (custom && called.kind != ToolCall::Kind::kCustom) said = custom_tool_input(said);
  if (said.empty() && !custom) said = "{}";
  out[custom ? "input" : "arguments"] = announced ? "" : said;
  if (own_) merge_members(out, peek(part.own, "item"));
  return out;
}

Json Output::json(size_t index, const std::vector<Part>& parts, std::string_view status) const {
  const Item& item = items_[index];
  const bool announced = status == "in_progress";
  Json out;
  switch (item.kind) {
    case Kind::kMessage: out = message(item, parts, announced); break;
    case Kind::kReasoning: out = reasoning(item, parts[item.parts.front()], announced); break;
    case Kind::kCall: out = call(item, parts[item.parts.front()], announced); break;
    case Kind::kForeign: return std::get<Foreign>(parts[item.parts.front()].body).raw;
    case Kind::kAside: {
      Aside aside = item.aside;
      if (aside.foreign && !item.parts.empty()) aside.foreign = std::get<Foreign>(parts[item.parts.front()].body);
      out = {{"id", item.id}, {"type", "reasoning"}, {"summary", Json::array()}};
      if (!announced) out["encrypted_content"] = seal_aside(aside);
      return out;
    }
  }
  if (item.kind != Kind::kReasoning) out["status"] = status;
  return out;
}

}  // namespace steward::gateway::responses
