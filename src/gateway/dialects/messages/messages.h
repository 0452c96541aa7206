// Anthropic Messages: what the files of this folder share.
//
// Reading keeps whatever it doesn't know: an unknown block becomes a Foreign part, an unknown member travels in
// `extra`; both go out again to Messages only. Signatures of thinking go to clients sealed with the name of the
// provider that made them, and go back to that provider only. What an answer of another dialect holds and Messages has
// no block for (a hosted tool's items, images made by a model) stands in a member `x_steward` of the next block, or,
// after the last one, of the message: {"before": [{"from", "type", "raw"}]}; a block that comes back with it gives the
// parts back. The same member holds what a block itself has no room for: {"id", "signature", "summary"}. Functions
// without state; any thread.
#pragma once
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/dialects/dialect.h"
#include "gateway/providers/table.h"

namespace steward::gateway::messages {

inline constexpr size_t kMaxMessages = 100'000;  // the provider's own limit
inline constexpr size_t kMaxBlocks = 10'000;     // of one message, and of a tool's result
inline constexpr size_t kMaxTools = 1'024;
inline constexpr size_t kMaxStops = 1'024;
inline constexpr std::string_view kVersion = "2023-06-01";                 // where the caller told none
inline constexpr std::string_view kBedrockVersion = "bedrock-2023-05-31";  // in the body, in AWS's envelope
inline constexpr std::string_view kSteward = "x_steward";

std::unexpected<Error> bad(std::string_view field, std::string message);  // kInvalidRequest with "param"
// Members of `object` that are not among `known` and not null.
Json others(const Json& object, std::initializer_list<std::string_view> known);
void merge_into(Json& into, const Json& more);
void put(Json& object, std::string_view name, const std::string& text);  // unless it is empty

std::optional<CacheMark> read_cache(const Json& block);
Json cache_control(const CacheMark& mark, bool own);
Citation read_citation(const Json& json);
Json citation_json(const Citation& citation, bool own);

// read_blocks.cc: a string or an array of blocks. `at` names it to the caller.
Status read_content(const Json& content, const std::string& at, std::vector<Part>& parts);

// read_request.cc, read_tools.cc
Result<Request> read_request(Json body, const net::Headers* headers);
Status read_tools(const Json& body, Request& request);

// write_request.cc, write_tools.cc, write_messages.cc, write_blocks.cc
Result<Json> write_request(const Request& request, const OutgoingCall& call);
Status write_tools(Json& body, const Request& request, const OutgoingCall& call);
Status write_messages(Json& body, const Request& request, const OutgoingCall& call);
bool thinks_by_effort(std::string_view model);  // adaptive thinking and efforts; older models take budgets
Status write_thinking(Json& body, const Request& request, const OutgoingCall& call);

struct BlockContext {
  const Request& request;
  const OutgoingCall& call;
  std::string at;  // of the part, in the caller's words
  bool own() const { return request.from == Dialect::kMessages; }
};
// The block that says `part`; null: nothing of it may or need be said (noted as dropped where it matters).
Result<Json> write_block(const Part& part, const BlockContext& context);
std::string clean_id(std::string_view id);  // Messages' ids are letters, digits, _ and -

// The same body in AWS's envelope: the model and the stream stand in the address.
Json bedrock_body(Json body, const std::vector<std::string>& betas);

// read_answer.cc, read_usage.cc
std::unique_ptr<AnswerReader> make_reader(std::string provider);
FinishReason finish_of(std::string_view stop_reason);
ledger::Usage read_usage(const Json& usage);

// write_answer.cc, write_whole.cc, write_usage.cc
std::unique_ptr<AnswerWriter> make_writer(const Request& request, AnswerContext context);
Json write_answer(const WholeAnswer& answer, const AnswerContext& context, const ledger::Usage& usage,
                  const Json& report);
Json write_usage(const ledger::Usage& usage, const Json& raw);
std::string stop_reason_of(const Finish& finish, bool own);
std::string message_id(const AnswerContext& context);
// How a part begins in a stream, its text still to come; null: Messages can't say it (foreign_entry does).
Json block_start(const Part& part, size_t index, bool own, const AnswerContext& context);
Json foreign_entry(const Part& part);
Part part_of_entry(const Json& entry);  // what foreign_entry wrote

// errors.cc
Json write_error(const Error& error);
Error read_error(int status, std::string_view body, const net::Headers& headers);
Error error_of_event(const Json& event);  // {"type": "error", "error": {…}} inside a stream

}  // namespace steward::gateway::messages
