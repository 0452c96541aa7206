// One candidate of an answer while it is read. Texts that follow one another in a stream are one part until a signature
// or another kind of part ends it; a call whose arguments come in pieces (partialArgs) is put together. Belongs to one
// answer's reader; one thread at a time.
#pragma once
#include "gateway/dialects/gemini/gemini.h"

namespace steward::gateway::gemini {

class CandidateReader {
 public:
  CandidateReader(int64_t index, std::string provider) : index_(index), provider_(std::move(provider)) {}

  void read(const Json& candidate, Deltas& out);
  void finish(const std::string& word, Deltas& out);
  bool finished() const { return finished_; }
  int64_t searches() const { return searches_; }  // queries that the answer was grounded with
  bool maps() const { return maps_; }

 private:
  enum class Kind { kNone, kText, kThought };

  void part(const Json& json, bool first, Deltas& out);
  void text(const Json& json, bool first, Deltas& out);
  void call(const Json& json, Deltas& out);
  void end_call(Deltas& out);
  void close_text(Deltas& out);
  void cite(Deltas& out);
  Signature signature_of(const Json& part) const;

  int64_t index_;
  std::string provider_;
  PartCounter parts_;
  Kind kind_ = Kind::kNone;
  size_t part_ = 0, last_ = 0;
  std::string said_;    // of the open text
  bool fresh_ = false;  // opened in the chunk that is read
  Json call_;           // a call whose arguments are still coming, or null
  Signature call_signature_, text_signature_;
  Json extra_ = Json::object();
  int64_t searches_ = 0;
  bool calls_ = false, maps_ = false, finished_ = false;
};

// Puts a piece of arguments where its path ("$.items[0].name") says; a path that makes no sense is passed over.
void put_argument(Json& args, const Json& piece);

}  // namespace steward::gateway::gemini
