#include "server/mcp/protocol.h"

#include <algorithm>

#include "base/text.h"
#include "gateway/peek.h"

namespace steward::server::mcp {
using gateway::peek;
using gateway::peek_text;
namespace {

constexpr int64_t kFreshMs = 300'000;  // for how long a list of tools may be kept: another release has others
constexpr const char* kServerInfo = "io.modelcontextprotocol/serverInfo";

Json server_info() { return {{"name", "steward"}, {"title", "Steward"}, {"version", STEWARD_VERSION}}; }

Json capabilities() { return {{"tools", Json::object()}}; }

// What 2026-07-28 wants of every result.
Json completed(Json result) {
  result["resultType"] = "complete";
  result["_meta"][kServerInfo] = server_info();
  return result;
}

Json kept_for_a_while(Json result) {
  result["ttlMs"] = kFreshMs;
  result["cacheScope"] = "public";  // the same for everybody
  return result;
}

Json tool_json(const Tool& tool, Revision revision) {
  Json out = {{"name", tool.name}, {"description", tool.description}, {"inputSchema", tool.input}};
  out["annotations"] = tool.annotations;
  out["annotations"]["title"] = tool.title;
  if (revision < Revision::k2025_06_18) return out;
  out["title"] = tool.title;
  out["outputSchema"] = tool.output;
  return out;
}

Json content_of(std::string text) { return Json::array({{{"type", "text"}, {"text", std::move(text)}}}); }

Json failed_call(const Error& error) { return {{"content", content_of(error.message)}, {"isError", true}}; }

}  // namespace

Task<Protocol::Answer> Protocol::answer(identity::Caller caller, RpcMessage request, Revision revision) {
  const Json id = request.id;
  const bool carried = revision > kNewestGreeted;
  auto result = co_await outcome(std::move(caller), std::move(request), revision);
  if (result) co_return Answer{result_message(id, carried ? completed(std::move(*result)) : std::move(*result))};
  const bool missing = carried && result.error().code == kMethodNotFound;
  co_return Answer{error_message(id, result.error()), missing ? 404 : 200};
}

Task<Protocol::Outcome> Protocol::outcome(identity::Caller caller, RpcMessage request, Revision revision) {
  const bool carried = revision > kNewestGreeted;
  if (request.method == "tools/list") co_return carried ? kept_for_a_while(listed(revision)) : listed(revision);
  if (request.method == "tools/call") co_return co_await called(std::move(caller), std::move(request.params), revision);
  if (carried && request.method == "server/discover") co_return kept_for_a_while(discovered());
  if (!carried && request.method == "initialize") co_return greeted(request.params);
  if (!carried && request.method == "ping") co_return Json::object();
  co_return std::unexpected(RpcError{kMethodNotFound, fmt::format("There is no method '{}' here.",
                                                                  replace_invalid_utf8(request.method.substr(0, 80)))});
}

Protocol::Outcome Protocol::greeted(const Json& params) const {
  if (!peek(params, "protocolVersion").is_string())
    return std::unexpected(RpcError{kInvalidParams, "'protocolVersion' must be a text."});
  const auto asked = find_revision(peek_text(params, "protocolVersion"));
  const Revision spoken = asked && *asked <= kNewestGreeted ? *asked : kNewestGreeted;
  return Json{{"protocolVersion", revision_name(spoken)},
              {"capabilities", capabilities()},
              {"serverInfo", server_info()},
              {"instructions", instructions_}};
}

Json Protocol::discovered() const {
  return {{"supportedVersions", revision_names()}, {"capabilities", capabilities()}, {"instructions", instructions_}};
}

Json Protocol::listed(Revision revision) const {
  Json tools = Json::array();
  for (const auto& tool : tools_) tools.push_back(tool_json(tool, revision));
  return {{"tools", std::move(tools)}};
}

Task<Protocol::Outcome> Protocol::called(identity::Caller caller, Json params, Revision revision) {
  const std::string name = peek_text(params, "name");
  if (name.empty()) co_return std::unexpected(RpcError{kInvalidParams, "'name' must be the name of a tool."});
  const auto tool = std::ranges::find(tools_, name, &Tool::name);
  if (tool == tools_.end())
    co_return std::unexpected(
        RpcError{kInvalidParams, fmt::format("Unknown tool: '{}'.", replace_invalid_utf8(name.substr(0, 80)))});
  Json arguments = peek(params, "arguments");
  if (arguments.is_null()) arguments = Json::object();
  if (!arguments.is_object()) co_return std::unexpected(RpcError{kInvalidParams, "'arguments' must be an object."});
  if (auto paced = pace_.take(caller.principal); !paced) co_return failed_call(paced.error());
  // As a result and no error of the protocol: whoever called can read it and do better (2025-11-25, "Error Handling").
  if (auto good = check_arguments(tool->input, arguments); !good) co_return failed_call(good.error());
  auto done = co_await tool->call(std::move(caller), std::move(arguments));
  if (!done) co_return failed_call(done.error());
  Json out = {{"content", content_of(std::move(done->text))}, {"isError", false}};
  if (revision >= Revision::k2025_06_18) out["structuredContent"] = std::move(done->structured);
  co_return out;
}

}  // namespace steward::server::mcp
