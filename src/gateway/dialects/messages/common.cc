#include <algorithm>

#include "gateway/dialects/messages/messages.h"
#include "gateway/peek.h"

namespace steward::gateway::messages {

std::unexpected<Error> bad(std::string_view field, std::string message) {
  return fail(ErrorCode::kInvalidRequest, std::move(message), {{"param", std::string(field)}});
}

Json others(const Json& object, std::initializer_list<std::string_view> known) {
  Json out = Json::object();
  if (!object.is_object()) return out;
  for (const auto& [name, value] : object.items()) {
    if (!value.is_null() && std::ranges::find(known, std::string_view(name)) == known.end()) out[name] = value;
  }
  return out;
}

void merge_into(Json& into, const Json& more) {
  if (!more.is_object()) return;
  for (const auto& [name, value] : more.items()) into[name] = value;
}

void put(Json& object, std::string_view name, const std::string& text) {
  if (!text.empty()) object[std::string(name)] = text;
}

std::optional<CacheMark> read_cache(const Json& block) {
  const Json& mark = peek(block, "cache_control");
  if (!mark.is_object()) return {};
  return CacheMark{.ttl = peek_text(mark, "ttl"), .extra = others(mark, {"type", "ttl"})};
}

Json cache_control(const CacheMark& mark, bool own) {
  Json out = {{"type", "ephemeral"}};
  if (own) {
    put(out, "ttl", mark.ttl);
    merge_into(out, mark.extra);
  } else if (!mark.ttl.empty() && mark.ttl != "5m") {
    out["ttl"] = "1h";  // Anthropic knows five minutes and an hour: what is longer than five minutes is kept an hour
  }
  return out;
}

Citation read_citation(const Json& json) {
  Citation out;
  out.url = peek_text(json, "url");
  if (out.url.empty() && peek_text(json, "type") == "search_result_location") out.url = peek_text(json, "source");
  out.title = peek_text(json, "title");
  if (out.title.empty()) out.title = peek_text(json, "document_title");
  out.cited_text = peek_text(json, "cited_text");
  out.file_id = peek_text(json, "file_id");
  out.raw = json;
  return out;
}

// Of another dialect: a page that was found, or a place in a document; where it stands in the answer goes beside it.
Json citation_json(const Citation& citation, bool own) {
  if (own && citation.raw.is_object()) return citation.raw;
  Json out;
  if (!citation.url.empty() || citation.file_id.empty()) {
    out = {{"type", "web_search_result_location"},
           {"url", citation.url},
           {"title", citation.title},
           {"cited_text", citation.cited_text},
           {"encrypted_index", ""}};
  } else {
    out = {{"type", "char_location"},    {"cited_text", citation.cited_text},
           {"document_index", 0},        {"document_title", citation.title},
           {"start_char_index", 0},      {"end_char_index", 0},
           {"file_id", citation.file_id}};
  }
  if (citation.start >= 0) out[std::string(kSteward)] = {{"start", citation.start}, {"end", citation.end}};
  return out;
}

std::string clean_id(std::string_view id) {
  std::string out(id);
  for (char& c : out) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_' && c != '-') c = '_';
  }
  return out;
}

}  // namespace steward::gateway::messages
