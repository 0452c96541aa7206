// One choice of an answer while it is read: which of its parts are open, and what was told ahead of its place. Belongs
// to one answer's reader; one thread at a time.
#pragma once
#include <map>

#include "gateway/dialects/chat/chat.h"

namespace steward::gateway::chat {

class ChoiceReader {
 public:
  ChoiceReader(int64_t index, std::string provider) : index_(index), provider_(std::move(provider)) {}

  void read(const Json& delta, Deltas& out);  // a delta, or a whole message
  void logprobs(const Json& told, Deltas& out);
  void keep(const Json& extra) { merge_into(extra_, extra); }  // members of the choice with no name here
  // Perplexity's and xAI's lists of sources, where nothing was annotated.
  void cite_sources(const Json& body, Deltas& out);
  void finish(const std::string& word, Deltas& out);
  bool finished() const { return finished_; }
  bool in_text(size_t part) const { return kind_ == Kind::kText && part_ == part && !finished_; }

 private:
  struct Call {
    std::optional<size_t> part;  // none: its name hasn't come yet
    ToolCall call;
    Signature signature;
    std::string said;  // all of its arguments
    bool closed = false;
  };
  enum class Kind { kNone, kText, kRefusal, kReasoning };

  void text_to(Kind kind, const std::string& text, Deltas& out);
  void switch_to(Kind kind, Deltas& out);
  void close_text(Deltas& out);
  void content(const Json& value, Deltas& out);
  bool details(const Json& entries, Deltas& out);
  void detail(const Json& entry, Deltas& out);
  void calls(const Json& value, Deltas& out);
  void call(const Json& json, int64_t position, Deltas& out);
  Call& call_at(const Json& json, int64_t position, Deltas& out);
  void say(Call& call, const std::string& words, Deltas& out);
  void open_call(Call& call, Deltas& out);
  void close_call(Call& call, Deltas& out);
  void annotations(const Json& value, Deltas& out);
  void images(const Json& value, Deltas& out);
  void steward_parts(const Json& value, Deltas& out);
  void foreign(Part part, Deltas& out);
  void other_members(const Json& delta, Deltas& out);
  Signature ours(const std::string& value) const { return {.value = value, .provider = provider_}; }

  int64_t index_;
  std::string provider_;
  PartCounter parts_;
  Kind kind_ = Kind::kNone;
  size_t part_ = 0;      // of the open text, refusal or reasoning
  size_t last_ = 0;      // the last part opened
  Part reasoning_;       // what was told of the open reasoning
  std::string thought_;  // its text so far
  Signature loose_;      // of the message as a whole: the text's, or the first call's
  std::map<int64_t, Call> calls_;
  Json extra_ = Json::object();
  bool cited_ = false, refused_ = false, finished_ = false, reasoned_ = false;
  std::optional<size_t> text_part_;
};

}  // namespace steward::gateway::chat
