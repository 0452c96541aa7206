// What a conversation is called. The first rung is a rule: the first sentence of what was asked, without its markup. A
// model is asked only where the configuration names one for it (talk.title_model), after the first answer, and never
// takes the place of what a person wrote.
#pragma once
#include "gateway/conversations/response_store.h"
#include "talk/parts.h"
#include "talk/run.h"

namespace steward::talk {

inline constexpr size_t kMaxTitle = 200;  // characters of one that somebody writes
std::string title_by_rule(std::string_view asked);

// After an answer that ended well. Empty: no model is asked, or it had nothing to say.
Task<std::string> title_by_model(Parts& parts, Ask ask, std::string asked, std::string answered);

}  // namespace steward::talk
