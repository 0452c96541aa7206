#include <algorithm>

#include "gateway/output_count.h"
#include "gateway/peek.h"
#include "gateway/run.h"
#include "gateway/upstream.h"

namespace steward::gateway {
namespace {

constexpr int64_t kImageTokens =
    40'000;  // no provider counts more for one picture; its address says nothing of its size

Json provider_body(const ModelRequest& asked, const Target& target, const Call& call) {
  Json body = asked.body;
  body["model"] = target.upstream_model;
  // The caller's own limit under its own name, as far as it fits; else ours, or a call could cost more than was
  // reserved.
  const char* limit = body.contains("max_completion_tokens") && !body["max_completion_tokens"].is_null()
                          ? "max_completion_tokens"
                          : "max_tokens";
  body[limit] = call.reservation().output_tokens;
  if (asked.stream) body["stream_options"]["include_usage"] = true;
  return body;
}

Upstream upstream_of(Services& services, const Target& target) {
  Upstream upstream{
      .base_url = target.options->base_url, .key = target.options->key, .deadlines = target.options->deadlines};
  upstream.deadlines.total = std::min(upstream.deadlines.total, services.current()->call_deadline);
  return upstream;
}

std::string_view path_of(const ModelRequest& asked) {
  return asked.kind == CallKind::kChat ? "/chat/completions" : "/completions";
}

ledger::Usage estimated(const ModelRequest& asked, int64_t completion) {
  return {.prompt_tokens = estimate_tokens(static_cast<size_t>(remote_input_bound(asked))),
          .completion_tokens = completion,
          .estimated = true};
}

// A whole answer as one chunk of the stream form: so that one path leads to the client.
Json as_chunk(Json body) {
  for (auto& choice : body["choices"]) {
    if (!choice.is_object() || !choice.contains("message")) continue;
    choice["delta"] = std::move(choice["message"]);
    choice.erase("message");
    if (choice["delta"].is_object() && choice["delta"].value("tool_calls", Json()).is_array()) {
      size_t index = 0;
      for (auto& call : choice["delta"]["tool_calls"]) {
        if (call.is_object()) call["index"] = index++;
      }
    }
  }
  mend_chunk(body);
  return body;
}

Task<Ended> run_whole(Services& services, net::Request& request, const ModelRequest& asked, Call& call,
                      Answer& answer) {
  auto got = co_await services.clients.here().fetch(
      upstream_request(upstream_of(services, call.target()), path_of(asked),
                       dump(provider_body(asked, call.target(), call)), request.cancel));
  Ended ended;
  if (!got) {
    ended.outcome = outcome_of(got.error());
    // The provider was asked and may have answered it all: charged at the bound, for nobody can tell what it made.
    if (got.error().code == ErrorCode::kCancelled || got.error().code == ErrorCode::kUpstreamTimeout)
      ended.outcome = ledger::Outcome::kInDoubt;
    ended.error = std::move(got.error());
    co_return ended;
  }
  call.first_byte();
  if (got->status != 200) {
    ended.error = upstream_refusal(got->status, got->body, got->headers, false);
    ended.outcome = got->status < 500 ? ledger::Outcome::kRefusedUpstream : ledger::Outcome::kUpstreamFailed;
    co_return ended;
  }
  auto body = parse_json(got->body, {.max_depth = 256, .allow_duplicate_keys = true});
  if (!body || !body->is_object() || !body->value("choices", Json()).is_array()) {
    ended.usage = estimated(asked, estimate_tokens(got->body.size()));
    ended.outcome = ledger::Outcome::kUpstreamFailed;
    ended.error =
        Error(ErrorCode::kUpstreamError, "The model's provider answered with something that is no completion.");
    co_return ended;
  }
  OutputCount counted;
  counted.add_whole(*body);
  ended.usage = read_usage(*body).value_or(estimated(asked, counted.estimate()));
  if (auto ok = co_await answer.chunk(as_chunk(std::move(*body))); !ok) {
    ended.outcome = outcome_of(ok.error());
    ended.error = std::move(ok.error());
  }
  co_return ended;
}

Task<Status> relay(EventStream& stream, const ModelRequest& asked, Call& call, Answer& answer, OutputCount& counted,
                   std::optional<ledger::Usage>& usage) {
  const int64_t most = call.reservation().output_tokens * asked.choices();
  for (;;) {
    auto event = co_await stream.next();
    if (!event) co_return fail(std::move(event.error()));
    if (!*event) co_return Status{};
    Json& json = **event;
    call.first_byte();
    if (auto told = read_usage(json)) {
      if (!usage || told->completion_tokens >= usage->completion_tokens) usage = told;  // told twice: the larger
    }
    counted.add(json);
    for (const char* name : {"usage", "obfuscation"}) json.erase(name);
    const bool over = counted.at_least() > most;
    if (over) {
      co_return fail(ErrorCode::kUpstreamError,
                     fmt::format("The answer was cut: the provider went past the {} tokens that it was allowed.", most),
                     {{"cut", true}});
    }
    if (!mend_chunk(json) && !json.contains("moderation")) continue;
    if (auto ok = co_await answer.chunk(std::move(json)); !ok) co_return ok;
  }
}

Task<Ended> run_streamed(Services& services, net::Request& request, const ModelRequest& asked, Call& call,
                         Answer& answer) {
  Ended ended;
  auto stream =
      co_await EventStream::open(services.clients.here(),
                                 upstream_request(upstream_of(services, call.target()), path_of(asked),
                                                  dump(provider_body(asked, call.target(), call)), request.cancel),
                                 false);
  if (!stream) {
    ended.outcome = outcome_of(stream.error());
    if (stream.error().code == ErrorCode::kCancelled || stream.error().code == ErrorCode::kUpstreamTimeout)
      ended.usage = estimated(asked, 0);  // it was asked, and read the input
    ended.error = std::move(stream.error());
    co_return ended;
  }
  OutputCount counted;
  std::optional<ledger::Usage> usage;
  Status status = co_await relay(**stream, asked, call, answer, counted, usage);
  stream->reset();  // what is still under way is cut upstream, before anything else is waited for
  ended.usage = usage.value_or(estimated(asked, counted.estimate()));
  if (!status) {
    const bool cut = status.error().details.is_object() && status.error().details.contains("cut");
    ended.outcome = cut ? ledger::Outcome::kCut : outcome_of(status.error());
    ended.error = std::move(status.error());
  }
  co_return ended;
}

}  // namespace

int64_t remote_input_bound(const ModelRequest& asked) {
  int64_t bound = static_cast<int64_t>(dump(asked.body).size());
  for (const auto& message : peek(asked.body, "messages")) {
    for (const auto& part : peek(message, "content"))
      bound += peek_text(part, "type") == "image_url" ? kImageTokens : 0;
  }
  return bound;
}

int64_t remote_output_cap(const ModelRequest& asked, const Target& target, int64_t default_output) {
  int64_t cap =
      target.max_output_tokens > 0 ? target.max_output_tokens : std::max(default_output, asked.max_output.value_or(0));
  if (target.context_tokens > 0) cap = std::min(cap, target.context_tokens);
  return cap;
}

Task<Ended> run_remote(Services& services, net::Request& request, const ModelRequest& asked, Call& call,
                       Answer& answer) {
  if (asked.stream) co_return co_await run_streamed(services, request, asked, call, answer);
  co_return co_await run_whole(services, request, asked, call, answer);
}

}  // namespace steward::gateway
