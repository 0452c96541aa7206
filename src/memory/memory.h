// Memory: what was said, found again. docs/memory.md is its contract; the server's routes are thin over this.
//
// Episodes are a view of the journal (view.h) and a cache of vectors beside it (vectors.h, embedding.h); a question is
// answered from both (recall.h) within what the caller may read. Switched off (memory.enabled) it keeps nothing,
// removes its cache and answers nothing.
//
// Coroutines on any io thread. Its parts outlive it; stop() before the journal's and the engine's.
#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "gateway/call.h"
#include "journal/view.h"
#include "memory/embedding.h"
#include "memory/pieces.h"
#include "memory/recall.h"
#include "net/http_server.h"

namespace steward::memory {

struct Parts {
  gateway::Services& services;
  journal::Views& views;
  net::IoThreads& threads;
  std::filesystem::path file;  // home/vectors/memory.db
  bool enabled = true;
  std::string time_zone;  // of whoever has none
  // What others share with these readers; on a reader thread, in the moment that the query sees.
  std::function<std::vector<SharedWith>(journal::Db&, const Id& tenant, const Id& principal,
                                        const std::vector<Id>& readers)>
      shared;
  std::function<std::string(const Id& principal)> name_of;
  std::function<bool(const Id& principal)> paused;  // by the person, in their settings
};

// What an answer may be given: pieces of the person's own earlier conversations that are near enough to the message.
struct Wish {
  Id conversation;          // of the message: what it is part of is not looked into
  std::string text;         // the message
  std::vector<Id> without;  // messages that are not to be given
  size_t pieces = 5;
  size_t tokens = 1'200;  // about, in all
};

// Whether a passage is near enough to the message to be given unasked: enough of its words, not one alone, or a meaning
// far over the mean. Measured: docs/memory.md, "In use".
inline constexpr double kMeantEnough = 4.5;
inline constexpr int kWordsEnough = 2;
inline bool is_near(const Found& found) {
  return (found.covered >= kCoveredEnough && found.words >= kWordsEnough) || found.meant >= kMeantEnough;
}

// What somebody said is not the model API's: a key reads it only where it was told so (`memory` among its endpoints).
Status may_read(const identity::Caller& caller);

class Memory {
 public:
  using Caller = identity::Caller;
  explicit Memory(Parts parts);
  Status start();
  void stop();
  bool enabled() const { return parts_.enabled; }

  // Whether this caller's memory is read and written at all. kNotImplemented: not on this server; kForbidden: not by
  // this key; kConflict: the person has it switched off.
  Status usable(const Caller& caller) const;
  // {query, limit, budget, order, after, before, scope}, checked here.
  Task<Result<Json>> search(Caller caller, Json body);
  // Best first; none is near enough: none. Over one's own conversations alone: what others wrote is not given unasked.
  Task<Result<std::vector<Piece>>> for_answer(Caller caller, Wish wish);
  // Pieces that were given before, each from the passages it was made of; nothing where nothing of it stands.
  Task<std::vector<std::optional<Piece>>> again(Id tenant, std::vector<std::vector<int64_t>> passages);

  // Blocks: the vectors of what was erased are in no file any more when it returns. After the views have folded that.
  Status purge();

 private:
  Task<std::vector<float>> vector_of(std::string text, std::chrono::milliseconds patience);
  Task<Result<Asking>> asking_of(Caller caller, std::string text, std::chrono::milliseconds patience);

  Parts parts_;
  VectorStore vectors_;
  Shelves shelves_{vectors_};
  std::unique_ptr<Embedding> embedding_;
};

}  // namespace steward::memory
