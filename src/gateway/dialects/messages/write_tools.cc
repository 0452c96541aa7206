#include <algorithm>

#include "gateway/dialects/messages/messages.h"
#include "gateway/peek.h"

namespace steward::gateway::messages {
namespace {

constexpr std::string_view kWebSearches[] = {"web_search",    "web_search_preview", "web_search_2025_08_26",
                                             "google_search", "googleSearch",       "web_search_preview_2025_03_11"};
constexpr int kMaxSearches = 10;  // of a call that set no limit of its own: what its reservation counts with
constexpr std::string_view kWebSearchTool = "web_search_20250305";

// Searching the web is a tool of every large provider; the others have no counterpart here.
Result<Json> translate_hosted(const Tool& tool, const std::string& at, Refusals& refusals) {
  if (std::ranges::find(kWebSearches, tool.type) == std::end(kWebSearches)) {
    auto ok =
        refusals.refuse(at, "the hosted tool '" + tool.type.substr(0, 60) +
                                "' is its own provider's; give a function tool, or ask a model of that provider.");
    if (!ok) return fail(std::move(ok.error()));
    return Json();
  }
  if (peek(tool.extra, "external_web_access") == false) {  // a search that may not leave: there is none here
    refusals.note_dropped(at);
    return Json();
  }
  Json out = {{"type", kWebSearchTool}, {"name", "web_search"}, {"max_uses", kMaxSearches}};
  if (const Json& place = peek(tool.extra, "user_location"); place.is_object())
    out["user_location"] = others(place, {});
  const Json& filters = peek(tool.extra, "filters");
  for (const char* name : {"allowed_domains", "blocked_domains"}) {
    if (const Json& domains = peek(filters, name); domains.is_array() && !domains.empty()) out[name] = domains;
  }
  if (tool.extra.contains("search_context_size")) refusals.note_dropped(at + ".search_context_size");
  return out;
}

Json write_function(const Tool& tool) {
  Json out = {{"name", tool.name}};
  if (!tool.description.empty()) out["description"] = tool.description;
  out["input_schema"] =
      tool.parameters.is_object() ? tool.parameters : Json{{"type", "object"}, {"properties", Json::object()}};
  if (!out["input_schema"].contains("type")) out["input_schema"]["type"] = "object";
  if (tool.strict == true) out["strict"] = true;
  return out;
}

Result<Json> write_tool(const Tool& tool, size_t index, const Request& request, const OutgoingCall& call) {
  const bool own = request.from == Dialect::kMessages;
  const std::string at = fmt::format("{}[{}]", caller_name(request.from, Setting::kTools), index);
  if (tool.kind == Tool::Kind::kHosted) {
    if (own) return tool.extra;
    return translate_hosted(tool, at, *call.refusals);
  }
  if (tool.kind == Tool::Kind::kCustom) {
    auto ok = call.refusals->refuse(at, "tools with free text as their input are not taken; give a function tool.");
    if (!ok) return fail(std::move(ok.error()));
    return Json();
  }
  Json out = write_function(tool);
  if (own) {
    merge_into(out, tool.extra);
    merge_into(out, tool.own);
    if (tool.strict == false) out["strict"] = false;
    if (!tool.description.empty() || !out.contains("description")) out["description"] = tool.description;
  } else if (auto ok = call.refusals->refuse_extra(tool.extra, at, "Messages has no such member of a tool."); !ok) {
    return fail(std::move(ok.error()));
  }
  if (tool.cache) out["cache_control"] = cache_control(*tool.cache, own);
  return out;
}

// A choice among some of the tools: only these are offered.
bool offered(const Tool& tool, const ToolChoice& choice) {
  return choice.kind != ToolChoice::Kind::kAllowed || std::ranges::find(choice.names, tool.name) != choice.names.end();
}

Status write_choice(Json& body, const Request& request, const OutgoingCall& call) {
  const ToolChoice& choice = request.tool_choice;
  using Kind = ToolChoice::Kind;
  Json out = Json::object();
  switch (choice.kind) {
    case Kind::kUnset: break;
    case Kind::kAuto: out["type"] = "auto"; break;
    case Kind::kNone: out["type"] = "none"; break;
    case Kind::kRequired: out["type"] = "any"; break;
    case Kind::kAllowed: out["type"] = choice.must ? "any" : "auto"; break;
    case Kind::kNamed: out = {{"type", "tool"}, {"name", choice.names.empty() ? "" : choice.names[0]}}; break;
  }
  const bool own = request.from == Dialect::kMessages;
  if (request.parallel_tool_calls && (own || *request.parallel_tool_calls == false) && choice.kind != Kind::kNone) {
    if (out.empty()) out["type"] = "auto";
    out["disable_parallel_tool_use"] = !*request.parallel_tool_calls;
  }
  if (own) {
    merge_into(out, choice.extra);
  } else if (auto ok = call.refusals->refuse_extra(choice.extra, caller_name(request.from, Setting::kToolChoice),
                                                   "Messages has no such member of the choice.");
             !ok) {
    return ok;
  }
  if (!out.empty()) body["tool_choice"] = std::move(out);
  return {};
}

}  // namespace

Status write_tools(Json& body, const Request& request, const OutgoingCall& call) {
  Json tools = Json::array();
  for (size_t i = 0; i < request.tools.size(); ++i) {
    if (!offered(request.tools[i], request.tool_choice)) continue;
    auto tool = write_tool(request.tools[i], i, request, call);
    if (!tool) return fail(std::move(tool.error()));
    if (!tool->is_null()) tools.push_back(std::move(*tool));
  }
  if (tools.empty() && request.from != Dialect::kMessages) return {};  // a choice among none means nothing
  if (!request.tools.empty()) body["tools"] = std::move(tools);
  return write_choice(body, request, call);
}

}  // namespace steward::gateway::messages
