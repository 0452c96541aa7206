// The one internal form of a call: what every ingress dialect is read into and every egress dialect is written from.
//
// It loses nothing. What a dialect says and the form has a name for stands in a typed member; whatever else stood in an
// object travels in that object's `extra` (raw members of the dialect it came from) and goes out again to the same
// dialect only. An egress that can't say a member refuses the call by the caller's own name of it (Refusals, in
// dialect.h), unless the caller asked to drop such members. What only tells a dialect how it spelt something, and asks
// nothing of the model (an item's status, where one message ended and the next began), stands in `own`: the same
// dialect reads it when it writes; every other one passes over it.
//
// Values are what they mean, not how one dialect spells them: text is UTF-8, bytes are base64 as on the wire, times are
// absent. Everything here is a plain value; one thread at a time.
#pragma once
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/json.h"

namespace steward::gateway {

// How a client speaks to Steward, or Steward to a provider. kChat is also what the embedded engine speaks.
enum class Dialect { kChat, kResponses, kMessages, kGemini };
std::string_view to_text(Dialect dialect);  // "chat", "responses", "messages", "gemini"

// What proves that a model made some reasoning: opaque, and good only for who made it. `provider` is the name of the
// provider that made it as configured here, or empty where the client did not say (it was not got through Steward):
// then it belongs to the dialect that it came in. To clients it goes out sealed (seal_signature) so that its maker is
// known when it comes back.
struct Signature {
  std::string value;
  std::string provider;
  bool empty() const { return value.empty(); }
};
std::string seal_signature(const Signature& signature);  // "stw1.PROVIDER.VALUE"; empty stays empty
Signature open_signature(std::string_view sealed);       // not sealed: the value with no provider
// May `signature`, which came in a request of dialect `from`, be sent to `provider` in dialect `to`?
bool belongs_to(const Signature& signature, Dialect from, std::string_view provider, Dialect to);

struct CacheMark {  // "cache up to here": Anthropic's cache_control, OpenAI's prompt_cache_breakpoint
  std::string ttl;  // "5m", "1h", or empty for the provider's default
  Json extra = Json::object();
};

// A source that a text rests on. `start` and `end` count Unicode code points in the part's text; -1: not told. `raw` is
// the object as it came.
struct Citation {
  std::string url, title, cited_text, file_id;
  int64_t start = -1, end = -1;
  Json raw;
};

struct Part;

struct Text {
  std::string text;
  std::vector<Citation> citations;
};
struct Refusal {
  std::string text;
};
struct Media {
  enum class Kind { kImage, kDocument, kAudio, kVideo };
  Kind kind = Kind::kImage;
  std::string mime;     // "image/png"; may be empty for a URL
  std::string data;     // base64, or empty
  std::string url;      // or empty; never a data: URL (that is split into mime and data)
  std::string file_id;  // of the provider's file store, or empty
  std::string text;     // of a document given as plain text
  std::string name;     // file's name or title
  std::string detail;   // of an image: "low", "high", "auto"
};
struct ToolCall {
  enum class Kind { kFunction, kCustom };  // kCustom: input is free text, not JSON
  Kind kind = Kind::kFunction;
  std::string id;  // as the caller and the model name it; may be empty (Gemini)
  std::string name;
  std::string arguments;  // JSON text as it came (or free text); "" while none came
  std::string space;      // Responses: the namespace of the tool, or empty
};
struct ToolResult {
  std::string call_id;
  std::string name;           // Gemini: the function's; else empty (tool_name_of finds it)
  std::vector<Part> content;  // texts and media
  Json structured;            // Gemini's response object, or null
  bool is_error = false;
  bool custom = false;  // the result of a kCustom call
};
struct Reasoning {
  std::string text;                  // the thinking itself, as far as it is shown
  std::vector<std::string> summary;  // Responses: its summary's parts
  bool redacted = false;             // only the signature is there
};
// A part that only its own dialect knows (a hosted tool's call or result, a compaction, …): `raw` goes to the same
// dialect only.
struct Foreign {
  Dialect from = Dialect::kChat;
  std::string type;
  Json raw;
};

struct Part {
  std::variant<Text, Refusal, Media, ToolCall, ToolResult, Reasoning, Foreign> body;
  std::string id;       // of the item or block, where the dialect has one
  Signature signature;  // of reasoning; Gemini: of a tool call or text too
  std::optional<CacheMark> cache;
  Json extra = Json::object();
  Json own;
};

enum class Role { kSystem, kDeveloper, kUser, kAssistant, kTool };
std::string_view to_text(Role role);

// Messages keep the caller's order. Tool results stand in kTool messages (chat) or among a kUser message's parts
// (Messages, Gemini): writers take both. System texts outside of the messages (Messages' `system`, Responses'
// `instructions`, Gemini's `systemInstruction`) are the first message, of role kSystem with `top_level`.
struct Message {
  Role role = Role::kUser;
  std::vector<Part> parts;
  std::string name;  // of the speaker, or empty
  std::string id;    // Responses: of the item
  bool top_level = false;
  bool plain = false;  // content was one string, not parts: written back as a string where the dialect allows
  Json extra = Json::object();
  Json own;
};

struct Tool {
  enum class Kind { kFunction, kCustom, kHosted };  // kHosted: run by the provider (web_search, code_execution, mcp …)
  Kind kind = Kind::kFunction;
  std::string type;  // of kHosted: the dialect's own type, "web_search_20250305"
  std::string name, description;
  std::string space;  // Responses: of the namespace it stood in; `name` is then the flat one (responses/names.h)
  Json parameters;    // JSON Schema, or null
  std::optional<bool> strict;
  std::optional<CacheMark> cache;
  Json extra = Json::object();  // of kHosted: the whole object as it came
  Json own;
};

struct ToolChoice {
  enum class Kind {
    kUnset,
    kAuto,
    kNone,
    kRequired,
    kNamed,
    kAllowed
  };  // kAllowed: one of `names` (required if `must`)
  Kind kind = Kind::kUnset;
  std::vector<std::string> names;
  bool must = false;
  Json extra = Json::object();
  Json own;
};

struct Format {
  enum class Kind { kUnset, kText, kJson, kSchema };
  Kind kind = Kind::kUnset;
  std::string name, description;
  Json schema;
  std::optional<bool> strict;
  Json extra = Json::object();
  Json own;
};

// How much the model may think. Several members may be set; a writer takes what its dialect has and converts the rest
// (efforts to budgets by reasoning.h's table, which is documented).
struct Thinking {
  std::string effort;                    // "none", "minimal", "low", "medium", "high", "xhigh", "max"; or empty
  std::optional<int64_t> budget_tokens;  // -1: as the model likes
  std::optional<bool> enabled;           // Anthropic's type enabled/disabled
  bool adaptive = false;
  std::string summary;       // "auto", "concise", "detailed"; or empty
  std::optional<bool> show;  // Gemini's includeThoughts
  Json extra = Json::object();
  bool unset() const {
    return effort.empty() && !budget_tokens && !enabled && !adaptive && summary.empty() && !show && extra.empty();
  }
};

struct Request {
  Dialect from = Dialect::kChat;
  std::string model;  // as the caller says it
  std::vector<Message> messages;
  std::vector<Tool> tools;
  ToolChoice tool_choice;
  std::optional<bool> parallel_tool_calls;
  std::optional<int64_t> max_output;  // tokens of each choice, reasoning included
  std::optional<double> temperature, top_p, presence_penalty, frequency_penalty;
  std::optional<int64_t> top_k, seed;
  std::vector<std::string> stop;
  Json logit_bias;  // {token: bias} or null
  bool logprobs = false;
  std::optional<int64_t> top_logprobs;
  int64_t n = 1;
  Format format;
  Thinking thinking;
  std::string verbosity;  // "low", "medium", "high"; or empty
  std::string service_tier, user, safety_identifier, prompt_cache_key, prompt_cache_retention;
  Json metadata;                   // {string: string} or null
  std::optional<CacheMark> cache;  // a mark on the whole request
  std::optional<bool> store;       // chat: keep the answer at the provider; false asks for nothing where none is kept
  bool stream = false;
  bool include_usage = false;  // chat: stream_options.include_usage
  bool include_encrypted_reasoning = false;
  std::vector<std::string> betas;  // anthropic-beta values, as they came
  std::string api_version;         // anthropic-version as it came, or empty
  Json extra = Json::object();     // members with no name above, of dialect `from`
  Json own;
  // Chat only: its original spelling, so that the same goes out to the same dialect.
  std::string max_output_name;  // "max_tokens" or "max_completion_tokens"
};

// A setting by the form's name, for refusals: caller_name says it as the caller's dialect does ("stop" →
// "generationConfig.stopSequences").
enum class Setting {
  kTools,
  kToolChoice,
  kParallelToolCalls,
  kMaxOutput,
  kTemperature,
  kTopP,
  kTopK,
  kPresencePenalty,
  kFrequencyPenalty,
  kSeed,
  kStop,
  kLogitBias,
  kLogprobs,
  kTopLogprobs,
  kN,
  kFormat,
  kThinking,
  kVerbosity,
  kServiceTier,
  kUser,
  kSafetyIdentifier,
  kPromptCacheKey,
  kPromptCacheRetention,
  kMetadata,
  kCache,
  kBetas,
  kMessages,
};
std::string_view caller_name(Dialect dialect, Setting setting);

// The name of the tool that call `id` was made to, or empty.
std::string tool_name_of(const Request& request, std::string_view call_id);
// "data:image/png;base64,…" → mime and data. False: no such URL.
bool split_data_url(std::string_view url, std::string& mime, std::string& data);
std::string data_url(const Media& media);
// All texts of the parts, joined by nothing.
std::string text_of(const std::vector<Part>& parts);
Part text_part(std::string text);

}  // namespace steward::gateway
