#include "server/endpoint.h"

#include <cxxabi.h>

#include "base/crypto.h"
#include "base/json.h"
#include "base/text.h"
#include "gateway/asked.h"
#include "gateway/peek.h"
#include "journal/db.h"
#include "net/websocket.h"
#include "server/idempotency.h"
#include "server/kept.h"
#include "server/mcp/http.h"
#include "server/metrics.h"
#include "server/options.h"
#include "server/web_app.h"
#include "server/web_session.h"

namespace steward::server {
namespace {

// Passes everything on and remembers what the access log tells.
class Watched final : public net::Responder {
 public:
  explicit Watched(net::Responder& inner) : inner_(inner) {}
  net::Headers& headers() override { return inner_.headers(); }
  Task<Status> send(int status, std::string content_type, std::string body) override {
    status_ = status;
    bytes_ = body.size();
    if (status >= 400) code_ = code_of(body);
    co_return co_await inner_.send(status, std::move(content_type), std::move(body));
  }
  Task<Status> begin(int status, std::string content_type) override {
    status_ = status;
    return inner_.begin(status, std::move(content_type));
  }
  Task<Status> write(std::string chunk) override {
    bytes_ += chunk.size();
    return inner_.write(std::move(chunk));
  }
  Task<Status> end() override { return inner_.end(); }
  bool begun() const override { return inner_.begun(); }
  Task<Result<std::unique_ptr<net::WebSocket>>> accept_websocket(net::WebSocketLimits limits) override {
    auto socket = co_await inner_.accept_websocket(std::move(limits));
    if (socket) status_ = 101;
    co_return socket;
  }

  int status() const { return status_; }
  size_t bytes() const { return bytes_; }
  const std::string& code() const { return code_; }

 private:
  static std::string code_of(const std::string& body) {
    const Json parsed = read_own(body);
    if (!parsed.is_object() || !parsed.contains("error") || !parsed["error"].is_object()) return "";
    const Json& error = parsed["error"];
    const auto& code = error.value("code", Json());
    if (code.is_string()) return code.get<std::string>();
    // Where a code is a number: of Gemini's dialect (google.rpc.ErrorInfo), of JSON-RPC.
    const Json& details = gateway::peek(error, "details");
    if (details.is_array() && !details.empty()) return gateway::peek_text(details.front(), "reason");
    return gateway::peek_text(gateway::peek(error, "data"), "code");
  }

