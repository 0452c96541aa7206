// What a conversation is called. The first rung is a rule: the first sentence of what was asked, without its markup, a
// greeting and what only asks nicely. A model is asked only where the configuration names one for it
// (talk.title_model), after the first answer, and never takes the place of what a person wrote. What it says has to
// look like a title of this conversation: small models apologise, answer the question or name something else, and
// then the rule's stays.
#pragma once
#include "gateway/conversations/response_store.h"
#include "talk/parts.h"
#include "talk/run.h"

namespace steward::talk {

inline constexpr size_t kMaxTitle = 200;  // characters of one that somebody writes
std::string title_by_rule(std::string_view asked);

// The title in what a model said of this conversation. Empty: there is none that makes sense.
std::string title_from_model(std::string_view said, std::string_view asked, std::string_view answered);

// After an answer that ended well. Empty: no model is asked, or it had nothing to say.
Task<std::string> title_by_model(Parts& parts, Ask ask, std::string asked, std::string answered);

}  // namespace steward::talk
