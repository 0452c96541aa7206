// Chat Completions: what the files of this folder share.
//
// Reading is strict about what this dialect knows (types, ranges, what a message must have) and keeps what it doesn't
// know in `extra`, so that it travels to another provider of this dialect. Writing obeys the provider's profile, every
// quirk of it. Parts of an answer that Chat Completions has no words for (another dialect's hosted tools) travel to the
// client in the member `x_steward` and come back in it: {"from": "messages", "parts": [{"type", "raw", "at"}]}, `at`
// being the code points of content before the part. Signatures go out sealed: of reasoning as entries of
// `reasoning_details` (OpenRouter's form), of tool calls as `extra_content.google.thought_signature`.
// Functions without state; any thread.
#pragma once
#include <span>

#include "gateway/dialects/dialect.h"
#include "gateway/providers/table.h"

namespace steward::gateway::chat {

inline constexpr int64_t kMaxChoices = 128;
inline constexpr size_t kMaxStops = 64;
inline constexpr size_t kMaxTools = 1'024;
inline constexpr size_t kMaxMessages = 20'000;
inline constexpr size_t kMaxParts = 10'000;
inline constexpr size_t kMaxToolCalls = 1'024;

std::unexpected<Error> bad(std::string_view field, std::string message);  // kInvalidRequest with "param"

// Members of `object` that are not among `known` and not null.
Json others(const Json& object, std::span<const std::string_view> known);
void merge_into(Json& into, const Json& more);

// read_request.cc, read_messages.cc
Result<Request> read_request(Json body);
Result<Message> read_message(const Json& message, size_t index);
// The known field nearest to an unknown one, or empty.
std::string nearest_field(std::string_view unknown);

// Reasoning as it stands in an assistant's message: a text, OpenRouter's details, or both (the same said twice).
std::vector<Part> read_reasoning(const Json& message);
// Joins one entry of reasoning_details to `part`, if it belongs to it; false: it begins another part.
bool join_detail(Part& part, const Json& entry);
Part part_of_detail(const Json& entry);
Json details_of(const Part& part, const std::string& signature, int64_t index);  // array of entries

// citations.cc
std::vector<Citation> read_annotations(const Json& annotations);
Json annotation_of(const Citation& citation, bool own);

// write_request.cc, write_messages.cc, quirks.cc, local.cc
Result<Json> write_request(const Request& request, const OutgoingCall& call);
// Of OpenAI alone: elsewhere a custom tool goes out as a function of one string (form/custom_tools.h).
bool takes_custom_tools(const OutgoingCall& call);
Result<Json> write_messages(const Request& request, const OutgoingCall& call);
Status write_thinking(Json& body, const Request& request, const OutgoingCall& call);
Status apply_quirks(Json& body, const Request& request, const OutgoingCall& call);
Status refuse_unknown(const Request& request, const OutgoingCall& call);

// read_answer.cc, read_usage.cc
std::unique_ptr<AnswerReader> make_reader(std::string provider);
std::optional<ledger::Usage> read_usage(const Json& body);
FinishReason finish_of(std::string_view word);

// write_answer.cc (whole), write_stream.cc, write_usage.cc
std::unique_ptr<AnswerWriter> make_writer(const Request& request, AnswerContext context);
Json write_answer(const WholeAnswer& answer, const Request& request, const AnswerContext& context,
                  const ledger::Usage& usage, const Json& report);
Json write_usage(const ledger::Usage& usage, const Json& raw);
std::string_view word_of(const Finish& finish, bool own, bool has_calls);
Json foreign_entry(const Foreign& part, size_t at);
inline constexpr std::string_view kMediaPart = "media";  // in x_steward: {"mime", "data" or "url"}
Foreign foreign_media(const Media& media, Dialect from);
std::string answer_id(const AnswerContext& context);

// errors.cc
Json write_error(const Error& error);
Error read_error(int status, std::string_view body, const net::Headers& headers);
std::string reason_of(const Json& json, std::string_view body);

}  // namespace steward::gateway::chat
