// The items of an answer's `output`: which part belongs to which item, and how an item reads once it is done. Used for
// whole and for streamed answers alike, so that both say the same. One answer's; one thread at a time.
#pragma once
#include <map>

#include "gateway/dialects/responses/responses.h"

namespace steward::gateway::responses {

class Output {
 public:
  enum class Kind { kMessage, kReasoning, kCall, kForeign, kAside };
  struct Item {
    Kind kind = Kind::kForeign;
    std::string id;
    std::vector<size_t> parts;  // of a message several
    Aside aside;
  };
  struct Place {
    size_t item = 0;
    size_t content = 0;  // of a message
    bool is_new = false;
  };

  Output(const Request& request, const AnswerContext& context) : request_(request), context_(context) {}
  void set_from(Dialect from) { own_ = from == Dialect::kResponses; }

  Place place(size_t number, const Part& part);
  size_t add_aside(Aside aside);
  // The running message takes no more parts: what follows begins another.
  void end_message() { message_open_ = false; }
  const Item& item(size_t index) const { return items_[index]; }
  // As the caller knows it. Gemini's calls have no ids; what comes back is known by this one.
  std::string call_id(size_t item, const ToolCall& call) const;
  size_t size() const { return items_.size(); }
  void add_logprobs(size_t part, const Json& entries);
  const Json& logprobs_of(size_t part) const;

  // `status`: "in_progress" (as it is announced: without content), "completed", "incomplete".
  Json json(size_t index, const std::vector<Part>& parts, std::string_view status) const;
  Json content_json(size_t number, const Part& part) const;
  bool calls_custom(const ToolCall& call) const;  // a custom tool, whatever it was called as

 private:
  std::string make_id(std::string_view prefix) const;
  Json message(const Item& item, const std::vector<Part>& parts, bool announced) const;
  Json reasoning(const Item& item, const Part& part, bool announced) const;
  Json call(const Item& item, const Part& part, bool announced) const;

  const Request& request_;
  const AnswerContext& context_;
  bool own_ = false;
  bool message_open_ = false;
  std::vector<Item> items_;
  std::map<size_t, Json> logprobs_;
};

// The response object. `about`: what the provider said of it besides.
struct ResponseState {
  std::string_view status;  // "in_progress", "completed", "incomplete", "failed"
  Json output = Json::array();
  Json usage;  // or null
  std::string incomplete_reason;
  std::optional<Error> error;
};
Json response_json(const Request& request, const AnswerContext& context, ResponseState state, const Json& about);
Json usage_json(const ledger::Usage& usage, const Json& raw);
std::string response_id(const AnswerContext& context);  // "resp_" and the call's own characters
// Why an answer is incomplete: "max_output_tokens", "content_filter"; empty: it is not.
// A refusal that no part tells (Anthropic's) is told as a filter's: else a client would take it for an answer.
std::string incomplete_reason(const std::optional<Finish>& finish, const std::vector<Part>& parts);

}  // namespace steward::gateway::responses
