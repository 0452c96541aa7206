#include "memory/fusion.h"

#include <gtest/gtest.h>

#include "journal/testing.h"
#include "memory/vectors.h"

namespace steward::memory {
namespace {

TEST(Fusion, ZScoresAreOverThoseThatCount) {
  const auto all = z_scores({1, 2, 3}, {1, 1, 1});
  EXPECT_NEAR(all[0], -1.224745, 1e-5);  // (1 - 2) / sqrt(2/3)
  EXPECT_NEAR(all[1], 0, 1e-6);
  EXPECT_NEAR(all[2], 1.224745, 1e-5);
  const auto some = z_scores({1, 2, 300}, {1, 1, 0});
  EXPECT_NEAR(some[0], -1, 1e-6);
  EXPECT_NEAR(some[1], 1, 1e-6);
  EXPECT_EQ(some[2], 0);
  EXPECT_EQ(z_scores({5, 5}, {1, 1}), (std::vector<float>{0, 0}));
  EXPECT_TRUE(z_scores({}, {}).empty());
}

TEST(Fusion, Bm25AsLuceneHasIt) {
  EXPECT_NEAR(idf(3, 1), 0.980829, 1e-6);                      // ln(1 + 2.5 / 1.5)
  EXPECT_NEAR(bm25(0.980829, 2, 10, 10, {}), 0.613018, 1e-6);  // 2 / (2 + 1.2)
  EXPECT_NEAR(bm25(1, 1, 20, 10, {}), 1 / 3.1, 1e-6);          // 1 / (1 + 1.2 (0.25 + 0.75 · 2))
}

Signals signals(std::vector<float> words, std::vector<float> meaning) {
  const size_t n = words.size();
  return {.words = std::move(words),
          .meaning = std::move(meaning),
          .time = std::vector<float>(n, 0),
          .name = std::vector<float>(n, 0),
          .counts = std::vector<char>(n, 1),
          .embedded = std::vector<char>(n, 1)};
}

TEST(Fusion, AddsWhatWordsAndMeaningSay) {
  auto both = signals({1, 2, 3}, {3, 2, 1});
  Weights weights{.neighbours = 0};
  for (const float score : fused(both, {-1, -1, -1}, weights)) EXPECT_NEAR(score, 0, 1e-6);
  weights.meaning = 0;
  both.name = {0, 1, 0};
  const auto scores = fused(both, {-1, -1, -1}, weights);
  EXPECT_NEAR(scores[1], weights.name, 1e-6);
  EXPECT_NEAR(scores[2], 1.224745, 1e-5);
}

TEST(Fusion, NeighboursSpeak) {
  const auto one = signals({0, 0, 4, 0}, {});  // deviations: three of -0.577, one of 1.732
  const auto scores = fused(one, {-1, 0, 1, -1}, {.neighbours = 0.5});
  EXPECT_NEAR(scores[0], -0.57735 - 0.288675, 1e-5);
  EXPECT_NEAR(scores[1], -0.57735 + 0.5 * (-0.57735 + 1.732051), 1e-5);
  EXPECT_NEAR(scores[2], 1.732051 - 0.288675, 1e-5);
  EXPECT_NEAR(scores[3], -0.57735, 1e-5);
}

TEST(Fusion, TheBestFirstAndOfEqualsTheLater) {
  EXPECT_EQ(best_of({1, 3, 3, 9}, {1, 1, 1, 0}, 2), (std::vector<size_t>{2, 1}));
  EXPECT_TRUE(best_of({}, {}, 5).empty());
}

TEST(Vectors, KeepTheirCosine) {
  const std::vector<float> a{0.6F, 0.8F, 0}, b{0.8F, 0.6F, 0};
  const Vector small = quantised(b);
  EXPECT_NEAR(product(a, small.scale, small.values.data()), 0.96, 0.01);
  EXPECT_EQ(quantised(std::vector<float>{0, 0}).scale, 0);
}

std::unordered_set<std::string> all(const std::vector<std::string>& keys) { return {keys.begin(), keys.end()}; }

TEST(Vectors, AreSweptOutOfTheFile) {
  journal::TempDir dir;
  const auto file = dir.path() / "vectors" / "memory.db";
  VectorStore store(file);
  ASSERT_TRUE(store.open());
  EXPECT_TRUE(store.empty());
  const std::string kept = "keykeptkeykeptke", gone = "keygonekeygoneke";
  store.put({{kept, quantised(std::vector<float>{1, 0})}, {gone, quantised(std::vector<float>{0, 1})}}, all);
  EXPECT_TRUE(store.has(gone));
  const auto only_kept = [&](const auto&) { return std::unordered_set<std::string>{kept}; };
  store.put({{"keylatekeylateke", quantised(std::vector<float>{1, 1})}}, only_kept);  // erased meanwhile
  EXPECT_FALSE(store.has("keylatekeylateke"));
  EXPECT_EQ(store.sweep(only_kept), 1U);
  EXPECT_FALSE(store.has(gone));
  EXPECT_EQ(store.find({kept})[0]->values, (std::vector<int8_t>{127, 0}));
  for (const auto& entry : std::filesystem::directory_iterator(file.parent_path())) {
    const auto bytes = read_file(entry.path(), size_t{1} << 20);
    EXPECT_EQ(bytes.value_or("").find(gone), std::string::npos) << entry.path();
  }
}

TEST(Vectors, ADamagedFileIsThrownAway) {
  journal::TempDir dir;
  const auto file = dir.path() / "memory.db";
  ASSERT_TRUE(write_file_atomic(file, std::string(8'192, 'x')));
  VectorStore store(file);
  ASSERT_TRUE(store.open());
  EXPECT_TRUE(store.empty());
}

}  // namespace
}  // namespace steward::memory
