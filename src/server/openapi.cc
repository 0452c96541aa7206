#include "server/openapi.h"

#include "base/text.h"

namespace steward::server {
namespace {

Json ref(const std::string& schema) { return {{"$ref", "#/components/schemas/" + schema}}; }

Json response_of(const EndpointDoc& doc) {
  Json response = {{"description", doc.summary}};
  if (doc.response_schema.empty()) {
    response["content"][doc.content_type] = {{"schema", {{"type", "string"}}}};
  } else if (doc.list) {
    const Json page = {{"type", "object"},
                       {"required", {"object", "data", "next_cursor"}},
                       {"properties",
                        {{"object", {{"const", "list"}}},
                         {"data", {{"type", "array"}, {"items", ref(doc.response_schema)}}},
                         {"next_cursor", {{"type", {"string", "null"}}}}}}};
    response["content"][doc.content_type] = {{"schema", page}};
  } else {
    response["content"][doc.content_type] = {{"schema", ref(doc.response_schema)}};
  }
  return response;
}

Json parameter(const std::string& name, const std::string& in, const std::string& description,
               const std::string& type) {
  return {{"name", name},
          {"in", in},
          {"description", description},
          {"required", in == "path"},
          {"schema", {{"type", type}}}};
}

Json parameters_of(const Endpoint& endpoint) {
  Json out = Json::array();
  for (size_t at = endpoint.pattern.find('{'); at != std::string::npos; at = endpoint.pattern.find('{', at + 1)) {
    const std::string name = endpoint.pattern.substr(at + 1, endpoint.pattern.find('}', at) - at - 1);
    out.push_back(parameter(name, "path", "Which one", "string"));
  }
  for (const auto& query : endpoint.doc.query)
    out.push_back(parameter(query.name, "query", query.description, query.schema));
  if (endpoint.doc.list && endpoint.doc.query.empty()) {
    out.push_back(parameter("limit", "query", "Items of a page, 1 to 1000", "integer"));
    out.push_back(parameter("cursor", "query", "next_cursor of the page before", "string"));
  }
  const bool model_call = endpoint.access == Access::kKey && endpoint.method == "POST" && endpoint.keeps;
  const bool administers = endpoint.access == Access::kAdmin || endpoint.access == Access::kPerson;
  if (model_call || (administers && endpoint.method != "GET")) {
    out.push_back(
        parameter("Idempotency-Key", "header", "A repeat with the same key takes effect once, for a day", "string"));
  }
  return out;
}

// Under a cookie, whatever changes something carries the session's token too.
Json session_security(const std::string& method) {
  Json out = {{"session", Json::array()}};
  if (method != "GET") out["csrf"] = Json::array();
  return out;
}

std::string operation_id(const Endpoint& endpoint) {
  std::string out = to_lower_ascii(endpoint.method);
  for (const char c : endpoint.pattern) out += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return out;
}

Json operation_of(const Endpoint& endpoint) {
  const auto& doc = endpoint.doc;
  Json operation = {{"operationId", operation_id(endpoint)}, {"summary", doc.summary}, {"tags", {doc.tag}}};
  if (!doc.description.empty()) operation["description"] = doc.description;
  if (const Json parameters = parameters_of(endpoint); !parameters.empty()) operation["parameters"] = parameters;
  if (!doc.request_schema.empty()) {
    operation["requestBody"] = {{"required", true},
                                {"content", {{"application/json", {{"schema", ref(doc.request_schema)}}}}}};
  }
  operation["responses"][std::to_string(doc.success)] = response_of(doc);
  operation["responses"]["default"] = {{"description", "What went wrong"},
                                       {"content", {{"application/json", {{"schema", ref("Error")}}}}}};
  const bool open = endpoint.access == Access::kOpen || endpoint.access == Access::kVisitor;
  if (open) operation["security"] = Json::array();
  if (endpoint.access == Access::kPerson) operation["security"] = {session_security(endpoint.method)};
  if (!open && endpoint.access != Access::kPerson) {
    operation["security"] = {
        {{"bearer", Json::array()}}, {{"apiKey", Json::array()}}, session_security(endpoint.method)};
  }
  return operation;
}

Task<void> send_document(const std::vector<Endpoint>& endpoints, net::Request& request, net::Responder& responder) {
  const std::string host(request.headers.get("host"));
  (void)co_await responder.send(200, "application/json",
                                openapi_document(endpoints, host.empty() ? "/" : "http://" + host).dump(2));
}

}  // namespace

Json openapi_document(const std::vector<Endpoint>& endpoints, const std::string& server_url) {
  Json document = {
      {"openapi", "3.1.0"},
      {"info",
       {{"title", "Steward"},
        {"version", STEWARD_VERSION},
        {"description", "Any model, local or remote, behind one metered API; and what administers it."},
        {"license", {{"name", "Apache-2.0"}, {"identifier", "Apache-2.0"}}}}},
      {"servers", {{{"url", server_url}}}},
      {"security", {{{"bearer", Json::array()}}, {{"apiKey", Json::array()}}, {{"session", Json::array()}}}},
      {"paths", Json::object()}};
  for (const auto& endpoint : endpoints)
    document["paths"][endpoint.pattern][to_lower_ascii(endpoint.method)] = operation_of(endpoint);
  document["components"] = {
      {"schemas", openapi_schemas()},
      {"securitySchemes",
       {{"bearer", {{"type", "http"}, {"scheme", "bearer"}, {"description", "A key, sk-steward-…"}}},
        {"apiKey", {{"type", "apiKey"}, {"in", "header"}, {"name", "x-api-key"}}},
        {"session",
         {{"type", "apiKey"},
          {"in", "cookie"},
          {"name", "steward"},
          {"description", "Set by POST /v1/session; its name ends with the home's own characters"}}},
        {"csrf",
         {{"type", "apiKey"},
          {"in", "header"},
          {"name", "x-steward-csrf"},
          {"description", "csrf_token of GET /v1/session"}}}}}};
  return document;
}

Endpoint openapi_endpoint(Core& core, const std::vector<Endpoint>& endpoints) {
  (void)core;
  return Endpoint{"GET",
                  "/openapi.json",
                  Access::kOpen,
                  {.tag = "Health", .summary = "This document", .response_schema = "OpenApi"},
                  nullptr,
                  [&endpoints](identity::Caller, net::Request& request, net::Responder& responder) {
                    return send_document(endpoints, request, responder);
                  }};
}

}  // namespace steward::server
