// One address of the API: how it is reached, who may, what it does, and how it is told in the OpenAPI document.
//
// serve() is what stands around every handler: the host check, CORS, the phase, authentication (a key, or a session
// with its CSRF token: web_session.h), idempotency, errors in the caller's dialect, the access log and the metrics.
// Handlers stay thin: they parse, call one function, and answer.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "base/json.h"
#include "server/core.h"

namespace steward::server {

enum class Access {
  kOpen,     // anybody, in every phase
  kVisitor,  // anybody, once ready; from another site's page only to read
  kMetrics,  // anybody on this machine, else an administrator
  kKey,      // any valid key, somebody signed in, or the home's socket
  kPerson,   // somebody signed in, or the home's socket (its owner): what is theirs; no key
  kAdmin,    // a key with scope admin, an owner signed in, or the home's socket
};

struct Reply {
  int status = 200;
  Json body;
  std::vector<std::pair<std::string, std::string>> headers = {};
};

struct AdminCall {
  identity::Caller caller;
  net::Request& request;
  Json body;        // of POST, PUT and PATCH: an object (empty where no body was sent)
  Id session = {};  // of a caller who is signed in
};

using JsonHandler = std::function<Task<Result<Reply>>(AdminCall)>;
using RawHandler = std::function<Task<void>(identity::Caller, net::Request&, net::Responder&)>;

struct Parameter {
  std::string name, description;
  std::string schema = "string";  // JSON Schema's type
};

// For the OpenAPI document. Schemas are names in openapi_schemas.cc; empty: none.
struct EndpointDoc {
  std::string tag, summary, description;
  std::string request_schema, response_schema;
  bool list = false;  // the answer is a page of response_schema
  int success = 200;
  std::string content_type = "application/json";
  std::vector<Parameter> query;
};

struct Endpoint {
  std::string method, pattern;
  Access access = Access::kAdmin;
  EndpointDoc doc;
  JsonHandler json;  // one of the two
  RawHandler raw;
  bool repeatable = true;       // doing it twice does no more than doing it once (see idempotency.h)
  size_t max_body_bytes = 0;    // 0: the server's limit
  bool keeps = true;            // what is asked and answered may be kept: for repeats, and where a key says so (kept.h)
  bool own_pages_only = false;  // a request from another site's page is refused, whatever key it has
};

// Routes every endpoint to `router`. `core` and `endpoints` outlive the server.
void mount(Core& core, const std::vector<Endpoint>& endpoints, net::Router& router);

// The error in the dialect of the request's path, with x-request-id.
Task<void> write_error(net::Request& request, net::Responder& responder, Error error);

bool host_allowed(const Config& config, const net::Request& request, bool listens_on_loopback);
bool comes_from_this_machine(const net::Request& request);
// "Authorization: Bearer …" or "x-api-key: …"; kUnauthenticated says how to give one.
bool names_a_key(const net::Request& request);
Result<std::string> secret_of(const net::Request& request);
// Whose a request is as far as its head tells: a key, a person, the home's socket; empty: nobody who is known. What it
// may is decided later.
std::string known_client(Core& core, const net::Request& request);

}  // namespace steward::server
