#include "gateway/dialects/gemini/gemini.h"

#include "gateway/peek.h"

namespace steward::gateway {
namespace {

std::string path_to(std::string_view model, std::string_view method) {
  if (model.starts_with("models/")) model.remove_prefix(7);
  return fmt::format("/models/{}:{}", model, method);
}

class GeminiIngress final : public Ingress {
 public:
  Result<Request> read_request(Json body, const IncomingCall& call) const override {
    return gemini::read_request(std::move(body), call);
  }
  std::unique_ptr<AnswerWriter> writer(const Request& request, AnswerContext context) const override {
    return gemini::make_writer(request, std::move(context));
  }
  Json write_answer(const WholeAnswer& answer, const Request& request, const AnswerContext& context,
                    const ledger::Usage& usage, const Json& report) const override {
    return gemini::write_answer(answer, request, context, usage, report);
  }
  Json write_error(const Error& error) const override { return gemini::write_error(error); }
  Json write_count(int64_t tokens) const override {
    return {{"totalTokens", tokens},
            {"promptTokensDetails", Json::array({Json{{"modality", "TEXT"}, {"tokenCount", tokens}}})}};
  }
};

class GeminiEgress final : public Egress {
 public:
  UpstreamPath path(const Request&, const OutgoingCall& call) const override {
    UpstreamPath out{.path = path_to(call.model, call.stream ? "streamGenerateContent?alt=sse" : "generateContent"),
                     .headers = {}};
    for (const auto& header : call.profile->quirks.headers) {
      if (!header.name.empty()) out.headers.emplace_back(header.name, header.value);
    }
    return out;
  }
  Result<Json> write_request(const Request& request, const OutgoingCall& call) const override {
    return gemini::write_request(request, call);
  }
  std::unique_ptr<AnswerReader> reader(std::string provider) const override {
    return gemini::make_reader(std::move(provider));
  }
  Error read_error(int status, std::string_view body, const net::Headers& headers) const override {
    return gemini::read_error(status, body, headers);
  }
  Result<std::optional<CountQuery>> write_count(const Request& request, const OutgoingCall& call) const override {
    auto body = gemini::write_request(request, call);
    if (!body) return fail(std::move(body.error()));
    (*body)["model"] = "models/" + call.model;
    return CountQuery{.path = {.path = path_to(call.model, "countTokens"), .headers = {}},
                      .body = {{"generateContentRequest", std::move(*body)}}};
  }
  std::optional<int64_t> read_count(const Json& body) const override {
    const int64_t tokens = peek_integer(body, "totalTokens", -1);
    return tokens < 0 ? std::nullopt : std::optional(tokens);
  }
};

}  // namespace

const Ingress& gemini_ingress() {
  static const GeminiIngress kIngress;
  return kIngress;
}

const Egress& gemini_egress() {
  static const GeminiEgress kEgress;
  return kEgress;
}

}  // namespace steward::gateway
