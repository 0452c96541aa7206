// Memory as tools of MCP: recall, remember, forget. What is recalled is what `POST /v1/memory/search` finds; what is
// remembered is a note (talk/notes.cc); and notes alone are forgotten here. docs/memory.md, "MCP".
#pragma once
#include <vector>

#include "server/core.h"
#include "server/mcp/tool.h"

namespace date {
class time_zone;
}

namespace steward::server::mcp {

std::vector<Tool> memory_tools(Core& core);  // `core` outlives them
std::string memory_instructions();           // for the model, of all of them together

// "2026-03-01", the beginning of that day, or an instant as RFC 3339 has it. The error names the argument.
Result<TimeUs> moment_in(std::string_view name, const std::string& text, const date::time_zone* zone);

// Whose words a piece's are, and where they stand.
struct Place {
  std::string title;    // of the conversation
  std::string speaker;  // whom role user is
};
// What was found, as text for a model: each line of what was said is quoted, so that nothing in it looks like a frame.
// `found`: as Memory::search answers, without what nothing spoke for; `places` by conversation.
std::string recalled_text(const Json& found, const std::map<Id, Place>& places, const date::time_zone* zone);
Json recalled_json(const Json& found, const std::map<Id, Place>& places);

}  // namespace steward::server::mcp
