// Parts of a request, as content blocks.
#include "base/crypto.h"
#include "base/text.h"
#include "gateway/dialects/messages/messages.h"
#include "gateway/peek.h"

namespace steward::gateway::messages {
namespace {

Result<Json> skip(Status status) {
  if (!status) return fail(std::move(status.error()));
  return Json();
}

Json write_text(const Text& text, bool own) {
  Json block = {{"type", "text"}, {"text", text.text}};
  if (own && !text.citations.empty()) {
    block["citations"] = Json::array();
    for (const auto& one : text.citations) block["citations"].push_back(citation_json(one, true));
  }
  return block;
}

bool is_pdf(const Media& media) {
  return media.mime == "application/pdf" || (media.mime.empty() && media.data.starts_with("JVBERi0"));  // "%PDF-"
}

Result<Json> document_source(const Media& media, const BlockContext& context) {
  if (!media.text.empty()) return Json{{"type", "text"}, {"media_type", "text/plain"}, {"data", media.text}};
  if (!media.url.empty()) return Json{{"type", "url"}, {"url", media.url}};
  if (is_pdf(media) || context.own()) {
    const std::string mime = media.mime.empty() ? "application/pdf" : media.mime;
    return Json{{"type", "base64"}, {"media_type", mime}, {"data", media.data}};
  }
  if (media.mime.starts_with("text/") || media.mime == "application/json") {
    auto text = from_base64(media.data);
    if (!text || !is_valid_utf8(*text))
      return bad(context.at, fmt::format("'{}' is no base64 of UTF-8 text.", context.at));
    return Json{{"type", "text"}, {"media_type", "text/plain"}, {"data", *text}};
  }
  return skip(context.call.refusals->refuse(
      context.at, "documents of type '" + media.mime + "' are not taken; send a PDF or plain text."));
}

Result<Json> write_media(const Part& part, const BlockContext& context) {
  const auto& media = std::get<Media>(part.body);
  const bool image = media.kind == Media::Kind::kImage;
  if (media.kind == Media::Kind::kAudio || media.kind == Media::Kind::kVideo) {
    return skip(context.call.refusals->refuse(context.at, media.kind == Media::Kind::kAudio
                                                              ? "audio is not taken; send its transcript as text."
                                                              : "video is not taken; send images of it."));
  }
  Json block = {{"type", image ? "image" : "document"}};
  if (!media.file_id.empty()) {
    if (!context.own())
      return skip(
          context.call.refusals->refuse(context.at, "a file by its id lies at another provider; send its bytes."));
    block["source"] = {{"type", "file"}, {"file_id", media.file_id}};
  } else if (image) {
    block["source"] = media.url.empty() ? Json{{"type", "base64"},
                                               {"media_type", media.mime.empty() ? "image/png" : media.mime},
                                               {"data", media.data}}
                                        : Json{{"type", "url"}, {"url", media.url}};
  } else {
    auto source = document_source(media, context);
    if (!source || source->is_null()) return source;
    block["source"] = std::move(*source);
  }
  if (!image) put(block, "title", media.name);
  return block;
}

Json input_of(const ToolCall& call) {
  if (call.kind == ToolCall::Kind::kCustom) return {{"input", call.arguments}};
  if (trim(call.arguments).empty()) return Json::object();
  auto input = parse_json(call.arguments);
  if (input && input->is_object()) return std::move(*input);
  return {{"INVALID_JSON", call.arguments}};  // as Anthropic's documentation wants broken arguments given back
}

Json write_call(const Part& part, const BlockContext& context) {
  const auto& call = std::get<ToolCall>(part.body);
  if (!part.signature.empty() && !context.own()) {  // Gemini's: proves nothing here
    context.call.refusals->note_dropped(context.at + ".signature");
  }
  return {{"type", "tool_use"}, {"id", clean_id(call.id)}, {"name", call.name}, {"input", input_of(call)}};
}

Result<Json> write_result(const Part& part, const BlockContext& context) {
  const auto& result = std::get<ToolResult>(part.body);
  Json block = {{"type", "tool_result"}, {"tool_use_id", clean_id(result.call_id)}};
  Json content = Json::array();
  if (result.content.empty() && !result.structured.is_null()) {
    content.push_back(
        {{"type", "text"},
         {"text", result.structured.is_string() ? result.structured.get<std::string>() : dump(result.structured)}});
  }
  for (const Part& inner : result.content) {
    auto one = write_block(inner, context);
    if (!one) return one;
    if (!one->is_null()) content.push_back(std::move(*one));
  }
  if (context.own() && peek(part.own, "plain") == true && content.size() == 1)
    block["content"] = content[0]["text"];
  else if (!content.empty())
    block["content"] = std::move(content);
  if (result.is_error || context.own()) block["is_error"] = result.is_error;
  return block;
}

// Thinking goes back to who made it and to nobody else; without a proof nobody takes it.
Result<Json> write_reasoning(const Part& part, const BlockContext& context) {
  const auto& reasoning = std::get<Reasoning>(part.body);
  const bool mine = !part.signature.empty() &&
                    belongs_to(part.signature, context.request.from, context.call.provider, Dialect::kMessages);
  if (!mine) {
    context.call.refusals->note_dropped(context.at + (part.signature.empty() ? ".thinking" : ".signature"));
    return Json();
  }
  if (reasoning.redacted) return Json{{"type", "redacted_thinking"}, {"data", part.signature.value}};
  std::string text = reasoning.text;
  for (const auto& summary : reasoning.summary) {
    if (reasoning.text.empty()) text += (text.empty() ? "" : "\n\n") + summary;
  }
  return Json{{"type", "thinking"}, {"thinking", text}, {"signature", part.signature.value}};
}

Result<Json> write_foreign(const Foreign& part, const BlockContext& context) {
  if (part.from == Dialect::kMessages) return part.raw;
  // A hosted tool's item of another provider, given back with the history: it means nothing here.
  context.call.refusals->note_dropped(fmt::format("{} ({})", context.at, part.type.substr(0, 60)));
  return Json();
}

Result<Json> body_block(const Part& part, const BlockContext& context) {
  if (const auto* text = std::get_if<Text>(&part.body)) {
    if (text->text.empty() && !context.own()) return Json();  // Anthropic takes no empty text
    return write_text(*text, context.own());
  }
  if (const auto* refusal = std::get_if<Refusal>(&part.body)) {
    return refusal->text.empty() ? Json() : Json{{"type", "text"}, {"text", refusal->text}};
  }
  if (std::holds_alternative<Media>(part.body)) return write_media(part, context);
  if (std::holds_alternative<ToolCall>(part.body)) return write_call(part, context);
  if (std::holds_alternative<ToolResult>(part.body)) return write_result(part, context);
  if (std::holds_alternative<Reasoning>(part.body)) return write_reasoning(part, context);
  return write_foreign(std::get<Foreign>(part.body), context);
}

}  // namespace

Result<Json> write_block(const Part& part, const BlockContext& context) {
  auto block = body_block(part, context);
  if (!block || block->is_null() || std::holds_alternative<Foreign>(part.body)) return block;
  if (context.own()) {
    merge_into(*block, part.extra);
    merge_into(*block, others(part.own, {"plain"}));
  }
  const bool marked = part.cache && !std::holds_alternative<Reasoning>(part.body);
  if (marked) (*block)["cache_control"] = cache_control(*part.cache, context.own());
  return block;
}

}  // namespace steward::gateway::messages
