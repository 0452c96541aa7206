#include "gateway/engine_body.h"

#include "gateway/peek.h"

namespace steward::gateway {
namespace {

// What the engine needn't or mustn't see: ours alone, or set anew. Stop strings are looked for here, since the engine
// loses a tail that it held back when the answer ends by its length.
constexpr const char* kOurs[] = {
    "user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key", "max_completion_tokens",
    "n",    "best_of",  "stop"};

}  // namespace

Json engine_body(Json body) {
  for (const char* name : kOurs) body.erase(name);
  body["stream"] = true;
  body["stream_options"] = {{"include_usage", true}};
  body["timings_per_token"] = true;  // exact counts at every chunk, for a call that ends early
  body["cache_prompt"] = true;
  // The engine constrains nothing for an empty schema: "some JSON object" is said in full.
  if (peek_text(peek(body, "response_format"), "type") == "json_object") {
    body["response_format"] = {{"type", "json_schema"},
                               {"json_schema", {{"name", "object"}, {"schema", {{"type", "object"}}}}}};
  }
  // The engine takes 32 bits, and -1 as "any": folded, so that each seed is one.
  if (const Json& seed = peek(body, "seed"); seed.is_number_integer()) {
    const auto bits = static_cast<uint64_t>(seed.get<int64_t>());
    body["seed"] = static_cast<int64_t>((bits ^ (bits >> 31)) & 0x7fff'ffff);
  }
  if (peek(body, "tool_choice") == "none") {
    body.erase("tools");
    body.erase("tool_choice");
  }
  return body;
}

}  // namespace steward::gateway
