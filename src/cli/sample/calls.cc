#include "cli/sample/calls.h"

#include <algorithm>

#include "gateway/peek.h"

namespace steward::cli {
using gateway::peek;
using gateway::peek_integer;
using gateway::peek_text;
namespace {

constexpr DurationUs kLongestCallUs = 600 * kSecondUs;
constexpr int64_t kBytesPerToken = 4;  // a reservation counts bytes
constexpr int64_t kSlackTokens = 64;
constexpr int64_t kUsualOutput = 4'096;

// Text alone, which is what the sample's calls are.
ledger::MayUse text_alone() {
  ledger::MayUse out;
  out.cache_writes = ledger::CacheWrites::kNone;
  out.image_input = out.audio_input = out.image_output = out.audio_output = false;
  return out;
}

// What a call meets that comes at a bad time: a life has that too.
bool is_wall(ErrorCode code) {
  return code == ErrorCode::kBudgetExceeded || code == ErrorCode::kRateLimited ||
         code == ErrorCode::kConcurrencyLimited;
}

bool used_nothing(ledger::Outcome outcome) { return outcome == ledger::Outcome::kUpstreamFailed; }

}  // namespace

SampleCalls::SampleCalls(server::Core& core, Random& random, const Json& models) : core_(core), random_(random) {
  for (const auto& [name, one] : models.items()) {
    models_[name] = {.name = peek_text(one, "model").empty() ? name : peek_text(one, "model"),
                     .provider = peek_text(one, "provider"),
                     .first_token_ms = peek_integer(one, "first_token_ms"),
                     .tokens_per_second = std::max<int64_t>(1, peek_integer(one, "tokens_per_second"))};
  }
}

const SampleModel* SampleCalls::find_model(const std::string& name) const {
  const auto found = models_.find(name);
  return found == models_.end() ? nullptr : &found->second;
}

SampleCall SampleCalls::plan(const SampleModel& model, TimeUs at, int64_t input_tokens, int64_t output_tokens,
                             Random& luck) {
  SampleCall call{.id = "call_" + ulid(at, random_.bytes(10)), .key = {}, .model = &model, .at = at};
  call.input_tokens = input_tokens;
  call.output_tokens = output_tokens;
  const auto percent = static_cast<int64_t>(70 + luck.below(80));
  call.first_token_us = model.first_token_ms * 10 * percent;
  call.duration_us = call.first_token_us + output_tokens * kSecondUs / model.tokens_per_second;
  return call;
}

Result<identity::Caller> SampleCalls::caller_of(const std::string& key) const {
  identity::Caller caller{.tenant = core_.tenant, .principal = core_.owner().principal};
  if (key.empty()) return caller;
  const auto snapshot = core_.identity->snapshot();
  const auto found =
      std::ranges::find_if(snapshot->keys, [&](const auto& one) { return one.second->spec.name == key; });
  if (found == snapshot->keys.end())
    return fail(ErrorCode::kConfig, fmt::format("The sample calls with the key '{}' before it is made.", key));
  caller.key = found->second;
  caller.principal = found->second->spec.owner;
  return caller;
}

Status SampleCalls::begin(SampleCall& call) {
  auto caller = caller_of(call.key);
  if (!caller) return fail(std::move(caller.error()));
  const bool local = call.model->provider == "local";
  const auto facts = core_.ledger->find_model_facts(call.model->provider, call.model->name);
  ledger::CallBound bound{.call = call.id,
                          .caller = std::move(*caller),
                          .model = call.model->name,
                          .provider = call.model->provider,
                          .endpoint = "chat"};
  bound.price = core_.ledger->price(core_.tenant, bound.provider, bound.model);
  bound.input_tokens_bound = local ? call.input_tokens : call.input_tokens * kBytesPerToken + kSlackTokens;
  bound.output_cap = facts && facts->output_tokens > 0 ? std::min(facts->output_tokens, kUsualOutput) : kUsualOutput;
  bound.may_use = text_alone();
  bound.local = local;
  bound.expires_at = call.at + kLongestCallUs;
  auto reserved = wait(core_, core_.ledger->reserve(std::move(bound)));
  call.admitted = reserved.has_value();
  if (reserved || is_wall(reserved.error().code)) return {};
  return fail(std::move(reserved.error()));
}

Status SampleCalls::end(const SampleCall& call) {
  if (!call.admitted) return {};
  ledger::Settlement settlement{.call = call.id, .tenant = core_.tenant, .usage = {}, .outcome = call.outcome};
  settlement.usage.estimated = true;
  settlement.duration_us = call.duration_us;
  if (used_nothing(call.outcome)) {
    settlement.error = info(ErrorCode::kUpstreamUnreachable).name;
  } else {
    settlement.usage.prompt_tokens = call.input_tokens;
    settlement.usage.completion_tokens = call.output_tokens;
    settlement.first_token_us = call.first_token_us;
  }
  auto charged = wait(core_, core_.ledger->settle(std::move(settlement)));
  return charged ? Status{} : Status(fail(std::move(charged.error())));
}

}  // namespace steward::cli
