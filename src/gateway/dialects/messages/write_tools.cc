#include <algorithm>

#include "gateway/dialects/messages/messages.h"
#include "gateway/form/custom_tools.h"
#include "gateway/peek.h"

namespace steward::gateway::messages {
namespace {

constexpr std::string_view kWebSearches[] = {"web_search",    "web_search_preview", "web_search_2025_08_26",
                                             "google_search", "googleSearch",       "web_search_preview_2025_03_11"};
constexpr int kMaxSearches = 10;  // of a search whose caller can't limit it; a reservation counts with more (bound.h)
constexpr const char* kWebSearch = "web_search";

// What Anthropic runs itself; the other tools of its own (bash, text_editor, …) run at the caller's.
constexpr std::string_view kRunByAnthropic[] = {"web_search_", "web_fetch_", "code_execution_", "mcp_toolset"};

bool runs_here(const Tool& tool, const OutgoingCall& call) {
  return call.profile->dialect != ProviderDialect::kBedrock ||  // AWS refuses them all
         std::ranges::none_of(kRunByAnthropic, [&](std::string_view one) { return tool.type.starts_with(one); });
}

// Whether another dialect's search of the web may become the provider's own. One that may stay within what its own
// provider has stored (`external_web_access`) has no counterpart, and there is room for one tool of that name.
bool becomes_search(size_t index, const Request& request, const OutgoingCall& call) {
  const Tool& tool = request.tools[index];
  const auto searches = [](const Tool& one) {
    return one.kind == Tool::Kind::kHosted && std::ranges::find(kWebSearches, one.type) != std::end(kWebSearches);
  };
  if (call.profile->quirks.web_search.empty() || !searches(tool)) return false;
  if (peek(tool.extra, "external_web_access") == false) return false;
  for (size_t i = 0; i < request.tools.size(); ++i) {
    const Tool& one = request.tools[i];
    if (one.kind != Tool::Kind::kHosted ? one.name == kWebSearch : i < index && searches(one)) return false;
  }
  return true;
}

Json search_of(const Tool& tool, const std::string& at, const OutgoingCall& call) {
  Json out = {{"type", call.profile->quirks.web_search}, {"name", kWebSearch}, {"max_uses", kMaxSearches}};
  const Json& nested = peek(tool.extra, tool.type.c_str());  // Gemini's own lie under its name
  const Json& options = nested.is_object() ? nested : tool.extra;
  const Json& filters = peek(options, "filters");
  if (const Json& place = peek(options, "user_location"); place.is_object()) out["user_location"] = others(place, {});
  for (const auto& [name, domains] : {std::pair{"allowed_domains", peek(filters, "allowed_domains")},
                                      {"blocked_domains", peek(filters, "blocked_domains")},
                                      {"blocked_domains", peek(options, "excludeDomains")}}) {
    if (domains.is_array() && !domains.empty()) out[name] = domains;
  }
  const Json rest = others(options, {"type", "user_location", "filters", "excludeDomains", "external_web_access"});
  for (const auto& [name, value] : rest.items()) call.refusals->note_dropped(fmt::format("{}.{}", at, name));
  return out;
}

// Null: it is left out.
Result<Json> write_hosted(size_t index, const std::string& at, const Request& request, const OutgoingCall& call) {
  const Tool& tool = request.tools[index];
  if (request.from == Dialect::kMessages && runs_here(tool, call)) return tool.extra;
  if (request.from != Dialect::kMessages && becomes_search(index, request, call)) return search_of(tool, at, call);
  if (auto ok = call.refusals->leave_out_hosted(request, index); !ok) return fail(std::move(ok.error()));
  return Json();
}

Json write_custom(const Tool& tool) {
  Json out = {{"name", tool.name}};
  put(out, "description", custom_tool_description(tool));
  out["input_schema"] = custom_tool_schema();
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

// Null: it is left out.
Result<Json> write_tool(size_t index, const Request& request, const OutgoingCall& call) {
  const Tool& tool = request.tools[index];
  const bool own = request.from == Dialect::kMessages;
  const std::string at = fmt::format("{}[{}]", caller_name(request.from, Setting::kTools), index);
  if (tool.kind == Tool::Kind::kHosted) return write_hosted(index, at, request, call);
  const bool custom = tool.kind == Tool::Kind::kCustom;
  Json out = custom ? write_custom(tool) : write_function(tool);
  if (own) {
    merge_into(out, tool.extra);
    merge_into(out, tool.own);
    if (tool.strict == false) out["strict"] = false;
    if (!tool.description.empty() || !out.contains("description")) out["description"] = tool.description;
  } else {
    Json rest = tool.extra;
    if (custom) rest.erase("format");  // it is told in the description
    if (auto ok = call.refusals->refuse_extra(rest, at, "Messages has no such member of a tool."); !ok)
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
    case Kind::kNamed:  // a hosted tool has no name: it stands in `extra`, and is refused below
      if (!choice.names.empty()) out = {{"type", "tool"}, {"name", choice.names[0]}};
      break;
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
    auto tool = write_tool(i, request, call);
    if (!tool) return fail(std::move(tool.error()));
    if (!tool->is_null()) tools.push_back(std::move(*tool));
  }
  if (tools.empty() && request.from != Dialect::kMessages) return {};  // a choice among none means nothing
  if (!request.tools.empty()) body["tools"] = std::move(tools);
  return write_choice(body, request, call);
}

}  // namespace steward::gateway::messages
