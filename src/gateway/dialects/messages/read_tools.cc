#include <algorithm>

#include "gateway/dialects/messages/messages.h"
#include "gateway/peek.h"

namespace steward::gateway::messages {
namespace {

std::optional<bool> boolean(const Json& object, const char* name) {
  const Json& value = peek(object, name);
  if (!value.is_boolean()) return {};
  return value.get<bool>();
}

Result<Tool> read_tool(const Json& json, const std::string& at) {
  if (!json.is_object()) return bad(at, fmt::format("'{}' must be an object.", at));
  Tool tool;
  const std::string type = peek_text(json, "type");
  tool.name = peek_text(json, "name");
  tool.cache = read_cache(json);
  if (!type.empty() && type != "custom") {
    tool.kind = Tool::Kind::kHosted;
    tool.type = type;
    tool.extra = json;
    return tool;
  }
  if (tool.name.empty()) return bad(at + ".name", fmt::format("'{}.name' is missing.", at));
  tool.description = peek_text(json, "description");
  tool.parameters = peek(json, "input_schema");
  if (!tool.parameters.is_object())
    return bad(at + ".input_schema", fmt::format("'{}.input_schema' must be a JSON Schema of type object.", at));
  tool.strict = boolean(json, "strict");
  tool.extra = others(json, {"name", "description", "input_schema", "strict", "cache_control", "type", "defer_loading",
                             "eager_input_streaming", "allowed_callers"});
  // How Anthropic handles the tool, and nothing that a model elsewhere would have to honour: it gets all tools at once,
  // their input whole, and is the only one that calls them.
  for (const char* name : {"type", "defer_loading", "eager_input_streaming", "allowed_callers"}) {
    if (const Json& value = peek(json, name); !value.is_null()) tool.own[name] = value;
  }
  return tool;
}

Status read_choice(const Json& choice, Request& request) {
  if (choice.is_null()) return {};
  const std::string type = peek_text(choice, "type");
  ToolChoice& into = request.tool_choice;
  using Kind = ToolChoice::Kind;
  if (type == "auto") into.kind = Kind::kAuto;
  if (type == "any") into.kind = Kind::kRequired;
  if (type == "none") into.kind = Kind::kNone;
  if (type == "tool") {
    into.kind = Kind::kNamed;
    into.names = {peek_text(choice, "name")};
    const bool known = std::ranges::any_of(request.tools, [&](const Tool& tool) { return tool.name == into.names[0]; });
    if (!known) return bad("tool_choice.name", "'tool_choice.name' must be the name of one of 'tools'.");
  }
  if (into.kind == Kind::kUnset) return bad("tool_choice", "'tool_choice.type' must be auto, any, tool or none.");
  if (const auto off = boolean(choice, "disable_parallel_tool_use")) request.parallel_tool_calls = !*off;
  into.extra = others(choice, {"type", "name", "disable_parallel_tool_use"});
  return {};
}

}  // namespace

Status read_tools(const Json& body, Request& request) {
  const Json& tools = peek(body, "tools");
  if (tools.size() > kMaxTools) return bad("tools", fmt::format("'tools' has more than {} tools.", kMaxTools));
  for (size_t i = 0; i < tools.size(); ++i) {
    auto tool = read_tool(tools[i], fmt::format("tools[{}]", i));
    if (!tool) return fail(std::move(tool.error()));
    request.tools.push_back(std::move(*tool));
  }
  return read_choice(peek(body, "tool_choice"), request);
}

}  // namespace steward::gateway::messages
