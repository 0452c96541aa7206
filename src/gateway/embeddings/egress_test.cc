// Embeddings, in and out. Expected bodies are those of the providers' documentation (Google's
// api-examples/rest/embed.sh, Amazon's user guide on Titan's and Cohere's embeddings) and, of Cohere, a recorded
// answer.
#include "gateway/embeddings/egress.h"

#include <gmock/gmock.h>

#include "base/json_bounded.h"
#include "gateway/embeddings/answer.h"
#include "gateway/routing/health.h"
#include "net/http_server.h"

namespace steward::gateway {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

EmbeddingRequest asked_of(Json body) {
  body["model"] = "m";
  return read_embedding(std::move(body)).value();
}
EmbeddingRequest gemini_asked(const char* text, bool batch = true) {
  return read_gemini_embedding(parse_own(text), "m", batch).value();
}
Status checked(const EmbeddingEgress& egress, const EmbeddingRequest& asked, std::vector<std::string> may_drop = {}) {
  Refusals refusals(asked.from, std::move(may_drop));
  return egress.check(asked, refusals);
}
std::string refused(const EmbeddingEgress& egress, const EmbeddingRequest& asked) {
  const auto status = checked(egress, asked);
  return status ? "" : status.error().details["param"].get<std::string>();
}
net::Headers counted(const char* tokens) {
  net::Headers headers;
  headers.set("x-amzn-bedrock-input-token-count", tokens);
  return headers;
}

const EmbeddingEgress& bedrock(std::string_view model) { return *bedrock_embeddings(model); }
constexpr std::string_view kTitan1 = "amazon.titan-embed-text-v1", kTitan2 = "amazon.titan-embed-text-v2:0",
                           kCohere3 = "cohere.embed-multilingual-v3", kCohere4 = "eu.cohere.embed-v4:0";

TEST(GeminiEmbeddings, AsksAsGooglesExampleDoes) {
  const Json example = parse_own(R"({"requests": [
      {"model": "models/gemini-embedding-001", "content": {"parts":[{"text": "What is the meaning of life?"}]}},
      {"model": "models/gemini-embedding-001",
       "content": {"parts":[{"text": "How much wood would a woodchuck chuck?"}]}},
      {"model": "models/gemini-embedding-001", "content": {"parts":[{"text": "How does the brain work?"}]}}]})");
  const auto asked = asked_of(
      {{"input",
        {"What is the meaning of life?", "How much wood would a woodchuck chuck?", "How does the brain work?"}}});
  const auto ask = gemini_embeddings().ask(asked, "gemini-embedding-001", 0, 3);
  EXPECT_EQ(ask.path, "/models/gemini-embedding-001:batchEmbedContents");
  EXPECT_EQ(ask.body, example);
  EXPECT_EQ(gemini_embeddings().ask(asked, "gemini-embedding-001", 1, 1).body["requests"],
            Json::array({example["requests"][1]}));
}

TEST(GeminiEmbeddings, SettingsGoInItsWords) {
  const auto asked = asked_of({{"input", "x"}, {"dimensions", 256}, {"input_type", "query"}, {"user", "me"}});
  ASSERT_TRUE(checked(gemini_embeddings(), asked));
  EXPECT_EQ(gemini_embeddings().ask(asked, "models/g", 0, 1).body["requests"][0],
            (Json{{"model", "models/g"},
                  {"content", {{"parts", Json::array({Json{{"text", "x"}}})}}},
                  {"outputDimensionality", 256},
                  {"taskType", "RETRIEVAL_QUERY"}}));
  EXPECT_EQ(refused(gemini_embeddings(), asked_of({{"input", {1, 2, 3}}})), "input");
}

TEST(GeminiEmbeddings, ReadsVectorsAndWhatIsToldOfThem) {
  const auto asked = asked_of({{"input", {"a", "b"}}});
  const auto read = [&](const char* answer) { return gemini_embeddings().read(asked, parse_own(answer), {}, 2); };
  const auto told = read(R"({"embeddings":[{"values":[0.125,-0.5]},{"values":[1,0]}],
                             "usageMetadata":{"promptTokenCount":7}})");
  EXPECT_THAT(told->texts, ElementsAre("[0.125,-0.5]", "[1,0]"));
  EXPECT_EQ(told->usage->prompt_tokens, 7);
  EXPECT_FALSE(read(R"({"embeddings":[{"values":[0.5]},{"values":[1]}]})")->usage);
  const auto lie = read(R"({"embeddings":[{"values":[0.5]},{"values":[1]}],"usageMetadata":{"promptTokenCount":-7}})");
  EXPECT_TRUE(lie->disputed && !lie->usage);
  for (const char* bad : {R"({"embeddings":[{"values":[0.5]}]})", R"({"embeddings":[{"values":[0.5]},{"values":"x"}]})",
                          R"({"embeddings":[{"values":[]},{"values":[1]}]})", R"({"error":1})", "[]"})
    EXPECT_EQ(read(bad).error().code, ErrorCode::kUpstreamError) << bad;
}

