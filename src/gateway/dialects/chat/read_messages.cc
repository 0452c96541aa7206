#include <algorithm>
#include <array>

#include "base/text.h"
#include "gateway/dialects/chat/chat.h"
#include "gateway/peek.h"

namespace steward::gateway::chat {
namespace {

constexpr std::pair<std::string_view, Role> kRoles[] = {{"system", Role::kSystem},
                                                        {"developer", Role::kDeveloper},
                                                        {"user", Role::kUser},
                                                        {"assistant", Role::kAssistant},
                                                        {"tool", Role::kTool}};
constexpr std::string_view kBreakpoint = "prompt_cache_breakpoint";
constexpr std::string_view kCacheControl = "cache_control";

// OpenAI's breakpoint or Anthropic's cache_control, which OpenRouter and others take; it is kept as it was spelled.
void read_cache(const Json& json, Part& part) {
  for (const std::string_view name : {kBreakpoint, kCacheControl}) {
    const Json& mark = peek(json, name.data());
    if (mark.is_object())
      part.cache = CacheMark{.ttl = peek_text(mark, "ttl"), .extra = Json{{std::string(name), mark}}};
  }
}

// What of `json` is no part of `known`, and what of its member `inside` is none of `inner`.
Json rest_of(const Json& json, std::string_view inside, std::initializer_list<std::string_view> inner) {
  const std::array known = {std::string_view("type"), inside, kBreakpoint, kCacheControl};
  Json out = others(json, known);
  if (Json rest = others(peek(json, inside.data()), std::vector(inner)); !rest.empty())
    out[std::string(inside)] = std::move(rest);
  return out;
}

Status read_address(std::string address, Media& media, const std::string& at) {
  if (address.empty()) return bad(at, fmt::format("A part of '{}' has no address.", at));
  if (split_data_url(address, media.mime, media.data)) return {};
  if (address.starts_with("data:"))
    return bad(at, fmt::format("A 'data:' address of '{}' must be 'data:TYPE;base64,BYTES'.", at));
  media.url = std::move(address);
  return {};
}

Result<Part> read_image(const Json& json, const std::string& at) {
  const bool video = peek_text(json, "type") == "video_url";
  const char* inside = video ? "video_url" : "image_url";
  const Json& image = peek(json, inside);
  Media media{.kind = video ? Media::Kind::kVideo : Media::Kind::kImage};
  media.detail = peek_text(image, "detail");
  auto ok = read_address(image.is_string() ? image.get<std::string>() : peek_text(image, "url"), media, at);
  if (!ok) return fail(std::move(ok.error()));
  return Part{.body = std::move(media), .extra = rest_of(json, inside, {"url", "detail"})};
}

Result<Part> read_file(const Json& json, const std::string& at) {
  const Json& file = peek(json, "file");
  Media media{.kind = Media::Kind::kDocument};
  media.name = peek_text(file, "filename");
  media.file_id = peek_text(file, "file_id");
  const std::string data = peek_text(file, "file_data");
  if (data.empty() && media.file_id.empty())
    return bad(at, fmt::format("A file part of '{}' needs 'file_data' or 'file_id'.", at));
  if (data.starts_with("http://") || data.starts_with("https://"))
    media.url = data;  // OpenRouter's way
  else if (!split_data_url(data, media.mime, media.data))
    media.data = data;
  return Part{.body = std::move(media), .extra = rest_of(json, "file", {"filename", "file_id", "file_data"})};
}

Part read_audio(const Json& json) {
  const Json& audio = peek(json, "input_audio");
  Media media{.kind = Media::Kind::kAudio};
  media.mime = "audio/" + peek_text(audio, "format");
  media.data = peek_text(audio, "data");
  return Part{.body = std::move(media), .extra = rest_of(json, "input_audio", {"data", "format"})};
}

// Mistral's: {"type": "thinking", "thinking": [{"type": "text", "text": …}]}
Part read_thinking_part(const Json& json) {
  Reasoning reasoning;
  const Json& thinking = peek(json, "thinking");
  if (thinking.is_string()) reasoning.text = thinking;
  for (const auto& one : thinking) reasoning.text += one.is_object() ? peek_text(one, "text") : "";
  Part part{.body = std::move(reasoning), .extra = rest_of(json, "thinking", {})};
  part.extra.erase("thinking");
  if (thinking.is_array() && thinking.size() > 1) part.own = thinking;  // in so many pieces
  return part;
}

Result<Part> read_part(const Json& json, const std::string& at) {
  const std::string type = peek_text(json, "type");
  if (type.empty()) return bad(at, fmt::format("Each part of '{}' must be an object with a 'type'.", at));
  if (type == "text") {
    if (!peek(json, "text").is_string()) return bad(at, fmt::format("A text part of '{}' has no text.", at));
    Part part{.body = Text{.text = json["text"], .citations = {}}, .extra = rest_of(json, "text", {})};
    part.extra.erase("text");
    return part;
  }
  if (type == "refusal") return Part{.body = Refusal{.text = peek_text(json, "refusal")}};
  if (type == "image_url" || type == "video_url") return read_image(json, at);
  if (type == "file") return read_file(json, at);
  if (type == "input_audio") return read_audio(json);
  if (type == "thinking") return read_thinking_part(json);
  return Part{.body = Foreign{.from = Dialect::kChat, .type = type, .raw = json}};
}

Status read_content(const Json& content, std::vector<Part>& parts, const std::string& at) {
  if (content.is_string()) {
    parts.push_back(text_part(content));
    return {};
  }
  if (!content.is_array()) return bad(at, fmt::format("'{}' must be a string or an array of parts.", at));
  if (content.size() > kMaxParts) return bad(at, fmt::format("'{}' has more than {} parts.", at, kMaxParts));
  for (const auto& json : content) {
    auto part = read_part(json, at);
    if (!part) return fail(std::move(part.error()));
    read_cache(json, *part);
    parts.push_back(std::move(*part));
  }
  return {};
}

std::string signature_in(const Json& json) {
  return peek_text(peek(peek(json, "extra_content"), "google"), "thought_signature");
}

Result<Part> read_call(const Json& json, const std::string& at) {
  const bool custom = peek_text(json, "type") == "custom";
  const char* inside = custom ? "custom" : "function";
  const char* words = custom ? "input" : "arguments";
  const Json& about = peek(json, inside);
  if (!peek(json, "id").is_string() || !peek(about, "name").is_string() || !peek(about, words).is_string()) {
    return bad(at, fmt::format("Each call of '{}' needs an 'id' and a 'function' with 'name' and 'arguments' (a string "
                               "of JSON), or a 'custom' with 'name' and 'input'.",
                               at));
  }
  ToolCall call{.kind = custom ? ToolCall::Kind::kCustom : ToolCall::Kind::kFunction,
                .id = json["id"],
                .name = about["name"],
                .arguments = about[words]};
  Part part{.body = std::move(call)};
  const std::array known = {std::string_view("id"), std::string_view("type"), std::string_view("index"),
                            std::string_view(inside), kCacheControl};
  part.extra = others(json, known);
  if (const std::string sealed = signature_in(json); !sealed.empty()) {
    part.signature = open_signature(sealed);
    part.extra.erase("extra_content");
  }
  static constexpr std::string_view kKnown[] = {"name", "arguments", "input"};
  if (Json rest = others(about, kKnown); !rest.empty()) part.extra[inside] = std::move(rest);
  read_cache(json, part);
  return part;
}

Status read_calls(const Json& message, std::vector<Part>& parts, const std::string& at) {
  const Json& calls = peek(message, "tool_calls");
  if (calls.is_null()) return {};
  if (!calls.is_array()) return bad(at, fmt::format("'{}' must be an array.", at));
  if (calls.size() > kMaxToolCalls) return bad(at, fmt::format("'{}' has more than {} calls.", at, kMaxToolCalls));
  for (const auto& json : calls) {
    auto part = read_call(json, at);
    if (!part) return fail(std::move(part.error()));
    parts.push_back(std::move(*part));
  }
  return {};
}

// Bytes of the first `points` code points of valid UTF-8.
size_t bytes_of(std::string_view text, int64_t points) {
  size_t at = 0;
  while (at < text.size() && points > 0) {
    ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) ++at;
    --points;
  }
  return at;
}

// Puts another dialect's parts back where they stood: `at` counts code points of all texts before.
void place(std::vector<Part>& parts, Part foreign, int64_t at) {
  for (size_t i = 0; i < parts.size(); ++i) {
    auto* text = std::get_if<Text>(&parts[i].body);
    if (text == nullptr) continue;
    const size_t cut = bytes_of(text->text, at);
    const auto passed = std::ranges::count_if(text->text.substr(0, cut), [](char c) { return (c & 0xC0) != 0x80; });
    if (cut == text->text.size() && passed < at) {
      at -= passed;
      continue;
    }
    const auto here = parts.begin() + static_cast<std::ptrdiff_t>(i);
    if (cut == 0) {
      parts.insert(here, std::move(foreign));
    } else if (cut == text->text.size()) {
      auto after = here + 1;
      while (after != parts.end() && std::holds_alternative<Foreign>(after->body)) ++after;
      parts.insert(after, std::move(foreign));
    } else {
      Part rest = text_part(text->text.substr(cut));
      text->text.resize(cut);
      parts.insert(here + 1, {std::move(foreign), std::move(rest)});
    }
    return;
  }
  parts.push_back(std::move(foreign));
}

void read_steward(const Json& message, std::vector<Part>& parts) {
  const Json& foreign = peek(message, "x_steward");
  const std::string from = peek_text(foreign, "from");
  std::optional<Dialect> dialect;
  for (const Dialect one : {Dialect::kChat, Dialect::kResponses, Dialect::kMessages, Dialect::kGemini}) {
    if (to_text(one) == from) dialect = one;
  }
  const Json& entries = peek(foreign, "parts");
  if (!dialect || !entries.is_array() || entries.size() > kMaxParts) return;
  for (const auto& entry : entries) {
    Foreign part{.from = *dialect, .type = peek_text(entry, "type"), .raw = peek(entry, "raw")};
    if (part.type == kMediaPart && part.raw.is_object()) {
      Media media{.kind = Media::Kind::kAudio, .mime = peek_text(part.raw, "mime")};
      media.data = peek_text(part.raw, "data");
      media.url = peek_text(part.raw, "url");
      place(parts, Part{.body = std::move(media)}, peek_integer(entry, "at"));
      continue;
    }
    if (part.raw.is_object()) place(parts, Part{.body = std::move(part)}, peek_integer(entry, "at"));
  }
}

Result<Message> read_tool_message(const Json& json, Message message, const std::string& at) {
  if (!peek(json, "tool_call_id").is_string())
    return bad(at + ".tool_call_id",
               fmt::format("'{}.tool_call_id' is missing: which call is this the result of?", at));
  ToolResult result{.call_id = json["tool_call_id"]};
  result.name = peek_text(json, "name");
  const Json& content = peek(json, "content");
  if (content.is_null()) return bad(at + ".content", fmt::format("'{}.content' is missing.", at));
  if (auto ok = read_content(content, result.content, at + ".content"); !ok) return fail(std::move(ok.error()));
  Part part{.body = std::move(result)};
  read_cache(json, part);
  message.parts.push_back(std::move(part));
  return message;
}

Result<Message> read_assistant(const Json& json, Message message, const std::string& at) {
  message.parts = read_reasoning(json);
  const Json& content = peek(json, "content");
  const std::string refusal = peek_text(json, "refusal");
  if (content.is_null() && peek(json, "tool_calls").empty() && !json.contains("refusal") && message.parts.empty() &&
      !json.contains("x_steward") && !json.contains("audio"))
    return bad(at + ".content", fmt::format("'{}.content' is missing.", at));
  const size_t first = message.parts.size();
  if (!content.is_null()) {
    if (auto ok = read_content(content, message.parts, at + ".content"); !ok) return fail(std::move(ok.error()));
  }
  for (size_t i = first; i < message.parts.size(); ++i) {
    auto* text = std::get_if<Text>(&message.parts[i].body);
    if (text == nullptr) continue;
    text->citations = read_annotations(peek(json, "annotations"));
    if (const std::string sealed = signature_in(json); !sealed.empty()) {
      message.parts[i].signature = open_signature(sealed);
      message.extra.erase("extra_content");
    }
    break;
  }
  if (!refusal.empty()) message.parts.push_back(Part{.body = Refusal{.text = refusal}});
  if (auto ok = read_calls(json, message.parts, at + ".tool_calls"); !ok) return fail(std::move(ok.error()));
  read_steward(json, message.parts);
  return message;
}

}  // namespace

