// Recall: what of somebody's past a question is about, over what they may read and nothing else.
//
// Who asks is resolved before: their own partition, and of what others share with them the messages that they may read.
// The rarity of words, the mean likeness, the counts and the order are all made over those passages alone. Reader
// threads; exact and deterministic.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "memory/fusion.h"
#include "memory/question.h"
#include "memory/shelf.h"

namespace steward::memory {

// Of another person's conversation, what is shared with the one who asks.
struct SharedWith {
  Id conversation, owner;
  std::vector<Id> messages;
};

struct Reach {
  Id tenant, principal;
  std::vector<SharedWith> shared;
  Id conversation, project;  // only there, if told
  Id elsewhere;              // not in this conversation, if told
  bool only_own = false;
  TimeUs after = kEver, before = kAlways;  // only what was said then
};

struct Asking {
  std::string text;
  TimeUs asked_at = 0;
  const date::time_zone* zone = nullptr;  // UTC
  std::vector<float> vector;              // of the question; empty: by words alone
  Reach reach;
  Weights weights;
  std::string own_name;  // of who asks: their words are theirs under it too
};

// The share of a question's words, by rarity, from which they count as a reason.
inline constexpr double kCoveredEnough = 0.2;

// A passage that was found, and why.
struct Found {
  int64_t number = 0;
  float score = 0;
  double covered = 0;  // the share of the question's words that stand in it, weighted by rarity: 1 is all of them
  double meant = 0;    // by how many deviations its meaning lies over the mean
  int words = 0;       // of the question that stand in it
  bool by_words = false, by_meaning = false, by_time = false, by_name = false;
};

struct Recalled {
  Question question;                 // as it was read
  std::vector<Found> found;          // best first
  double nearness = 0;               // of the best, by words and meaning: what the benchmark measures
  size_t passages = 0, waiting = 0;  // that may be found; of them, still without a vector
};

Recalled recall(journal::Db& db, Shelves& shelves, VectorStore& vectors, const Asking& asking, size_t limit);

}  // namespace steward::memory
