// The answer of a Completions call on its way to the client: chunks of OpenAI's older stream form, sent as they come or
// gathered into one object.
#pragma once
#include <map>

#include "gateway/call.h"
#include "gateway/completions/request.h"
#include "gateway/stream_out.h"

namespace steward::gateway {

// Gathers the chunks of one answer by choice.
class TextGatherer {
 public:
  void add(const Json& chunk);
  Json choices() const;
  const Json& extras() const { return extras_; }  // what else the chunks said: system_fingerprint, …

 private:
  struct Choice {
    std::string text;
    Json logprobs, finish_reason;
  };
  std::map<int64_t, Choice> choices_;
  Json extras_ = Json::object();
};

class TextAnswer {
 public:
  TextAnswer(Call& call, const CompletionRequest& asked, TimeUs now, net::Request& request, net::Responder& responder)
      : call_(call),
        asked_(asked),
        created_(now / kSecondUs),
        request_(request),
        responder_(responder),
        out_(responder, StreamOut::Form::kEvents) {}

  Task<Status> chunk(Json chunk);  // kCancelled: the client is gone
  Task<void> finish(const ledger::Usage& usage);
  Task<void> fail_with(Error error);
  void reset() { gathered_ = {}; }  // for another try; only while nothing is out
  bool begun() const { return responder_.begun(); }
  Task<void> release() { return out_.release(); }

 private:
  Task<Status> begin();
  void dress(Json& chunk) const;

  Call& call_;
  const CompletionRequest& asked_;
  int64_t created_;
  net::Request& request_;
  net::Responder& responder_;
  StreamOut out_;
  TextGatherer gathered_;
};

}  // namespace steward::gateway
