#include <algorithm>

#include "base/json_bounded.h"
#include "gateway/dialects/gemini/gemini.h"
#include "gateway/form/custom_tools.h"
#include "gateway/peek.h"

namespace steward::gateway::gemini {
namespace {

// What Google's documentation gives for calls in a history that another model made: Gemini 3 refuses calls without a
// signature otherwise.
constexpr std::string_view kForeignCall = "skip_thought_signature_validator";

class Writer {
 public:
  Writer(const Request& request, const OutgoingCall& call)
      : request_(request), call_(call), own_(request.from == Dialect::kGemini) {}

  Status add(const Message& message, size_t index) {
    at_ = fmt::format("{}[{}]", caller_name(request_.from, Setting::kMessages), index);
    const bool system = message.role == Role::kSystem || message.role == Role::kDeveloper;
    if (message.top_level) at_ = own_ ? "systemInstruction" : "system";
    Json parts = Json::array();
    Json after = Json::array();  // pictures of tool results follow all results of the turn
    first_call_ = true;
    if (!own_ && !message.name.empty() && message.role != Role::kTool) {
      if (auto ok = call_.refusals->refuse(at_ + ".name", "say in the text who speaks."); !ok) return ok;
    }
    for (const Part& part : message.parts) {
      if (auto ok = refuse_foreign(part); !ok) return ok;
      if (auto ok = add_part(part, parts, after); !ok) return ok;
    }
    for (auto& part : after) parts.push_back(std::move(part));
    if (!own_) {
      if (auto ok = call_.refusals->refuse_extra(message.extra, at_, "leave it out."); !ok) return ok;
    }
    if (parts.empty() && !own_) return {};
    if (system) return add_system(message, std::move(parts));
    const char* role = message.role == Role::kAssistant ? "model" : "user";
    if (!own_ && !contents_.empty() && contents_.back()["role"] == role) {
      for (auto& part : parts) contents_.back()["parts"].push_back(std::move(part));
      return {};
    }
    Json content = {{"role", role}, {"parts", std::move(parts)}};
    respell(content, message);
    contents_.push_back(std::move(content));
    return {};
  }

  Json contents() { return std::move(contents_); }
  Json top_instruction() { return std::move(system_); }

 private:
  // What only another dialect can say of a part.
  Status refuse_foreign(const Part& part) const {
    if (own_) return {};
    if (auto ok = call_.refusals->refuse_extra(part.extra, at_ + ".content", "leave it out."); !ok) return ok;
    if (const auto* text = std::get_if<Text>(&part.body); text && !text->citations.empty())
      call_.refusals->note_dropped(at_ + ".citations");  // of an earlier answer: Gemini takes none back
    if (const auto* result = std::get_if<ToolResult>(&part.body)) {
      for (const Part& inner : result->content) {
        if (auto ok = refuse_foreign(inner); !ok) return ok;
      }
    }
    return {};
  }

  // Gemini knows instructions before the conversation only: those within it join them, in order.
  Status add_system(const Message& message, Json parts) {
    if (system_.is_null()) {
      system_ = {{"parts", std::move(parts)}};
      respell(system_, message);
    } else {
      for (auto& part : parts) system_["parts"].push_back(std::move(part));
    }
    return {};
  }

  void respell(Json& content, const Message& message) const {
    if (!own_) return;
    if (const std::string role = peek_text(message.own, "role"); !role.empty())
      content["role"] = role;
    else if (message.own.is_object())
      content.erase("role");
    for (const auto& [name, value] : message.extra.items()) content[name] = value;
  }

  Status add_part(const Part& part, Json& parts, Json& after) {
    Json json;
    if (const auto* text = std::get_if<Text>(&part.body)) {
      if (text->text.empty() && !own_) return {};
      json = {{"text", text->text}};
    } else if (const auto* refusal = std::get_if<Refusal>(&part.body)) {
      json = {{"text", refusal->text}};
    } else if (const auto* media = std::get_if<Media>(&part.body)) {
      auto made = write_media(*media);
      if (!made) return fail(std::move(made.error()));
      json = std::move(*made);
    } else if (const auto* call = std::get_if<ToolCall>(&part.body)) {
      return add_call(part, *call, parts);
    } else if (const auto* result = std::get_if<ToolResult>(&part.body)) {
      return add_result(part, *result, parts, after);
    } else if (const auto* thought = std::get_if<Reasoning>(&part.body)) {
      return add_thought(part, *thought, parts);
    } else if (const auto* foreign = std::get_if<Foreign>(&part.body)) {
      if (foreign->from != Dialect::kGemini) {  // another's hosted tool: history only
        call_.refusals->note_dropped(fmt::format("{}.{}", at_, foreign->type));
        return {};
      }
      json = foreign->raw;
    }
    if (json.is_null()) return {};
    sign(json, part);
    return push(parts, std::move(json), part);
  }

  Status push(Json& parts, Json json, const Part& part) const {
    if (own_) {
      for (const auto& [name, value] : part.extra.items()) json[name] = value;
    }
    parts.push_back(std::move(json));
    return {};
  }

  bool sign(Json& json, const Part& part) const {
    if (part.signature.empty()) return false;
    if (!belongs_to(part.signature, request_.from, call_.provider, Dialect::kGemini)) {
      call_.refusals->note_dropped(at_ + ".signature");
      return false;
    }
    json["thoughtSignature"] = part.signature.value;
    return true;
  }

