// Content blocks of a request, as parts.
#include "gateway/dialects/messages/messages.h"
#include "gateway/peek.h"

namespace steward::gateway::messages {
namespace {

Part foreign(const Json& json) {
  return Part{.body = Foreign{.from = Dialect::kMessages, .type = peek_text(json, "type"), .raw = json}};
}

Result<Part> read_text(const Json& json, const std::string& at) {
  if (!peek(json, "text").is_string()) return bad(at, fmt::format("'{}.text' must be a string.", at));
  Text text{.text = json["text"], .citations = {}};
  const Json& citations = peek(json, "citations");
  if (citations.is_array()) {
    if (citations.size() > kMaxBlocks) return bad(at, fmt::format("'{}' has more than {} citations.", at, kMaxBlocks));
    for (const auto& one : citations) text.citations.push_back(read_citation(one));
  }
  Part part{.body = std::move(text), .extra = others(json, {"type", "text", "citations", "cache_control", kSteward})};
  part.signature = open_signature(peek_text(peek(json, kSteward.data()), "signature"));
  return part;
}

Result<Part> read_media(const Json& json, const std::string& at) {
  const Json& source = peek(json, "source");
  const std::string type = peek_text(source, "type");
  Media media{.kind = peek_text(json, "type") == "image" ? Media::Kind::kImage : Media::Kind::kDocument};
  media.name = peek_text(json, "title");
  media.mime = peek_text(source, "media_type");
  Part part;
  part.extra = others(json, {"type", "source", "title", "cache_control", kSteward});
  if (type == "base64") {
    media.data = peek_text(source, "data");
  } else if (type == "url") {
    media.url = peek_text(source, "url");
  } else if (type == "file") {
    media.file_id = peek_text(source, "file_id");
  } else if (type == "text") {
    media.text = peek_text(source, "data");
  } else if (type == "content" && peek(source, "content").is_string()) {
    media.text = source["content"];
    part.extra["source"] = source;
  } else if (type == "content") {
    return foreign(json);
  } else if (type.empty()) {
    return bad(at, fmt::format("'{}.source' is missing: base64, url, file or text.", at));
  } else {
    return foreign(json);
  }
  if (media.data.empty() && media.url.empty() && media.file_id.empty() && media.text.empty())
    return bad(at, fmt::format("'{}.source' of type {} is empty.", at, type));
  if (Json rest = others(source, {"type", "media_type", "data", "url", "file_id", "content"}); !rest.empty())
    part.extra["source"] = source;
  part.body = std::move(media);
  return part;
}

Result<Part> read_tool_use(const Json& json, const std::string& at) {
  if (!peek(json, "id").is_string() || !peek(json, "name").is_string())
    return bad(at, fmt::format("'{}' needs 'id', 'name' and 'input'.", at));
  const Json& input = peek(json, "input");
  Part part{
      .body = ToolCall{
          .id = json["id"], .name = json["name"], .arguments = input.is_null() ? "{}" : dump(input), .space = {}}};
  part.extra = others(json, {"type", "id", "name", "input", "cache_control", "caller", kSteward});
  if (const Json& caller = peek(json, "caller"); !caller.is_null()) part.own["caller"] = caller;
  part.signature = open_signature(peek_text(peek(json, kSteward.data()), "signature"));
  return part;
}

Result<Part> read_tool_result(const Json& json, const std::string& at) {
  if (!peek(json, "tool_use_id").is_string()) return bad(at, fmt::format("'{}.tool_use_id' is missing.", at));
  ToolResult result{.call_id = json["tool_use_id"], .name = {}, .content = {}, .structured = nullptr};
  result.is_error = peek(json, "is_error") == true;
  if (const Json& content = peek(json, "content"); !content.is_null()) {
    if (auto ok = read_content(content, at + ".content", result.content); !ok) return fail(std::move(ok.error()));
  }
  Part part{.body = std::move(result)};
  part.extra = others(json, {"type", "tool_use_id", "content", "is_error", "cache_control", kSteward});
  if (peek(json, "content").is_string()) part.own["plain"] = true;
  return part;
}

Part read_thinking(const Json& json) {
  const bool redacted = peek_text(json, "type") == "redacted_thinking";
  Reasoning reasoning{.text = peek_text(json, "thinking"), .summary = {}, .redacted = redacted};
  const Json& steward = peek(json, kSteward.data());
  for (const auto& one : peek(steward, "summary")) {
    if (one.is_string()) reasoning.summary.push_back(one);
  }
  Part part{.body = std::move(reasoning)};
  part.id = peek_text(steward, "id");
  part.signature = open_signature(peek_text(json, redacted ? "data" : "signature"));
  part.extra = others(json, {"type", "thinking", "signature", "data", kSteward});
  return part;
}

Result<Part> read_block(const Json& json, const std::string& at) {
  const std::string type = peek_text(json, "type");
  if (type.empty()) return bad(at, fmt::format("'{}' must be an object with a 'type'.", at));
  if (type == "text") return read_text(json, at);
  if (type == "image" || type == "document") return read_media(json, at);
  if (type == "tool_use") return read_tool_use(json, at);
  if (type == "tool_result") return read_tool_result(json, at);
  if (type == "thinking" || type == "redacted_thinking") return read_thinking(json);
  return foreign(json);
}

// What Steward put beside a block when it went out: parts of another dialect that stood before it.
void give_back(const Json& json, std::vector<Part>& parts) {
  const Json& before = peek(peek(json, kSteward.data()), "before");
  if (!before.is_array() || before.size() > kMaxBlocks) return;
  for (const auto& entry : before) parts.push_back(part_of_entry(entry));
}

}  // namespace

Status read_content(const Json& content, const std::string& at, std::vector<Part>& parts) {
  if (content.is_string()) {
    parts.push_back(text_part(content));
    return {};
  }
  if (!content.is_array()) return bad(at, fmt::format("'{}' must be a string or an array of content blocks.", at));
  if (content.size() > kMaxBlocks) return bad(at, fmt::format("'{}' has more than {} blocks.", at, kMaxBlocks));
  for (size_t i = 0; i < content.size(); ++i) {
    auto part = read_block(content[i], fmt::format("{}[{}]", at, i));
    if (!part) return fail(std::move(part.error()));
    give_back(content[i], parts);
    if (!std::holds_alternative<Foreign>(part->body)) part->cache = read_cache(content[i]);
    parts.push_back(std::move(*part));
  }
  return {};
}

}  // namespace steward::gateway::messages
