#include "gateway/dialects/messages/messages.h"

#include "base/crypto.h"
#include "base/percent.h"
#include "base/text.h"
#include "gateway/peek.h"
#include "net/http_server.h"

namespace steward::gateway {
namespace {

class MessagesIngress final : public Ingress {
 public:
  Result<Request> read_request(Json body, const IncomingCall& call) const override {
    return messages::read_request(std::move(body), call.headers);
  }
  std::unique_ptr<AnswerWriter> writer(const Request& request, AnswerContext context) const override {
    return messages::make_writer(request, std::move(context));
  }
  Json write_answer(const WholeAnswer& answer, const Request&, const AnswerContext& context, const ledger::Usage& usage,
                    const Json& report) const override {
    return messages::write_answer(answer, context, usage, report);
  }
  Json write_error(const Error& error) const override { return messages::write_error(error); }
};

bool is_bedrock(const OutgoingCall& call) { return call.profile->dialect == ProviderDialect::kBedrock; }

class MessagesEgress final : public Egress {
 public:
  UpstreamPath path(const Request& request, const OutgoingCall& call) const override {
    UpstreamPath out;
    if (is_bedrock(call)) {
      const char* how = call.stream ? "invoke-with-response-stream" : "invoke";
      out.path = fmt::format("/model/{}/{}", percent_encoded(call.model), how);
    } else {
      out.path = "/messages";
      out.headers = headers(request);
    }
    for (const auto& header : call.profile->quirks.headers) {
      const auto same = [&](const auto& told) { return equal_ignoring_ascii_case(told.first, header.name); };
      if (!header.name.empty() && std::ranges::none_of(out.headers, same))
        out.headers.emplace_back(header.name, header.value);
    }
    return out;
  }

  Result<Json> write_request(const Request& request, const OutgoingCall& call) const override {
    return messages::write_request(request, call);
  }
  std::unique_ptr<AnswerReader> reader(std::string provider) const override {
    return messages::make_reader(std::move(provider));
  }
  Error read_error(int status, std::string_view body, const net::Headers& headers) const override {
    return messages::read_error(status, body, headers);
  }

  Result<std::optional<CountQuery>> write_count(const Request& request, const OutgoingCall& call) const override {
    OutgoingCall asked = call;
    asked.stream = false;
    asked.max_output = std::max<int64_t>(call.max_output, request.max_output.value_or(1));
    auto body = messages::write_request(request, asked);
    if (!body) return fail(std::move(body.error()));
    if (is_bedrock(call)) {
      const std::string inner = to_base64(dump(*body));
      return CountQuery{
          .path = {.path = fmt::format("/model/{}/count-tokens", percent_encoded(call.model)), .headers = {}},
          .body = {{"input", {{"invokeModel", {{"body", inner}}}}}}};
    }
    // What only steers the answer is no part of the question.
    for (const char* name : {"max_tokens", "temperature", "top_p", "top_k", "stop_sequences", "metadata",
                             "service_tier", "container", "inference_geo"}) {
      body->erase(name);
    }
    return CountQuery{.path = {.path = "/messages/count_tokens", .headers = headers(request)},
                      .body = std::move(*body)};
  }

  std::optional<int64_t> read_count(const Json& body) const override {
    for (const char* name : {"input_tokens", "inputTokens"}) {
      if (const int64_t tokens = peek_integer(body, name, -1); tokens >= 0) return tokens;
    }
    return {};
  }

 private:
  // Betas are Anthropic's own: what a caller of another dialect says under that name is not passed on.
  static std::vector<std::pair<std::string, std::string>> headers(const Request& request) {
    const bool own = request.from == Dialect::kMessages;
    std::vector<std::pair<std::string, std::string>> out;
    out.emplace_back("anthropic-version",
                     own && !request.api_version.empty() ? request.api_version : std::string(messages::kVersion));
    if (own && !request.betas.empty()) out.emplace_back("anthropic-beta", join(request.betas, ","));
    return out;
  }
};

}  // namespace

const Ingress& messages_ingress() {
  static const MessagesIngress kIngress;
  return kIngress;
}

const Egress& messages_egress() {
  static const MessagesEgress kEgress;
  return kEgress;
}

}  // namespace steward::gateway
