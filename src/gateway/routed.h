// A call's way: its facts, and the plan that the router makes of them. What serve() and explain both begin with.
#pragma once
#include "base/json_fwd.h"
#include "gateway/asked.h"
#include "gateway/call.h"
#include "gateway/routing/attempts.h"
#include "gateway/routing/router.h"

namespace steward::gateway {

struct Routed {
  routing::RouteFacts facts;
  routing::Plan plan;
};

// Asks providers for their models where a deployment isn't known yet. Borrows everything until it has answered.
// kInvalidRequest: a header that can't be read. `assume` (an object or null) overrules facts, for explain.
Task<Result<Routed>> route_call(Services& services, const identity::Caller& caller, const Request& request,
                                const net::Headers& headers, const Json& assume);

// Of what is no chat. `kind`: "embedding", or "chat" of the older text form. `bytes`: of the input, for conditions on
// its size.
Task<Result<Routed>> route_plainly(Services& services, const identity::Caller& caller, std::string model,
                                   std::string kind, size_t bytes, const net::Headers& headers);

// A deployment's server; what the owner did not say of its model is as the table of models knows it.
Task<Result<Target>> target_of(Services& services, std::string deployment);

// For what is asked of one deployment only, such as counting: a model by its name, or whom a route asks first.
Task<Result<Target>> find_target(Services& services, const identity::Caller& caller, const Request& request,
                                 const net::Headers& headers);

// The deployments of a plan one after another, for what is asked without hedging and back-off: Completions, Embeddings.
class Succession {
 public:
  // As route_plainly().
  static Task<Result<Succession>> begin(Services& services, const identity::Caller& caller, std::string model,
                                        std::string kind, size_t bytes, const net::Headers& headers);
  // Whom to ask now. An error: nobody is left; it is the last failure, or why none could be asked.
  Task<Result<Target>> next();
  // While nothing has gone to the client. True: go on with next().
  bool failed(const Error& error);
  void answered();
  void tell(net::Headers& headers) const;  // x-steward-route, x-steward-attempts

 private:
  Succession(Services& services, routing::Plan plan) : services_(services), plan_(std::move(plan)) {}

  Services& services_;
  routing::Plan plan_;
  size_t at_ = 0;
  std::vector<routing::AttemptRecord> attempts_;
  std::optional<Error> last_;
};

}  // namespace steward::gateway
