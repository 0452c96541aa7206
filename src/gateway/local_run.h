// An answer of a local model on the engine: a lease on the model, the exact count of the input, then (after the
// reservation) the answer, chunk by chunk in OpenAI's stream form. Choices are made one after the other. Stop strings
// are looked for here; tools that the model's template doesn't know are described to it (tools.h).
//
// One coroutine, on the call's io thread.
#pragma once
#include <deque>

#include "gateway/call.h"
#include "gateway/source.h"
#include "gateway/stop_filter.h"
#include "gateway/upstream.h"

namespace steward::gateway {

enum class LocalKind { kChat, kCompletion };

struct LocalAsk {
  LocalKind kind = LocalKind::kChat;
  std::vector<Json> bodies;  // one a prompt, in the engine's form
  int64_t n = 1;             // choices of each
  std::optional<int64_t> max_output;
  std::vector<std::string> stops;
  bool has_tools = false;
  std::string input_name = "messages";  // as the caller calls these
  std::string format_name = "response_format", logprobs_name = "logprobs";

  int64_t choices() const { return n * static_cast<int64_t>(bodies.size()); }
};

class LocalRun {
 public:
  LocalRun(Services& services, CancelToken cancel, LocalAsk ask, std::string model)
      : services_(services), cancel_(std::move(cancel)), ask_(std::move(ask)), model_(std::move(model)) {}
  Task<Result<Bound>> prepare();  // loads the model, makes the bodies, counts them
  size_t slots() const { return static_cast<size_t>(std::max<int64_t>(1, lease_->model().slots)); }
  void begin(int64_t output_tokens);         // also anew, from the start
  Task<Result<std::optional<Json>>> next();  // nullopt: all choices are whole
  // Tells the engine if it broke. True: it is asked anew from the start.
  Task<bool> again(Error& error, bool nothing_sent);
  void stop() { stream_.reset(); }
  ledger::Usage used() const;

 private:
  struct Counted {
    int64_t prompt = 0, cached = 0, completion = 0;
    void take(const Json& event);
  };
  Status describe_tools(Json& body);
  Task<Status> count();
  Task<Result<int64_t>> count_one(const Json& body);
  Task<Status> renew();
  Task<Status> open_choice();
  Task<Status> take_event();
  Task<Status> take_described();
  void take_chunk(Json chunk);
  void end_choice();
  Json body_of(size_t index) const;

  Services& services_;
  CancelToken cancel_;
  LocalAsk ask_;
  std::string model_;
  std::shared_ptr<engine::Lease> lease_;
  std::vector<int64_t> counts_;
  int64_t input_tokens_ = 0, output_tokens_ = 0;
  bool described_tools_ = false;
  int tries_ = 0;

  size_t index_ = 0;  // of the choice
  std::unique_ptr<EventStream> stream_;
  ChoiceWatch watch_;
  StopFilter stops_{{}};
  size_t offset_ = 0;   // of Completions' log probabilities
  Counted counted_;     // of the choice
  ledger::Usage used_;  // of those before
  std::deque<Json> ready_;
};

}  // namespace steward::gateway
