// Pieces: what recall answers with. Passages that were found, read back word for word, each text once, neighbours
// joined, in the order that the question needs, within a budget of tokens. Reader threads.
#pragma once
#include <vector>

#include "base/json.h"
#include "memory/recall.h"

namespace steward::memory {

struct PieceMessage {
  Id id;
  std::string role;
  TimeUs time = 0;
  std::string text;  // of it, what was found
};

struct Piece {
  Id conversation;
  std::vector<PieceMessage> messages;  // as they were said
  std::vector<int64_t> passages;       // the numbers of which they are made
  float score = 0;                     // of the best passage in it
  bool by_words = false, by_meaning = false, by_time = false, by_name = false;
  size_t tokens = 0;  // about
};

// "words", "meaning", "time", "name": what spoke for it.
Json why_of(const Piece& piece);

struct Cut {
  Order order = Order::kRelevance;
  size_t pieces = 10;
  size_t tokens = 4'000;
  std::vector<Id> without;  // messages: a piece that one of them is in is left out
};

std::vector<Piece> pieces_of(journal::Db& db, const Recalled& recalled, const Cut& cut);
// A piece again, from the passages that it was made of, as far as they are there still and their conversation is
// not deleted; nothing if none is.
std::optional<Piece> piece_again(journal::Db& db, const Id& tenant, const std::vector<int64_t>& passages);

}  // namespace steward::memory
