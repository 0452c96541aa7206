// What is kept of an answer while it is made, so that a restart goes on from what its reader had seen.
//
// Every two seconds (later, in a long answer, every sixteenth of what it took so far) what has come since goes to the
// journal as an `answer.kept` record, in a stream of its own (answer/msg_…): a piece and the place where it belongs,
// never the whole text again, so that all steps of an answer together are its text once. Steps are *written*, not
// waited for until they are durable: nobody's tokens wait for a disk. The last one, of an orderly end, is durable.
//
// What was read back is what the message said when this round of it began, with the steps after that put in their
// places. A step that stands before it, or behind a missing one, counts for nothing. Once the answer has ended its
// content says all of it; its steps are erased by the job `talk.tidy` then, and with their message or conversation at
// any time.
//
// Coroutines, on an io thread.
#pragma once
#include "gateway/conversations/response_store.h"
#include "talk/parts.h"
#include "talk/records.h"
#include "talk/rows.h"
#include "talk/run.h"

namespace steward::talk {

inline constexpr std::chrono::milliseconds kStepEvery{2'000}, kLongestStep{15'000};
inline constexpr int kStepShare = 16;        // of the time that an answer has taken: the next step comes no sooner
inline constexpr size_t kMostSteps = 1'000;  // of one round of an answer; what comes later is kept by its end alone

// How long until the next step of an answer that has been made for so long.
std::chrono::milliseconds step_after(std::chrono::milliseconds made_for);

struct Kept {
  std::string text, reasoning;
  std::vector<Id> calls;  // that made it, oldest first
  size_t firm = 0;        // of the text: so much stood before this round
};

// Puts a step's pieces in their places; a gap before them leaves what is there.
void put_step(Kept& into, const Json& content);
// Without a last word that may not be whole: a model that goes on from there can't know how it would have ended.
std::string_view whole_words(std::string_view text);

class Steps {
 public:
  Steps(Parts& parts, gateway::ResponseStore& store) : parts_(parts), store_(store) {}

  Task<void> follow(std::shared_ptr<Run> run);  // until it is cancelled
  // What came since the last step, if anything did.
  Task<Status> keep(std::shared_ptr<Run> run, journal::Wait wait);
  Task<Result<Kept>> read(Id tenant, MessageRow row);

 private:
  Parts& parts_;
  gateway::ResponseStore& store_;
};

}  // namespace steward::talk
