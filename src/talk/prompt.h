// What a model is asked: the instructions, the path down to the message that is answered, and what is attached to it.
//
// This is the one place where what a model is told is put together; Talk::told shows it again.
//
// What does not fit the model's context is left out from the oldest on, and said so (`left_out`). Read window by
// window from the answered message upwards, so that a conversation of any length costs what fits, not what there is.
#pragma once
#include "gateway/conversations/response_store.h"
#include "gateway/form/request.h"
#include "talk/parts.h"
#include "talk/rows.h"
#include "talk/run.h"

namespace steward::talk {

struct Prompt {
  gateway::Request request;
  int64_t left_out = 0;  // messages
};

// What a model can take, as far as it is known; a route can what the ablest of its models can.
struct Ability {
  int64_t context_tokens = 0;  // 0: unknown
  bool sees = false;           // takes images
};
Task<std::string> any_model(gateway::Services& services);  // where nobody says which; empty: there is none
Ability ability_of(gateway::Services& services, const std::string& model);

// `remembered` stands before the words of the message that is answered.
Task<Result<Prompt>> prompt_of(Parts& parts, gateway::ResponseStore& store, const Ask& ask, std::string instructions,
                               const Remembered& remembered);
// What an answer's prompt is made of beside the path.
Task<std::string> instructions_for(Parts& parts, const Ask& ask);  // the project's and the caller's own
size_t tokens_to_remember(const Ability& ability);                 // that earlier conversations may take of it

}  // namespace steward::talk
