#include "memory/fusion.h"

#include <algorithm>
#include <cmath>

namespace steward::memory {

double idf(double passages, double passages_with) {
  return std::log(1 + (passages - passages_with + 0.5) / (passages_with + 0.5));
}

double bm25(double idf, double count, double length, double mean_length, const Weights& weights) {
  const double relative = mean_length > 0 ? length / mean_length : 1;
  return idf * count / (count + weights.k1 * (1 - weights.b + weights.b * relative));
}

std::vector<float> z_scores(const std::vector<float>& values, const std::vector<char>& counts) {
  double sum = 0, squares = 0, n = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    if (counts[i] == 0) continue;
    sum += values[i];
    squares += static_cast<double>(values[i]) * values[i];
    ++n;
  }
  std::vector<float> out(values.size(), 0);
  if (n == 0) return out;
  const double mean = sum / n, variance = squares / n - mean * mean;
  constexpr double kFlat = 1e-12;
  if (variance <= kFlat) return out;
  const double scale = 1 / std::sqrt(variance);
  for (size_t i = 0; i < values.size(); ++i) {
    if (counts[i] != 0) out[i] = static_cast<float>((values[i] - mean) * scale);
  }
  return out;
}

namespace {

std::vector<float> with_neighbours(const std::vector<float>& own, const std::vector<int32_t>& before,
                                   const std::vector<char>& counts, double weight) {
  std::vector<float> after(own.size(), 0);
  std::vector<char> has_after(own.size(), 0);
  for (size_t i = 0; i < own.size(); ++i) {
    if (before[i] < 0 || counts[i] == 0) continue;
    const auto at = static_cast<size_t>(before[i]);
    after[at] = has_after[at] != 0 ? std::max(after[at], own[i]) : own[i];
    has_after[at] = 1;
  }
  std::vector<float> out = own;
  for (size_t i = 0; i < own.size(); ++i) {
    float sum = after[i];
    if (before[i] >= 0 && counts[static_cast<size_t>(before[i])] != 0) sum += own[static_cast<size_t>(before[i])];
    out[i] += static_cast<float>(weight) * sum;
  }
  return out;
}

}  // namespace

std::vector<float> fused(const Signals& signals, const std::vector<int32_t>& before, const Weights& weights) {
  std::vector<float> own = z_scores(signals.words, signals.counts);
  for (float& score : own) score *= static_cast<float>(weights.words);
  if (!signals.meaning.empty()) {
    std::vector<char> counts = signals.counts;
    for (size_t i = 0; i < counts.size(); ++i) counts[i] = counts[i] != 0 && signals.embedded[i] != 0 ? 1 : 0;
    const auto meaning = z_scores(signals.meaning, counts);
    for (size_t i = 0; i < own.size(); ++i) own[i] += static_cast<float>(weights.meaning) * meaning[i];
  }
  for (size_t i = 0; i < own.size(); ++i)
    own[i] += static_cast<float>(weights.time * signals.time[i] + weights.name * signals.name[i]);
  return with_neighbours(own, before, signals.counts, weights.neighbours);
}

std::vector<size_t> best_of(const std::vector<float>& scores, const std::vector<char>& counts, size_t k) {
  std::vector<size_t> out;
  for (size_t i = 0; i < scores.size(); ++i) {
    if (counts[i] != 0) out.push_back(i);
  }
  k = std::min(k, out.size());
  const auto better = [&](size_t a, size_t b) { return scores[a] != scores[b] ? scores[a] > scores[b] : a > b; };
  std::partial_sort(out.begin(), out.begin() + static_cast<ptrdiff_t>(k), out.end(), better);
  out.resize(k);
  return out;
}

}  // namespace steward::memory
