#include "gateway/dialects/responses/responses.h"
#include "gateway/peek.h"

namespace steward::gateway::responses {
namespace {

class ItemWriter {
 public:
  ItemWriter(const Request& request, const OutgoingCall& call)
      : request_(request), call_(call), own_(request.from == Dialect::kResponses) {}

  Status add(const Message& message, size_t index) {
    at_ = fmt::format("{}[{}]", caller_name(request_.from, Setting::kMessages), index);
    if (message.role == Role::kAssistant) return add_turn(message);
    return add_input(message);
  }
  Json take() { return std::move(out_); }

 private:
  Status refuse(std::string_view what) { return call_.refusals->refuse(at_, what); }

  // A message of the user or the system; results of tools that stand among its parts become items of their own.
  Status add_input(const Message& message) {
    Json content = Json::array();
    const auto flush = [&] {
      if (!content.empty()) out_.push_back(input_message(message, std::exchange(content, Json::array())));
    };
    for (const Part& part : message.parts) {
      if (const auto* result = std::get_if<ToolResult>(&part.body)) {
        flush();
        if (auto ok = add_result(part, *result, message); !ok) return ok;
        continue;
      }
      if (const auto* foreign = std::get_if<Foreign>(&part.body); foreign && stands_alone(*foreign)) {
        flush();
        if (auto ok = add_foreign(*foreign); !ok) return ok;
        continue;
      }
      auto made = content_part(part);
      if (!made) return fail(std::move(made.error()));
      if (!made->is_null()) content.push_back(std::move(*made));
    }
    if (message.parts.empty() && own_) out_.push_back(input_message(message, Json::array()));
    flush();
    return {};
  }

  bool stands_alone(const Foreign& foreign) const {
    return foreign.from != Dialect::kResponses || !foreign.type.starts_with("input_");
  }

  Json input_message(const Message& message, Json content) const {
    Json out = Json::object();
    if (own_ && peek(message.own, "typed") == true) out["type"] = "message";
    out["role"] = message.role == Role::kTool ? "user" : to_text(message.role);
    const bool one_string = content.size() == 1 && content[0].size() == 2 && content[0].contains("text");
    out["content"] = message.plain && one_string ? content[0]["text"] : std::move(content);
    if (!own_) return out;
    if (!message.id.empty()) out["id"] = message.id;
    merge_members(out, peek(message.own, "item"));
    return out;
  }

  Result<Json> content_part(const Part& part) {
    Json made = input_part(part, own_);
    if (made.is_null()) {
      if (auto ok = refuse("text, images, PDF files and audio (wav, mp3) can be given."); !ok)
        return fail(std::move(ok.error()));
      return Json();
    }
    if (!own_) {
      if (auto ok = call_.refusals->refuse_extra(part.extra, at_, "leave it out."); !ok)
        return fail(std::move(ok.error()));
    }
    return made;
  }

  Status add_result(const Part& part, const ToolResult& result, const Message& message) {
    Json out = {{"type", result.custom ? "custom_tool_call_output" : "function_call_output"},
                {"call_id", result.call_id}};
    Json content = Json::array();
    bool texts_only = true;
    for (const Part& one : result.content) {
      auto made = content_part(one);
      if (!made) return fail(std::move(made.error()));
      if (made->is_null()) continue;
      texts_only = texts_only && made->size() == 2 && made->contains("text");
      content.push_back(std::move(*made));
    }
    if (result.content.empty() && !result.structured.is_null()) {
      out["output"] = dump(result.structured);
    } else if (texts_only && (own_ ? message.plain : true)) {
      std::string text;
      for (const auto& one : content) text += one["text"].get_ref<const std::string&>();
      out["output"] = std::move(text);
    } else {
      out["output"] = std::move(content);
    }
    if (result.is_error && out["output"].is_string())  // there is no other word for it here
      out["output"] = "Error: " + out["output"].get<std::string>();
    else if (result.is_error)
      out["output"].insert(out["output"].begin(), Json{{"type", "input_text"}, {"text", "Error:"}});
    if (own_ && !part.id.empty()) out["id"] = part.id;
    if (own_) merge_members(out, peek(part.own, "item"));
    out_.push_back(std::move(out));
    return {};
  }

  Status add_foreign(const Foreign& foreign) {
    if (foreign.from == Dialect::kResponses)
      out_.push_back(foreign.raw);
    else
      call_.refusals->note_dropped(fmt::format("{}.{}", at_, foreign.type));  // another's hosted tool: history only
    return {};
  }

