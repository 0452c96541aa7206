// The providers as data: how each is reached, how it wants its key, and where it departs from its dialect.
//
// Adding a provider is one row in base/providers.def (docs/adding-a-provider.md). An adapter speaks a dialect and asks
// the profile where this provider differs; no adapter knows a provider by its name. A provider that nobody listed has
// the plain profile of its dialect. Static data: any thread.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace steward::gateway {

// What is spoken on the wire to a provider.
enum class ProviderDialect {
  kOpenAi,     // Chat Completions, Embeddings: base_url + "/chat/completions"
  kResponses,  // OpenAI's Responses: base_url + "/responses"
  kAnthropic,  // Messages: base_url + "/messages"
  kGemini,     // generateContent: base_url + "/models/{model}:generateContent"
  kBedrock,    // Messages inside AWS's envelope: base_url + "/model/{id}/invoke", signed
};

// How the key travels (auth.h puts it there).
enum class Auth {
  kBearer,       // Authorization: Bearer KEY
  kXApiKey,      // x-api-key: KEY
  kXGoogApiKey,  // x-goog-api-key: KEY
  kQuery,        // ?key=KEY
  kApiKey,       // api-key: KEY (Azure)
  kSigV4,        // AWS Signature Version 4 (sigv4.h)
  kNone,
};

// What is done with a field of a request in an OpenAI-compatible dialect.
enum class FieldAction {
  kRename,  // it is called otherwise here: `to`
  kRefuse,  // can't be honoured: refused by name, or dropped if the caller asks for that
  kDrop,    // means nothing here and changes no answer (`user`, `metadata`): left out, and told if it asks for anything
};

struct FieldRule {
  std::string_view field = {};
  FieldAction action = FieldAction::kRefuse;
  std::string_view to = {};        // of kRename
  std::string_view models = {};    // "o1*|o3*|gpt-5*": only for these; empty: all
  std::string_view advice = {};    // of kRefuse: what would work instead
  std::string_view as_usual = {};  // "auto|default": values that ask for what is done anyway: left out
};

// A value that is called otherwise here: {"tool_choice", "required", "any"}. `to` empty: refused by name.
struct ValueRule {
  std::string_view field = {}, from = {}, to = {};
};

enum class Schemas { kStrict, kPlain, kObjectOnly, kNone };  // json_schema with strict; without; only json_object; none
enum class ReasoningAsk {
  kEffort,          // "reasoning_effort": "low"
  kObject,          // "reasoning": {"effort": "low"} or {"max_tokens": N}
  kThinkingType,    // "thinking": {"type": "enabled"|"disabled"}
  kEnableThinking,  // "enable_thinking": true, "thinking_budget": N
  kNone,            // can't be asked for: the model reasons or it doesn't
};
enum class Batches { kNone, kOpenAi, kAnthropic, kGemini };  // which form its own batches have (gateway/batches/)
enum class ToolCallIds { kAny, kNineAlphanumeric };

struct HeaderField {
  std::string_view name = {}, value = {};
};

struct Quirks {
  // Fields of the request.
  std::string_view max_tokens_field = "max_tokens";  // or "max_completion_tokens"
  bool stream_usage_option = true;                   // takes stream_options.include_usage; false: tells usage unasked
  bool developer_role = false;                       // false: a developer message goes out as system
  int max_choices = 1;                               // the greatest `n`; 0: any
  int max_stops = 4;                                 // 0: any
  double max_temperature = 2.0;                      // more is refused by name
  Schemas schemas = Schemas::kPlain;
  bool logprobs = false;
  bool top_k = false;                     // takes top_k; false: one that another dialect's caller set is left out
  bool parallel_tool_calls_field = true;  // takes parallel_tool_calls
  // The provider's own tool that searches the web, for callers of other dialects ("web_search_20250305"); empty: none.
  std::string_view web_search = "";
  ReasoningAsk reasoning_ask = ReasoningAsk::kNone;
  // The text of reasoning in messages and deltas: "reasoning_content", "reasoning"; "content.thinking": a part of
  // content whose type is thinking; empty: none is told.
  std::string_view reasoning_field = "reasoning_content";
  bool reasoning_back = false;  // an assistant's reasoning is given back under the same name
  ToolCallIds tool_call_ids = ToolCallIds::kAny;
  bool custom_tools = false;  // tools of type `custom` and a choice of `allowed_tools`
  // Content.
  bool images = true;        // image_url parts (base64 data: addresses at least)
  bool image_urls = true;    // fetches http addresses itself; false: Steward fetches (MediaFetcher) and sends bytes
  bool tool_images = false;  // images in tool results; false: they follow in a user message
  bool files = false;        // `file` parts (PDF)
  bool file_urls = false;    // `file_data` may be an address
  bool audio = false;        // `input_audio` parts
  // "cache_control": takes Anthropic's marks on parts and tools; empty: caches by itself, a mark asks for nothing more.
  std::string_view cache_mark = "";
  // Usage.
  bool reasoning_outside_completion = false;  // completion_tokens doesn't count reasoning_tokens
  bool cache_outside_prompt = false;          // prompt tokens don't count the cached ones
  // Besides.
  // Takes members that the dialect doesn't name; false: they are refused by name (the embedded engine).
  bool unknown_fields = true;
  bool lists_models = true;          // GET base_url + "/models" answers
  bool speaks_responses = false;     // base_url + "/responses" answers too
  bool embeddings = true;            // makes embeddings; OpenAI-compatible: base_url + "/embeddings" answers
  Batches batches = Batches::kNone;  // its own, at a batch price: in which form
  bool own_server = false;           // runs on one's own machines: no invoice comes, one's own price is all there is
  std::array<HeaderField, 2> headers{};  // sent with each request; empty names: none
  std::array<FieldRule, 12> fields{};    // empty names: none
  std::array<ValueRule, 3> values{};
};

struct ProviderProfile {
  std::string_view name = {};  // "openai"; empty: the plain profile of a dialect
  std::string_view base_url =
      {};  // with version, without a last slash; "{region}" stands for AWS's; empty: must be said
  std::string_view key_env = {};  // "GEMINI_API_KEY|GOOGLE_API_KEY": the first that is set
  ProviderDialect dialect = ProviderDialect::kOpenAi;
  Auth auth = Auth::kBearer;
  Quirks quirks = {};
};

const std::vector<ProviderProfile>& provider_profiles();
const ProviderProfile* find_profile(std::string_view name);  // null: nobody listed it
// How to speak to a provider: `like` names a known one (the provider's own name, or `[providers.NAME] like`); if it
// isn't known, or another dialect was asked for than it has, the plain profile of that dialect. The dialect in force is
// the answer's.
ProviderProfile profile_for(std::string_view like, const ProviderDialect* asked);
const ProviderProfile& plain_profile(ProviderDialect dialect);

std::string_view to_text(ProviderDialect dialect);                         // "openai", as in the configuration
const ProviderDialect* provider_dialect_from_text(std::string_view text);  // null: there is no such dialect

// "gpt-5-mini" fits "o3*|gpt-5*".
bool fits_models(std::string_view patterns, std::string_view model);

}  // namespace steward::gateway