TEST(GeminiEmbeddings, AKeyThatGoogleCallsInvalidIsTheKeysFault) {
  const auto error = gemini_embeddings().read_error(
      400,
      R"({"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT","details":[
          {"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID","domain":"googleapis.com"}]}})",
      {});
  EXPECT_TRUE(routing::key_was_refused(error));
  EXPECT_EQ(routing::failure_of(error), routing::Failure::kNotHere);
}

TEST(TitanEmbeddings, AsksForOneTextAndReadsItsCount) {
  const auto asked = asked_of({{"input", {"a", "b"}}, {"dimensions", 512}});
  const auto ask = bedrock(kTitan2).ask(asked, std::string(kTitan2), 1, 1);
  EXPECT_EQ(ask.path, "/model/amazon.titan-embed-text-v2%3A0/invoke");
  EXPECT_EQ(ask.body, (Json{{"inputText", "b"}, {"dimensions", 512}}));
  EXPECT_EQ(bedrock(kTitan2).most_inputs(), 1u);
  const Json answer = {
      {"embedding", {0.25, -1}}, {"inputTextTokenCount", 4}, {"embeddingsByType", {{"float", Json::array({9})}}}};
  const auto read = bedrock(kTitan2).read(asked, answer, counted("99"), 1);
  EXPECT_THAT(read->texts, ElementsAre("[0.25,-1]"));
  EXPECT_EQ(read->usage->prompt_tokens, 4) << "the body's word goes before the header's";
  EXPECT_EQ(bedrock(kTitan2).read(asked, {{"embedding", Json::array({1})}}, counted("5"), 1)->usage->prompt_tokens, 5);
  EXPECT_TRUE(bedrock(kTitan2).read(asked, {{"embedding", Json::array({1})}}, counted("-5"), 1)->disputed);
  EXPECT_FALSE(bedrock(kTitan2).read(asked, {{"embedding", Json::array({1})}}, {}, 1)->usage);
  EXPECT_FALSE(bedrock(kTitan2).read(asked, {{"message", "no"}}, {}, 1));
}

TEST(TitanEmbeddings, WhatItCanNotDoIsRefusedByItsName) {
  EXPECT_EQ(refused(bedrock(kTitan1), asked_of({{"input", "x"}, {"dimensions", 512}})), "dimensions");
  EXPECT_EQ(refused(bedrock(kTitan2), asked_of({{"input", "x"}, {"input_type", "query"}})), "input_type");
  EXPECT_EQ(refused(bedrock(kTitan2), asked_of({{"input", {{1, 2}, {3}}}})), "input");
  const auto tuned = gemini_asked(R"({"requests":[{"content":{"parts":[{"text":"x"}]},"taskType":"CLUSTERING"}]})");
  EXPECT_EQ(refused(bedrock(kTitan2), tuned), "taskType");
  EXPECT_TRUE(checked(bedrock(kTitan2), tuned, {"unsupported"}));
  const auto shortened = asked_of({{"input", "x"}, {"dimensions", 512}});
  EXPECT_TRUE(checked(bedrock(kTitan1), shortened, {"dimensions"}));
  EXPECT_EQ(bedrock(kTitan1).ask(shortened, std::string(kTitan1), 0, 1).body, (Json{{"inputText", "x"}}));
}

TEST(CohereEmbeddings, AsksAsAmazonsGuideSays) {
  const auto asked = asked_of({{"input", {"a", "b", "c"}}});
  const auto ask = bedrock(kCohere3).ask(asked, std::string(kCohere3), 1, 2);
  EXPECT_EQ(ask.path, "/model/cohere.embed-multilingual-v3/invoke");
  EXPECT_EQ(
      ask.body,
      (Json{{"texts", {"b", "c"}}, {"input_type", "search_document"}, {"embedding_types", Json::array({"float"})}}));
  EXPECT_EQ(bedrock(kCohere3).most_inputs(), 96u);
  EXPECT_EQ(refused(bedrock(kCohere3), asked_of({{"input", "x"}, {"dimensions", 512}})), "dimensions");
  const auto question = asked_of({{"input", "x"}, {"dimensions", 512}, {"input_type", "query"}});
  ASSERT_TRUE(checked(bedrock(kCohere4), question));
  EXPECT_EQ(bedrock(kCohere4).ask(question, std::string(kCohere4), 0, 1).body,
            (Json{{"texts", Json::array({"x"})},
                  {"input_type", "search_query"},
                  {"embedding_types", Json::array({"float"})},
                  {"output_dimension", 512}}));
}

