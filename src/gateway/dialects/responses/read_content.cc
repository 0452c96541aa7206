#include "gateway/dialects/responses/responses.h"
#include "gateway/peek.h"

namespace steward::gateway::responses {
namespace {

void take_cache_mark(const Json& json, Part& part) {
  const Json& mark = peek(json, "prompt_cache_breakpoint");
  if (mark.is_object()) part.cache = CacheMark{.ttl = peek_text(mark, "ttl"), .extra = mark};
}

Part read_text(const Json& json) {
  Part part = text_part(peek_text(json, "text"));
  std::get<Text>(part.body).citations = read_annotations(peek(json, "annotations"));
  part.extra = members_but(json, {"type", "text", "annotations", "logprobs", "prompt_cache_breakpoint"});
  if (const Json& logprobs = peek(json, "logprobs"); logprobs.is_array() && !logprobs.empty())
    part.own = {{"logprobs", logprobs}};
  take_cache_mark(json, part);
  return part;
}

Result<Part> read_image(const Json& json, const std::string& at) {
  Media media;
  const Json& url = peek(json, "image_url");
  media.url = url.is_object() ? peek_text(url, "url") : peek_text(json, "image_url");  // as in Chat Completions, too
  if (split_data_url(media.url, media.mime, media.data)) media.url.clear();
  media.file_id = peek_text(json, "file_id");
  media.detail = peek_text(json, "detail");
  if (media.url.empty() && media.data.empty() && media.file_id.empty())
    return bad(at, fmt::format("'{}' must have 'image_url' or 'file_id'.", at));
  Part part;
  part.body = std::move(media);
  part.extra = members_but(json, {"type", "image_url", "file_id", "detail", "prompt_cache_breakpoint"});
  take_cache_mark(json, part);
  return part;
}

Result<Part> read_file(const Json& json, const std::string& at) {
  Media media{.kind = Media::Kind::kDocument};
  media.name = peek_text(json, "filename");
  media.file_id = peek_text(json, "file_id");
  media.url = peek_text(json, "file_url");
  if (const std::string data = peek_text(json, "file_data"); !split_data_url(data, media.mime, media.data)) {
    media.data = data;
    if (!data.empty()) media.mime = "application/pdf";
  }
  if (split_data_url(media.url, media.mime, media.data)) media.url.clear();
  if (media.url.empty() && media.data.empty() && media.file_id.empty())
    return bad(at, fmt::format("'{}' must have 'file_data', 'file_url' or 'file_id'.", at));
  Part part;
  part.body = std::move(media);
  part.extra = members_but(json, {"type", "filename", "file_id", "file_url", "file_data", "prompt_cache_breakpoint"});
  take_cache_mark(json, part);
  return part;
}

Result<Part> read_audio(const Json& json, const std::string& at) {
  const Json& audio = peek(json, "input_audio");
  Media media{
      .kind = Media::Kind::kAudio, .mime = "audio/" + peek_text(audio, "format"), .data = peek_text(audio, "data")};
  if (media.data.empty()) return bad(at, fmt::format("'{}.input_audio.data' is missing.", at));
  Part part;
  part.body = std::move(media);
  part.extra = members_but(json, {"type", "input_audio", "prompt_cache_breakpoint"});
  take_cache_mark(json, part);
  return part;
}

}  // namespace

std::vector<Citation> read_annotations(const Json& annotations) {
  std::vector<Citation> out;
  if (!annotations.is_array()) return out;
  for (const auto& one : annotations) {
    if (!one.is_object() || out.size() >= kMaxParts) continue;
    Citation citation{.url = peek_text(one, "url"),
                      .title = peek_text(one, "title"),
                      .cited_text = {},
                      .file_id = peek_text(one, "file_id"),
                      .start = peek_integer(one, "start_index", -1),
                      .end = peek_integer(one, "end_index", -1),
                      .raw = one};
    if (citation.title.empty()) citation.title = peek_text(one, "filename");
    out.push_back(std::move(citation));
  }
  return out;
}

Result<Part> read_content_part(const Json& json, const std::string& at) {
  const std::string type = peek_text(json, "type");
  if (type.empty()) return bad(at, fmt::format("'{}.type' is missing.", at));
  if (type == "input_text" || type == "output_text" || type == "text") {
    if (!peek(json, "text").is_string()) return bad(at, fmt::format("'{}.text' is missing.", at));
    return read_text(json);
  }
  if (type == "input_image") return read_image(json, at);
  if (type == "input_file") return read_file(json, at);
  if (type == "input_audio") return read_audio(json, at);
  Part part;
  if (type == "refusal") {
    part.body = Refusal{.text = peek_text(json, "refusal")};
    part.extra = members_but(json, {"type", "refusal"});
  } else {
    part.body = Foreign{.from = Dialect::kResponses, .type = type, .raw = json};
  }
  return part;
}

Reasoning read_reasoning(const Json& item) {
  Reasoning out;
  for (const auto& one : peek(item, "content")) out.text += peek_text(one, "text");
  for (const auto& one : peek(item, "summary")) out.summary.push_back(peek_text(one, "text"));
  out.redacted = out.text.empty() && out.summary.empty() && !peek_text(item, "encrypted_content").empty();
  return out;
}

}  // namespace steward::gateway::responses
