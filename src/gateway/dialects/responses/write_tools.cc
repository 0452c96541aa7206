#include <algorithm>

#include "gateway/dialects/responses/responses.h"
#include "gateway/peek.h"

namespace steward::gateway::responses {
namespace {

bool own(const Request& request) { return request.from == Dialect::kResponses; }

Json tool_json(const Tool& tool, bool is_own) {
  const std::string name = peek_text(tool.own, "name");
  Json out = {{"type", tool.kind == Tool::Kind::kCustom ? "custom" : "function"},
              {"name", is_own && !name.empty() ? name : tool.name}};
  if (!tool.description.empty()) out["description"] = tool.description;
  if (tool.kind == Tool::Kind::kFunction) {
    if (!tool.parameters.is_null() || !is_own)
      out["parameters"] =
          tool.parameters.is_null() ? Json{{"type", "object"}, {"properties", Json::object()}} : tool.parameters;
    // Left out it would mean true here, and false or nothing in the other dialects.
    if (tool.strict || !is_own) out["strict"] = tool.strict.value_or(false);
  }
  if (is_own) {
    merge_members(out, tool.extra);
  } else if (const Json& format = peek(tool.extra, "format"); !format.is_null()) {
    out["format"] = format;
  }
  return out;
}

void add_tool(Json& out, const Tool& tool, bool is_own) {
  if (tool.kind == Tool::Kind::kHosted) {
    out.push_back(tool.extra);
    return;
  }
  const Json& about = peek(tool.own, "namespace");
  if (!is_own || tool.space.empty() || !about.is_object()) {
    out.push_back(tool_json(tool, is_own));
    return;
  }
  const bool goes_on =
      !out.empty() && peek_text(out.back(), "type") == "namespace" && peek_text(out.back(), "name") == tool.space;
  if (!goes_on) {
    out.push_back(about);
    if (!out.back().contains("tools")) out.back()["tools"] = Json::array();
  }
  out.back()["tools"].push_back(tool_json(tool, true));
}

Json choice_entry(const Request& request, const std::string& name) {
  const auto found = std::ranges::find(request.tools, name, &Tool::name);
  if (found == request.tools.end()) return {{"type", "function"}, {"name", name}};
  const std::string said = peek_text(found->own, "name");
  Json out = {{"type", found->kind == Tool::Kind::kCustom ? "custom" : "function"},
              {"name", own(request) && !said.empty() ? said : name}};
  if (own(request) && !found->space.empty()) out["namespace"] = found->space;
  return out;
}

}  // namespace

Json tools_of(const Request& request) {
  Json out = Json::array();
  for (const Tool& tool : request.tools) add_tool(out, tool, own(request));
  return out;
}

Json tool_choice_of(const Request& request) {
  const ToolChoice& choice = request.tool_choice;
  using Kind = ToolChoice::Kind;
  switch (choice.kind) {
    case Kind::kUnset: return nullptr;
    case Kind::kAuto: return "auto";
    case Kind::kNone: return "none";
    case Kind::kRequired: return "required";
    case Kind::kNamed:
      if (choice.names.empty()) return own(request) ? choice.extra : Json("required");
      return choice_entry(request, choice.names[0]);
    case Kind::kAllowed: break;
  }
  Json tools = Json::array();
  for (const auto& name : choice.names) tools.push_back(choice_entry(request, name));
  if (own(request)) {
    for (const auto& one : peek(choice.extra, "tools")) tools.push_back(one);
  }
  return {{"type", "allowed_tools"}, {"mode", choice.must ? "required" : "auto"}, {"tools", std::move(tools)}};
}

Status write_tools(Json& body, const Request& request, Refusals& refusals) {
  Json tools = Json::array();
  for (size_t i = 0; i < request.tools.size(); ++i) {
    const Tool& tool = request.tools[i];
    if (tool.kind == Tool::Kind::kHosted && !own(request)) {
      if (auto ok = refusals.leave_out_hosted(request, i); !ok) return ok;
      continue;
    }
    if (!own(request)) {
      Json rest = tool.extra;
      rest.erase("format");
      const std::string at = fmt::format("{}[{}]", caller_name(request.from, Setting::kTools), i);
      if (auto ok = refusals.refuse_extra(rest, at, "leave it out."); !ok) return ok;
    }
    add_tool(tools, tool, own(request));
  }
  if (tools.empty() && !own(request)) return {};
  if (!tools.empty()) body["tools"] = std::move(tools);
  if (Json choice = tool_choice_of(request); !choice.is_null()) body["tool_choice"] = std::move(choice);
  if (request.parallel_tool_calls) body["parallel_tool_calls"] = *request.parallel_tool_calls;
  if (own(request)) return {};
  return refusals.refuse_extra(request.tool_choice.extra, caller_name(request.from, Setting::kToolChoice),
                               "leave it out.");
}

}  // namespace steward::gateway::responses
