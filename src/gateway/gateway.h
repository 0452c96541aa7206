// The model API: takes a call in a client's dialect, finds its model, reserves its worst case, waits its turn, asks the
// provider or the embedded engine, streams the answer, and settles - whatever ends the call. The handlers are whole:
// the server only routes to them.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "gateway/form/request.h"
#include "gateway/providers/table.h"
#include "gateway/routing/router.h"
#include "identity/identity.h"
#include "ledger/ledger.h"
#include "net/http_server.h"

namespace steward::net {
class Guard;
}

namespace steward::gateway {

class Traces;

struct ExplainAsk;  // route_explain.h

// An upstream.
struct ProviderOptions {
  std::string name;                               // "openai"
  std::string base_url;                           // "https://…/v1"
  std::string key;                                // secret; never logged
  std::vector<std::string> models;                // names as offered here; empty: asked from its /models
  std::map<std::string, std::string> rename;      // offered name → the upstream's
  std::map<std::string, int64_t> context_tokens;  // by offered name
  std::map<std::string, int64_t> max_output_tokens;
  net::ClientDeadlines deadlines;
  ProviderProfile profile;  // how it is spoken to; its dialect is the one in force
  std::string region;       // AWS's, or empty
  bool batches = true;      // lines of a batch go into the provider's own, where it has them
  // Its address came over the API, so it must not lead inside; null: the machine's owner wrote it.
  std::shared_ptr<const net::Guard> guard;
};

// What is fetched because a call names its address (media_fetcher.h).
struct FetchOptions {
  std::shared_ptr<const net::Guard> guard;  // null (in tests): addresses are passed on unseen, and none is fetched
  bool enabled = true;                      // false: they are held against the guard, and none is fetched
  size_t max_bytes = 20 * 1024 * 1024;
  std::chrono::milliseconds total{20'000};
};

struct GatewayOptions {
  std::shared_ptr<Traces> traces;  // null: none
  std::vector<ProviderOptions> providers;
  routing::RouterOptions routing;
  FetchOptions fetch;
  size_t queue_limit = 2'000;                         // calls waiting for a local model; over it kQueueFull
  std::chrono::milliseconds queue_deadline{120'000};  // kQueueTimeout
  std::chrono::milliseconds call_deadline{600'000};
  int64_t default_output_tokens = 4096;  // route's cap where neither call nor model tells one
  int engine_retries = 1;                // after a crash of inference, before the first byte
};

struct ModelEntry {
  std::string name;
  std::string provider;  // "local" or the provider's name
  int64_t created = 0;
  bool ready = false;
  int64_t context_tokens = 0;
  std::string kind;     // "chat", "embedding"
  std::string problem;  // why it can't answer now: kKeyIsRefused, or empty
};
inline constexpr std::string_view kKeyIsRefused = "key_refused";  // its provider refuses the key that it is given

// Counters for /metrics, told as (name, help, type, labels, value).
struct Metric {
  std::string name, help, type;
  std::map<std::string, std::string> labels;
  double value = 0;
};

struct Services;  // gateway/call.h

class Gateway {
 public:
  virtual ~Gateway() = default;
  virtual Services& services() = 0;  // for what comes through serve() by another way: conversations/
  // Handlers. `caller` was authenticated by the server. Errors after begin() are told in the stream.
  virtual Task<void> answer(Dialect dialect, identity::Caller caller, net::Request& request,
                            net::Responder& responder) = 0;
  virtual Task<void> count_tokens(Dialect dialect, identity::Caller caller, net::Request& request,
                                  net::Responder& responder) = 0;
  // POST …/models/{call*}: generateContent, streamGenerateContent, countTokens, embedContent, batchEmbedContents.
  virtual Task<void> gemini(identity::Caller caller, net::Request& request, net::Responder& responder) = 0;
  virtual Task<void> completions(identity::Caller caller, net::Request& request, net::Responder& responder) = 0;
  virtual Task<void> embeddings(identity::Caller caller, net::Request& request, net::Responder& responder) = 0;
  virtual Task<void> list_models(identity::Caller caller, net::Request& request, net::Responder& responder) = 0;
  virtual Task<void> get_model(identity::Caller caller, net::Request& request, net::Responder& responder) = 0;
  virtual Task<void> list_gemini_models(identity::Caller caller, net::Request& request, net::Responder& responder) = 0;
  virtual Task<void> get_gemini_model(identity::Caller caller, net::Request& request, net::Responder& responder) = 0;

  virtual std::vector<ModelEntry> models() const = 0;
  virtual Task<std::vector<Json>> routes() = 0;  // with their deployments' health
  virtual Task<Result<Json>> explain(identity::Caller caller, ExplainAsk ask) = 0;
  virtual std::vector<Metric> metrics() const = 0;
  virtual void reload(GatewayOptions options) = 0;  // calls under way keep what they started with
};

std::unique_ptr<Gateway> make_gateway(GatewayOptions options, journal::Journal& journal, identity::Identity& identity,
                                      ledger::Ledger& ledger, engine::Engine& engine, net::HttpClients& clients,
                                      Clock& clock, Random& random, Log log);

// OpenAI's error envelope: {"error":{"message","type","param","code"}} with retry-after and x-ratelimit-* where details
// tell them.
Task<void> write_openai_error(net::Request& request, net::Responder& responder, Error error);
// The error in the dialect of the request's address.
Task<void> write_error(net::Request& request, net::Responder& responder, Error error);

}  // namespace steward::gateway
