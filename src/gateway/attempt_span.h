// What a call's span tells of the request and of the answer, by GenAI's conventions. Content (messages in and out) only
// where traces carry content and the caller's key keeps it. One call each.
#pragma once
#include "gateway/call.h"
#include "gateway/form/answer.h"
#include "gateway/form/request.h"

namespace steward::gateway {

class AttemptSpan {
 public:
  void begin(Call& call, const Request& request, bool content);
  void take(const Call& call, const Deltas& deltas);
  void end(Call& call);  // before it settles

 private:
  bool content_ = false;
  std::string model_, id_;
  std::map<int64_t, std::string> reasons_;
  AnswerSum sum_;  // with content only
};

// GenAI's form of messages: [{"role", "parts": [{"type": "text", "content"}, …]}].
Json genai_messages(const std::vector<Message>& messages);

}  // namespace steward::gateway
