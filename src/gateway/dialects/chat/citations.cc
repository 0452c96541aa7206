// Annotations of a message: {"type": "url_citation", "url_citation": {url, title, start_index, end_index, content}}.
#include "gateway/dialects/chat/chat.h"
#include "gateway/peek.h"

namespace steward::gateway::chat {

std::vector<Citation> read_annotations(const Json& annotations) {
  std::vector<Citation> out;
  if (!annotations.is_array() || annotations.size() > kMaxParts) return out;
  for (const auto& one : annotations) {
    if (!one.is_object()) continue;
    const Json& url = peek(one, "url_citation");
    const Json& file = peek(one, "file");
    Citation citation;
    citation.url = peek_text(url, "url");
    citation.title = peek_text(url, "title");
    citation.cited_text = peek_text(url, "content");
    citation.start = peek_integer(url, "start_index", -1);
    citation.end = peek_integer(url, "end_index", -1);
    if (file.is_object()) citation.title = peek_text(file, "name");
    citation.raw = one;
    out.push_back(std::move(citation));
  }
  return out;
}

Json annotation_of(const Citation& citation, bool own) {
  if (own && citation.raw.is_object()) return citation.raw;
  // The official clients want whole numbers here.
  Json about = {{"url", citation.url},
                {"title", citation.title},
                {"start_index", std::max<int64_t>(citation.start, 0)},
                {"end_index", std::max<int64_t>(citation.end, 0)}};
  if (!citation.cited_text.empty()) about["content"] = citation.cited_text;
  if (!citation.file_id.empty()) about["file_id"] = citation.file_id;
  return {{"type", "url_citation"}, {"url_citation", std::move(about)}};
}

}  // namespace steward::gateway::chat
