#include "gateway/dialects/chat/chat.h"

namespace steward::gateway {
namespace {

class ChatIngress final : public Ingress {
 public:
  Result<Request> read_request(Json body, const IncomingCall&) const override {
    return chat::read_request(std::move(body));
  }
  std::unique_ptr<AnswerWriter> writer(const Request& request, AnswerContext context) const override {
    return chat::make_writer(request, std::move(context));
  }
  Json write_answer(const WholeAnswer& answer, const Request& request, const AnswerContext& context,
                    const ledger::Usage& usage, const Json& report) const override {
    return chat::write_answer(answer, request, context, usage, report);
  }
  Json write_error(const Error& error) const override { return chat::write_error(error); }
};

class ChatEgress final : public Egress {
 public:
  UpstreamPath path(const Request&, const OutgoingCall& call) const override {
    UpstreamPath out{.path = "/chat/completions", .headers = {}};
    for (const auto& header : call.profile->quirks.headers) {
      if (!header.name.empty()) out.headers.emplace_back(header.name, header.value);
    }
    return out;
  }
  Result<Json> write_request(const Request& request, const OutgoingCall& call) const override {
    return chat::write_request(request, call);
  }
  std::unique_ptr<AnswerReader> reader(std::string provider) const override {
    return chat::make_reader(std::move(provider));
  }
  Error read_error(int status, std::string_view body, const net::Headers& headers) const override {
    return chat::read_error(status, body, headers);
  }
};

}  // namespace

const Ingress& chat_ingress() {
  static const ChatIngress kIngress;
  return kIngress;
}

const Egress& chat_egress() {
  static const ChatEgress kEgress;
  return kEgress;
}

}  // namespace steward::gateway
