#include "talk/import.h"
#include "base/json.h"

#include <gtest/gtest.h>

#include "gateway/conversations/path.h"

namespace steward::talk {
namespace {

TEST(Import, ReadsTreesTimesAndTools) {
  const Json exported = parse_own(R"([{"title":"T","create_time":1000.5,"update_time":1001,"current_node":"d",
    "is_archived":true,"mapping":{
    "r":{"message":null,"parent":null,"children":["s"]},
    "s":{"parent":"r","children":["a","b"],"message":{"author":{"role":"system"},"content":{"parts":[""]},"metadata":{"is_visually_hidden_from_conversation":true}}},
    "a":{"parent":"s","children":[],"message":{"author":{"role":"user"},"content":{"parts":["first"]},"create_time":1000.5,"metadata":{}}},
    "b":{"parent":"s","children":["c"],"message":{"author":{"role":"user"},"content":{"parts":["edited","more"]},"create_time":1000.6,"metadata":{}}},
    "c":{"parent":"b","children":["d"],"message":{"author":{"role":"assistant"},"recipient":"way","content":{"content_type":"code","text":"{}"},"metadata":{"model_slug":"m"}}},
    "d":{"parent":"c","children":[],"message":{"author":{"role":"assistant"},"recipient":"all","status":"in_progress","content":{"parts":["cut"]},"metadata":{"model_slug":"m"}}}}}])");
  SeededRandom random(1);
  const auto read = read_chat_export({.tenant = "ten_1", .principal = "usr_1"}, exported, random);
  ASSERT_TRUE(read);
  ASSERT_EQ(read->size(), 1U);
  EXPECT_EQ(read->front().messages, 4U);
  std::vector<journal::Record> records;
  for (const auto& draft : read->front().drafts) {
    journal::Record record;
    record.stream = draft.stream;
    record.kind = draft.kind;
    record.body = draft.body;
    record.time = draft.time;
    records.push_back(record);
  }
  EXPECT_EQ(records.front().time, 1'000'500'000);
  const auto& answers = read->front().answers;
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(answers[0].asked_bytes, 12U) << "the branch that was edited away is not above it";
  EXPECT_EQ(answers[1].asked_bytes, 14U);
  EXPECT_EQ(answers[1].answer_bytes, 3U);
  EXPECT_EQ(answers[1].model, "m");
  EXPECT_EQ((std::vector{answers[0].cut, answers[1].cut}), (std::vector{false, true}));
  for (const auto& one : answers) {
    EXPECT_EQ(records[one.started].kind, kAnswerStarted);
    EXPECT_EQ(records[one.content].kind, kContent);
    EXPECT_EQ(records[one.ended].kind, kAnswerEnded);
  }
  std::vector<std::string> said;
  for (const size_t at : gateway::current_path(records)) {
    const Said one = said_in(parse_own(records[at].body)["content"]);
    said.push_back(one.text + (one.tools.empty() ? "" : dump(one.tools)));
  }
  EXPECT_EQ(said,
            (std::vector<std::string>{"edited\n\nmore", R"([{"name":"way","arguments":"{}","result":null}])", "cut"}));
}

TEST(Import, RefusesWhatIsNone) {
  SeededRandom random(1);
  for (const char* text : {"{}", "5", R"([{"a":1}])", R"(["x"])"})
    EXPECT_FALSE(read_chat_export({}, parse_own(text), random)) << text;
}

}  // namespace
}  // namespace steward::talk
