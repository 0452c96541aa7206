// OpenAI Responses: what the files of this folder share.
//
// An item of `input` or `output` becomes parts: a run of items that a model made (messages of the assistant, reasoning,
// calls, hosted calls) is one assistant Message, so that dialects that know messages only get one turn; where an item
// began and what it said beside stands in the parts' `own`, so that the same items go out again. A message's content
// parts are parts of their own with the item's id.
//
// Namespaces of tools (Codex) are flattened: each tool goes by flat_name(space, name) and keeps its space; calls are
// turned back when the answer is written. Signatures go out in `encrypted_content`: of reasoning in its own item; of a
// tool call or a text in a reasoning item before it (seal_aside), as other dialects' hosted parts do, so that a client
// that returns what it got returns them too.
//
// State (store, previous_response_id, conversation, background) is not this folder's: it is resolved before a request
// is read (gateway/responses); what is left of it travels in `extra` to a provider of this dialect.
// Functions without state; any thread.
#pragma once
#include "gateway/dialects/dialect.h"
#include "gateway/providers/table.h"

namespace steward::gateway::responses {

inline constexpr size_t kMaxItems = 20'000;
inline constexpr size_t kMaxParts = 10'000;
inline constexpr size_t kMaxTools = 1'024;

std::unexpected<Error> bad(std::string_view field, std::string message);  // kInvalidRequest with "param"

// names.cc
std::string flat_name(std::string_view space, std::string_view name);  // at most 64 characters of [A-Za-z0-9_-]
struct FullName {
  std::string space, name;
};
// Of a call that was made to a flat name (or already says its space).
FullName full_name(const Request& request, const ToolCall& call, const Json& own);

// What has no place of its own in an answer of this dialect, in the form of encrypted_content.
struct Aside {
  std::string call_id;  // whose signature it is; empty: the next text's, or, if not `before`, the last one's
  Signature signature;
  std::optional<Foreign> foreign;  // or another dialect's part
  bool before = true;
};
std::string seal_aside(const Aside& aside);
std::optional<Aside> open_aside(std::string_view encrypted_content);

// read_request.cc, read_items.cc, read_content.cc, read_tools.cc
Result<Request> read_request(Json body);
Status read_tools(const Json& body, Request& request);
Status read_input(const Json& body, Request& request);  // after the tools
Result<Part> read_content_part(const Json& json, const std::string& at);
std::vector<Citation> read_annotations(const Json& annotations);
// What a reasoning item says: its texts and its signature (of `provider`, where it isn't sealed).
Reasoning read_reasoning(const Json& item);

// write_request.cc, write_items.cc, write_content.cc, write_tools.cc
Result<Json> write_request(const Request& request, const OutgoingCall& call);
Result<Json> write_input(const Request& request, const OutgoingCall& call);
Status write_tools(Json& body, const Request& request, Refusals& refusals);
Json tools_of(const Request& request);        // as the caller gave them, for the echo in answers
Json tool_choice_of(const Request& request);  // null: unset
Json text_of(const Request& request);         // the member `text`
Json reasoning_of(const Thinking& thinking, bool own);
Json annotation_of(const Citation& citation, bool own);
Json input_part(const Part& part, bool own);  // input_text, input_image, input_file, input_audio; null: none of these

// read_answer.cc, read_usage.cc
std::unique_ptr<AnswerReader> make_reader(std::string provider);
ledger::Usage read_usage(const Json& response);  // of a whole response object

// output_items.cc, write_answer.cc, stream_writer.cc
std::unique_ptr<AnswerWriter> make_writer(const Request& request, AnswerContext context);
Json write_answer(const WholeAnswer& answer, const Request& request, const AnswerContext& context,
                  const ledger::Usage& usage, const Json& report);

// errors.cc
Json write_error(const Error& error);
// An error's code as failed responses tell it: this dialect has a short list of its own.
std::string_view response_code(std::string_view code);
Json response_error(const Error& error);  // {"code", "message"}: of a response that failed
Error read_error(int status, std::string_view body, const net::Headers& headers);
Error error_of_response(const Json& error);  // of a failed response or an error event

}  // namespace steward::gateway::responses