  net::Responder& inner_;
  int status_ = 0;
  size_t bytes_ = 0;
  std::string code_;
};

LogLevel level_of(const std::string& code, int status) {
#define STEWARD_ERROR(name, wire, ...) \
  if (code == wire) return info(ErrorCode::k##name).level;
#include "base/errors.def"
#undef STEWARD_ERROR
  return status >= 500 ? LogLevel::kError : LogLevel::kInfo;
}

void log_access(Core& core, const Endpoint& endpoint, const net::Request& request, const Watched& responder,
                const identity::Caller& caller) {
  const DurationUs duration = core.clock.monotonic_us() - request.received_us;
  core.http_metrics->count(endpoint.method, endpoint.pattern, responder.status(), duration);
  const bool routine = endpoint.access == Access::kOpen && responder.status() < 400;  // health checks come every second
  const LogLevel level = routine ? LogLevel::kDebug : level_of(responder.code(), responder.status());
  core.log.write(level, endpoint.method + " " + endpoint.pattern,
                 {{"code", responder.code().empty() ? "ok" : responder.code()},
                  {"status", responder.status()},
                  {"request_id", request.request_id},
                  {"tenant", caller.tenant},
                  {"key_id", caller.key != nullptr ? caller.key->id : ""},
                  {"duration_us", duration},
                  {"bytes", responder.bytes()},
                  {"remote", request.remote}});
}

// Answers the CORS side; false if the request was a preflight and is answered.
void add_cors(const Config& config, const net::Request& request, net::Responder& responder) {
  const std::string origin(request.headers.get("origin"));
  if (origin.empty()) return;
  const auto allowed = config.list("server.cors_origins");
  if (std::ranges::find(allowed, origin) == allowed.end()) return;
  responder.headers().set("access-control-allow-origin", origin);
  responder.headers().set("vary", "origin");
  responder.headers().set("access-control-expose-headers", "*, x-request-id, retry-after");
}

Task<void> preflight(Core& core, std::string methods, net::Request& request, net::Responder& responder) {
  add_cors(*core.config.get(), request, responder);
  responder.headers().set("access-control-allow-methods", methods);
  responder.headers().set("access-control-allow-headers", "*, authorization");
  responder.headers().set("access-control-max-age", "600");
  (void)co_await responder.send(204, "", "");
}

constexpr std::string_view kKeyHeaders[] = {"authorization", "x-api-key", "x-goog-api-key"};

// A key in an address gets into other people's logs; only Gemini's clients know no better.
bool takes_key_in_query(const net::Request& request) {
  return gateway::dialect_of_path(request.path) == gateway::Dialect::kGemini && request.query.contains("key");
}

struct Admitted {
  identity::Caller caller;
  Id session = {};  // of a caller who is signed in
};

// The one function decides (identity/access.h); here only what an address is for.
Result<Admitted> allowed_here(Core& core, const Endpoint& endpoint, const net::Request& request, Admitted admitted) {
  const bool signed_in = !admitted.session.empty();
  if (signed_in && request.headers.has("upgrade")) {
    // It would go on when the session ends, and browsers send cookies with it from anywhere.
    return fail(ErrorCode::kForbidden,
                "A WebSocket is for keys; somebody who is signed in posts and reads the stream.");
  }
  if (endpoint.access == Access::kPerson && !signed_in) {
    return fail(ErrorCode::kForbidden,
                "This is for somebody who is signed in, not for a key: a key can't speak for all that is theirs.");
  }
  if (endpoint.access != Access::kAdmin && endpoint.access != Access::kMetrics) return admitted;
  const auto may = core.identity->may(admitted.caller, identity::Verb::kAdmin, {.tenant = admitted.caller.tenant});
  if (!may) return fail(may.error());
  return admitted;
}

Result<Admitted> caller_of(Core& core, const Endpoint& endpoint, const net::Request& request) {
  if (endpoint.own_pages_only && !comes_from_own_page(core, request)) return fail(ErrorCode::kCrossSite);
  if (endpoint.access == Access::kOpen) return Admitted{};
  const bool metrics = endpoint.access == Access::kMetrics;
  if (metrics && (core.config.get()->boolean("server.metrics_public") || comes_from_this_machine(request)))
    return Admitted{};
  if (core.phase == Phase::kStarting) return fail(ErrorCode::kStarting);
  if (core.phase == Phase::kStopping) return fail(ErrorCode::kShuttingDown);
  if (endpoint.access == Access::kVisitor) {
    if (auto own = check_same_site(core, request); !own) return fail(own.error());
    return Admitted{};
  }
  if (!names_a_key(request)) {
    if (auto session = session_caller(core, request)) {
      if (!*session) return fail(session->error());
      return allowed_here(core, endpoint, request, {(*session)->caller, (*session)->session});
    }
    if (request.over_unix) return Admitted{core.owner()};
    // A page of ours has lost its cookie: it is told to sign in, not to send a key.
    if (endpoint.access == Access::kPerson || request.headers.get("sec-fetch-site") == "same-origin")
      return fail(ErrorCode::kSessionEnded);
  }
  auto secret = secret_of(request);
  if (!secret) return fail(secret.error());
  auto caller = core.identity->authenticate(*secret);
  if (!caller) return fail(caller.error());
  return allowed_here(core, endpoint, request, {std::move(*caller)});
}

Result<Json> body_of(const net::Request& request) {
  if (request.method == "GET" || request.method == "DELETE" || trim(request.body).empty()) return Json::object();
  auto body = parse_json(request.body);
  if (body && !body->is_object()) return fail(ErrorCode::kInvalidRequest, "The body must be a JSON object.");
  return body;
}

// kNone where the client sent no Idempotency-Key.
Task<Result<Reply>> answer_once(Core& core, const Endpoint& endpoint, AdminCall call) {
  const bool changes = endpoint.method != "GET";
  const std::string key(call.request.headers.get("idempotency-key"));
  if (!changes || key.empty() || call.caller.tenant.empty()) co_return co_await endpoint.json(std::move(call));
  const identity::Caller caller = call.caller;
  const std::string address = call.request.path;
  const std::string fingerprint =
      to_hex(sha256(fmt::format("{} {}\n{}", call.request.method, call.request.path, call.request.body)));
  auto begun = co_await core.idempotency->begin(caller, key, fingerprint, endpoint.repeatable);
  if (!begun) co_return fail(begun.error());
  if (begun->answer) {
    begun->answer->body["idempotent_replay"] = true;
    co_return std::move(*begun->answer);
  }
  auto reply = co_await endpoint.json(std::move(call));
  if (!reply) {
    core.idempotency->forget(begun->stream);
    co_return reply;
  }
  if (auto kept = co_await core.idempotency->answered(caller, begun->stream, address, *reply); !kept)
    co_return fail(kept.error());
  co_return reply;
}

Task<void> run_json(Core& core, const Endpoint& endpoint, Admitted admitted, net::Request& request,
                    net::Responder& responder) {
  const identity::Caller caller = admitted.caller;
  auto body = body_of(request);
  if (!body) co_return co_await write_error(request, responder, body.error());
  auto reply = co_await answer_once(core, endpoint, AdminCall{caller, request, std::move(*body), admitted.session});
  if (!reply) co_return co_await write_error(request, responder, reply.error());
  if ((endpoint.access == Access::kAdmin || endpoint.access == Access::kPerson) &&
      endpoint.method != "GET") {  // what an administrator was told holds over power loss
    auto durable = co_await core.journal->wait_durable(caller.tenant, core.journal->written_seq(caller.tenant));
    if (!durable) co_return co_await write_error(request, responder, durable.error());
  }
  responder.headers().set("cache-control", "no-store");
  responder.headers().set("x-content-type-options", "nosniff");
  for (auto& [name, value] : reply->headers) responder.headers().add(std::move(name), std::move(value));
  (void)co_await responder.send(reply->status, "application/json", dump(reply->body));
}

std::string type_of(const std::exception& e) {
  int status = 0;
  char* name = abi::__cxa_demangle(typeid(e).name(), nullptr, nullptr, &status);
  std::string out = name != nullptr ? name : typeid(e).name();
  std::free(name);
  return out;
}

// A bug in a request's scope ends that request. What an exception says may hold content, so the log gets its type
// alone; the store's errors are its own words.
Task<std::optional<Error>> guarded(Core& core, const Endpoint& endpoint, Admitted admitted, net::Request& request,
                                   net::Responder& responder) {
  std::optional<Error> broken;
  try {
    if (endpoint.json)
      co_await run_json(core, endpoint, admitted, request, responder);
    else
      co_await run_kept(core, endpoint, admitted.caller, request, responder);
  } catch (const journal::DbError& e) {
    core.log.error("the store failed", {{"request_id", request.request_id}, {"code", e.code}, {"reason", e.what()}});
    broken = Error(ErrorCode::kStoreUnavailable);
  } catch (const std::exception& e) {
    core.log.error("a request broke", {{"request_id", request.request_id}, {"type", type_of(e)}});
    broken = Error(ErrorCode::kInternal);
  }
  co_return broken;
}

Task<void> serve(Core& core, const Endpoint& endpoint, net::Request& request, net::Responder& inner) {
  Watched responder(inner);
  const auto config = core.config.get();
  identity::Caller caller;
  if (!host_allowed(*config, request, core.listens_on_loopback)) {
    co_await write_error(request, responder,
                         Error(ErrorCode::kForbidden,
                               "This server does not answer under that host name: add it to server.allowed_hosts."));
  } else {
    add_cors(*config, request, responder);
    auto found = caller_of(core, endpoint, request);
    if (!found) {
      co_await write_error(request, responder, found.error());
    } else {
      caller = found->caller;
      auto broken = co_await guarded(core, endpoint, *found, request, responder);
      if (broken && !responder.begun()) co_await write_error(request, responder, *broken);
    }
  }
  log_access(core, endpoint, request, responder, caller);
}

std::string_view host_name(std::string_view host) {
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}

}  // namespace

bool host_allowed(const Config& config, const net::Request& request, bool listens_on_loopback) {
  if (request.over_unix) return true;
  const std::string host = to_lower_ascii(host_name(request.headers.get("host")));
  const auto allowed = config.list("server.allowed_hosts");
  if (std::ranges::any_of(allowed, [&](const auto& name) { return equal_ignoring_ascii_case(name, host); }))
    return true;
  if (is_loopback_host(host)) return true;
  return allowed.empty() && !listens_on_loopback;
}

bool comes_from_this_machine(const net::Request& request) {
  if (request.over_unix) return true;
  const bool forwarded = request.headers.has("x-forwarded-for") || request.headers.has("forwarded");
  return !forwarded && (request.remote.starts_with("127.") || request.remote.starts_with("[::1]") ||
                        request.remote.starts_with("::1"));
}

bool names_a_key(const net::Request& request) {
  return takes_key_in_query(request) ||
         std::ranges::any_of(kKeyHeaders, [&](std::string_view name) { return request.headers.has(name); });
}

Result<std::string> secret_of(const net::Request& request) {
  std::set<std::string> given;  // two that differ are refused: a proxy and this server must not read different ones
  for (const auto& [name, value] : request.headers.all()) {
    std::string_view secret = trim(value);
    if (equal_ignoring_ascii_case(name, "authorization")) {
      const bool bearer = secret.size() > 7 && equal_ignoring_ascii_case(secret.substr(0, 7), "bearer ");
      given.emplace(bearer ? trim(secret.substr(7)) : "");
    } else if (equal_ignoring_ascii_case(name, "x-api-key") || equal_ignoring_ascii_case(name, "x-goog-api-key")) {
      given.emplace(secret);
    }
  }
  if (takes_key_in_query(request)) given.emplace(trim(request.query.at("key")));
  if (given.size() > 1) {
    return fail(ErrorCode::kUnauthenticated,
                "The request names two different keys: send one, as 'Authorization: Bearer …' or 'x-api-key: …'.");
  }
  if (given.empty() || given.begin()->empty()) {
    return fail(ErrorCode::kUnauthenticated,
                "No API key was given: send 'Authorization: Bearer sk-steward-…' or 'x-api-key: …'.");
  }
  return *given.begin();
}

std::string known_client(Core& core, const net::Request& request) {
  if (core.phase == Phase::kStarting) return "";
  if (names_a_key(request)) {
    const auto secret = secret_of(request);
    if (!secret) return "";
    const auto caller = core.identity->authenticate(*secret);
    return caller && caller->key != nullptr ? caller->key->id : "";
  }
  if (const auto token = session_token_of(core, request)) {
    const auto session = core.people->find_session(*token);
    return session ? session->person : "";
  }
  return request.over_unix ? "unix" : "";
}

Task<void> write_error(net::Request& request, net::Responder& responder, Error error) {
  if (request.path == mcp::kAddress) co_return co_await mcp::write_error(request, responder, std::move(error));
  co_await gateway::write_error(request, responder, std::move(error));
}

void mount(Core& core, const std::vector<Endpoint>& endpoints, net::Router& router) {
  std::map<std::string, std::string> methods;
  for (const auto& endpoint : endpoints) {
    router.add(
        endpoint.method, endpoint.pattern,
        [&core, &endpoint](net::Request& request, net::Responder& responder) {
          return serve(core, endpoint, request, responder);
        },
        endpoint.max_body_bytes);
    auto& of = methods[endpoint.pattern];
    of += (of.empty() ? "" : ", ") + endpoint.method;
  }
  for (const auto& [pattern, allowed] : methods) {
    router.add("OPTIONS", pattern, [&core, allowed](net::Request& request, net::Responder& responder) {
      return preflight(core, allowed, request, responder);
    });
  }
  router.set_client_namer([&core](const net::Request& request) { return known_client(core, request); });
  router.set_error_writer([&core](net::Request& request, net::Responder& responder, Error error) {
    if (error.code == ErrorCode::kNotFound && wants_page(request)) return send_page(core, 404, request, responder);
    return write_error(request, responder, std::move(error));
  });
}

}  // namespace steward::server
