// Getting an answer: from a local model on the engine, or from a provider. Both feed an Answer and tell how it ended.
#pragma once
#include "gateway/answer.h"

namespace steward::gateway {

struct Ended {
  ledger::Usage usage;
  ledger::Outcome outcome = ledger::Outcome::kFinished;
  std::optional<Error> error;
};

// The engine's part: a lease on the model, the exact count of the input, then (after the reservation) the answer.
class LocalRun {
 public:
  LocalRun(Services& services, net::Request& request, const ModelRequest& asked, const Target& target)
      : services_(services), request_(request), asked_(asked), target_(target) {}
  Task<Status> prepare();  // loads the model, makes the bodies, counts them
  int64_t input_tokens() const { return input_tokens_; }
  int64_t output_cap() const { return output_cap_; }
  size_t slots() const { return static_cast<size_t>(std::max<int64_t>(1, lease_->model().slots)); }
  Task<Ended> run(Call& call, Answer& answer);

 private:
  struct Counted {
    int64_t prompt = 0, cached = 0, completion = 0;
    void take(const Json& event);
  };
  Task<Status> count();
  Task<Result<int64_t>> count_one(const Json& body);
  Task<Status> choice(Call& call, Answer& answer, size_t index, Counted& counted);
  Task<Status> events(Call& call, Answer& answer, size_t index, std::unique_ptr<class EventStream> stream,
                      Counted& counted);
  Task<Status> described_events(Call& call, Answer& answer, size_t index, std::unique_ptr<class EventStream> stream,
                                Counted& counted);
  Task<Status> renew();
  Json body_of(size_t index) const;
  std::string path() const { return asked_.kind == CallKind::kChat ? "/chat/completions" : "/completions"; }

  Services& services_;
  net::Request& request_;
  const ModelRequest& asked_;
  const Target& target_;
  std::shared_ptr<engine::Lease> lease_;
  std::vector<Json> bodies_;  // one a prompt
  std::vector<int64_t> counts_;
  int64_t input_tokens_ = 0, output_cap_ = 0, output_tokens_ = 0;
  bool described_tools_ = false;
};

// A provider's part.
int64_t remote_input_bound(const ModelRequest& asked);  // bytes: no tokenizer makes more tokens than there are bytes
int64_t remote_output_cap(const ModelRequest& asked, const Target& target, int64_t default_output);
Task<Ended> run_remote(Services& services, net::Request& request, const ModelRequest& asked, Call& call,
                       Answer& answer);

}  // namespace steward::gateway
