// What an answer is given of the person's earlier conversations: how the model is told of it, how the record that ends
// the answer keeps it, and how it is shown afterwards.
//
// The record names passages and messages, never their words: what is erased is gone from here too, and "what the model
// was told" is put together again from what stands. Nothing is given in a conversation that others read, so that no
// private word is told to them. Pure, but for what `Parts` is asked.
#pragma once
#include <string>
#include <vector>

#include "base/id.h"
#include "base/json.h"
#include "talk/run.h"

namespace steward::talk {

struct Remembered {
  struct Line {
    Id message;
    std::string role;  // "user", "assistant"
    TimeUs time = 0;
    std::string when, text;  // when: for the model, in the person's time zone
  };
  struct Piece {
    Id conversation, first;   // the first message that it was made of names it
    std::vector<Line> lines;  // none: nothing of it stands any more
    std::vector<int64_t> passages;
    Json why = Json::array();  // "words", "meaning", "time", "name"
  };
  std::vector<Piece> pieces;
  // Why nothing was looked for: "asked" (not to), "conversation" (leaves no trace), "shared", "settings", "key",
  // "server"; empty: it was.
  std::string off;
};

// As the model reads it, before the message that it answers; empty without pieces.
std::string told_of(const Remembered& remembered);

// In the record that ends the answer: {"given": [{conversation, messages, passages, why}], "without", "off"}.
Json record_of(const Ask& ask, const Remembered& remembered);
Remembered given_in(const Json& record);  // back from it, without words
// Of it, what whoever owns the answer sees; null of an answer without.
Json shown_memory(const Json& record);

}  // namespace steward::talk