TEST(CohereEmbeddings, TasksOfGeminisCallersAreItsOwnOrRefused) {
  const auto of_task = [](const char* task) {
    return gemini_asked(
        fmt::format(R"({{"requests":[{{"content":{{"parts":[{{"text":"x"}}]}},"taskType":"{}"}}]}})", task).c_str());
  };
  for (const auto& [task, kind] : {std::pair{"RETRIEVAL_DOCUMENT", "search_document"},
                                   {"QUESTION_ANSWERING", "search_query"},
                                   {"CLASSIFICATION", "classification"},
                                   {"CLUSTERING", "clustering"}}) {
    EXPECT_TRUE(checked(bedrock(kCohere3), of_task(task))) << task;
    EXPECT_EQ(bedrock(kCohere3).ask(of_task(task), "c", 0, 1).body["input_type"], kind);
  }
  EXPECT_EQ(refused(bedrock(kCohere3), of_task("SEMANTIC_SIMILARITY")), "taskType");
}

TEST(CohereEmbeddings, ReadsBothFormsOfAnAnswer) {
  const auto asked = asked_of({{"input", {"sunny day at the beach", "rainy day in the city"}}});
  // As Cohere itself answered.
  const Json by_type = parse_own(R"({"id": "f5aa3e7b-f011-4c5c-a825-f94669f760e5",
    "texts": ["sunny day at the beach", "rainy day in the city"],
    "embeddings": {"float": [[0.03302002, 0.020904541, -0.019744873, -0.0625, 0.04437256],
                             [-0.04660034, 0.00037765503, -0.061157227, -0.08239746, -0.010360718]]},
    "meta": {"api_version": {"version": "2"}, "billed_units": {"input_tokens": 10}},
    "response_type": "embeddings_by_type"})");
  const auto first = bedrock(kCohere3).read(asked, by_type, {}, 2);
  EXPECT_EQ(parse_own(first->texts.at(0)), by_type["embeddings"]["float"][0]);
  EXPECT_EQ(parse_own(first->texts.at(1)), by_type["embeddings"]["float"][1]);
  EXPECT_EQ(first->usage->prompt_tokens, 10);
  const Json floats = parse_own(R"({"embeddings":[[0.5],[0.25]],"response_type":"embeddings_floats"})");
  const auto second = bedrock(kCohere3).read(asked, floats, counted("12"), 2);
  EXPECT_THAT(second->texts, ElementsAre("[0.5]", "[0.25]"));
  EXPECT_EQ(second->usage->prompt_tokens, 12);
}

TEST(BedrockEmbeddings, OtherModelsMakeNone) {
  EXPECT_EQ(bedrock_embeddings("us.anthropic.claude-sonnet-4-20250514-v1:0"), nullptr);
  EXPECT_EQ(bedrock_embeddings("amazon.titan-text-express-v1"), nullptr);
  EXPECT_EQ(bedrock_embeddings("cohere.command-r-v1:0"), nullptr);
  EXPECT_NE(bedrock_embeddings("arn:aws:bedrock:us-east-1:1:inference-profile/us.cohere.embed-v4:0"), nullptr);
}

TEST(OpenAiEmbeddings, AnOpenAiCallersWordsGoAsTheyCame) {
  const auto asked = asked_of({{"input", {{1, 2}, {3}}}, {"dimensions", 5}, {"user", "me"}});
  EXPECT_EQ(asked.tokens, 3);
  EXPECT_EQ(asked.inputs.size(), 2u);
  ASSERT_TRUE(checked(openai_embeddings(), asked));
  const auto ask = openai_embeddings().ask(asked, "up", 0, 2);
  EXPECT_EQ(ask.path, "/embeddings");
  EXPECT_EQ(ask.body, (Json{{"input", {{1, 2}, {3}}}, {"dimensions", 5}, {"user", "me"}, {"model", "up"}}));
  EXPECT_EQ(refused(openai_embeddings(), asked_of({{"input", "x"}, {"input_type", "query"}})), "input_type");
}

