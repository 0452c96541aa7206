#include "gateway/dialects/responses/responses.h"
#include "gateway/peek.h"

namespace steward::gateway {
namespace {

class ResponsesIngress : public Ingress {
 public:
  Result<Request> read_request(Json body, const IncomingCall&) const override {
    return responses::read_request(std::move(body));
  }
  std::unique_ptr<AnswerWriter> writer(const Request& request, AnswerContext context) const override {
    return responses::make_writer(request, std::move(context));
  }
  Json write_answer(const WholeAnswer& answer, const Request& request, const AnswerContext& context,
                    const ledger::Usage& usage, const Json& report) const override {
    return responses::write_answer(answer, request, context, usage, report);
  }
  Json write_error(const Error& error) const override { return responses::write_error(error); }
  Json write_count(int64_t tokens) const override {
    return {{"object", "response.input_tokens"}, {"input_tokens", tokens}};
  }
};

class ResponsesEgress : public Egress {
 public:
  UpstreamPath path(const Request&, const OutgoingCall&) const override {
    return {.path = "/responses", .headers = {}};
  }
  Result<Json> write_request(const Request& request, const OutgoingCall& call) const override {
    return responses::write_request(request, call);
  }
  std::unique_ptr<AnswerReader> reader(std::string provider) const override {
    return responses::make_reader(std::move(provider));
  }
  Error read_error(int status, std::string_view body, const net::Headers& headers) const override {
    return responses::read_error(status, body, headers);
  }
  Result<std::optional<CountQuery>> write_count(const Request& request, const OutgoingCall& call) const override {
    auto body = responses::write_request(request, call);
    if (!body) return fail(std::move(body.error()));
    Json asked = Json::object();
    for (const char* name : {"model", "input", "instructions", "tools", "tool_choice", "text", "reasoning",
                             "parallel_tool_calls", "previous_response_id", "conversation", "truncation"}) {
      if (const Json& value = peek(*body, name); !value.is_null()) asked[name] = value;
    }
    return CountQuery{.path = {.path = "/responses/input_tokens", .headers = {}}, .body = std::move(asked)};
  }
  std::optional<int64_t> read_count(const Json& body) const override {
    const int64_t tokens = peek_integer(body, "input_tokens", -1);
    return tokens < 0 ? std::nullopt : std::optional(tokens);
  }
};

}  // namespace

const Ingress& responses_ingress() {
  static const ResponsesIngress kIngress;
  return kIngress;
}

const Egress& responses_egress() {
  static const ResponsesEgress kEgress;
  return kEgress;
}

}  // namespace steward::gateway
