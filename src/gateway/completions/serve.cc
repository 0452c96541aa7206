#include "gateway/completions/serve.h"

#include <algorithm>

#include "gateway/completions/answer.h"
#include "gateway/completions/remote.h"
#include "gateway/engine_body.h"
#include "gateway/local_run.h"
#include "gateway/output_count.h"
#include "gateway/peek.h"
#include "gateway/remote.h"
#include "gateway/request_span.h"
#include "gateway/routed.h"

namespace steward::gateway {
namespace {

constexpr std::string_view kEndpoint = "completions";

class CompletionCall {
 public:
  CompletionCall(Services& services, const CompletionRequest& asked, net::Request& request, Call& call)
      : services_(services), asked_(asked), request_(request), call_(call) {}

  Task<Status> admit() {
    auto bound =
        call_.target().local()
            ? co_await prepare_local()
            : Result<Bound>(completion_bound(asked_, call_.target(), services_.current()->default_output_tokens));
    if (!bound) co_return fail(std::move(bound.error()));
    co_return co_await call_.reserve(std::move(*bound));
  }

  Task<Status> run(TextAnswer& answer) {
    if (local_) {
      if (auto turn = co_await call_.enter_queue(local_->slots()); !turn) co_return turn;
      local_->begin(call_.reservation().output_tokens);
    } else if (!asked_.stream) {
      co_return co_await fetch(answer);
    }
    for (;;) {
      Status ok = co_await relay(answer);
      if (ok || !local_ || !co_await local_->again(ok.error(), !answer.begun())) co_return ok;
      answer.reset();
    }
  }

  // Cuts what is still under way upstream, and says what it used.
  Ended ended(Status status) {
    stream_.reset();
    if (local_) local_->stop();
    Ended out;
    if (!status) {
      out.outcome = outcome_of(status.error());
      if (status.error().details.is_object() && status.error().details.contains("cut"))
        out.outcome = ledger::Outcome::kCut;
      out.error = std::move(status.error());
    }
    if (local_) {
      out.usage = local_->used();
    } else if (told_ && !out.error) {
      out.usage = *told_;
    } else if (heard_ || (asked_it_ && unheard(out))) {
      out.usage = {.prompt_tokens = estimate_tokens(static_cast<size_t>(call_.input_bound())),
                   .completion_tokens = counted_.estimate(),
                   .estimated = true};
      // Asked, and perhaps answered: charged at the bound, for nobody can tell what it made.
      if (!asked_.stream && !heard_) out.outcome = ledger::Outcome::kInDoubt;
    } else if (out.error) {
      out.usage.requests = 0;
    } else {
      out.usage.estimated = true;
    }
    if (refused_status_ >= 500) out.outcome = ledger::Outcome::kUpstreamFailed;
    if (refused_status_ > 0 && refused_status_ < 500) out.outcome = ledger::Outcome::kRefusedUpstream;
    return out;
  }

 private:
  static bool unheard(const Ended& ended) {
    return ended.error &&
           (ended.error->code == ErrorCode::kCancelled || ended.error->code == ErrorCode::kUpstreamTimeout);
  }

  Task<Result<Bound>> prepare_local() {
    if (auto ok = check_for_local(asked_); !ok) co_return fail(std::move(ok.error()));
    LocalAsk ask{.kind = LocalKind::kCompletion,
                 .n = asked_.n,
                 .max_output = asked_.max_output,
                 .stops = stops_of(asked_.body),
                 .input_name = "prompt"};
    Json body = engine_body(asked_.body);
    if (peek(body, "logprobs") == 0) body["logprobs"] = 1;
    for (const auto& prompt : asked_.prompts) {
      ask.bodies.push_back(body);
      ask.bodies.back()["prompt"] = prompt;
    }
    local_.emplace(services_, request_.cancel, std::move(ask), call_.target().upstream_model);
    co_return co_await local_->prepare();
  }

  Result<net::ClientRequest> provider_call() {
    const ProviderOptions& provider = *call_.target().options;
    const Json body = completion_body(asked_, call_.target(), call_.reservation().output_tokens);
    net::ClientDeadlines deadlines = provider.deadlines;
    deadlines.total = std::min(deadlines.total, services_.current()->call_deadline);
    asked_it_ = true;
    return provider_request(provider, {.path = "/completions", .headers = {}}, dump(body), request_.cancel, deadlines,
                            services_.clock.now_us());
  }

  Error refused(int status, std::string_view body, const net::Headers& headers) {
    refused_status_ = status;
    return upstream_refusal(status, body, headers, false);
  }

  void hear(const Json& json) {
    heard_ = true;
    call_.first_byte();
    counted_.add(json);
    if (auto told = read_usage(json)) {
      if (!told_ || told->completion_tokens >= told_->completion_tokens) told_ = told;  // told twice: the larger
    }
  }

  Task<Status> fetch(TextAnswer& answer) {
    auto request = provider_call();
    if (!request) co_return fail(std::move(request.error()));
    auto got = co_await services_.clients.here().fetch(std::move(*request));
    if (!got) co_return fail(std::move(got.error()));
    if (got->status != 200) {
      Error error = refused(got->status, got->body, got->headers);
      co_return fail(std::move(error));
    }
    auto body = read_completion_answer(got->body);
    if (!body) {
      heard_ = true;
      counted_.add_text(got->body.size());
      co_return fail(std::move(body.error()));
    }
    hear(*body);
    co_return co_await answer.chunk(std::move(*body));
  }

