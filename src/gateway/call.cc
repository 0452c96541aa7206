#include "gateway/call.h"

#include <algorithm>

#include "base/text.h"
#include "gateway/request_span.h"
#include "ledger/records.h"

namespace steward::gateway {
namespace {
// The embedded engine, or a model server of one's own: no invoice comes, and the owner's price is all there is.
bool is_own(const Target& target) { return target.local() || target.options->profile.quirks.own_server; }

// A line of a batch goes out as a live call: a provider that sends invoices has its own word on what that costs. Where
// none comes, and the owner's price has a row for batches, that is the one.
bool has_batch_price(const identity::Caller& caller, const Target& target, const std::optional<ledger::Price>& price) {
  return caller.in_batch && is_own(target) && price &&
         std::ranges::find(price->tiers, ledger::ServiceLevel::kBatch, &ledger::PriceTier::service) !=
             price->tiers.end();
}

constexpr DurationUs kExpiryGraceUs = 60 * kSecondUs;  // a reservation outlives the longest call by this
}  // namespace

std::shared_ptr<FairQueue> Services::queue_of(const std::string& model, size_t slots) {
  std::lock_guard lock(mutex);
  auto& queue = queues[model];
  if (!queue) queue = std::make_shared<FairQueue>(slots, options->queue_limit);
  queue->set_limits(slots, options->queue_limit);
  return queue;
}

Call::Call(Services& services, identity::Caller caller, CancelToken cancel, Target target, std::string endpoint)
    : services_(services),
      caller_(std::move(caller)),
      cancel_(std::move(cancel)),
      target_(std::move(target)),
      endpoint_(std::move(endpoint)),
      id_(services.ids.make("call")),
      started_us_(services.clock.monotonic_us()) {}

Task<Status> Call::reserve(Bound bound) {
  input_bound_ = bound.input_tokens;
  const auto options = services_.current();
  auto price = services_.ledger.price(caller_.tenant, target_.provider, target_.upstream_model);
  priced_ = price.has_value();
  if (price && is_own(target_)) {  // its tools are free, unless the price says otherwise
    for (const auto& [tool, calls] : bound.may_use.tool_calls) price->tools.try_emplace(tool, 0);
  }
  at_batch_price_ = has_batch_price(caller_, target_, price);
  if (at_batch_price_ && bound.may_use.service == ledger::ServiceLevel::kDefault)
    bound.may_use.service = ledger::ServiceLevel::kBatch;
  const bool posted = bound.waits_us > 0;
  const DurationUs longest =
      posted ? bound.waits_us : std::chrono::microseconds(options->call_deadline + options->queue_deadline).count();
  auto reserved = co_await services_.ledger.reserve({.call = id_,
                                                     .caller = caller_,
                                                     .model = target_.upstream_model,
                                                     .provider = target_.provider,
                                                     .endpoint = endpoint_,
                                                     .price = std::move(price),
                                                     .input_tokens_bound = bound.input_tokens,
                                                     .n = bound.choices,
                                                     .requested_output_tokens = bound.requested_output,
                                                     .output_cap = bound.output_cap,
                                                     .may_use = std::move(bound.may_use),
                                                     .local = target_.local(),
                                                     .expires_at = services_.clock.now_us() + longest + kExpiryGraceUs,
                                                     .posted = posted});
  if (!reserved) {
    services_.meters.refused(endpoint_, info(reserved.error().code).name);
    if (reserved.error().code == ErrorCode::kBudgetExceeded && !bound.open_ended.empty()) {
      reserved.error().message += fmt::format(
          " The tool '{}' was counted with {} uses: say how often it may be used ('max_uses', 'max_tool_calls').",
          bound.open_ended, kHostedToolCalls);
    }
    co_return fail(std::move(reserved.error()));
  }
  reservation_ = std::move(*reserved);
  services_.meters.opened();
  co_return Status{};
}

void Call::resume(ledger::Reservation reservation, DurationUs ago) {
  id_ = reservation.call;
  reservation_ = std::move(reservation);
  started_us_ -= ago;
  priced_ = services_.ledger.price(caller_.tenant, target_.provider, target_.upstream_model).has_value();
  resumed_ = true;
  services_.meters.opened();
}

Task<Status> Call::enter_queue(size_t slots) {
  auto queue = services_.queue_of(target_.upstream_model, slots);
  const std::string key = caller_.key ? caller_.key->id : caller_.principal;
  const double weight = caller_.key ? caller_.key->spec.weight : 1.0;
  const int64_t tokens = input_bound_ + reservation_.output_tokens;
  const TimeUs began = services_.clock.monotonic_us();
  auto ticket = co_await queue->enter(key, weight, tokens, Deadline::in(services_.current()->queue_deadline), cancel_);
  services_.meters.waited(services_.clock.monotonic_us() - began);
  if (!ticket) co_return fail(std::move(ticket.error()));
  ticket_ = std::move(*ticket);
  co_return Status{};
}

Task<Status> Call::durable() {
  co_return co_await services_.journal.wait_durable(reservation_.tenant, reservation_.seq);
}

Task<void> Call::settle(ledger::Usage usage, ledger::Outcome outcome, const Error* error) {
  if (std::exchange(settled_, true)) co_return;
  services_.meters.closed();
  ticket_.reset();
  if (at_batch_price_ && usage.service == ledger::ServiceLevel::kDefault) usage.service = ledger::ServiceLevel::kBatch;
  if (!target_.local()) {
    const bool refused = error != nullptr && routing::key_was_refused(*error);
    if (refused || error == nullptr) services_.directory.told_key(target_.provider, refused);
  }
  const DurationUs duration = services_.clock.monotonic_us() - started_us_;
  const std::string noted = disputed_ ? "usage_disputed" : "";
  if (disputed_) services_.meters.disputed(target_.model);
  auto charge = co_await services_.ledger.settle({.call = id_,
                                                  .tenant = reservation_.tenant,
                                                  .usage = usage,
                                                  .outcome = outcome,
                                                  .error = error ? std::string(info(error->code).name) : noted,
                                                  .attempts = attempts_,
                                                  .duration_us = duration,
                                                  .first_token_us = first_us_});
  if (charge) {
    charge_ = std::move(*charge);
    priced_ = priced_ && !charge_.unpriced;
  } else if (resumed_ && charge.error().code == ErrorCode::kConflict) {
    // Settled by a process that was killed before its answer was kept.
  } else {
    settled_ = false;  // its answer may not be finished as if it were
    services_.log.warn("a call could not be settled; it is when the journal takes records again, or at its bound",
                       {{"call", id_}, {"code", info(charge.error().code).name}});
  }
  static constexpr std::string_view kNames[] = {"finished", "client_gone",      "upstream_failed", "deadline",
                                                "cut",      "refused_upstream", "in_doubt"};
  if (trace_.on()) end_span(usage, outcome, error, duration);
  services_.meters.ended(endpoint_, target_.model, kNames[static_cast<size_t>(outcome)], usage, charge_.cost, duration,
                         first_us_);
}

void Call::set_trace(TraceContext parent) {
  trace_ = std::move(parent);
  if (trace_.on()) span_.start_us = services_.clock.now_us();
}

void Call::note(std::string name, SpanValue value) {
  if (trace_.on()) span_.set(std::move(name), std::move(value));
}

void Call::end_span(const ledger::Usage& usage, ledger::Outcome outcome, const Error* error, DurationUs duration) {
  const auto traces = services_.current()->traces;
  if (!traces) return;
  const ProviderProfile* profile = target_.options ? &target_.options->profile : nullptr;
  const std::string operation(genai_operation(endpoint_));
  span_.parent = trace_;
  span_.span_id = traces->new_span_id();
  span_.kind = target_.local() ? Span::Kind::kInternal : Span::Kind::kClient;
  span_.name = fmt::format("{} {}", operation, target_.upstream_model);
  span_.end_us = span_.start_us + duration;
  span_.set("gen_ai.operation.name", operation);
  span_.set("gen_ai.provider.name",
            profile != nullptr ? genai_provider(profile->name, target_.provider) : std::string("steward"));
  span_.set("gen_ai.request.model", target_.upstream_model);
  span_.set("gen_ai.usage.input_tokens", usage.prompt_tokens);
  span_.set("gen_ai.usage.output_tokens", usage.completion_tokens);
  if (usage.cached_tokens > 0) span_.set("gen_ai.usage.cache_read.input_tokens", usage.cached_tokens);
  if (usage.cache_write_tokens() > 0) span_.set("gen_ai.usage.cache_creation.input_tokens", usage.cache_write_tokens());
  span_.set("steward.call", id_);
  span_.set("steward.provider", target_.provider);
  span_.set("steward.outcome", std::string(ledger::to_text(outcome)));
  span_.set("steward.cost_usd", static_cast<double>(charge_.cost) / 1e9);
  if (first_us_ > 0) span_.set("steward.first_token_us", first_us_);
  if (usage.estimated) span_.set("steward.usage_estimated", true);
  if (error != nullptr) span_.error = info(error->code).name;
  traces->add(std::move(span_));
}

void Call::first_byte() {
  if (first_us_ == 0) first_us_ = std::max<DurationUs>(1, services_.clock.monotonic_us() - started_us_);
}

void Call::set_headers(net::Headers& headers, bool with_cost) const {
  headers.set("x-steward-call", id_);
  headers.set("x-steward-reserved-microusd", to_microusd_decimal(reservation_.reserved));
  const auto& budgets = with_cost ? charge_.budgets : reservation_.budgets;
  if (!budgets.empty()) {
    const auto tightest = std::ranges::min_element(budgets, {}, &ledger::BudgetLeft::left);
    headers.set("x-steward-left-microusd", to_microusd_decimal(std::max<NanoUsd>(0, tightest->left)));
    headers.set("x-steward-budget", tightest->budget);
  }
  if (reservation_.output_was_cut)
    headers.set("x-steward-max-output-tokens", std::to_string(reservation_.output_tokens));
  if (!dropped_.empty()) headers.set("x-steward-dropped", join(dropped_, ", "));
  if (with_cost) headers.set("x-steward-cost-microusd", to_microusd_decimal(charge_.cost));
  if (with_cost && !priced_) headers.set("x-steward-unpriced", "true");
  if (with_cost && charge_.overrun > 0) headers.set("x-steward-overrun-microusd", to_microusd_decimal(charge_.overrun));
  const ledger::RateState& rate = reservation_.rate;
  const auto seconds = [](DurationUs us) { return fmt::format("{:.3f}s", static_cast<double>(us) / 1e6); };
  if (rate.limit_requests > 0) {
    headers.set("x-ratelimit-limit-requests", std::to_string(rate.limit_requests));
    headers.set("x-ratelimit-remaining-requests", std::to_string(rate.remaining_requests));
    headers.set("x-ratelimit-reset-requests", seconds(rate.reset_requests_us));
  }
  if (rate.limit_tokens > 0) {
    headers.set("x-ratelimit-limit-tokens", std::to_string(rate.limit_tokens));
    headers.set("x-ratelimit-remaining-tokens", std::to_string(rate.remaining_tokens));
    headers.set("x-ratelimit-reset-tokens", seconds(rate.reset_tokens_us));
  }
}

void Call::note_route(std::string route, std::string attempts) {
  route_ = std::move(route);
  attempts_ = std::move(attempts);
}

Json Call::report() const {
  Json out = {{"call", id_},
              {"cost_microusd", to_microusd_decimal(charge_.cost)},
              {"reserved_microusd", to_microusd_decimal(reservation_.reserved)}};
  if (!priced_) out["unpriced"] = true;
  if (!route_.empty()) out["route"] = route_;
  if (!attempts_.empty()) out["attempts"] = attempts_;
  if (charge_.overrun > 0) out["overrun_microusd"] = to_microusd_decimal(charge_.overrun);
  if (!charge_.budgets.empty()) {
    const auto tightest = std::ranges::min_element(charge_.budgets, {}, &ledger::BudgetLeft::left);
    out["left_microusd"] = to_microusd_decimal(std::max<NanoUsd>(0, tightest->left));
  }
  return out;
}

ledger::Outcome outcome_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::kCancelled: return ledger::Outcome::kClientGone;
    case ErrorCode::kUpstreamTimeout:
    case ErrorCode::kQueueTimeout: return ledger::Outcome::kDeadline;
    case ErrorCode::kInvalidRequest:
    case ErrorCode::kContextTooLong:
    case ErrorCode::kModelNotFound:
    case ErrorCode::kRateLimited: return ledger::Outcome::kRefusedUpstream;
    default: return ledger::Outcome::kUpstreamFailed;
  }
}

Json usage_json(const ledger::Usage& usage) {
  return {{"prompt_tokens", usage.prompt_tokens},
          {"completion_tokens", usage.completion_tokens},
          {"total_tokens", usage.prompt_tokens + usage.completion_tokens},
          {"prompt_tokens_details", {{"cached_tokens", usage.cached_tokens}}},
          {"completion_tokens_details", {{"reasoning_tokens", usage.reasoning_tokens}}}};
}

}  // namespace steward::gateway