Result<Message> read_message(const Json& json, size_t index) {
  const std::string at = fmt::format("messages[{}]", index);
  const Json& role = peek(json, "role");
  if (!role.is_string()) return bad(at, fmt::format("'{}' must be an object with a 'role'.", at));
  const auto* known =
      std::ranges::find(kRoles, role.get_ref<const std::string&>(), &std::pair<std::string_view, Role>::first);
  if (known == std::end(kRoles)) {
    return bad(at + ".role", fmt::format("'{}' is not a role: system, developer, user, assistant or tool.",
                                         role.get<std::string>().substr(0, 40)));
  }
  Message message{.role = known->second};
  message.name = peek_text(json, "name");
  message.plain = peek(json, "content").is_string();
  const bool assistant = message.role == Role::kAssistant;
  std::vector<std::string_view> names = {"role", "content", "name"};
  if (message.role == Role::kTool) names.insert(names.end(), {"tool_call_id", kCacheControl});
  if (assistant) {
    names.insert(names.end(), {"refusal", "tool_calls", "reasoning", "reasoning_content", "reasoning_details",
                               "annotations", "x_steward"});
  }
  message.extra = others(json, names);
  if (message.role == Role::kTool) return read_tool_message(json, std::move(message), at);
  if (assistant) return read_assistant(json, std::move(message), at);
  const Json& content = peek(json, "content");
  if (content.is_null()) return bad(at + ".content", fmt::format("'{}.content' is missing.", at));
  if (auto ok = read_content(content, message.parts, at + ".content"); !ok) return fail(std::move(ok.error()));
  return message;
}

}  // namespace steward::gateway::chat
