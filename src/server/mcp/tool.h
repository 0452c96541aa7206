// A tool that this server offers over MCP: what clients are told of it, and what it does. protocol.h serves them.
#pragma once
#include <functional>
#include <string>

#include "base/async.h"
#include "base/json.h"
#include "identity/identity.h"

namespace steward::server::mcp {

struct ToolResult {
  std::string text;  // for the model to read
  Json structured;   // as the tool's output schema has it
};

struct Tool {
  std::string name, title, description;
  Json input;        // JSON Schema of its arguments, of the keywords that check_arguments() knows
  Json output;       // and of ToolResult::structured
  Json annotations;  // readOnlyHint, destructiveHint, idempotentHint, openWorldHint
  // Arguments are as `input` says. An error is the tool's own answer: the model reads its sentence.
  std::function<Task<Result<ToolResult>>(identity::Caller caller, Json arguments)> call;
};

// Whether the arguments are as a schema wants them: types (string, integer), enum, minimum and maximum, minLength and
// maxLength (in characters), what is required, and nothing that it doesn't know. A member that is null counts as left
// out. The error names the argument. Pure.
Status check_arguments(const Json& schema, const Json& arguments);

}  // namespace steward::server::mcp
