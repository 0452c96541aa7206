#include "gateway/attempt_span.h"

namespace steward::gateway {
namespace {

Json part_json(const Part& part) {
  if (const auto* text = std::get_if<Text>(&part.body)) return {{"type", "text"}, {"content", text->text}};
  if (const auto* refusal = std::get_if<Refusal>(&part.body)) return {{"type", "text"}, {"content", refusal->text}};
  if (const auto* call = std::get_if<ToolCall>(&part.body))
    return {{"type", "tool_call"}, {"id", call->id}, {"name", call->name}, {"arguments", call->arguments}};
  if (const auto* result = std::get_if<ToolResult>(&part.body))
    return {{"type", "tool_call_response"}, {"id", result->call_id}, {"response", text_of(result->content)}};
  if (const auto* thought = std::get_if<Reasoning>(&part.body))
    return {{"type", "reasoning"}, {"content", thought->text}};
  if (const auto* media = std::get_if<Media>(&part.body))  // what it is, not its bytes
    return {{"type", "blob"}, {"mime_type", media->mime}, {"bytes", media->data.size() * 3 / 4}};
  return {{"type", "other"}};
}

Json parts_json(const std::vector<Part>& parts) {
  Json out = Json::array();
  for (const auto& part : parts) out.push_back(part_json(part));
  return out;
}

template <class T>
void note(Call& call, const char* name, const std::optional<T>& value) {
  if (value) call.note(name, *value);
}

}  // namespace

Json genai_messages(const std::vector<Message>& messages) {
  Json out = Json::array();
  for (const auto& message : messages)
    out.push_back({{"role", to_text(message.role)}, {"parts", parts_json(message.parts)}});
  return out;
}

void AttemptSpan::begin(Call& call, const Request& request, bool content) {
  if (!call.traced()) return;
  content_ = content;
  note(call, "gen_ai.request.temperature", request.temperature);
  note(call, "gen_ai.request.top_p", request.top_p);
  note(call, "gen_ai.request.presence_penalty", request.presence_penalty);
  note(call, "gen_ai.request.frequency_penalty", request.frequency_penalty);
  note(call, "gen_ai.request.max_tokens", request.max_output);
  note(call, "gen_ai.request.seed", request.seed);
  if (request.top_k) call.note("gen_ai.request.top_k", static_cast<double>(*request.top_k));
  if (!request.stop.empty()) call.note("gen_ai.request.stop_sequences", request.stop);
  if (request.n != 1) call.note("gen_ai.request.choice.count", request.n);
  call.note("steward.stream", request.stream);
  if (request.format.kind == Format::Kind::kJson || request.format.kind == Format::Kind::kSchema)
    call.note("gen_ai.output.type", std::string("json"));
  if (content_) call.note("gen_ai.input.messages", dump(genai_messages(request.messages)));
}

void AttemptSpan::take(const Call& call, const Deltas& deltas) {
  if (!call.traced()) return;
  for (const Delta& delta : deltas) {
    if (const auto* begun = std::get_if<Begin>(&delta)) {
      if (!begun->model.empty()) model_ = begun->model;
      if (!begun->id.empty()) id_ = begun->id;
    } else if (const auto* finish = std::get_if<Finish>(&delta)) {
      reasons_[finish->choice] = finish->raw;
    }
    if (content_) (void)sum_.add(delta);
  }
}

void AttemptSpan::end(Call& call) {
  if (!call.traced()) return;
  if (!model_.empty()) call.note("gen_ai.response.model", model_);
  if (!id_.empty()) call.note("gen_ai.response.id", id_);
  std::vector<std::string> reasons;
  for (const auto& [choice, reason] : reasons_) reasons.push_back(reason);
  if (!reasons.empty()) call.note("gen_ai.response.finish_reasons", reasons);
  if (!content_) return;
  Json out = Json::array();
  for (const auto& [index, choice] : sum_.whole().choices) {
    const auto reason = reasons_.find(index);
    out.push_back({{"role", "assistant"},
                   {"parts", parts_json(choice.parts)},
                   {"finish_reason", reason == reasons_.end() ? "" : reason->second}});
  }
  call.note("gen_ai.output.messages", dump(out));
}

}  // namespace steward::gateway
