// The one internal form of an answer: a sequence of deltas, whole or streamed alike, and what they add up to.
//
// Order: one Begin; then for each choice its parts, numbered from 0 in the order of their Open; Append, Summarise, Cite
// and Logprobs between a part's Open and Close; one Finish a choice; Usage whenever it is told (told twice: the later
// one counts, if it is not smaller). Readers give exactly this order, whatever the provider sent (a reader closes what
// a provider left open before Finish). Choices may be interleaved.
#pragma once
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "gateway/form/request.h"
#include "ledger/ledger.h"

namespace steward::gateway {

enum class FinishReason { kStop, kStopSequence, kLength, kToolCalls, kContentFilter, kRefusal, kPause, kOther };

struct Begin {
  Dialect from = Dialect::kChat;  // whose dialect the raw members (`extra`, `raw`) of the whole answer are in
  std::string id;                 // the provider's
  std::string model;              // the provider's name of it
  int64_t created = 0;            // Unix seconds, 0: not told
  Json extra = Json::object();    // of the answer: system_fingerprint, service_tier, …
};
struct Open {
  int64_t choice = 0;
  size_t part = 0;
  Part value;  // its kind, ids and name; texts may already hold something
};
struct Append {  // to a part's own text: of Text, Refusal, Reasoning; of ToolCall its arguments
  int64_t choice = 0;
  size_t part = 0;
  std::string text;
};
struct Summarise {  // to the `index`th part of a Reasoning's summary
  int64_t choice = 0;
  size_t part = 0;
  size_t index = 0;
  std::string text;
};
struct Cite {
  int64_t choice = 0;
  size_t part = 0;
  Citation citation;
};
struct Logprobs {  // entries in Chat Completions' form: [{token, logprob, bytes, top_logprobs}]
  int64_t choice = 0;
  size_t part = 0;
  Json entries;
  bool of_refusal = false;
};
struct Close {  // what is known only now: the signature, members of `extra` (merged); of Foreign the raw object
  int64_t choice = 0;
  size_t part = 0;
  Signature signature;
  Json extra = Json::object();
  Json raw;        // null: the Open's holds
  std::string id;  // empty: the Open's holds
};
struct Finish {
  int64_t choice = 0;
  FinishReason reason = FinishReason::kStop;
  std::string raw;              // the provider's word
  std::string stop_sequence;    // which one, if told
  Json extra = Json::object();  // of the choice: safetyRatings, stop_details, …
};
struct UsageTold {
  ledger::Usage usage;
  Json raw;  // the block as it came, for its own dialect
};
struct AnswerExtra {  // more members of the answer as a whole (merged into Begin's)
  Json extra;
};
struct ForeignEvent {  // an event that only its own dialect knows; it goes to that dialect only
  Dialect from = Dialect::kChat;
  std::string name;
  Json data;
};
using Delta =
    std::variant<Begin, Open, Append, Summarise, Cite, Logprobs, Close, Finish, UsageTold, AnswerExtra, ForeignEvent>;
using Deltas = std::vector<Delta>;

struct Choice {
  int64_t index = 0;
  std::vector<Part> parts;
  Json logprobs;  // {"content": [...], "refusal": [...]} or null
  std::optional<Finish> finish;
};
struct WholeAnswer {
  Begin begin;
  std::map<int64_t, Choice> choices;
  std::optional<UsageTold> usage;
};

// Adds up deltas. A delta to a part that was not opened is a bug of its reader and is refused.
class AnswerSum {
 public:
  Status add(const Delta& delta);
  const WholeAnswer& whole() const { return whole_; }
  WholeAnswer take() { return std::move(whole_); }

 private:
  Part* part_of(int64_t choice, size_t part);
  WholeAnswer whole_;
};

// A reader's bookkeeping: which parts of which choice are open, their numbers, and closing them in order.
class PartCounter {
 public:
  // Opens a part and returns its number.
  size_t open(Deltas& out, int64_t choice, Part value);
  void close(Deltas& out, int64_t choice, size_t part, Signature signature = {}, Json extra = Json::object(),
             Json raw = nullptr);
  void close_all(Deltas& out, int64_t choice);
  bool is_open(int64_t choice, size_t part) const;

 private:
  struct State {
    size_t next = 0;
    std::vector<size_t> open;
  };
  std::map<int64_t, State> choices_;
};

}  // namespace steward::gateway
