#include <algorithm>
#include <map>

#include "gateway/dialects/gemini/gemini.h"
#include "gateway/peek.h"

namespace steward::gateway::gemini {
namespace {

constexpr std::string_view kForeign[] = {"executableCode", "codeExecutionResult", "toolCall", "toolResponse"};

void keep_rest(const Json& json, std::initializer_list<std::string_view> known, Part& part) {
  for (const auto& [name, value] : json.items()) {
    if (!value.is_null() && std::ranges::find(known, name) == known.end()) part.extra[name] = value;
  }
}

Part read_media(const Json& json, const char* name) {
  const Json& about = json[name];
  Media media;
  media.mime = peek_text(about, "mimeType");
  media.kind = kind_of_mime(media.mime);
  media.data = peek_text(about, "data");
  media.url = peek_text(about, "fileUri");
  media.name = peek_text(about, "displayName");
  Part part{.body = std::move(media)};
  keep_rest(json, {name, "thoughtSignature"}, part);
  return part;
}

Part read_call(const Json& json) {
  const Json& about = json["functionCall"];
  ToolCall call{.id = peek_text(about, "id"), .name = peek_text(about, "name")};
  if (const Json& args = peek(about, "args"); !args.is_null()) call.arguments = dump(args);
  Part part{.body = std::move(call)};
  keep_rest(json, {"functionCall", "thoughtSignature"}, part);
  return part;
}

// What a function answered, as others read it: the one text that it holds, or its JSON.
std::string text_of_response(const Json& response, bool& is_error) {
  if (response.is_object() && response.size() == 1) {
    for (const char* name : {"result", "output", "content", "return_value", "error"}) {
      const Json& value = peek(response, name);
      if (value.is_null()) continue;
      is_error = std::string_view(name) == "error";
      return value.is_string() ? value.get<std::string>() : dump(value);
    }
  }
  return dump(response);
}

Result<Part> read_response(const Json& json, const std::string& at) {
  const Json& about = json["functionResponse"];
  ToolResult result{.call_id = peek_text(about, "id"), .name = peek_text(about, "name")};
  result.structured = peek(about, "response");
  if (!result.structured.is_null() && !result.structured.is_object())
    return bad(at, fmt::format("'{}.functionResponse.response' must be an object.", at));
  result.content.push_back(text_part(text_of_response(result.structured, result.is_error)));
  for (const auto& inner : peek(about, "parts")) {
    auto read = inner.is_object() ? read_part(inner, at + ".functionResponse.parts") : Result<Part>(Part{});
    if (!read) return read;
    if (std::holds_alternative<Media>(read->body)) result.content.push_back(std::move(*read));
  }
  Part part{.body = std::move(result)};
  static constexpr std::string_view kKnown[] = {"id", "name", "response", "parts"};
  for (const auto& [name, value] : about.items()) {
    if (!value.is_null() && std::ranges::find(kKnown, name) == std::end(kKnown)) part.own[name] = value;
  }
  keep_rest(json, {"functionResponse", "thoughtSignature"}, part);
  return part;
}

// A part of another dialect that a Gemini client got from here and gives back.
std::optional<Part> read_steward(const Json& json) {
  const Json& foreign = peek(json, "x_steward");
  for (const Dialect from : {Dialect::kChat, Dialect::kResponses, Dialect::kMessages}) {
    if (peek_text(foreign, "from") != to_text(from) || !peek(foreign, "raw").is_object()) continue;
    return Part{.body = Foreign{.from = from, .type = peek_text(foreign, "type"), .raw = foreign["raw"]}};
  }
  return std::nullopt;
}

Result<Part> read_body(const Json& json, const std::string& at) {
  if (const Json& text = peek(json, "text"); text.is_string()) {
    Part part;
    if (peek(json, "thought") == true)
      part.body = Reasoning{.text = text};
    else
      part.body = Text{.text = text, .citations = {}};
    keep_rest(json, {"text", "thought", "thoughtSignature"}, part);
    return part;
  }
  for (const char* name : {"inlineData", "fileData"}) {
    if (peek(json, name).is_object()) return read_media(json, name);
  }
  if (peek(json, "functionCall").is_object()) return read_call(json);
  if (peek(json, "functionResponse").is_object()) return read_response(json, at);
  if (auto part = read_steward(json)) return std::move(*part);
  Json raw = json;
  raw.erase("thoughtSignature");
  for (const std::string_view name : kForeign) {
    if (json.contains(name))
      return Part{.body = Foreign{.from = Dialect::kGemini, .type = std::string(name), .raw = std::move(raw)}};
  }
  if (raw.empty() || (raw.size() == 1 && raw.contains("thought")))  // only a signature
    return Part{.body = Reasoning{.summary = {}, .redacted = true}, .own = std::move(raw)};
  return Part{.body = Foreign{.from = Dialect::kGemini, .type = raw.begin().key(), .raw = raw}};
}

}  // namespace

Media::Kind kind_of_mime(std::string_view mime) {
  if (mime.starts_with("image/")) return Media::Kind::kImage;
  if (mime.starts_with("audio/")) return Media::Kind::kAudio;
  if (mime.starts_with("video/")) return Media::Kind::kVideo;
  return Media::Kind::kDocument;
}

Result<Part> read_part(const Json& json, const std::string& at) {
  if (!json.is_object()) return bad(at, fmt::format("Each part of '{}' must be an object.", at));
  auto part = read_body(json, at);
  if (part) part->signature = open_seal(peek_text(json, "thoughtSignature"));
  return part;
}

void pair_calls(Request& request) {
  std::map<std::string, std::vector<std::string>> waiting;  // ids of calls by name, in order
  size_t made = 0;
  for (auto& message : request.messages) {
    for (auto& part : message.parts) {
      if (auto* call = std::get_if<ToolCall>(&part.body)) {
        if (!call->id.empty()) continue;
        call->id = fmt::format("call_{}", ++made);
        part.own["no_id"] = true;
        waiting[call->name].push_back(call->id);
      } else if (auto* result = std::get_if<ToolResult>(&part.body); result && result->call_id.empty()) {
        part.own["no_id"] = true;
        auto& ids = waiting[result->name];
        if (ids.empty()) continue;
        result->call_id = ids.front();
        ids.erase(ids.begin());
      }
    }
  }
}

}  // namespace steward::gateway::gemini
