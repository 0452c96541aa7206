// What a call used and what a unit of it costs: the words in which gateway, ledger and price table speak of money.
//
// Which count contains which (so that nothing is priced twice, whoever told it):
//   prompt_tokens      everything that went in. It contains cached_tokens (read from a cache), cache_write_5m_tokens
//   and
//                      cache_write_1h_tokens (written to one), which are disjoint; and of whatever kind these are,
//                      image_input_tokens and audio_input_tokens. cached_image_tokens and cached_audio_tokens are what
//                      both a kind and the cache count.
//   completion_tokens  everything that came out. It contains reasoning_tokens, image_output_tokens and
//                      audio_output_tokens, which are disjoint.
// A dialect whose provider counts otherwise (Anthropic's input_tokens leave out the cache; Gemini's candidates leave
// out the thoughts) adds up before it fills a Usage: `prompt_tokens = input_tokens + cache_read + cache_creation`.
// Parts that come to more than the whole are cut to it.
//
// Each token is priced once, at the most particular rate that fits it: of the input a cache write before a cache read
// before its kind; of the output reasoning before its kind; the rest at `input` and `output`. A rate of 0 was not told:
// then the token costs as what it is part of (named beside each rate). For next to nothing say 1.
//
// Prices differ by the prompt's length and by the service level: a PriceTier holds for the whole call if its level was
// used and the prompt is longer than `above_tokens`; of several the longest. Levels without a tier cost the default.
// A rate that a tier doesn't tell is the price's own, in the proportion of the tier's `input` (for rates of the
// output: `output`) to the price's own; a level that has no tier for a long prompt where the default has one costs more
// in the proportion in which the default does. A region that the provider charges more for multiplies every rate of
// tokens. Plain data; any thread.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/money.h"

namespace steward::ledger {

// At which the provider served the call, as its answer says; what it isn't told for is the default.
enum class ServiceLevel { kDefault, kFlex, kPriority, kBatch, kFast };

// Work of the provider's beside tokens, by kind: kWebSearch and others below, or any name that a price tells.
using ToolCalls = std::map<std::string, int64_t, std::less<>>;
inline constexpr std::string_view kWebSearch = "web_search";          // a search, or (Gemini) a grounded prompt
inline constexpr std::string_view kXSearch = "x_search";              // xAI's
inline constexpr std::string_view kWebFetch = "web_fetch";            // of a page
inline constexpr std::string_view kFileSearch = "file_search";        // over files at the provider
inline constexpr std::string_view kCodeExecution = "code_execution";  // a run; where sessions are charged, a session
inline constexpr std::string_view kMaps = "maps";                     // a prompt grounded in maps
inline constexpr std::string_view kImageGeneration = "image_generation";

struct Usage {
  int64_t prompt_tokens = 0;  // with all that was cached or written to a cache
  int64_t cached_tokens = 0;
  int64_t completion_tokens = 0;  // with reasoning ones
  int64_t reasoning_tokens = 0;
  bool estimated = false;  // counted here: the provider told none

  int64_t cache_write_5m_tokens = 0;  // also of providers that know one lifetime only
  int64_t cache_write_1h_tokens = 0;
  int64_t image_input_tokens = 0, audio_input_tokens = 0;
  int64_t cached_image_tokens = 0, cached_audio_tokens = 0;
  int64_t image_output_tokens = 0, audio_output_tokens = 0;
  ToolCalls tool_calls;
  int64_t requests = 1;  // of the provider: a call that was tried again and charged again counts 2
  ServiceLevel service = ServiceLevel::kDefault;
  std::string region;  // where it was served, as the provider says it (Anthropic's inference_geo); empty: not told
  // What the provider says that the call cost (OpenRouter, xAI): charged instead of the table's price, but never
  // instead of one that the owner set. Filled only for providers whose word is their invoice.
  std::optional<NanoUsd> told_cost;

