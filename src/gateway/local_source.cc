// The embedded engine as a source: the call goes out in Chat Completions' form, and its chunks come back as deltas.
#include "gateway/engine_body.h"
#include "gateway/local_limits.h"
#include "gateway/local_run.h"
#include "gateway/peek.h"
#include "gateway/source.h"

namespace steward::gateway {
namespace {

constexpr std::string_view kProvider = "local";

class LocalSource final : public Source {
 public:
  LocalSource(Services& services, const Asked& asked, Target target, CancelToken cancel)
      : Source(asked), services_(services), asked_(asked), target_(std::move(target)), cancel_(std::move(cancel)) {}

  Task<Result<Bound>> prepare() override {
    auto ask = read();
    if (!ask) co_return fail(std::move(ask.error()));
    run_.emplace(services_, cancel_, std::move(*ask), target_.upstream_model);
    co_return co_await run_->prepare();
  }

  size_t slots() const override { return run_->slots(); }

  Task<Status> open(int64_t output_tokens) override {
    run_->begin(output_tokens);
    begin_reading();
    co_return Status{};
  }

  Task<Result<std::optional<Deltas>>> next() override {
    for (;;) {
      auto chunk = co_await run_->next();
      if (!chunk) co_return fail(std::move(chunk.error()));
      if (*chunk) {
        auto deltas = reader_->event("", std::move(**chunk));
        if (!deltas) co_return fail(std::move(deltas.error()));
        if (deltas->empty()) continue;
        co_return std::optional<Deltas>(std::move(*deltas));
      }
      if (std::exchange(ended_, true)) co_return std::optional<Deltas>();
      auto owed = reader_->end();
      if (!owed) co_return fail(std::move(owed.error()));
      say_back(*owed);
      if (!owed->empty()) co_return std::optional<Deltas>(std::move(*owed));
    }
  }

  Task<bool> again(Error& error, bool nothing_sent) override {
    const bool may = co_await run_->again(error, nothing_sent);
    if (may) begin_reading();
    co_return may;
  }

  void stop() override { run_->stop(); }

  Ended ended(std::optional<Error> error) override {
    Ended out{.usage = run_->used(), .error = std::move(error)};
    if (out.error) out.outcome = outcome_of(*out.error);
    return out;
  }

 private:
  Result<LocalAsk> read() {
    const Request& request = asked_.request;
    auto plain = for_local(request, refusals_);
    if (!plain) return fail(std::move(plain.error()));
    const OutgoingCall call{.provider = std::string(kProvider),
                            .model = target_.upstream_model,
                            .profile = &local_profile(),
                            .max_output = request.max_output.value_or(0),
                            .stream = true,
                            .refusals = &refusals_};
    auto body = chat_egress().write_request(*plain, call);
    if (!body) return fail(std::move(body.error()));
    const bool offered = peek(*body, "tools").is_array() && !(*body)["tools"].empty();
    LocalAsk ask{.n = request.n,
                 .max_output = request.max_output,
                 .stops = request.stop,
                 .has_tools = offered && request.tool_choice.kind != ToolChoice::Kind::kNone,
                 .input_name = std::string(caller_name(request.from, Setting::kMessages)),
                 .format_name = std::string(caller_name(request.from, Setting::kFormat)),
                 .logprobs_name = std::string(caller_name(request.from, Setting::kLogprobs))};
    ask.bodies.push_back(engine_body(std::move(*body)));
    return ask;
  }

  void begin_reading() {
    reader_ = chat_egress().reader(std::string(kProvider));
    ended_ = false;
  }

  // What OpenAI says back of a request.
  void say_back(Deltas& deltas) const {
    const Request& request = asked_.request;
    if (request.from != Dialect::kChat || request.stream) return;
    Json extra = Json::object();
    if (request.metadata.is_object()) extra["metadata"] = request.metadata;
    if (!request.service_tier.empty()) extra["service_tier"] = "default";
    if (!extra.empty()) deltas.push_back(AnswerExtra{.extra = std::move(extra)});
  }

  Services& services_;
  const Asked& asked_;
  Target target_;
  CancelToken cancel_;
  std::optional<LocalRun> run_;
  std::unique_ptr<AnswerReader> reader_;
  bool ended_ = false;
};

}  // namespace

std::unique_ptr<Source> make_local_source(Services& services, const Asked& asked, Target target, CancelToken cancel) {
  return std::make_unique<LocalSource>(services, asked, std::move(target), std::move(cancel));
}

}  // namespace steward::gateway
