#include "gateway/dialects/responses/responses.h"
#include "gateway/peek.h"

namespace steward::gateway::responses {
namespace {

Json media_part(const Media& media) {
  if (media.kind == Media::Kind::kImage) {
    Json out = {{"type", "input_image"}};
    if (!media.file_id.empty()) out["file_id"] = media.file_id;
    if (!media.data.empty()) out["image_url"] = data_url(media);
    if (!media.url.empty()) out["image_url"] = media.url;
    if (!media.detail.empty()) out["detail"] = media.detail;
    return out;
  }
  if (media.kind == Media::Kind::kAudio && !media.data.empty()) {
    const std::string_view mime = media.mime;
    const std::string_view format = mime.starts_with("audio/") ? mime.substr(6) : mime;
    return {{"type", "input_audio"},
            {"input_audio",
             {{"data", media.data},
              {"format", format == "mpeg"    ? "mp3"
                         : format == "x-wav" ? "wav"
                                             : format}}}};
  }
  if (media.kind != Media::Kind::kDocument) return nullptr;
  if (!media.text.empty() && media.data.empty() && media.url.empty() && media.file_id.empty())
    return {{"type", "input_text"}, {"text", media.text}};
  Json out = {{"type", "input_file"}};
  if (!media.name.empty()) out["filename"] = media.name;
  if (!media.file_id.empty()) out["file_id"] = media.file_id;
  if (!media.url.empty()) out["file_url"] = media.url;
  if (!media.data.empty()) {
    out["file_data"] = data_url(media);
    if (media.name.empty()) out["filename"] = "document.pdf";  // needed beside the bytes
  }
  return out;
}

}  // namespace

Json annotation_of(const Citation& citation, bool own) {
  if (own && citation.raw.is_object()) return citation.raw;
  if (!citation.file_id.empty() && citation.url.empty())
    return {{"type", "file_citation"}, {"file_id", citation.file_id}, {"filename", citation.title}, {"index", 0}};
  return {{"type", "url_citation"},
          {"url", citation.url},
          {"title", citation.title},
          {"start_index", std::max<int64_t>(citation.start, 0)},
          {"end_index", std::max<int64_t>(citation.end, 0)}};
}

Json input_part(const Part& part, bool own) {
  Json out;
  if (const auto* text = std::get_if<Text>(&part.body)) {
    out = {{"type", "input_text"}, {"text", text->text}};
  } else if (const auto* refusal = std::get_if<Refusal>(&part.body)) {
    out = {{"type", "input_text"}, {"text", refusal->text}};
  } else if (const auto* media = std::get_if<Media>(&part.body)) {
    out = media_part(*media);
  } else if (const auto* foreign = std::get_if<Foreign>(&part.body); foreign && own) {
    return foreign->raw;
  }
  if (out.is_null() || !own) return out;
  merge_members(out, part.extra);
  if (part.cache && !part.cache->extra.empty()) out["prompt_cache_breakpoint"] = part.cache->extra;
  return out;
}

}  // namespace steward::gateway::responses
