#include "gateway/answer.h"

#include <algorithm>

#include "gateway/peek.h"

namespace steward::gateway {
namespace {

void append_text(Json& message, const char* name, const Json& delta) {
  const Json& text = peek(delta, name);
  if (!text.is_string()) return;
  Json& all = message[name];
  if (!all.is_string()) all = "";
  all.get_ref<std::string&>() += text.get_ref<const std::string&>();
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
  static constexpr std::string_view kOwn[] = {"id",    "object",  "created",
                                              "model", "choices", "usage"};  // said anew by the answer
  for (const auto& [name, value] : chunk.items()) {
    if (!value.is_null() && std::ranges::find(kOwn, name) == std::end(kOwn)) extras_[name] = value;
  }
  for (const auto& one : peek(chunk, "choices")) {
    if (!one.is_object()) continue;
    Choice& choice = choices_[peek_integer(one, "index")];
    if (kind_ == CallKind::kCompletion)
      choice.text += peek_text(one, "text");
    else if (const Json& delta = peek(one, "delta"); delta.is_object())
      add_delta(choice, delta);
    append_logprobs(choice.logprobs, peek(one, "logprobs"));
    if (const Json& reason = peek(one, "finish_reason"); reason.is_string()) choice.finish_reason = reason;
  }
}

void Gatherer::add_delta(Choice& choice, const Json& delta) {
  static constexpr std::string_view kTexts[] = {"content", "refusal", "reasoning_content", "reasoning"};
  for (const auto& [name, value] : delta.items()) {
    if (std::ranges::find(kTexts, name) != std::end(kTexts))
      append_text(choice.message, name.c_str(), delta);
    else if (name == "tool_calls")
      add_tool_calls(choice.message, value);
    else if (!value.is_null())
      choice.message[name] = value;  // annotations and what else a provider says
  }
}

void Gatherer::add_tool_calls(Json& message, const Json& calls) {
  constexpr size_t kMaxCalls = 1'024;
  if (!calls.is_array() || calls.empty()) return;
  Json& all = message["tool_calls"];
  if (!all.is_array()) all = Json::array();
  for (const auto& call : calls) {
    if (!call.is_object()) continue;
    const auto index = static_cast<size_t>(peek_integer(call, "index", static_cast<int64_t>(all.size())));
    if (index >= kMaxCalls) continue;
    while (all.size() <= index)
      all.push_back({{"id", ""}, {"type", "function"}, {"function", {{"name", ""}, {"arguments", ""}}}});
    Json& into = all[index];
    if (std::string id = peek_text(call, "id"); !id.empty()) into["id"] = std::move(id);
    for (const char* part : {"name", "arguments"}) append_text(into["function"], part, peek(call, "function"));
  }
}

Json Gatherer::choices() const {
  Json out = Json::array();
  for (const auto& [index, choice] : choices_) {
    Json one = {{"index", index},
                {"finish_reason", choice.finish_reason.is_null() ? Json("stop") : choice.finish_reason},
                {"logprobs", choice.logprobs}};
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
