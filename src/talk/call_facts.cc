#include "talk/call_facts.h"

#include "gateway/peek.h"
#include "ledger/records.h"

namespace steward::talk {
using gateway::peek;
using gateway::peek_integer;
namespace {

void add_number(Json& to, const Json& from, const char* name) {
  if (peek(from, name).is_number()) to[name] = peek_integer(to, name) + peek_integer(from, name);
}

}  // namespace

Json facts_of_call(journal::Journal& journal, const Id& tenant, const Id& call) {
  Json told = Json::object();
  if (call.empty()) return told;
  told["call"] = call;
  const auto records = journal.read_stream(tenant, "call/" + call, 0, 8);
  if (!records) return told;
  ledger::CallReader reader;
  bool priced = true;
  for (const auto& record : *records) {
    if (record.kind == "call.reserved") {
      const auto reserved = reader.reserved(record);
      told["model"] = reserved.model;
      told["provider"] = reserved.provider;
      priced = reserved.price.has_value();
    }
    if (record.kind != "call.settled") continue;
    const auto settled = reader.settled(record);
    told["usage"] = {{"input_tokens", settled.usage.prompt_tokens},
                     {"output_tokens", settled.usage.completion_tokens},
                     {"reasoning_tokens", settled.usage.reasoning_tokens}};
    told["cost_nano_usd"] = priced && !settled.unpriced ? Json(settled.cost) : Json(nullptr);
    told["duration_ms"] = settled.duration_us / 1'000;
    if (settled.first_token_us > 0) told["first_token_ms"] = settled.first_token_us / 1'000;
  }
  return told;
}

Json facts_of_calls(journal::Journal& journal, const Id& tenant, const std::vector<Id>& calls) {
  Json sums = Json::object(), told = Json::object();
  bool unpriced = false;  // one of them is: then nobody knows what they cost together
  for (const Id& call : calls) {
    told = facts_of_call(journal, tenant, call);
    unpriced = unpriced || (told.contains("cost_nano_usd") && told["cost_nano_usd"].is_null());
    for (const char* name : {"cost_nano_usd", "duration_ms"}) add_number(sums, told, name);
    if (told.contains("first_token_ms") && !sums.contains("first_token_ms"))
      sums["first_token_ms"] = told["first_token_ms"];
    if (!told.contains("usage")) continue;
    for (const auto& [name, value] : told["usage"].items()) {
      if (!sums.contains("usage")) sums["usage"] = Json::object();
      add_number(sums["usage"], told["usage"], name.c_str());
    }
  }
  gateway::merge_members(told, sums);
  if (unpriced) told["cost_nano_usd"] = nullptr;
  if (calls.size() > 1) told["calls"] = calls;
  return told;
}

}  // namespace steward::talk
