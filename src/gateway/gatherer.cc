#include "gateway/answer.h"

namespace steward::gateway {
namespace {

void append_text(Json& message, const char* name, const Json& delta) {
  const auto it = delta.find(name);
  if (it == delta.end() || !it->is_string()) return;
  const std::string before = message.contains(name) && message[name].is_string() ? message[name].get<std::string>() : "";
  message[name] = before + it->get_ref<const std::string&>();
}

// Log probabilities come in arrays to be joined: chat's {content, refusal}, completions' {tokens, token_logprobs, …}.
void append_logprobs(Json& all, const Json& more) {
  if (!more.is_object()) return;
  if (!all.is_object()) all = Json::object();
  for (const auto& [name, value] : more.items()) {
    if (!value.is_array() || !all.contains(name) || !all[name].is_array()) {
      if (!value.is_null() || !all.contains(name)) all[name] = value;
      continue;
    }
    for (const auto& one : value) all[name].push_back(one);
  }
}

}  // namespace

void Gatherer::add(const Json& chunk) {
  if (chunk.contains("system_fingerprint") && chunk["system_fingerprint"].is_string()) fingerprint_ = chunk["system_fingerprint"];
  const auto list = chunk.find("choices");
  if (list == chunk.end() || !list->is_array()) return;
  for (const auto& one : *list) {
    if (!one.is_object()) continue;
    Choice& choice = choices_[one.value("index", int64_t{0})];
    if (kind_ == CallKind::kCompletion) choice.text += one.value("text", Json()).is_string() ? one["text"].get<std::string>() : "";
    else if (one.contains("delta") && one["delta"].is_object()) add_delta(choice, one["delta"]);
    if (one.contains("logprobs")) append_logprobs(choice.logprobs, one["logprobs"]);
    if (one.contains("finish_reason") && one["finish_reason"].is_string()) choice.finish_reason = one["finish_reason"];
  }
}

void Gatherer::add_delta(Choice& choice, const Json& delta) {
  for (const char* name : {"content", "refusal", "reasoning_content", "reasoning"}) append_text(choice.message, name, delta);
  if (delta.contains("tool_calls") && delta["tool_calls"].is_array()) add_tool_calls(choice.message, delta["tool_calls"]);
}

void Gatherer::add_tool_calls(Json& message, const Json& calls) {
  constexpr size_t kMaxCalls = 1'024;
  Json& all = message["tool_calls"];
  if (!all.is_array()) all = Json::array();
  for (const auto& call : calls) {
    if (!call.is_object()) continue;
    const size_t index = call.value("index", all.size());
    if (index >= kMaxCalls) continue;
    while (all.size() <= index) all.push_back({{"id", ""}, {"type", "function"}, {"function", {{"name", ""}, {"arguments", ""}}}});
    Json& into = all[index];
    if (call.value("id", Json()).is_string() && !call["id"].get_ref<const std::string&>().empty()) into["id"] = call["id"];
    const Json function = call.value("function", Json::object());
    for (const char* part : {"name", "arguments"}) append_text(into["function"], part, function);
  }
}

Json Gatherer::choices() const {
  Json out = Json::array();
  for (const auto& [index, choice] : choices_) {
    Json one = {{"index", index}, {"finish_reason", choice.finish_reason.is_null() ? Json("stop") : choice.finish_reason}, {"logprobs", choice.logprobs}};
    if (kind_ == CallKind::kCompletion) {
      one["text"] = choice.text;
    } else {
      Json message = choice.message;
      message["role"] = "assistant";
      if (!message.contains("content")) message["content"] = message.contains("tool_calls") ? Json() : Json("");
      if (!message.contains("refusal")) message["refusal"] = nullptr;
      one["message"] = std::move(message);
    }
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace steward::gateway
