#include "gateway/embeddings/remote.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/json_bounded.h"
#include "gateway/output_count.h"
#include "gateway/remote.h"
#include "gateway/upstream.h"

namespace steward::gateway {
namespace {

// One request of a call.
struct EmbeddingTurn {
  size_t first = 0, count = 0;
  Vectors got;
  ledger::Usage usage{.requests = 0};
};

// One call's requests, for its workers. Outlives them all: who made it waits.
class VectorAsking {
 public:
  VectorAsking(Services& services, Call& call, const EmbeddingRequest& asked, const EmbeddingEgress& egress,
               const Executor& executor)
      : services_(services), call_(call), asked_(asked), egress_(egress), executor_(executor), bell_(executor) {
    for (size_t first = 0; first < asked.inputs.size(); first += egress.most_inputs())
      turns_.push_back({.first = first, .count = std::min(egress.most_inputs(), asked.inputs.size() - first)});
    deadline_ = Deadline::in(services.current()->call_deadline);
  }

  Task<AskedVectors> run(CancelToken client) {
    const size_t hook = client.on_cancel([token = cancel_](CancelReason reason) mutable { token.cancel(reason); });
    under_way_ = std::min(kEmbeddingRequestsAtOnce, turns_.size());
    for (size_t worker = 0, all = under_way_; worker < all; ++worker) asio::co_spawn(executor_, work(), asio::detached);
    while (under_way_ > 0) {
      bell_.expires_at(std::chrono::steady_clock::time_point::max());
      (void)co_await bell_.async_wait(asio::as_tuple(asio::use_awaitable));
    }
    client.forget(hook);
    if (broke_) std::rethrow_exception(broke_);
    co_return result();
  }

 private:
  Task<void> work() {
    try {
      while (next_ < turns_.size() && !error_) {
        EmbeddingTurn& turn = turns_[next_++];
        auto ok = co_await ask(turn);
        if (!ok && !error_) error_ = std::move(ok.error());  // what is under way ends, so that it is counted exactly
      }
    } catch (...) {  // a bug's: told once nothing is under way any more
      broke_ = std::current_exception();
      cancel_.cancel(CancelReason::kStopped);
    }
    --under_way_;
    bell_.cancel();
  }

  net::ClientDeadlines deadlines() const {
    net::ClientDeadlines out = call_.target().options->deadlines;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline_.left());
    out.total = std::min(out.total, std::max(left, std::chrono::milliseconds(1)));
    return out;
  }

  Task<Status> ask(EmbeddingTurn& turn) {
    const ProviderOptions& provider = *call_.target().options;
    EmbeddingAsk what = egress_.ask(asked_, call_.target().upstream_model, turn.first, turn.count);
    auto request = provider_request(provider, {.path = std::move(what.path), .headers = {}}, dump(what.body), cancel_,
                                    deadlines(), services_.clock.now_us());
    if (!request) co_return fail(std::move(request.error()));
    request->max_response_bytes = kMaxAnswerBytes;
    auto got = co_await services_.clients.here().fetch(std::move(*request));
    if (!got) {  // asked and perhaps read: its input is charged
      const ErrorCode code = got.error().code;
      if (code == ErrorCode::kCancelled || code == ErrorCode::kUpstreamTimeout) turn.usage = estimate(turn);
      co_return fail(std::move(got.error()));
    }
    call_.first_byte();
    services_.router.told_limits(
        call_.target().model,
        routing::read_provider_limits([&](std::string_view name) { return got->headers.get(name); },
                                      services_.clock.now_us()));
    if (got->status != 200) {
      Error error = egress_.read_error(got->status, got->body, got->headers);
      if (error.details.is_object()) error.details["upstream_status"] = got->status;
      co_return fail(std::move(error));
    }
    co_return read(turn, *got);
  }

  Status read(EmbeddingTurn& turn, const net::ClientResponse& got) {
    turn.usage = estimate(turn);
    auto vectors = read_vectors(asked_, egress_, got.body, got.headers, turn.count);
    if (!vectors) return fail(std::move(vectors.error()));
    turn.got = std::move(*vectors);
    if (turn.got.usage) turn.usage = std::move(*turn.got.usage);
    return {};
  }

  ledger::Usage estimate(const EmbeddingTurn& turn) const { return estimated_vectors(asked_, turn.first, turn.count); }

  AskedVectors result() {
    AskedVectors out{.error = std::move(error_)};
    ledger::Usage& sum = out.made.usage;
    sum = turns_.front().usage;
    for (EmbeddingTurn& turn : turns_) {
      out.disputed = out.disputed || turn.got.disputed;
      for (std::string& text : turn.got.texts) out.made.texts.push_back(std::move(text));
      if (&turn == &turns_.front()) continue;
      sum.prompt_tokens += turn.usage.prompt_tokens;
      sum.requests += turn.usage.requests;
      sum.estimated = sum.estimated || turn.usage.estimated;
    }
    if (turns_.size() == 1) out.made.raw = std::move(turns_.front().got.raw);
    return out;
  }

  Services& services_;
  Call& call_;
  const EmbeddingRequest& asked_;
  const EmbeddingEgress& egress_;
  Executor executor_;
  asio::steady_timer bell_;
  CancelToken cancel_;
  Deadline deadline_;
  std::vector<EmbeddingTurn> turns_;
  size_t next_ = 0, under_way_ = 0;
  std::optional<Error> error_;
  std::exception_ptr broke_;
};

}  // namespace

// No tokenizer makes more tokens than there are bytes, and a few for the ends of each text.
Bound embedding_bound(const EmbeddingRequest& asked, size_t requests) {
  Bound bound;
  const auto inputs = static_cast<int64_t>(asked.inputs.size());
  bound.input_tokens = static_cast<int64_t>(asked.bytes()) + asked.tokens + 8 * inputs;
  if (asked.media) bound.input_tokens += kDocumentTokens;
  bound.may_use = {.cache_writes = ledger::CacheWrites::kNone,
                   .image_input = asked.media,
                   .audio_input = asked.media,
                   .image_output = false,
                   .audio_output = false,
                   .requests = static_cast<int64_t>(requests)};
  return bound;
}

ledger::Usage estimated_vectors(const EmbeddingRequest& asked, size_t first, size_t count) {
  if (asked.tokens > 0) return {.prompt_tokens = asked.tokens, .estimated = true};  // these go out as one request
  size_t bytes = 0;
  for (size_t at = first; at < first + count; ++at) bytes += asked.inputs[at].size();
  return {.prompt_tokens = estimate_tokens(bytes), .estimated = true};
}

Result<Vectors> read_vectors(const EmbeddingRequest& asked, const EmbeddingEgress& egress, std::string_view body,
                             const net::Headers& headers, size_t count) {
  auto json = parse_json(body, {.max_depth = kMaxForeignDepth, .allow_duplicate_keys = true});
  if (!json) return no_vectors();
  return egress.read(asked, std::move(*json), headers, count);
}

Task<AskedVectors> ask_for_vectors(Services& services, Call& call, const EmbeddingRequest& asked,
                                   const EmbeddingEgress& egress, CancelToken client) {
  const Executor executor = co_await asio::this_coro::executor;
  VectorAsking asking(services, call, asked, egress, executor);
  co_return co_await asking.run(std::move(client));
}

}  // namespace steward::gateway