TEST(OpenAiEmbeddings, AGeminiCallersWordsAreTranslated) {
  const auto asked = gemini_asked(R"({"requests":[
      {"model":"models/m","content":{"role":"user","parts":[{"text":"a"},{"text":"b"}]},"outputDimensionality":3},
      {"model":"models/m","content":{"parts":[{"text":"c"}]},"outputDimensionality":3}]})");
  ASSERT_TRUE(checked(openai_embeddings(), asked));
  EXPECT_EQ(openai_embeddings().ask(asked, "up", 0, 2).body,
            (Json{{"model", "up"}, {"input", {"ab", "c"}}, {"encoding_format", "float"}, {"dimensions", 3}}));
  const Json answer = parse_own(R"({"object":"list","data":[{"index":1,"embedding":[2]},{"index":0,"embedding":[1]}],
                                    "usage":{"prompt_tokens":12,"total_tokens":12}})");
  auto read = openai_embeddings().read(asked, answer, {}, 2);
  EXPECT_THAT(read->texts, ElementsAre("[1]", "[2]"));
  EXPECT_EQ(read->usage->prompt_tokens, 12);
  const Json repeated = parse_own(R"({"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]})");
  EXPECT_FALSE(openai_embeddings().read(asked, repeated, {}, 2));
  const auto titled = gemini_asked(R"({"requests":[{"content":{"parts":[{"text":"a"}]},"title":"t"}]})");
  EXPECT_EQ(refused(openai_embeddings(), titled), "title");
  const auto later = gemini_asked(
      R"({"requests":[{"content":{"parts":[{"text":"a"}]}},{"content":{"parts":[{"text":"b"}]},"title":"t"}]})");
  EXPECT_EQ(refused(openai_embeddings(), later), "title");
  EXPECT_EQ(refused(*bedrock_embeddings("amazon.titan-embed-text-v2:0"), later), "title");
  const auto media = gemini_asked(R"({"requests":[{"content":{"parts":[{"inlineData":{"data":"aa"}}]}}]})");
  EXPECT_EQ(refused(openai_embeddings(), media), "content");
  EXPECT_EQ(gemini_embeddings().ask(media, "g", 0, 1).body["requests"][0]["content"]["parts"][0]["inlineData"]["data"],
            "aa");
}

TEST(GeminiEmbeddingRequest, WhatIsWrongIsTold) {
  const auto param = [](const char* text, bool batch = true) {
    const auto read = read_gemini_embedding(parse_own(text), "m", batch);
    return read ? "" : read.error().details.value("param", "none");
  };
  EXPECT_EQ(param(R"({})"), "requests");
  EXPECT_EQ(param(R"({})", false), "content");
  EXPECT_EQ(param(R"({"requests":[{"content":{"parts":[{"text":""}]}}]})"), "requests[0].content");
  EXPECT_EQ(param(R"({"content":{"parts":[{"text":"x"}]},"outputDimensionality":0})", false), "outputDimensionality");
  EXPECT_THAT(param(R"({"requests":[{"content":{"parts":[{"text":"a"}]}},
                                    {"content":{"parts":[{"text":"b"}]},"taskType":"CLUSTERING"}]})"),
              HasSubstr("requests"));
  EXPECT_EQ(param(R"({"content":{"parts":[{"text":"x"}]}})", false), "");
}

TEST(Vectors, AreWrittenAsTheCallerHasThem) {
  const auto openai = [](bool base64) {
    auto asked = asked_of({{"input", {"a", "b"}}});
    asked.base64 = base64;
    return asked;
  };
  // The bytes of two little-endian floats, by Python's struct.pack("<2f", 1.0, -2.5).
  EXPECT_EQ(vector_text({1.0, -2.5}, true), "\"AACAPwAAIMA=\"");
  EXPECT_EQ(vector_text({1.0, "x"}, true), std::nullopt);
  EXPECT_EQ(parse_own(write_vectors(openai(false), {.texts = {"[1]", "[2]"}, .usage = {.prompt_tokens = 5}})),
            parse_own(R"({"object":"list","model":"m","usage":{"prompt_tokens":5,"total_tokens":5},"data":[
                {"object":"embedding","index":0,"embedding":[1]},{"object":"embedding","index":1,"embedding":[2]}]})"));
  const auto one = gemini_asked(R"({"content":{"parts":[{"text":"x"}]}})", false);
  EXPECT_EQ(parse_own(write_vectors(one, {.texts = {"[1]"}, .usage = {.prompt_tokens = 5}})),
            parse_own(R"({"embedding":{"values":[1]},"usageMetadata":{"promptTokenCount":5}})"));
  const auto batch = gemini_asked(R"({"requests":[{"content":{"parts":[{"text":"x"}]}}]})");
  EXPECT_EQ(parse_own(write_vectors(batch, {.texts = {"[1]"}, .usage = {.prompt_tokens = 5}})),
            parse_own(R"({"embeddings":[{"values":[1]}],"usageMetadata":{"promptTokenCount":5}})"));
}

}  // namespace
}  // namespace steward::gateway
