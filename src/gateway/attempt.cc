#include "gateway/attempt.h"

#include <algorithm>
#include <iterator>

#include "gateway/routed.h"
#include "ledger/pricing.h"

namespace steward::gateway {
namespace {

// A settlement is written before the last byte of an answer.
Error unsettled() {
  return Error(ErrorCode::kStoreUnavailable,
               "The model has answered, but what that cost can't be written down now, so the answer is not finished.");
}

bool is_content(const Delta& delta) {
  return std::holds_alternative<Open>(delta) || std::holds_alternative<Append>(delta) ||
         std::holds_alternative<Summarise>(delta) || std::holds_alternative<Finish>(delta);
}

bool may_trace_content(Services& services, const identity::Caller& caller) {
  const auto traces = services.current()->traces;
  return traces && traces->content() && caller.key && caller.key->spec.content_days > 0;
}

}  // namespace

routing::ProviderLimits ModelAttempt::limits() const { return source_ ? source_->limits() : routing::ProviderLimits{}; }

// A cancellation carries its reason: what the caller is told depends on it.
Error ModelAttempt::ours(Error error) const {
  if (error.code != ErrorCode::kCancelled) return error;
  if (turn_.cancel.reason() == CancelReason::kShutdown) return Error(ErrorCode::kShuttingDown);
  if (turn_.cancel.reason() == CancelReason::kDeadline) return Error(ErrorCode::kUpstreamTimeout);
  return error;
}

Task<void> ModelAttempt::settle(Ended& ended) {
  span_.end(*call_);
  if (ended.disputed) call_->dispute();
  if (ended.disputed)
    services_.log.warn(
        "a provider told a use that can't be: the call was counted here",
        {{"call", call_->id()}, {"provider", call_->target().provider}, {"model", call_->target().model}});
  co_await call_->settle(ended.usage, ended.outcome, ended.error ? &*ended.error : nullptr);
}

Task<Status> ModelAttempt::start() {
  if (auto ok = co_await admit(); !ok) co_return ok;
  Status status;
  std::exception_ptr broke;
  try {
    status = co_await reach_content();
  } catch (...) {
    broke = std::current_exception();
  }
  if (broke) {
    const Error error(ErrorCode::kInternal);
    co_await call_->settle({}, ledger::Outcome::kInDoubt, &error);
    std::rethrow_exception(broke);
  }
  if (status) co_return status;
  source_->stop();
  Ended ended = source_->ended(ours(std::move(status.error())));
  co_await settle(ended);
  co_return fail(std::move(*ended.error));
}

// Up to the reservation: a refusal here leaves nothing behind.
Task<Status> ModelAttempt::admit() {
  auto target = co_await target_of(services_, turn_.deployment);
  if (!target) co_return fail(std::move(target.error()));
  call_ = std::make_shared<Call>(services_, caller_, turn_.cancel, *target, asked_.endpoint);
  call_->set_trace(asked_.trace);
  span_.begin(*call_, asked_.request, may_trace_content(services_, caller_));
  source_ = target->local() ? make_local_source(services_, asked_, *target, turn_.cancel)
                            : make_remote_source(services_, asked_, *target, turn_.cancel,
                                                 {turn_.first_byte_us, turn_.between_bytes_us, turn_.total});
  auto bound = co_await source_->prepare();
  if (!bound) co_return fail(ours(std::move(bound.error())));
  call_->note_dropped(source_->dropped());
  if (auto ok = hold_to_cost(*bound); !ok) co_return ok;
  co_return co_await call_->reserve(std::move(*bound));
}

// A ceiling on the call's cost is held by how much may come out.
Status ModelAttempt::hold_to_cost(Bound& bound) {
  if (!turn_.max_cost) return {};
  const Target& target = call_->target();
  const auto price = services_.ledger.price(caller_.tenant, target.provider, target.upstream_model);
  if (!price) return {};
  const int64_t asked = std::min(bound.output_cap, bound.requested_output.value_or(bound.output_cap));
  bound.output_cap =
      ledger::output_that_fits(*price, bound.input_tokens, bound.choices, *turn_.max_cost, asked, bound.may_use);
  if (bound.output_cap > 0 || asked == 0) return {};
  return fail(ErrorCode::kBudgetExceeded,
              fmt::format("A call of '{}' would cost more than the {} that this one may.", target.model,
                          to_usd_string(*turn_.max_cost)),
              {{"param", "x-steward-max-cost-usd"}});
}

Task<Status> ModelAttempt::reach_content() {
  if (const size_t slots = source_->slots(); slots > 0) {
    if (auto turn = co_await call_->enter_queue(slots); !turn) co_return turn;
  }
  Status status = co_await source_->open(call_->reservation().output_tokens);
  for (;;) {
    if (status) status = co_await pull_content();
    if (status || !co_await source_->again(status.error(), true)) co_return status;
    held_.clear();
    sum_ = {};
    status = {};
  }
}

Task<Status> ModelAttempt::pull_content() {
  for (bool content = false; !content || !asked_.request.stream;) {
    auto deltas = co_await source_->next();
    if (!deltas) co_return fail(std::move(deltas.error()));
    if (!*deltas) {
      whole_ = true;
      co_return Status{};
    }
    call_->first_byte();
    content = content || std::ranges::any_of(**deltas, is_content);
    if (auto ok = co_await take(**deltas); !ok) co_return ok;
    if (asked_.request.stream) std::ranges::move(**deltas, std::back_inserter(held_));
  }
  co_return Status{};
}

Task<Status> ModelAttempt::take(const Deltas& deltas) {
  span_.take(*call_, deltas);
  if (asked_.request.stream && !asked_.answered) co_return Status{};
  for (const Delta& delta : deltas) {
    if (auto ok = sum_.add(delta); !ok) co_return ok;
  }
  co_return turn_.cancel.cancelled() ? Status(fail(ErrorCode::kCancelled)) : Status{};
}

Task<void> ModelAttempt::discard() {
  source_->stop();
  Ended ended = source_->ended(ours(Error(ErrorCode::kCancelled)));
  co_await settle(ended);
}

Task<Status> ModelAttempt::relay(Answer& answer) {
  if (!asked_.request.stream) co_return Status{};
  if (auto ok = co_await answer.open(*call_); !ok) co_return ok;
  if (auto ok = co_await answer.take(std::exchange(held_, {})); !ok) co_return ok;
  while (!whole_) {
    auto deltas = co_await source_->next();
    if (!deltas) co_return fail(std::move(deltas.error()));
    whole_ = !deltas->has_value();
    if (whole_) break;
    if (auto ok = co_await take(**deltas); !ok) co_return ok;
    if (auto ok = co_await answer.take(**deltas); !ok) co_return ok;
  }
  co_return Status{};
}

Task<std::optional<Error>> ModelAttempt::deliver(Answer& answer) {
  Status status;
  std::exception_ptr broke;
  try {
    status = co_await relay(answer);
  } catch (...) {
    broke = std::current_exception();
  }
  if (broke) {
    const Error error(ErrorCode::kInternal);
    co_await call_->settle({}, ledger::Outcome::kInDoubt, &error);
    std::rethrow_exception(broke);
  }
  source_->stop();  // what is still under way is cut upstream, before anything else is waited for
  std::optional<Error> error;
  if (!status) {
    error = ours(std::move(status.error()));
    (void)co_await source_->again(*error, false);
  }
  Ended ended = source_->ended(std::move(error));
  co_await settle(ended);
  if (!ended.error && !call_->settled()) ended.error = unsettled();
  if (!ended.error && asked_.answered) {
    if (auto kept = co_await asked_.answered(sum_.whole(), *call_, ended.usage); !kept) ended.error = kept.error();
  }
  if (ended.error) {
    if (ended.error->code != ErrorCode::kCancelled) co_await answer.fail_with(call_.get(), *ended.error);
  } else if (asked_.request.stream) {
    co_await answer.finish(*call_, ended.usage);
  } else {
    co_await answer.finish_whole(*call_, sum_.whole(), ended.usage);
  }
  co_return std::move(ended.error);
}

}  // namespace steward::gateway
