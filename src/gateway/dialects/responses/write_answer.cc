#include "gateway/dialects/responses/output.h"
#include "gateway/peek.h"

namespace steward::gateway::responses {
namespace {

Json or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }
template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

Json instructions_of(const Request& request) {
  for (const Message& message : request.messages) {
    if (message.top_level) return text_of(message.parts);
  }
  return nullptr;
}

// What was asked, told again as OpenAI does.
void echo(Json& out, const Request& request) {
  out["instructions"] = instructions_of(request);
  out["max_output_tokens"] = or_null(request.max_output);
  out["max_tool_calls"] = peek(request.own, "max_tool_calls").is_null() ? peek(request.extra, "max_tool_calls")
                                                                        : request.own["max_tool_calls"];
  out["metadata"] = request.metadata.is_object() ? request.metadata : Json::object();
  out["parallel_tool_calls"] = request.parallel_tool_calls.value_or(true);
  out["previous_response_id"] = nullptr;
  out["prompt_cache_key"] = or_null(request.prompt_cache_key);
  out["prompt_cache_retention"] = or_null(request.prompt_cache_retention);
  Json reasoning = {{"effort", nullptr}, {"summary", nullptr}};
  merge_members(reasoning, reasoning_of(request.thinking, true));
  out["reasoning"] = std::move(reasoning);
  out["safety_identifier"] = or_null(request.safety_identifier);
  out["service_tier"] = request.service_tier.empty() ? "default" : request.service_tier;
  out["store"] = request.store.value_or(false);
  out["temperature"] = or_null(request.temperature);
  Json text = {{"format", {{"type", "text"}}}};
  merge_members(text, text_of(request));
  out["text"] = std::move(text);
  Json choice = tool_choice_of(request);
  out["tool_choice"] = choice.is_null() ? Json("auto") : std::move(choice);
  out["tools"] = tools_of(request);
  out["top_logprobs"] = request.top_logprobs.value_or(0);
  out["top_p"] = or_null(request.top_p);
  const std::string truncation = peek_text(request.extra, "truncation");
  out["truncation"] = truncation.empty() ? "disabled" : truncation;
  out["user"] = or_null(request.user);
}

Json details(const Json& raw, const char* name, std::initializer_list<std::pair<const char*, int64_t>> counts) {
  Json out = Json::object();
  for (const auto& [member, count] : counts) out[member] = count;
  for (const auto& [member, value] : members_but(peek(raw, name), {}).items()) {
    if (!out.contains(member)) out[member] = value;
  }
  return out;
}

}  // namespace

Json usage_json(const ledger::Usage& usage, const Json& raw) {
  Json out = {{"input_tokens", usage.prompt_tokens}};
  out["input_tokens_details"] =
      details(raw, "input_tokens_details",
              {{"cached_tokens", usage.cached_tokens}, {"cache_write_tokens", usage.cache_write_tokens()}});
  out["output_tokens"] = usage.completion_tokens;
  out["output_tokens_details"] = details(raw, "output_tokens_details", {{"reasoning_tokens", usage.reasoning_tokens}});
  out["total_tokens"] = usage.prompt_tokens + usage.completion_tokens;
  for (const auto& [name, value] : members_but(raw, {}).items()) {
    if (!out.contains(name)) out[name] = value;
  }
  return out;
}

std::string incomplete_reason(const std::optional<Finish>& finish, const std::vector<Part>& parts) {
  if (!finish) return {};
  if (finish->reason == FinishReason::kLength) return "max_output_tokens";
  if (finish->reason == FinishReason::kContentFilter) return "content_filter";
  const auto is_refusal = [](const Part& part) { return std::holds_alternative<Refusal>(part.body); };
  if (finish->reason == FinishReason::kRefusal && std::ranges::none_of(parts, is_refusal)) return "content_filter";
  return {};
}

Json response_json(const Request& request, const AnswerContext& context, ResponseState state, const Json& about) {
  Json out = {
      {"id", response_id(context)},
      {"object", "response"},
      {"created_at", context.now},
      {"status", state.status},
      {"background", false},
      {"error", state.error ? response_error(*state.error) : Json()},
      {"incomplete_details", state.incomplete_reason.empty() ? Json() : Json{{"reason", state.incomplete_reason}}}};
  out["model"] = context.model;
  echo(out, request);
  merge_members(out, about);
  out["output"] = std::move(state.output);
  out["usage"] = std::move(state.usage);
  // What the state that was asked for says of itself: its own word goes last.
  merge_members(out, peek(request.own, "echo"));
  return out;
}

Json write_answer(const WholeAnswer& answer, const Request& request, const AnswerContext& context,
                  const ledger::Usage& usage, const Json& report) {
  (void)report;  // whole answers tell it in headers
  const bool own = answer.begin.from == Dialect::kResponses;
  Output output(request, context);
  output.set_from(answer.begin.from);
  ResponseState state{.status = "completed"};
  const auto found = answer.choices.find(0);
  const std::vector<Part> none;
  const std::vector<Part>& parts = found == answer.choices.end() ? none : found->second.parts;
  if (found != answer.choices.end()) state.incomplete_reason = incomplete_reason(found->second.finish, parts);
  if (!state.incomplete_reason.empty()) state.status = "incomplete";
  bool logprobs_told = false;
  for (size_t i = 0; i < parts.size(); ++i) {
    const auto* call = std::get_if<ToolCall>(&parts[i].body);
    const bool text = std::holds_alternative<Text>(parts[i].body);
    const bool proven = !parts[i].signature.empty();
    if (text && proven) output.add_aside({.call_id = {}, .signature = parts[i].signature, .foreign = {}});
    const auto place = output.place(i, parts[i]);
    if (call != nullptr && proven) {
      const std::string id = output.call_id(place.item, *call);
      output.add_aside({.call_id = id, .signature = parts[i].signature, .foreign = {}});
    }
    if (text && !std::exchange(logprobs_told, true) && found->second.logprobs.is_object())
      output.add_logprobs(i, peek(found->second.logprobs, "content"));
  }
  for (size_t i = 0; i < output.size(); ++i) {
    const bool cut = i + 1 == output.size() && state.status == "incomplete";
    state.output.push_back(output.json(i, parts, cut ? "incomplete" : "completed"));
  }
  const Json& raw = answer.usage && own ? answer.usage->raw : Json();
  state.usage = usage_json(usage, raw);
  return response_json(request, context, std::move(state), own ? answer.begin.extra : Json());
}

}  // namespace steward::gateway::responses