  Status add_call(const Part& part, const ToolCall& call, Json& parts) {
    Json inside = Json::object();
    if (!call.id.empty() && !(own_ && peek(part.own, "no_id") == true)) inside["id"] = call.id;
    inside["name"] = call.name;
    const bool custom = call.kind == ToolCall::Kind::kCustom;
    if (!own_ || !call.arguments.empty())
      inside["args"] = args_of(custom ? custom_tool_arguments(call.arguments) : call.arguments);
    Json json = {{"functionCall", std::move(inside)}};
    const bool signed_here = sign(json, part);
    if (!signed_here && !own_ && first_call_ && thinks_in_levels(call_.model)) json["thoughtSignature"] = kForeignCall;
    first_call_ = false;
    return push(parts, std::move(json), part);
  }

  Status add_result(const Part& part, const ToolResult& result, Json& parts, Json& after) {
    Json inside = part.own.is_object() && own_ ? part.own : Json::object();
    const bool no_id = own_ && peek(part.own, "no_id") == true;
    inside.erase("no_id");
    if (!result.call_id.empty() && !no_id) inside["id"] = result.call_id;
    inside["name"] = result.name.empty() ? tool_name_of(request_, result.call_id) : result.name;
    if (inside["name"] == "") {
      return fail(ErrorCode::kInvalidRequest,
                  fmt::format("'{}' is the result of a tool call that isn't in the conversation.", at_),
                  {{"param", at_}});
    }
    std::string text;
    Json pictures = Json::array();
    for (const Part& inner : result.content) {
      if (const auto* one = std::get_if<Text>(&inner.body)) text += one->text;
      const auto* media = std::get_if<Media>(&inner.body);
      if (media == nullptr) continue;
      auto made = write_media(*media);
      if (!made) return fail(std::move(made.error()));
      if (!made->is_null()) pictures.push_back(std::move(*made));
    }
    if (own_) {
      if (!result.structured.is_null()) inside["response"] = result.structured;
      if (!pictures.empty()) inside["parts"] = std::move(pictures);
    } else {
      inside["response"] = response_of(text, result.is_error);
      for (auto& picture : pictures) after.push_back(std::move(picture));
    }
    Json json = {{"functionResponse", std::move(inside)}};
    return push(parts, std::move(json), part);
  }

  // An object is what the tool said; anything else stands under a name.
  static Json response_of(const std::string& text, bool is_error) {
    if (is_error) return {{"error", text}};
    Json parsed = parse_bounded(text);
    if (parsed.is_object()) return parsed;
    return {{"result", parsed.is_discarded() || parsed.is_string() ? Json(text) : std::move(parsed)}};
  }

  Status add_thought(const Part& part, const Reasoning& thought, Json& parts) {
    std::string text = thought.text;
    for (const auto& one : thought.summary) text += (text.empty() ? "" : "\n\n") + one;
    Json json = Json::object();
    if (!thought.redacted || !text.empty()) json = {{"text", text}, {"thought", true}};
    if (own_ && thought.redacted && part.own.is_object()) json = part.own;
    const bool signed_here = sign(json, part);
    if (!own_ && !signed_here) {  // another model's thoughts are no part of this one's
      if (part.signature.empty()) call_.refusals->note_dropped(at_ + ".reasoning");
      return {};
    }
    if (json.empty()) return {};
    return push(parts, std::move(json), part);
  }

  Result<Json> refused(std::string_view why) {
    auto ok = call_.refusals->refuse(at_ + (own_ ? ".parts" : ".content"), why);
    return ok ? Result<Json>(Json()) : fail(std::move(ok.error()));
  }

  Result<Json> write_media(const Media& media) {
    Json inside = Json::object();
    if (!media.mime.empty()) inside["mimeType"] = media.mime;
    if (!media.name.empty() && own_) inside["displayName"] = media.name;
    if (!media.text.empty()) return Json{{"text", media.name.empty() ? media.text : media.name + "\n\n" + media.text}};
    if (!media.data.empty()) {
      if (media.mime.empty()) return refused("say of what type the file is: 'data:TYPE;base64,BYTES'.");
      inside["data"] = media.data;
      return Json{{"inlineData", std::move(inside)}};
    }
    const std::string& address = media.url.empty() ? media.file_id : media.url;
    const bool googles = address.starts_with("gs://") || address.find("://www.youtube.com/") != std::string::npos ||
                         address.find("://youtu.be/") != std::string::npos ||
                         address.find("generativelanguage.googleapis.com/") != std::string::npos;
    if (!own_ && !googles) return refused("a file by its address: send its bytes.");
    inside["fileUri"] = address;
    return Json{{"fileData", std::move(inside)}};
  }

  const Request& request_;
  const OutgoingCall& call_;
  bool own_;
  bool first_call_ = true;
  std::string at_;
  Json contents_ = Json::array(), system_;
};

}  // namespace

Json args_of(const std::string& arguments) {
  if (arguments.empty()) return Json::object();
  Json parsed = parse_bounded(arguments);
  return parsed.is_object() ? parsed : Json{{"arguments", arguments}};  // cut off, or no object
}

Status write_contents(Json& body, const Request& request, const OutgoingCall& call) {
  Writer writer(request, call);
  size_t top = 0;
  for (size_t i = 0; i < request.messages.size(); ++i) {
    top += request.messages[i].top_level ? 1 : 0;
    if (auto ok = writer.add(request.messages[i], i - std::min(top, i)); !ok) return ok;
  }
  if (Json system = writer.top_instruction(); !system.is_null()) body["systemInstruction"] = std::move(system);
  body["contents"] = writer.contents();
  return {};
}

}  // namespace steward::gateway::gemini
