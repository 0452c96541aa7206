#include "gateway/completions/request.h"
#include "base/json.h"

#include <gtest/gtest.h>

#include "gateway/completions/answer.h"
#include "gateway/embeddings/request.h"

namespace steward::gateway {
namespace {

TEST(CompletionRequest, Prompts) {
  const auto read = [](Json prompt) {
    return read_completion({{"model", "m"}, {"prompt", std::move(prompt)}, {"n", 2}});
  };
  EXPECT_EQ(read("x")->choices(), 2);
  EXPECT_EQ(read({1, 2, 3})->prompts.size(), 1u);
  EXPECT_EQ(read({"x", "y"})->choices(), 4);
  EXPECT_EQ(read({{1, 2}, {3}})->prompts.size(), 2u);
  EXPECT_FALSE(read(nullptr));
  EXPECT_FALSE(read(Json::array()));
  EXPECT_FALSE(read({true}));
  EXPECT_EQ(read_completion({{"model", "m"}, {"prompt", "x"}, {"best_of", 2}}).error().details["param"], "best_of");
}

TEST(EmbeddingRequest, FormsAndRefusals) {
  const auto read = [](Json input) { return read_embedding({{"model", "m"}, {"input", std::move(input)}}); };
  EXPECT_EQ(read("x")->inputs.size(), 1u);
  EXPECT_FALSE(read("x")->query);
  EXPECT_EQ(read({"x", "y"})->inputs.size(), 2u);
  EXPECT_EQ(read({1, 2})->tokens, 2);  // one input, of two tokens
  EXPECT_EQ(read(parse_own("[[1,2],[3]]"))->tokens, 3);
  EXPECT_EQ(read(parse_own("[[1,2],[3]]"))->inputs.size(), 2u);
  EXPECT_EQ(read(parse_own(R"([[1,2],"x"])")).error().details["param"], "input");
  EXPECT_EQ(read(parse_own(R"(["x",[1]])")).error().details["param"], "input");
  EXPECT_EQ(read(Json::array({-1})).error().details["param"], "input");
  EXPECT_FALSE(read(""));
  EXPECT_FALSE(read(Json::array()));
  EXPECT_FALSE(read_embedding({{"model", "m"}, {"input", "x"}, {"input_type", "poem"}}));
  EXPECT_FALSE(read_embedding({{"model", "m"}, {"input", "x"}, {"encoding_format", "hex"}}));
  EXPECT_TRUE(
      read_embedding({{"model", "m"}, {"input", "x"}, {"encoding_format", "base64"}, {"input_type", "query"}})->query);
}

TEST(TextGatherer, TwoChoicesMixed) {
  TextGatherer gatherer;
  const auto piece = [](int index, const char* text) {
    return Json{{"choices", {{{"index", index}, {"text", text}}}}};
  };
  for (const auto& [index, text] : std::vector<std::pair<int, const char*>>{{1, "b"}, {0, "a"}, {1, "d"}, {0, "c"}})
    gatherer.add(piece(index, text));
  EXPECT_EQ(gatherer.choices()[0]["text"], "ac");
  EXPECT_EQ(gatherer.choices()[1]["text"], "bd");
  EXPECT_EQ(gatherer.choices()[1]["index"], 1);
}

TEST(TextGatherer, NonsenseOfAnyTypeIsSurvived) {
  TextGatherer gatherer;
  for (const char* text : {"[]", "7", "{\"choices\":7}", "{\"choices\":[7]}",
                           "{\"choices\":[{\"index\":\"x\",\"text\":7,\"logprobs\":7}]}"})
    gatherer.add(parse_own(text));
  EXPECT_EQ(gatherer.choices()[0]["text"], "");
}

}  // namespace
}  // namespace steward::gateway
