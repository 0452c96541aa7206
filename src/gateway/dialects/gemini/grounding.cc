// What an answer rests on (groundingMetadata, citationMetadata) and its probabilities, both ways. Google's segments
// count bytes of UTF-8; citations count code points.
#include <algorithm>

#include "gateway/dialects/gemini/gemini.h"
#include "gateway/peek.h"

namespace steward::gateway::gemini {
namespace {

int64_t points_before(const std::string& text, size_t byte) {
  return std::ranges::count_if(std::string_view(text).substr(0, byte), [](char c) { return (c & 0xC0) != 0x80; });
}

int64_t bytes_before(const std::string& text, int64_t points) {
  size_t at = 0;
  for (; at < text.size(); ++at) {
    if ((text[at] & 0xC0) != 0x80 && points-- <= 0) break;
  }
  return static_cast<int64_t>(at);
}

Citation of_chunk(const Json& chunk) {
  Citation citation;
  for (const char* kind : {"web", "retrievedContext", "maps", "image"}) {
    const Json& source = peek(chunk, kind);
    if (!source.is_object()) continue;
    citation.url = peek_text(source, "uri");
    citation.title = peek_text(source, "title");
    if (citation.url.empty()) citation.url = peek_text(source, "sourceUri");
    if (citation.title.empty()) citation.title = peek_text(source, "fileSearchStore");
    citation.cited_text = peek_text(source, "text");
  }
  citation.raw = chunk;
  return citation;
}

// Where the segment stands: as told, if its text stands there, else where its text is found.
void locate(Citation& citation, const Json& segment, const std::string& text) {
  const std::string said = peek_text(segment, "text");
  auto start = static_cast<size_t>(std::max<int64_t>(peek_integer(segment, "startIndex"), 0));
  auto end = static_cast<size_t>(std::max<int64_t>(peek_integer(segment, "endIndex"), 0));
  if (!said.empty() && (start > text.size() || text.compare(start, said.size(), said) != 0)) {
    const size_t found = text.find(said);
    if (found == std::string::npos) return;
    start = found;
    end = found + said.size();
  }
  if (end > text.size() || start > end) return;
  citation.start = points_before(text, start);
  citation.end = points_before(text, end);
}

Json bytes_of(const std::string& token) {
  Json out = Json::array();
  for (const char c : token) out.push_back(static_cast<unsigned char>(c));
  return out;
}

Json entry_of(const Json& candidate) {
  const std::string token = peek_text(candidate, "token");
  const Json& logprob = peek(candidate, "logProbability");
  Json out = {{"token", token}, {"logprob", logprob.is_number() ? logprob : Json(0.0)}, {"bytes", bytes_of(token)}};
  if (const Json& id = peek(candidate, "tokenId"); !id.is_null()) out["token_id"] = id;
  return out;
}

Json candidate_of(const Json& entry) {
  Json out = {{"token", peek_text(entry, "token")}, {"logProbability", peek(entry, "logprob")}};
  if (const Json& id = peek(entry, "token_id"); !id.is_null()) out["tokenId"] = id;
  return out;
}

}  // namespace

std::vector<Citation> citations_of(const Json& candidate, const std::string& text) {
  std::vector<Citation> out;
  const Json& grounding = peek(candidate, "groundingMetadata");
  const Json& chunks = peek(grounding, "groundingChunks");
  const Json& supports = peek(grounding, "groundingSupports");
  if (chunks.is_array() && supports.is_array() && supports.size() <= kMaxParts) {
    for (const auto& support : supports) {
      for (const auto& index : peek(support, "groundingChunkIndices")) {
        if (!index.is_number_unsigned() || index.get<size_t>() >= chunks.size() || out.size() >= kMaxParts) continue;
        Citation citation = of_chunk(chunks[index.get<size_t>()]);
        locate(citation, peek(support, "segment"), text);
        out.push_back(std::move(citation));
      }
    }
  }
  if (out.empty() && chunks.is_array() && chunks.size() <= kMaxParts) {  // told without where
    for (const auto& chunk : chunks) out.push_back(of_chunk(chunk));
  }
  const Json& cited = peek(candidate, "citationMetadata");
  const Json& sources =
      peek(cited, "citationSources").is_array() ? peek(cited, "citationSources") : peek(cited, "citations");
  if (!sources.is_array() || sources.size() > kMaxParts) return out;
  for (const auto& source : sources) {
    Citation citation{.url = peek_text(source, "uri"), .title = peek_text(source, "title"), .raw = source};
    locate(citation, source, text);
    out.push_back(std::move(citation));
  }
  return out;
}

Json grounding_of(const std::vector<Citation>& citations, const std::string& text) {
  Json chunks = Json::array(), supports = Json::array();
  std::vector<std::pair<std::string, size_t>> known;
  for (const auto& citation : citations) {
    const std::string& key = citation.url.empty() ? citation.title : citation.url;
    auto found = std::ranges::find(known, key, &std::pair<std::string, size_t>::first);
    if (found == known.end()) {
      known.emplace_back(key, chunks.size());
      found = known.end() - 1;
      if (citation.url.empty())
        chunks.push_back({{"retrievedContext", {{"title", citation.title}, {"text", citation.cited_text}}}});
      else
        chunks.push_back({{"web", {{"uri", citation.url}, {"title", citation.title}}}});
    }
    Json support = {{"groundingChunkIndices", Json::array({found->second})}};
    if (citation.start >= 0 && citation.end >= citation.start) {
      const int64_t start = bytes_before(text, citation.start), end = bytes_before(text, citation.end);
      support["segment"] = {{"startIndex", start},
                            {"endIndex", end},
                            {"text", text.substr(static_cast<size_t>(start), static_cast<size_t>(end - start))}};
    }
    if (support.contains("segment")) supports.push_back(std::move(support));
  }
  Json out = {{"groundingChunks", std::move(chunks)}};
  if (!supports.empty()) out["groundingSupports"] = std::move(supports);
  return out;
}

Json logprobs_from(const Json& result) {
  Json out = Json::array();
  const Json& chosen = peek(result, "chosenCandidates");
  const Json& tops = peek(result, "topCandidates");
  if (!chosen.is_array()) return out;
  for (size_t i = 0; i < chosen.size(); ++i) {
    Json entry = entry_of(chosen[i]);
    entry["top_logprobs"] = Json::array();
    if (tops.is_array() && i < tops.size()) {
      for (const auto& one : peek(tops[i], "candidates")) entry["top_logprobs"].push_back(entry_of(one));
    }
    out.push_back(std::move(entry));
  }
  return out;
}

Json logprobs_result(const Json& entries) {
  Json chosen = Json::array(), tops = Json::array();
  bool any_top = false;
  if (!entries.is_array()) return {{"chosenCandidates", std::move(chosen)}};
  for (const auto& entry : entries) {
    chosen.push_back(candidate_of(entry));
    Json candidates = Json::array();
    for (const auto& one : peek(entry, "top_logprobs")) candidates.push_back(candidate_of(one));
    any_top = any_top || !candidates.empty();
    tops.push_back({{"candidates", std::move(candidates)}});
  }
  Json out = {{"chosenCandidates", std::move(chosen)}};
  if (any_top) out["topCandidates"] = std::move(tops);
  return out;
}

}  // namespace steward::gateway::gemini
