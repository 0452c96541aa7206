#include <algorithm>

#include "gateway/dialects/responses/responses.h"
#include "gateway/peek.h"

namespace steward::gateway::responses {
namespace {

class ToolReader {
 public:
  explicit ToolReader(Request& request) : request_(request) {}

  Status add(const Json& json, const std::string& at) {
    const std::string type = peek_text(json, "type");
    if (type.empty()) return bad(at + ".type", fmt::format("'{}.type' is missing.", at));
    if (type == "function" || type == "custom") return add_own(json, at, {}, nullptr);
    if (type == "namespace") return add_namespace(json, at);
    Tool tool{.kind = Tool::Kind::kHosted, .type = type, .name = peek_text(json, "name")};
    tool.extra = json;
    return push(std::move(tool));
  }

 private:
  Status push(Tool tool) {
    if (request_.tools.size() >= kMaxTools)
      return bad("tools", fmt::format("'tools' has more than {} tools.", kMaxTools));
    request_.tools.push_back(std::move(tool));
    return {};
  }

  Status add_own(const Json& json, const std::string& at, const std::string& space, const Json& space_object) {
    const std::string name = peek_text(json, "name");
    if (name.empty()) return bad(at + ".name", fmt::format("'{}.name' is missing.", at));
    Tool tool{.kind = peek_text(json, "type") == "custom" ? Tool::Kind::kCustom : Tool::Kind::kFunction};
    tool.name = unique(flat_name(space, name), space);
    tool.space = space;
    tool.description = peek_text(json, "description");
    tool.parameters = peek(json, "parameters");
    tool.strict = peek_boolean(json, "strict");
    tool.extra = members_but(json, {"type", "name", "description", "parameters", "strict"});
    if (!tool.parameters.is_null() && !tool.parameters.is_object())
      return bad(at + ".parameters", fmt::format("'{}.parameters' must be a JSON Schema.", at));
    if (!space.empty()) tool.own = {{"name", name}, {"namespace", space_object}};
    return push(std::move(tool));
  }

  Status add_namespace(const Json& json, const std::string& at) {
    const std::string space = peek_text(json, "name");
    if (space.empty()) return bad(at + ".name", fmt::format("'{}.name' is missing.", at));
    const Json& tools = peek(json, "tools");
    if (!tools.is_array()) return bad(at + ".tools", fmt::format("'{}.tools' must be an array of tools.", at));
    Json about = members_but(json, {"tools"});
    Json others = Json::array();
    const auto own = [](const Json& tool) {
      return peek_text(tool, "type") == "function" || peek_text(tool, "type") == "custom";
    };
    for (const auto& tool : tools) {
      if (!own(tool)) others.push_back(tool);
    }
    if (!others.empty()) about["tools"] = std::move(others);
    for (size_t i = 0; i < tools.size(); ++i) {
      if (!own(tools[i])) continue;
      if (auto ok = add_own(tools[i], fmt::format("{}.tools[{}]", at, i), space, about); !ok) return ok;
    }
    return {};
  }

  // A tool outside of a namespace may already go by the flat name.
  std::string unique(std::string name, const std::string& space) const {
    const auto taken = [&](const std::string& one) {
      return std::ranges::any_of(request_.tools, [&](const Tool& tool) { return tool.name == one; });
    };
    if (space.empty()) return name;
    for (int i = 2; taken(name) && i < 10; ++i) name = fmt::format("{}_{}", name.substr(0, 62), i);
    return name;
  }

  Request& request_;
};

std::string flat_name_of(const Request& request, const Json& named) {
  const std::string space = peek_text(named, "namespace"), name = peek_text(named, "name");
  for (const Tool& tool : request.tools) {
    if (!space.empty() && tool.space == space && peek_text(tool.own, "name") == name) return tool.name;
  }
  return flat_name(space, name);
}

bool is_own_choice(const Json& named) {
  const std::string type = peek_text(named, "type");
  return (type == "function" || type == "custom") && peek(named, "name").is_string();
}

Status read_choice_object(const Json& choice, Request& request) {
  ToolChoice& into = request.tool_choice;
  if (peek_text(choice, "type") == "allowed_tools") {
    into.kind = ToolChoice::Kind::kAllowed;
    into.must = peek_text(choice, "mode") == "required";
    Json rest = Json::array();
    for (const auto& tool : peek(choice, "tools")) {
      if (is_own_choice(tool))
        into.names.push_back(flat_name_of(request, tool));
      else
        rest.push_back(tool);
    }
    if (!rest.empty()) into.extra["tools"] = std::move(rest);
    if (into.names.empty() && into.extra.empty()) return bad("tool_choice.tools", "'tool_choice.tools' is missing.");
    return {};
  }
  into.kind = ToolChoice::Kind::kNamed;
  if (is_own_choice(choice))
    into.names.push_back(flat_name_of(request, choice));
  else
    into.extra = choice;
  return {};
}

}  // namespace

Status read_tools(const Json& body, Request& request) {
  const Json& tools = peek(body, "tools");
  ToolReader reader(request);
  for (size_t i = 0; i < tools.size(); ++i) {
    if (auto ok = reader.add(tools[i], fmt::format("tools[{}]", i)); !ok) return ok;
  }
  request.parallel_tool_calls = peek_boolean(body, "parallel_tool_calls");
  const Json& choice = peek(body, "tool_choice");
  using Kind = ToolChoice::Kind;
  if (choice.is_object()) return read_choice_object(choice, request);
  if (choice == "auto") request.tool_choice.kind = Kind::kAuto;
  if (choice == "none") request.tool_choice.kind = Kind::kNone;
  if (choice == "required") request.tool_choice.kind = Kind::kRequired;
  if (!choice.is_null() && request.tool_choice.kind == Kind::kUnset)
    return bad("tool_choice", "'tool_choice' must be none, auto, required or a tool.");
  return {};
}

}  // namespace steward::gateway::responses