  int64_t cache_write_tokens() const { return cache_write_5m_tokens + cache_write_1h_tokens; }
};

// Pico-US-dollars a token. 0: not told, priced as named.
struct Rates {
  PicoUsd input = 0;
  PicoUsd output = 0;
  PicoUsd cached_input = 0;                    // as input
  PicoUsd cache_write_5m = 0;                  // as input
  PicoUsd cache_write_1h = 0;                  // as cache_write_5m
  PicoUsd reasoning = 0;                       // as output
  PicoUsd image_input = 0, audio_input = 0;    // as input
  PicoUsd cached_image = 0, cached_audio = 0;  // as cached_input
  PicoUsd image_output = 0, audio_output = 0;  // as output
  bool operator==(const Rates&) const = default;
};

struct PriceTier {
  ServiceLevel service = ServiceLevel::kDefault;
  int64_t above_tokens = 0;  // of the prompt; 0: from the first on
  Rates rates;
  bool operator==(const PriceTier&) const = default;
};

// Prices of one model. A model without a Price is "unknown", never zero.
struct Price {
  PicoUsd input = 0;
  PicoUsd output = 0;
  PicoUsd cached_input = 0;
  PicoUsd request = 0;
  std::string source;  // "owner", "config", "local"; of a shipped row where its figures come from
  TimeUs from = 0;     // holds from; of a shipped row the day on which its source was released

  PicoUsd cache_write_5m = 0, cache_write_1h = 0;
  PicoUsd reasoning = 0;
  PicoUsd image_input = 0, audio_input = 0;
  PicoUsd cached_image = 0, cached_audio = 0;
  PicoUsd image_output = 0, audio_output = 0;
  std::map<std::string, PicoUsd, std::less<>> tools;  // a call, by kind; 0: free; not named: unknown, see unpriced_tool
  std::vector<PriceTier> tiers;
  std::map<std::string, int64_t, std::less<>> regions;  // what every rate is multiplied with, in thousandths
  bool shipped = false;  // of the table in the program: a provider's told cost goes before it

  Rates rates() const;  // as told, without tiers
  void set_rates(const Rates& rates);
};

// The rates of a call, tier and region applied, with none left untold.
Rates rates_of(const Price& price, ServiceLevel service, int64_t prompt_tokens, std::string_view region = {});

// A call's cost by what it was spent on; sums to the cost to the nano-dollar.
struct Costs {
  NanoUsd input = 0, cached_input = 0, cache_write = 0, output = 0, reasoning = 0, image = 0, audio = 0, tools = 0,
          requests = 0;
  NanoUsd other = 0;  // told by the provider as one sum, charged at the bound, or written before costs were split
  NanoUsd total() const {
    return input + cached_input + cache_write + output + reasoning + image + audio + tools + requests + other;
  }
  bool operator==(const Costs&) const = default;
};

// A kind of tool among these calls whose price nobody told; empty: none. What it costs is in no cost_of, which is not
// to say that it is free.
std::string_view unpriced_tool(const Price& price, const ToolCalls& calls);

NanoUsd cost_of(const Price& price, const Usage& usage);
// A told cost is split in the proportion of what the price would have made.
Costs costs_of(const Price& price, const Usage& usage);

// What a call may use, for the bound of its cost. The default is the dearest; who knows the request narrows it.
enum class CacheWrites { kNone, kFiveMinutes, kAny };
struct MayUse {
  CacheWrites cache_writes = CacheWrites::kAny;
  bool image_input = true, audio_input = true;
  bool image_output = true, audio_output = true;
  // The level asked for; none: whichever the provider chooses. One that is asked for may be served at the default too.
  std::optional<ServiceLevel> service = ServiceLevel::kDefault;
  std::optional<std::string> region;  // none: any
  ToolCalls tool_calls;               // at most so many of each
  int64_t requests = 1;               // charged ones: with those that are tried again
};

std::string_view to_text(ServiceLevel service);  // "flex"
std::optional<ServiceLevel> service_from_text(std::string_view text);

}  // namespace steward::ledger
