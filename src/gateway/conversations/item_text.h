// The words of an item of Responses: its content is a text, or parts of which some are. Pure; any thread.
#pragma once
#include <string>

#include "gateway/peek.h"

namespace steward::gateway {

inline std::string text_in(const Json& content) {
  if (content.is_string()) return content.get<std::string>();
  std::string out;
  if (!content.is_array()) return out;
  for (const auto& part : content) {
    const std::string text = peek_text(part, "text").empty() ? peek_text(part, "refusal") : peek_text(part, "text");
    if (!out.empty() && !text.empty()) out += "\n\n";
    out += text;
  }
  return out;
}

}  // namespace steward::gateway
