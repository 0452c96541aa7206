// Gemini's generateContent: what the files of this folder share.
//
// Google's JSON has two spellings of every member (proto and JSON names): requests are read in both and written in
// camelCase. What stands in `own` is only a spelling (how tools were grouped, whether a schema was Google's subset of
// OpenAPI or JSON Schema), so that the same goes out again to Gemini. Parts that only Gemini has (executableCode,
// codeExecutionResult, toolCall, toolResponse) are Foreign parts; parts of other dialects reach a Gemini client as a
// part with the one member `x_steward`. A thoughtSignature is bytes in base64 here, so the sealed form of it is too.
// A function's `strict` has no counterpart and asks for nothing: Gemini's calls follow their schemas or fail.
// Functions without state; any thread.
#pragma once
#include "gateway/dialects/dialect.h"
#include "gateway/providers/table.h"

namespace steward::gateway::gemini {

inline constexpr size_t kMaxContents = 20'000;
inline constexpr size_t kMaxParts = 10'000;
inline constexpr size_t kMaxTools = 1'024;
inline constexpr size_t kMaxStops = 64;

std::unexpected<Error> bad(std::string_view field, std::string message);  // kInvalidRequest with "param"

// names.cc: camelCase throughout, but for what a caller or a tool put there themselves (arguments, schemas, labels).
Json camel_case(const Json& json);
std::string seal(const Signature& signature);  // as base64
Signature open_seal(std::string_view text);    // base64 or base64url, sealed here or not

// schema.cc: Google's subset of OpenAPI as JSON Schema.
Json json_schema_of(const Json& schema);

// read_request.cc, read_parts.cc
Result<Request> read_request(Json body, const IncomingCall& call);
Result<Part> read_part(const Json& part, const std::string& at);
void pair_calls(Request& request);  // gives calls without an id one, and their results the same
Media::Kind kind_of_mime(std::string_view mime);

// write_request.cc, write_contents.cc
Result<Json> write_request(const Request& request, const OutgoingCall& call);
Status write_contents(Json& body, const Request& request, const OutgoingCall& call);
bool thinks_in_levels(std::string_view model);  // from Gemini 3 on: thinkingLevel and not thinkingBudget

// read_answer.cc, read_usage.cc, grounding.cc
std::unique_ptr<AnswerReader> make_reader(std::string provider);
ledger::Usage read_usage(const Json& told);  // a usageMetadata
FinishReason finish_of(std::string_view word);
std::vector<Citation> citations_of(const Json& candidate, const std::string& text);
Json grounding_of(const std::vector<Citation>& citations, const std::string& text);
Json logprobs_from(const Json& result);  // logprobsResult → Chat Completions' entries
Json logprobs_result(const Json& entries);
Json args_of(const std::string& arguments);

// write_answer.cc
std::unique_ptr<AnswerWriter> make_writer(const Request& request, AnswerContext context);
Json write_answer(const WholeAnswer& answer, const Request& request, const AnswerContext& context,
                  const ledger::Usage& usage, const Json& report);
Json write_usage(const ledger::Usage& usage, const Json& raw);
std::string word_of(const Finish& finish, bool own);

// errors.cc
Json write_error(const Error& error);
Error read_error(int status, std::string_view body, const net::Headers& headers);
std::string reason_of(const Json& json, std::string_view body);

}  // namespace steward::gateway::gemini
