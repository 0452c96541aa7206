// Fusion: from what words, meaning, time and names say of each passage to one order. Pure functions over arrays, one
// place a passage.
//
// Scores of words (BM25) and of meaning (cosines, which lie close together even for unrelated texts) can't be compared
// as they are; over all passages each is brought to mean 0 and deviation 1 and then added. What is said before and
// after a passage speaks for it too: people answer each other. docs/memory.md has the measurements.
#pragma once
#include <cstdint>
#include <vector>

namespace steward::memory {

struct Weights {
  double words = 1.0, meaning = 1.0;
  double time = 1.5, name = 0.5;  // added to a passage of the time, or by the person, that the question names
  double neighbours = 0.4;
  double k1 = 1.2, b = 0.75;  // of BM25
};

struct Signals {
  std::vector<float> words, meaning, time, name;  // `meaning` may be empty: nothing was embedded
  std::vector<char> counts;                       // whether the passage may be found at all
  std::vector<char> embedded;                     // whether it has a meaning yet
};

// To mean 0 and deviation 1 over those that count; the rest, and all if they are equal, become 0.
std::vector<float> z_scores(const std::vector<float>& values, const std::vector<char>& counts);

// `before[i]`: the passage said before i, or -1. Of several that follow, the best speaks.
std::vector<float> fused(const Signals& signals, const std::vector<int32_t>& before, const Weights& weights);

// The k best of those that count, best first; of equals, the later one.
std::vector<size_t> best_of(const std::vector<float>& scores, const std::vector<char>& counts, size_t k);

// Lucene's BM25: how much one word that occurs `count` times in a passage says for it.
double idf(double passages, double passages_with);
double bm25(double idf, double count, double length, double mean_length, const Weights& weights);

}  // namespace steward::memory
