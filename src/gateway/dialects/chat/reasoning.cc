// Reasoning in messages: `reasoning_content` or `reasoning` hold its text, `reasoning_details` (OpenRouter) the same
// text with its signatures or encrypted content, entry by entry.
#include "gateway/dialects/chat/chat.h"
#include "gateway/peek.h"

namespace steward::gateway::chat {
namespace {

std::string text_in(const Json& message) {
  std::string text = peek_text(message, "reasoning_content");
  return text.empty() ? peek_text(message, "reasoning") : text;
}

bool says_text(const Json& entry) { return !peek_text(entry, "text").empty() || !peek_text(entry, "summary").empty(); }

}  // namespace

Part part_of_detail(const Json& entry) {
  Part part{.body = Reasoning{}};
  if (const std::string format = peek_text(entry, "format"); !format.empty()) part.extra["format"] = format;
  join_detail(part, entry);
  return part;
}

bool join_detail(Part& part, const Json& entry) {
  auto* reasoning = std::get_if<Reasoning>(&part.body);
  if (reasoning == nullptr || !part.signature.empty()) return false;
  const std::string type = peek_text(entry, "type");
  const std::string id = peek_text(entry, "id");
  if (!id.empty() && !part.id.empty() && id != part.id) return false;
  if (type == "reasoning.text" && !reasoning->summary.empty()) return false;
  if (type == "reasoning.summary" && !reasoning->text.empty()) return false;
  if (part.id.empty()) part.id = id;
  reasoning->text += peek_text(entry, "text");
  if (std::string summary = peek_text(entry, "summary"); !summary.empty())
    reasoning->summary.push_back(std::move(summary));
  std::string proof = peek_text(entry, "signature");
  if (proof.empty()) proof = peek_text(entry, "data");
  if (!proof.empty()) part.signature = open_signature(proof);
  reasoning->redacted = reasoning->text.empty() && reasoning->summary.empty() && !part.signature.empty();
  return true;
}

std::vector<Part> read_reasoning(const Json& message) {
  std::vector<Part> parts;
  const Json& details = peek(message, "reasoning_details");
  bool texts = false;
  if (details.is_array() && details.size() <= kMaxParts) {
    for (const auto& entry : details) {
      if (!entry.is_object()) continue;
      texts = texts || says_text(entry);
      if (parts.empty() || !join_detail(parts.back(), entry)) parts.push_back(part_of_detail(entry));
    }
  }
  std::string text = text_in(message);
  // An empty one is kept: DeepSeek wants the member back wherever it was.
  const bool empty_told = parts.empty() && peek(message, "reasoning_content").is_string();
  if ((text.empty() && !empty_told) || texts) return parts;
  if (parts.size() == 1) {  // the text stands beside its proof
    auto& reasoning = std::get<Reasoning>(parts[0].body);
    reasoning.text = std::move(text);
    reasoning.redacted = false;
  } else {
    parts.insert(parts.begin(), Part{.body = Reasoning{.text = std::move(text), .summary = {}}});
  }
  return parts;
}

Json details_of(const Part& part, const std::string& signature, int64_t index) {
  const auto& reasoning = std::get<Reasoning>(part.body);
  const std::string format = peek_text(part.extra, "format");
  Json entries = Json::array();
  const auto add = [&](const char* type, const char* name, const std::string& value) {
    Json entry = {{"type", type}, {name, value}};
    if (!part.id.empty()) entry["id"] = part.id;
    if (!format.empty()) entry["format"] = format;
    entry["index"] = index;
    entries.push_back(std::move(entry));
  };
  for (const auto& summary : reasoning.summary) add("reasoning.summary", "summary", summary);
  if (!reasoning.text.empty()) add("reasoning.text", "text", reasoning.text);
  if (signature.empty()) return entries;
  if (!reasoning.text.empty())
    entries.back()["signature"] = signature;
  else
    add("reasoning.encrypted", "data", signature);
  return entries;
}

}  // namespace steward::gateway::chat
