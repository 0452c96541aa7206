// One metered call from its reservation to its settlement. Whatever ends it, it settles exactly once: the handler that
// made it calls settle(), also on the way out of an error.
//
// reserve() → (upstream) → durable() before the client's first byte → settle() before a whole answer's bytes, or before
// a stream's end.
#pragma once
#include <memory>
#include <string>

#include "base/json.h"
#include "gateway/bound.h"
#include "gateway/directory.h"
#include "gateway/fair_queue.h"
#include "gateway/meters.h"
#include "gateway/traces.h"

namespace steward::gateway {

// What every call needs; owned by the gateway.
// What of earlier conversations a call is given (recollection.h), as it is put before its message.
struct Recollected {
  std::string text;  // empty: nothing near enough
  size_t pieces = 0;
  std::vector<Id> messages;  // of which they are made
  std::string off;           // why nothing was looked for, or empty
};

struct Services {
  journal::Journal& journal;
  identity::Identity& identity;
  ledger::Ledger& ledger;
  engine::Engine& engine;
  net::HttpClients& clients;
  Clock& clock;
  Random& random;
  IdMaker ids;
  Log log;
  Directory directory;
  routing::Router router;
  Meters meters;
  // Memory's, set before the first call and never changed; empty: there is none here.
  std::function<Task<Result<Recollected>>(identity::Caller, std::string model, std::string message)> recollection;
  std::mutex mutex;  // of options and queues
  std::shared_ptr<const GatewayOptions> options;
  std::map<std::string, std::shared_ptr<FairQueue>> queues;

  std::shared_ptr<const GatewayOptions> current() {
    std::lock_guard lock(mutex);
    return options;
  }
  std::shared_ptr<FairQueue> queue_of(const std::string& model, size_t slots);
};

class Call {
 public:
  Call(Services& services, identity::Caller caller, CancelToken cancel, Target target, std::string endpoint);

  Task<Status> reserve(Bound bound);
  Task<Status> enter_queue(size_t slots);  // of a local model: holds a slot until leave_queue
  void leave_queue() { ticket_.reset(); }
  // A reservation that stands while nobody waits; and, perhaps in another process, the call that it was made for.
  void park() { services_.meters.closed(); }
  void resume(ledger::Reservation reservation, DurationUs ago);
  Task<Status> durable();
  Task<void> settle(ledger::Usage usage, ledger::Outcome outcome, const Error* error);
  void dispute() { disputed_ = true; }  // its provider told a use that can't be; the record will say so

  void set_headers(net::Headers& headers, bool with_cost) const;
  void note_dropped(std::vector<std::string> names) { dropped_ = std::move(names); }  // told in x-steward-dropped
  void note_route(std::string route, std::string attempts);                           // told in report()
  Json report() const;  // {"call", "cost_microusd", …} for a stream's end
  void first_byte();    // of the answer came
  // For its span, which is made when it settles; nothing is kept while traces are off.
  void set_trace(TraceContext parent);
  bool traced() const { return trace_.on(); }
  void note(std::string name, SpanValue value);

  const Target& target() const { return target_; }
  const ledger::Reservation& reservation() const { return reservation_; }
  const identity::Caller& caller() const { return caller_; }
  const Id& id() const { return id_; }
  int64_t input_bound() const { return input_bound_; }
  bool settled() const { return settled_; }

 private:
  void end_span(const ledger::Usage& usage, ledger::Outcome outcome, const Error* error, DurationUs duration);

  Services& services_;
  identity::Caller caller_;
  CancelToken cancel_;
  Target target_;
  std::string endpoint_;
  Id id_;
  TimeUs started_us_;
  DurationUs first_us_ = 0;
  int64_t input_bound_ = 0;
  bool priced_ = true;           // a price is known
  bool at_batch_price_ = false;  // see reserve()
  ledger::Reservation reservation_;
  ledger::Charge charge_;
  std::unique_ptr<FairQueue::Ticket> ticket_;
  std::vector<std::string> dropped_;
  std::string route_, attempts_;
  bool settled_ = false, disputed_ = false, resumed_ = false;
  TraceContext trace_;
  Span span_;
};

ledger::Outcome outcome_of(const Error& error);
Json usage_json(const ledger::Usage& usage);
Json openai_error(const Error& error);

}  // namespace steward::gateway
