#include "talk/call_facts.h"

#include "ledger/records.h"

namespace steward::talk {

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
    told["cost_nano_usd"] = priced ? Json(settled.cost) : Json(nullptr);
    told["duration_ms"] = settled.duration_us / 1'000;
    if (settled.first_token_us > 0) told["first_token_ms"] = settled.first_token_us / 1'000;
  }
  return told;
}

}  // namespace steward::talk
