// Tools for local models whose chat template knows none: the tools are described in the system message, the answer is
// constrained to a JSON form (a call of one tool, or a text), and read back into tool calls. So a small model can use
// tools without having learned a syntax.
#pragma once
#include <string>

#include "base/json.h"

namespace steward::gateway {

bool template_knows_tools(std::string_view chat_template);

// The request as the engine gets it: without tools, with their description and a schema for the answer.
Json with_described_tools(Json body);

// The constrained answer as a delta and a finish reason: {"tool_calls": […]} or {"content": …}. A text that is no such
// form (cut by the output limit) comes back as content.
struct ToolAnswer {
  Json delta;
  std::string finish_reason;
};
ToolAnswer read_tool_answer(const std::string& text, const std::string& finish_reason, const std::string& call_id);

}  // namespace steward::gateway
