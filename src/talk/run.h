// One answer while it is made: what has come of it so far, for whoever asks, and how to stop it. Thread-safe.
#pragma once
#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "base/async.h"
#include "base/id.h"
#include "base/json.h"
#include "identity/identity.h"

namespace steward::talk {

// What is to be answered, and by whom it was asked.
struct Ask {
  identity::Caller caller;
  Id conversation, answer, parent;  // parent: the message that is answered
  std::string model;                // a model's name or a route's
  std::string instructions;         // the caller's own, beside the project's
  std::string text, reasoning;      // of an answer that is gone on with
  std::vector<Id> calls;            // that made what is there of it
  std::vector<Id> without;          // messages of earlier conversations that are not to be given
  bool memory = true;               // whether any may be
  bool continues = false;
  bool announced = false;  // its `answer_started` stands already
};

Json body_of(const Ask& ask);  // as `conversation.answer_started` tells it
// {memory?: false, without?: [message]} of a request or of that record: what may be given of earlier conversations.
Status read_memory(const Json& body, Ask& ask);

class Run {
 public:
  explicit Run(Ask ask) : ask(std::move(ask)) {
    text_ = this->ask.text;
    reasoning_ = this->ask.reasoning;
    text_kept_ = text_.size();
    reasoning_kept_ = reasoning_.size();
  }

  const Ask ask;
  CancelToken cancel;
  // Set before it begins: who may read it beside the owner; which attempt this is (greater than any before it).
  std::vector<Id> readers;
  bool shared = false;  // with anybody, by a link too
  int64_t attempt = 0;

  enum class Part { kText, kReasoning };
  // Answers how many UTF-16 code units of the part stood before.
  size_t append(Part part, std::string_view more);
  struct Snapshot {
    std::string text, reasoning;
    bool begun = false;
  };
  Snapshot now() const;
  // What came after the last that was kept (steps.h), and the call that made it.
  struct Piece {
    size_t text_at = 0, reasoning_at = 0;  // bytes
    std::string text, reasoning;
    Id call;
  };
  bool has_unkept() const;
  Piece unkept() const;
  void note_kept(const Piece& piece);
  void set_call(Id call);
  void finish();
  bool done() const;
  Task<void> wait();  // until it is done

 private:
  mutable std::mutex mutex_;
  std::string text_, reasoning_;
  size_t text_units_ = SIZE_MAX, reasoning_units_ = SIZE_MAX;  // counted at the first append
  size_t text_kept_ = 0, reasoning_kept_ = 0;
  Id call_;
  bool done_ = false;
  std::vector<std::function<void()>> waiting_;
};

}  // namespace steward::talk