  Task<Status> relay(TextAnswer& answer) {
    const int64_t most = call_.reservation().output_tokens * asked_.choices();
    for (;;) {
      auto chunk = co_await next();
      if (!chunk) co_return fail(std::move(chunk.error()));
      if (!*chunk) co_return Status{};
      if (!local_ && counted_.at_least() > most) {
        co_return fail(
            ErrorCode::kUpstreamError,
            fmt::format("The answer was cut: the provider went past the {} tokens that it was allowed.", most),
            {{"cut", true}});
      }
      if (auto ok = co_await answer.chunk(std::move(**chunk)); !ok) co_return ok;
    }
  }

  Task<Result<std::optional<Json>>> next() {
    if (local_) {
      auto chunk = co_await local_->next();
      if (chunk) call_.first_byte();
      co_return chunk;
    }
    if (!stream_) {
      if (auto ok = co_await open(); !ok) co_return fail(std::move(ok.error()));
    }
    for (;;) {
      auto event = co_await stream_->next(watch_.finished());
      if (!event) co_return fail(std::move(event.error()));
      if (!*event) {
        if (auto ok = watch_.end(); !ok && !stream_->done()) co_return fail(std::move(ok.error()));
        co_return std::optional<Json>();
      }
      if (auto ok = watch_.take(**event); !ok) co_return fail(std::move(ok.error()));
      Json& json = (*event)->data;
      hear(json);
      for (const char* name : {"usage", "obfuscation"}) json.erase(name);
      if (peek(json, "choices").is_array() && !json["choices"].empty()) co_return std::optional<Json>(std::move(json));
    }
  }

  Task<Status> open() {
    auto request = provider_call();
    if (!request) co_return fail(std::move(request.error()));
    request->headers.add("Accept", "text/event-stream");
    auto stream = co_await EventStream::open(services_.clients.here(), std::move(*request),
                                             [this](int status, std::string_view body, const net::Headers& headers) {
                                               return refused(status, body, headers);
                                             });
    if (!stream) co_return fail(std::move(stream.error()));
    stream_ = std::move(*stream);
    co_return Status{};
  }

  Services& services_;
  const CompletionRequest& asked_;
  net::Request& request_;
  Call& call_;
  std::optional<LocalRun> local_;
  std::unique_ptr<EventStream> stream_;
  ChoiceWatch watch_;
  OutputCount counted_;
  std::optional<ledger::Usage> told_;
  int refused_status_ = 0;
  bool asked_it_ = false, heard_ = false;
};

// From the reservation on: whatever happens, it settles.
Task<Ended> metered(CompletionCall& run, Call& call, TextAnswer& answer, CancelToken cancel) {
  Status status;
  std::exception_ptr broke;
  try {
    status = co_await run.run(answer);
  } catch (...) {
    broke = std::current_exception();
  }
  if (broke) {
    const Error error(ErrorCode::kInternal);
    co_await call.settle({}, ledger::Outcome::kInDoubt, &error);
    std::rethrow_exception(broke);
  }
  if (!status && status.error().code == ErrorCode::kCancelled && cancel.reason() == CancelReason::kShutdown)
    status = fail(ErrorCode::kShuttingDown);
  Ended ended = run.ended(std::move(status));
  co_await call.settle(ended.usage, ended.outcome, ended.error ? &*ended.error : nullptr);
  if (!ended.error && !call.settled()) ended.error = Error(ErrorCode::kStoreUnavailable);
  co_return ended;
}

}  // namespace

Task<void> serve_completion(Services& services, identity::Caller caller, CompletionRequest asked, net::Request& request,
                            net::Responder& responder) {
  RequestSpan span(services, request, caller, kEndpoint, asked.model);
  auto succession =
      co_await Succession::begin(services, caller, asked.model, "chat", request.body.size(), request.headers);
  Error error(ErrorCode::kInternal);
  if (!succession) error = std::move(succession.error());
  while (succession) {
    auto target = co_await succession->next();
    if (!target) {
      error = std::move(target.error());
      break;
    }
    Call call(services, caller, request.cancel, *target, std::string(kEndpoint));
    call.set_trace(span.below());
    CompletionCall run(services, asked, request, call);
    if (auto ok = co_await run.admit(); !ok) {
      if (succession->failed(ok.error())) continue;
      span.failed(ok.error());
      call.set_headers(responder.headers(), false);
      co_return co_await write_openai_error(request, responder, std::move(ok.error()));
    }
    succession->tell(responder.headers());
    TextAnswer answer(call, asked, services.clock.now_us(), request, responder);
    Ended ended = co_await metered(run, call, answer, request.cancel);
    const bool next = ended.error && succession->failed(*ended.error) && !answer.begun();
    if (!ended.error) {
      succession->answered();
      co_await answer.finish(ended.usage);
    } else if (!next) {
      span.failed(*ended.error);
    }
    if (ended.error && !next && ended.error->code != ErrorCode::kCancelled) {
      co_await answer.fail_with(std::move(*ended.error));
    }
    co_await answer.release();
    if (!next) co_return;
  }
  span.failed(error);
  services.meters.refused(std::string(kEndpoint), info(error.code).name);
  co_await write_openai_error(request, responder, std::move(error));
}

}  // namespace steward::gateway