  // What a model said and did, item by item.
  Status add_turn(const Message& message) {
    const size_t first = out_.size();
    for (const Part& part : message.parts) {
      if (const auto* foreign = std::get_if<Foreign>(&part.body)) {
        if (auto ok = add_foreign(*foreign); !ok) return ok;
      } else if (const auto* thought = std::get_if<Reasoning>(&part.body)) {
        add_reasoning(part, *thought);
      } else if (const auto* call = std::get_if<ToolCall>(&part.body)) {
        add_call(part, *call);
      } else if (const auto* text = std::get_if<Text>(&part.body)) {
        add_said(part, text_json(part, *text), first);
      } else if (const auto* refusal = std::get_if<Refusal>(&part.body)) {
        add_said(part, {{"type", "refusal"}, {"refusal", refusal->text}}, first);
      } else if (auto ok = refuse("a model's turn holds texts, reasoning and calls of tools."); !ok) {
        return ok;
      }
    }
    return {};
  }

  Json text_json(const Part& part, const Text& text) const {
    Json out = {{"type", "output_text"}, {"text", text.text}, {"annotations", Json::array()}};
    for (const auto& citation : text.citations) out["annotations"].push_back(annotation_of(citation, own_));
    if (own_) {
      merge_members(out, part.extra);
      if (const Json& logprobs = peek(part.own, "logprobs"); !logprobs.is_null()) out["logprobs"] = logprobs;
      if (part.cache && !part.cache->extra.empty()) out["prompt_cache_breakpoint"] = part.cache->extra;
    }
    return out;
  }

  // A text or refusal: begins a message item, or goes on with the last one.
  void add_said(const Part& part, Json content, size_t first) {
    const Json& mark = peek(part.own, "item");
    const bool begins = own_ ? mark.is_object() : out_.size() == first;
    const bool can_go_on =
        out_.size() > first && peek_text(out_.back(), "role") == "assistant" && peek(out_.back(), "content").is_array();
    if (!begins && can_go_on) {
      out_.back()["content"].push_back(std::move(content));
      return;
    }
    Json item = Json::object();
    if (!own_ || peek(part.own, "typed") == true) item["type"] = "message";
    item["role"] = "assistant";
    if (own_ && peek(part.own, "plain") == true)
      item["content"] = std::move(content["text"]);
    else if (own_ && peek(part.own, "empty") == true)
      item["content"] = Json::array();
    else
      item["content"] = Json::array({std::move(content)});
    set_id(item, part.id, "msg_");
    if (own_) merge_members(item, mark);
    out_.push_back(std::move(item));
  }

  void add_reasoning(const Part& part, const Reasoning& thought) {
    const bool proven = !part.signature.empty();
    if (proven && !belongs_to(part.signature, request_.from, call_.provider, Dialect::kResponses)) {
      call_.refusals->note_dropped(at_ + ".reasoning");
      return;
    }
    // Without its proof a reasoning is only good where it was kept (by the id), or where its text is taken back.
    if (!proven && !call_.profile->quirks.reasoning_back && (!own_ || request_.store == false)) {
      call_.refusals->note_dropped(at_ + ".reasoning");
      return;
    }
    Json item = {{"type", "reasoning"}, {"summary", Json::array()}};
    for (const auto& one : thought.summary) item["summary"].push_back({{"type", "summary_text"}, {"text", one}});
    if (!thought.text.empty())
      item["content"] = Json::array({Json{{"type", "reasoning_text"}, {"text", thought.text}}});
    if (proven) item["encrypted_content"] = part.signature.value;
    set_id(item, part.id, "rs_");
    if (own_) merge_members(item, peek(part.own, "item"));
    out_.push_back(std::move(item));
  }

  void add_call(const Part& part, const ToolCall& call) {
    const bool custom = call.kind == ToolCall::Kind::kCustom;
    const FullName full = own_ ? full_name(request_, call, part.own) : FullName{.space = {}, .name = call.name};
    Json item = {{"type", custom ? "custom_tool_call" : "function_call"}, {"call_id", call.id}, {"name", full.name}};
    if (!full.space.empty()) item["namespace"] = full.space;
    item[custom ? "input" : "arguments"] = call.arguments.empty() && !custom ? "{}" : call.arguments;
    if (!part.signature.empty()) call_.refusals->note_dropped(at_ + ".signature");  // no call is signed here
    set_id(item, part.id, custom ? "ctc_" : "fc_");
    if (own_) merge_members(item, peek(part.own, "item"));
    out_.push_back(std::move(item));
  }

  // Ids are looked up by their form: one that another provider made in its own would be refused, and names nothing
  // here.
  void set_id(Json& item, const std::string& id, std::string_view prefix) const {
    if (own_ && id.starts_with(prefix)) item["id"] = id;
  }

  const Request& request_;
  const OutgoingCall& call_;
  bool own_;
  std::string at_;
  Json out_ = Json::array();
};

}  // namespace

Result<Json> write_input(const Request& request, const OutgoingCall& call) {
  ItemWriter writer(request, call);
  for (size_t i = 0; i < request.messages.size(); ++i) {
    if (request.messages[i].top_level) continue;
    if (auto ok = writer.add(request.messages[i], i); !ok) return fail(std::move(ok.error()));
  }
  return writer.take();
}

}  // namespace steward::gateway::responses
