#include "gateway/form/custom_tools.h"

#include <algorithm>

#include "base/json_bounded.h"
#include "gateway/peek.h"

namespace steward::gateway {

Json custom_tool_schema() {
  return {{"type", "object"},
          {"properties", {{"input", {{"type", "string"}, {"description", "The tool's input, as plain text."}}}}},
          {"required", Json::array({"input"})},
          {"additionalProperties", false}};
}

std::string custom_tool_description(const Tool& tool) {
  const Json& format = peek(tool.extra, "format");
  const std::string definition = peek_text(format, "definition");
  if (definition.empty()) return tool.description;
  const std::string syntax = peek_text(format, "syntax");
  return fmt::format("{}{}The input must follow this {} grammar:\n{}", tool.description,
                     tool.description.empty() ? "" : "\n\n", syntax.empty() ? "lark" : syntax, definition);
}

std::string custom_tool_arguments(std::string_view input) { return dump(Json{{"input", std::string(input)}}); }

std::string custom_tool_input(const std::string& arguments) {
  const Json json = parse_bounded(arguments);
  const Json& input = peek(json, "input");
  return input.is_string() ? input.get<std::string>() : arguments;
}

bool is_custom_tool(const Request& request, std::string_view name) {
  return std::ranges::any_of(request.tools,
                             [&](const Tool& tool) { return tool.kind == Tool::Kind::kCustom && tool.name == name; });
}

}  // namespace steward::gateway
