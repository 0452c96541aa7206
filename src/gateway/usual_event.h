// The commonest event of a stream is the one before it with another text inside: so it is read as that, without
// building a tree of it.
//
// An event that only appended text is learned as the bytes before and after that text. One that follows and is the same
// but for the text (and OpenAI's `obfuscation`, which is noise at its end) says the same with another text; anything
// else is not known here, must be read whole, and what was learned is forgotten. Learned is only what can't be
// mistaken: no escapes in the event, and its text stands there once. Belongs to one answer's reader; one thread at a
// time.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "net/sse.h"

namespace steward::gateway {

class UsualEvent {
 public:
  // `event` was read as appending `text` and nothing else.
  void learn(const net::SseEvent& event, std::string_view text);
  void forget() { known_ = false; }
  // The text that it appends; nullopt where it is not the usual one, or no valid JSON.
  std::optional<std::string> read(const net::SseEvent& event) const;

 private:
  bool known_ = false, noisy_ = false;  // noisy_: it ended in noise, so that after_ lacks the object's bracket
  std::string name_, before_, after_;
};

}  // namespace steward::gateway
