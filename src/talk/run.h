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
  bool continues = false;
  bool announced = false;  // its `answer_started` stands already
};

Json body_of(const Ask& ask);  // as `conversation.answer_started` tells it

class Run {
 public:
  explicit Run(Ask ask) : ask(std::move(ask)) {
    text_ = this->ask.text;
    reasoning_ = this->ask.reasoning;
  }

  const Ask ask;
  CancelToken cancel;
  std::vector<Id> readers;  // beside the owner; set before it begins

  enum class Part { kText, kReasoning };
  // Answers how many UTF-16 code units of the part stood before.
  size_t append(Part part, std::string_view more);
  struct Snapshot {
    std::string text, reasoning;
    bool begun = false;
  };
  Snapshot now() const;
  void finish();
  bool done() const;
  Task<void> wait();  // until it is done

 private:
  mutable std::mutex mutex_;
  std::string text_, reasoning_;
  size_t text_units_ = SIZE_MAX, reasoning_units_ = SIZE_MAX;  // counted at the first append
  bool done_ = false;
  std::vector<std::function<void()>> waiting_;
};

}  // namespace steward::talk
