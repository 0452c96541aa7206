// A call as it came, in whatever dialect, read into the internal form and ready to be routed.
#pragma once
#include <functional>

#include "base/async.h"
#include "gateway/dialects/dialect.h"
#include "gateway/traces.h"
#include "net/http_server.h"

namespace steward::gateway {

class Call;

struct Asked {
  Request request;
  const Ingress* ingress = nullptr;
  std::string endpoint;               // "chat", "responses", "messages", "gemini": for meters and the journal
  std::vector<std::string> may_drop;  // x-steward-drop: what may be left out where a provider can't honour it
  TraceContext trace;                 // below which its calls' spans are
  bool json_array = false;            // Gemini without alt=sse: a stream is one JSON array
  // Awaited once the answer is whole and paid, before its last bytes go out. An error is told to the caller.
  std::function<Task<Status>(const WholeAnswer&, const Call&, const ledger::Usage&)> answered;
};

// Reads an HTTP request. Gemini's model and method stand in its path: split_gemini_path has taken them apart.
Result<Asked> read_call(Dialect dialect, const net::Request& http, IncomingCall incoming = {});

// "gemini-2.5-flash:streamGenerateContent" → model and method. Models may hold slashes and colons; the last colon
// counts.
struct GeminiPath {
  std::string model, method;
};
std::optional<GeminiPath> split_gemini_path(std::string_view rest);

// In which dialect the callers of an address expect their errors.
Dialect dialect_of_path(std::string_view path);

// The error in a dialect, with retry-after and x-ratelimit-* where details tell them.
Task<void> write_error(const Ingress& ingress, net::Request& request, net::Responder& responder, Error error);

// "stop, top_k" → {"stop", "top_k"}.
std::vector<std::string> read_drop_list(std::string_view header);

}  // namespace steward::gateway
