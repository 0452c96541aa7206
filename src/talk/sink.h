// Where an answer's deltas go: into its Run and out to whoever follows. It stands where a client's dialect and its
// connection would: the gateway's serve() meters, routes and retries for it as for any caller.
#pragma once
#include "gateway/asked.h"
#include "gateway/form/answer.h"
#include "talk/parts.h"
#include "talk/run.h"

namespace steward::talk {

struct Outcome {
  std::optional<gateway::FinishReason> finished;
  std::optional<Error> error;
  Id call;            // the last that was made
  std::string route;  // through which it went
};

// What stands between an answer that was cut and what goes on from there. Models begin without the space that their
// words would have had: it is put in, where a word ends and another begins, in scripts that part words, outside of
// code.
std::string_view joint(std::string_view before, std::string_view after);
// `after` as it goes on from `before`: with its joint, and without the spaces that stand there already.
std::string joined_to(std::string_view before, std::string_view after);

// As an answer that failed tells it: code, sentence and what programs may want of it.
Json error_json(const Error& error);

class Sink final : public gateway::Ingress, public net::Responder {
 public:
  Sink(Run& run, std::function<void(Live)>& tell) : run_(run), tell_(tell) {}
  const Outcome& outcome();

  // As a dialect.
  Result<gateway::Request> read_request(Json body, const gateway::IncomingCall& call) const override;
  std::unique_ptr<gateway::AnswerWriter> writer(const gateway::Request& request,
                                                gateway::AnswerContext context) const override;
  Json write_answer(const gateway::WholeAnswer& answer, const gateway::Request& request,
                    const gateway::AnswerContext& context, const ledger::Usage& usage,
                    const Json& report) const override;
  Json write_error(const Error& error) const override;

  // As a connection.
  net::Headers& headers() override { return headers_; }
  Task<Status> send(int status, std::string content_type, std::string body) override;
  Task<Status> begin(int status, std::string content_type) override;
  Task<Status> write(std::string chunk) override;
  Task<Status> end() override { co_return Status{}; }
  bool begun() const override { return begun_; }

 private:
  friend class SinkWriter;
  void take(Run::Part part, const std::string& piece);
  std::string joined(Run::Part part, const std::string& piece);

  Run& run_;
  std::function<void(Live)>& tell_;
  net::Headers headers_;
  Outcome outcome_;
  bool begun_ = false;
  // To what was there before, in an answer that is gone on with.
  bool text_joined_ = false, reasoning_joined_ = false;
};

}  // namespace steward::talk
