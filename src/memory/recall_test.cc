#include "memory/recall.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "journal/testing.h"
#include "journal/view_set.h"
#include "memory/asked.h"
#include "memory/memory.h"
#include "memory/pieces.h"
#include "memory/view.h"

namespace steward::memory {
namespace {

const Id kTenant = "ten_01", kMe = "usr_01", kOther = "usr_02";
constexpr TimeUs kDay = 86'400 * kSecondUs, kNow = 1'795'597'200 * kSecondUs;  // Wednesday, 25 November 2026

ViewParts parts(bool enabled = true) {
  return {.enabled = enabled,
          .blob = [](const Id&, const std::string&) { return fail(ErrorCode::kNotFound); },
          .key = [](const Id& tenant) { return "key of " + tenant; }};
}

struct Home {
  Home() {
    home.journal();
    home.views().add(view);
    home.start();
  }
  Id append(const std::string& stream, std::string kind, const Json& body, const Id& about = {}, TimeUs time = 0) {
    journal::Draft draft;
    draft.stream = stream;
    draft.kind = std::move(kind);
    draft.body = dump(body);
    draft.actor = kMe;
    draft.label = "owner";
    draft.time = time;
    if (!about.empty()) draft.sources = {about};
    const auto appended = home.append(kTenant, {draft});
    EXPECT_TRUE(appended);
    return appended ? appended->records.front().id : Id();
  }
  void create(const Id& conversation, const Id& owner = kMe, const Id& project = {}) {
    append("conversation/" + conversation, "conversation.created", {{"owner", owner}, {"project", project}});
  }
  // Answers the id of the record that holds the words.
  Id say(const Id& conversation, const Id& id, const Id& parent, const std::string& text, TimeUs time = kNow,
         const std::string& role = "user") {
    const std::string stream = "conversation/" + conversation;
    append(stream, "conversation.message_said", {{"item", id}, {"parent", parent}, {"role", role}}, id, time);
    return write(conversation, id, text);
  }
  Id write(const Id& conversation, const Id& id, const std::string& text) {
    const Json item = {{"type", "message"}, {"content", Json::array({{{"type", "input_text"}, {"text", text}}})}};
    return append("conversation/" + conversation, "conversation.content", {{"item", id}, {"content", item}}, id);
  }
  Id add(const Id& conversation, const Id& id, const std::string& role, const std::string& text) {
    const Json item = {{"type", "message"}, {"role", role}, {"content", text}};
    return append("conversation/" + conversation, "conversation.item_added", {{"item", id}, {"content", item}}, id);
  }
  void erase(const std::vector<Id>& records) {
    ASSERT_TRUE(
        home.journal().erase_blocking(kTenant, {.ids = records, .cascade = false, .actor = kMe, .reason = "test"}));
  }
  std::vector<Id> records(const Id& conversation) {
    std::vector<Id> out;
    for (const auto& one : home.journal().read_stream(kTenant, "conversation/" + conversation, 0, 10'000).value())
      out.push_back(one.id);
    return out;
  }
  void read(const std::function<void(journal::Db&)>& query) {
    home.wait_applied();
    home.views().query_blocking(query);
  }
  Asking asking(const std::string& text, const Id& who = kMe) {
    Asking out{.text = text, .asked_at = kNow};
    out.reach.tenant = kTenant;
    out.reach.principal = who;
    return out;
  }
  std::vector<Piece> pieces(const Asking& asked, const Cut& cut = {}) {
    std::vector<Piece> out;
    read([&](journal::Db& db) { out = pieces_of(db, recall(db, shelves, vectors, asked, 30), cut); });
    return out;
  }
  // The first message of each piece whose words are in it, in order.
  std::string found(const Asking& asked) {
    std::string out;
    for (const Piece& piece : pieces(asked)) {
      if (piece.by_words) out += (out.empty() ? "" : " ") + piece.messages.front().id;
    }
    return out;
  }
  std::string found(const std::string& text, const Id& who = kMe) { return found(asking(text, who)); }
  void embed(const std::string& text, const std::vector<float>& vector) {
    read([&](journal::Db& db) {
      auto& row = db.prepare("SELECT key FROM memory_passages WHERE text = ?").bind(1, text);
      ASSERT_TRUE(row.step());
      const std::string key = row.blob(0);
      row.reset();
      vectors.put({{key, quantised(vector)}},
                  [](const auto& keys) { return std::unordered_set<std::string>(keys.begin(), keys.end()); });
    });
  }
  void expect_rebuilt_alike() {
    std::vector<std::string> live, again;
    read([&](journal::Db& db) { live = journal::dump_tables(db, "memory"); });
    const auto fresh = home.path() / "again.db";
    {
      MemoryView other(parts());
      auto db = journal::Db::open(fresh, journal::Db::Mode::kReadWrite);
      other.create(db);
      for (const auto& record : home.journal().read(kTenant, 0, 10'000).value()) other.apply(db, record);
      again = journal::dump_tables(db, "memory");
    }
    std::filesystem::remove(fresh);
    EXPECT_EQ(live, again);
  }
  int64_t count(const std::string& table) {
    int64_t out = 0;
    read([&](journal::Db& db) { out = db.integer("SELECT count(*) FROM " + table); });
    return out;
  }

  MemoryView view{parts()};
  journal::TestHome home;
  VectorStore vectors{":memory:"};
  Shelves shelves{vectors};
  Status opened = vectors.open();
};

TEST(Recall, FindsByWordsAndCitesWhatWasSaid) {
  Home it;
  it.create("conv_a");
  it.say("conv_a", "msg_1", "", "We painted the boat green.", kNow - 3 * kDay);
  it.say("conv_a", "msg_2", "msg_1", "Nice.", kNow - 3 * kDay + 1, "assistant");
  it.create("conv_b");
  it.say("conv_b", "msg_3", "", "The soup needs salt.");
  const auto pieces = it.pieces(it.asking("Which colour was the painting of the boat?"));
  ASSERT_FALSE(pieces.empty());
  EXPECT_EQ(pieces[0].conversation, "conv_a");
  EXPECT_EQ(pieces[0].messages[0].id, "msg_1");
  EXPECT_EQ(pieces[0].messages[0].text, "We painted the boat green.");
  EXPECT_EQ(pieces[0].messages[0].time, kNow - 3 * kDay);
  EXPECT_TRUE(pieces[0].by_words);
}

TEST(Recall, FindsChineseByAnyPartOfIt) {
  Home it;
  it.create("conv_a");
  it.say("conv_a", "msg_1", "", "我们下周去北京看长城");
  it.say("conv_a", "msg_2", "", "晚饭吃面条");
  EXPECT_EQ(it.found("长城"), "msg_1");
  EXPECT_EQ(it.found("什么时候吃面条"), "msg_2");
}

TEST(Recall, IsEverybodysOwn) {
  Home it;
  it.create("conv_a");
  it.say("conv_a", "msg_1", "", "The password of the safe is walnut.");
  it.create("conv_b", kOther);
  it.say("conv_b", "msg_2", "", "My safe is empty.");
  EXPECT_EQ(it.found("safe"), "msg_1");
  EXPECT_EQ(it.found("safe", kOther), "msg_2");
  EXPECT_EQ(it.found("walnut", kOther), "");
  EXPECT_EQ(it.found("safe", "usr_03"), "");
}

TEST(Recall, OfWhatIsSharedOnlyWhatMayBeRead) {
  Home it;
  it.create("conv_a");
  it.say("conv_a", "msg_1", "", "The safe stands in the cellar.");
  it.say("conv_a", "msg_2", "msg_1", "The safe's password is walnut.");
  auto asked = it.asking("safe", kOther);
  asked.reach.shared = {{.conversation = "conv_a", .owner = kMe, .messages = {"msg_1"}}};
  EXPECT_EQ(it.found(asked), "msg_1");
  asked.text = "walnut";
  EXPECT_EQ(it.found(asked), "");
  asked.text = "safe";
  asked.reach.only_own = true;
  EXPECT_EQ(it.found(asked), "");
  asked.reach.only_own = false;
  it.append("conversation/conv_a", "conversation.deleted", {{"until_us", 1}});
  EXPECT_EQ(it.found(asked), "");
}

TEST(Recall, WhatIsSharedChangesNoScoreOfOthers) {
  Home it;
  it.create("conv_a");
  it.say("conv_a", "msg_1", "", "The safe stands in the cellar.");
  it.say("conv_a", "msg_2", "", "Soup.");
  const auto before = it.pieces(it.asking("safe"));
  it.create("conv_b", kOther);
  for (int i = 0; i < 20; ++i) it.say("conv_b", "msg_o" + std::to_string(i), "", "A safe safe safe.");
  const auto after = it.pieces(it.asking("safe"));
  ASSERT_FALSE(before.empty());
  EXPECT_EQ(before[0].score, after[0].score);
}

TEST(Recall, KeepsToTheScopeAndTheTime) {
  Home it;
  it.create("conv_a", kMe, "proj_x");
  it.say("conv_a", "msg_1", "", "boat one", kNow - 10 * kDay);
  it.create("conv_b");
  it.say("conv_b", "msg_2", "", "boat two", kNow);
  auto asked = it.asking("boat");
  asked.reach.project = "proj_x";
  EXPECT_EQ(it.found(asked), "msg_1");
  asked.reach.project = "";
  asked.reach.conversation = "conv_b";
  EXPECT_EQ(it.found(asked), "msg_2");
  asked.reach.conversation = "";
  asked.reach.after = kNow - kDay;
  EXPECT_EQ(it.found(asked), "msg_2");
  asked.reach.after = kEver;
  asked.reach.before = kNow;
  EXPECT_EQ(it.found(asked), "msg_1");
  it.append("conversation/conv_b", "conversation.placed", {{"project", "proj_x"}});
  asked.reach = it.asking("").reach;
  asked.reach.project = "proj_x";
  EXPECT_EQ(it.pieces(asked).size(), 2U);
  it.append("project/proj_x", "project.removed", Json::object());
  EXPECT_EQ(it.pieces(asked).size(), 0U);
}

TEST(Recall, ATimeThatIsNamedSpeaksForWhatWasSaidThen) {
  Home it;
  for (const auto& [id, days] :
       std::vector<std::pair<std::string, int>>{{"msg_old", 60}, {"msg_then", 14}, {"msg_now", 0}}) {
    it.create("conv_" + id);
    it.say("conv_" + id, id, "", "We spoke of the boat.", kNow - days * kDay);
    it.say("conv_" + id, id + "x", "", "Something else " + id, kNow - days * kDay);
  }
  const auto pieces = it.pieces(it.asking("What of the boat two weeks ago?"));
  ASSERT_FALSE(pieces.empty());
  EXPECT_EQ(pieces[0].messages[0].id, "msg_then");
  EXPECT_TRUE(pieces[0].by_time);
}

TEST(Recall, FindsByMeaningWhereNoWordMatches) {
  Home it;
  it.create("conv_a");
  const std::vector<std::string> texts = {"My hound is called Rex.", "Soup tonight.", "The train was late.",
                                          "Rain again.", "I sold the car."};
  for (size_t i = 0; i < texts.size(); ++i) {
    it.create("conv_" + std::to_string(i));
    it.say("conv_" + std::to_string(i), "msg_" + std::to_string(i), "", texts[i]);
    it.embed(texts[i], i == 0 ? std::vector<float>{1, 0} : std::vector<float>{0, 1});
  }
  auto asked = it.asking("dog");
  EXPECT_FALSE(it.pieces(asked)[0].by_meaning);
  asked.vector = {1, 0};
  const auto pieces = it.pieces(asked);
  EXPECT_EQ(pieces[0].messages[0].id, "msg_0");
  EXPECT_TRUE(pieces[0].by_meaning);
  EXPECT_FALSE(pieces[0].by_words);
  it.say("conv_0", "msg_new", "msg_0", "What waits for its vector.");
  it.read([&](journal::Db& db) {
    const auto recalled = recall(db, it.shelves, it.vectors, asked, 10);
    EXPECT_EQ(recalled.passages, 6U);
    EXPECT_EQ(recalled.waiting, 1U);
  });
}

TEST(Pieces, JoinNeighboursAndTellATextOnce) {
  Home it;
  it.create("conv_a");
  it.say("conv_a", "msg_1", "", "The boat is green.");
  it.say("conv_a", "msg_2", "msg_1", "Is the boat yours?", kNow, "assistant");
  it.create("conv_b");
  it.say("conv_b", "msg_3", "", "The boat is green.");
  it.create("conv_c");
  it.say("conv_c", "msg_4", "", "Soup.");
  const auto pieces = it.pieces(it.asking("boat"));
  ASSERT_EQ(pieces.size(), 2U);  // conv_b says nothing that conv_a did not
  ASSERT_EQ(pieces[0].messages.size(), 2U);
  EXPECT_EQ(pieces[0].messages[0].text, "The boat is green.");
  EXPECT_EQ(pieces[0].messages[1].id, "msg_2");
  EXPECT_EQ(pieces[1].conversation, "conv_c");
}

TEST(Pieces, KeepToTheBudgetAndTheOrder) {
  Home it;
  for (int i = 0; i < 4; ++i) {
    const std::string id = std::to_string(i);
    it.create("conv_" + id);
    it.say("conv_" + id, "msg_" + id, "", "The boat was here, number " + id + ".", kNow - i * kDay);
  }
  std::string order;
  for (const auto& piece : it.pieces(it.asking("boat"), {.order = Order::kFirst})) order += piece.messages[0].id + " ";
  EXPECT_EQ(order, "msg_3 msg_2 msg_1 msg_0 ");
  order.clear();
  for (const auto& piece : it.pieces(it.asking("boat"), {.order = Order::kLatest})) order += piece.messages[0].id + " ";
  EXPECT_EQ(order, "msg_0 msg_1 msg_2 msg_3 ");
  const auto few = it.pieces(it.asking("boat"), {.tokens = 15});
  EXPECT_EQ(few.size(), 2U);  // of 7 tokens each
  EXPECT_EQ(it.pieces(it.asking("boat"), {.pieces = 3}).size(), 3U);
}

TEST(View, ALongMessageStandsInPassagesOneAfterTheOther) {
  Home it;
  it.create("conv_a");
  std::string text;
  for (int i = 0; i < 300; ++i) text += "Sentence number " + std::to_string(i) + " is here. ";
  it.say("conv_a", "msg_1", "", text);
  std::string whole;
  it.read([&](journal::Db& db) {
    auto& row = db.prepare("SELECT text FROM memory_passages ORDER BY number");
    while (row.step()) whole += row.text(0);
    row.reset();
  });
  EXPECT_EQ(whole, text);
  EXPECT_GT(it.count("memory_passages"), 5);
}

TEST(View, WhatIsErasedIsInNoTable) {
  Home it;
  it.create("conv_a");
  const Id words = it.say("conv_a", "msg_1", "", "The xylophone is mine.");
  it.say("conv_a", "msg_2", "msg_1", "A harp too.");
  EXPECT_EQ(it.found("xylophone"), "msg_1");
  it.erase({words});
  EXPECT_EQ(it.found("xylophone"), "");
  EXPECT_EQ(it.count("memory_terms WHERE term = 'xylophon'"), 0);
  EXPECT_EQ(it.count("memory_passages"), 1);
  it.expect_rebuilt_alike();
  it.erase(it.records("conv_a"));
  for (const char* table : {"memory_passages", "memory_terms", "memory_messages", "memory_conversations"})
    EXPECT_EQ(it.count(table), 0) << table;
  it.expect_rebuilt_alike();
}

TEST(View, IsTheSameRebuiltAfterAnyHistory) {
  Home it;
  std::vector<Id> texts;
  for (int i = 0; i < 12; ++i) {
    const std::string n = std::to_string(i), conversation = "conv_" + std::to_string(i % 3);
    if (i < 3) it.create(conversation, i == 2 ? kOther : kMe);
    const Id parent = i < 3 ? "" : "msg_" + std::to_string(i - 3);
    if (i % 4 == 3)
      texts.push_back(it.add(conversation, "msg_" + n, i % 8 == 3 ? "user" : "system", "Added " + n));
    else
      texts.push_back(it.say(conversation, "msg_" + n, parent, "Said number " + n));
    if (i % 5 == 0) texts.push_back(it.write(conversation, "msg_" + n, "Said otherwise " + n));
  }
  it.append("conversation/conv_0", "conversation.taken_back", {{"item", "msg_6"}});
  it.append("conversation/conv_1", "conversation.deleted", {{"until_us", 5}});
  it.append("conversation/conv_1", "conversation.restored", Json::object());
  it.expect_rebuilt_alike();
  for (const Id& text : texts) {
    it.erase({text});
    it.expect_rebuilt_alike();
  }
  EXPECT_EQ(it.count("memory_passages"), 0);
  it.erase(it.records("conv_1"));
  it.expect_rebuilt_alike();
}

TEST(View, WhatLeavesNoTraceIsNotKept) {
  Home it;
  it.append("conversation/conv_a", "conversation.created", {{"owner", kMe}, {"remember", false}});
  it.say("conv_a", "msg_1", "", "The boat is green.");
  it.add("conv_a", "msg_2", "user", "And the mast is red.");
  it.create("conv_b");
  it.say("conv_b", "msg_3", "", "The boat is blue.");
  EXPECT_EQ(it.count("memory_passages"), 1);
  EXPECT_EQ(it.found("Which boat?"), "msg_3");
  it.expect_rebuilt_alike();
}

TEST(View, WhatIsSaidWhileMemoryIsOffIsNotKept) {
  Home it;
  const auto settings = [&](const Json& values) {
    it.append("person/" + kMe, "person.settings", {{"values", values}}, kMe);
  };
  it.create("conv_a");
  it.create("conv_o", kOther);
  it.say("conv_a", "msg_1", "", "The boat is green.");
  settings({{"memory", false}, {"theme", "dark"}});
  settings({{"memory", false}, {"theme", "light"}});
  it.say("conv_a", "msg_2", "msg_1", "The boat is red.");
  it.say("conv_o", "msg_o", "", "The boat of another.");
  settings({{"theme", "light"}});
  it.say("conv_a", "msg_3", "msg_2", "The boat is blue.");
  EXPECT_EQ(it.count("memory_passages"), 3) << "one's own two, and another's";
  EXPECT_EQ(it.count("memory_messages"), 4) << "the tree stands";
  it.write("conv_a", "msg_2", "The boat is red, edited.");
  EXPECT_EQ(it.count("memory_passages"), 4) << "said again while it is on";
  it.expect_rebuilt_alike();
}

TEST(Recall, NotInTheConversationThatAsks) {
  Home it;
  it.create("conv_a");
  it.say("conv_a", "msg_1", "", "The ferry leaves at seven.");
  it.create("conv_b");
  it.say("conv_b", "msg_2", "", "When does the ferry leave?");
  Asking asked = it.asking("When does the ferry leave?");
  asked.reach.elsewhere = "conv_b";
  EXPECT_EQ(it.found(asked), "msg_1");
}

TEST(Recall, NearnessTellsTheQuestionFromTheRest) {
  Home it;
  it.create("conv_a");
  it.say("conv_a", "msg_1", "", "The ferry to Tinos leaves at 07:25 from Rafina.");
  it.say("conv_a", "msg_2", "msg_1", "Do you like pears?");
  const auto nearest = [&](const std::string& text) {
    Found out;
    it.read([&](journal::Db& db) {
      for (const Found& one : recall(db, it.shelves, it.vectors, it.asking(text), 10).found) {
        if (one.covered >= out.covered) out = one;
      }
    });
    return out;
  };
  const Found asked = nearest("When does the ferry to Tinos leave?");
  EXPECT_GE(asked.covered, 0.99);
  EXPECT_EQ(asked.words, 3);
  EXPECT_TRUE(is_near(asked));
  EXPECT_EQ(nearest("Write a haiku about autumn.").covered, 0);
  EXPECT_FALSE(is_near(nearest("Pears!"))) << "one word alone says little";
}

TEST(Pieces, AreReadAgainAsFarAsTheyStand) {
  Home it;
  it.create("conv_a");
  const Id first = it.say("conv_a", "msg_1", "", "The ferry leaves at seven.");
  it.say("conv_a", "msg_2", "msg_1", "The ferry is blue.", kNow + 1, "assistant");
  const auto found = it.pieces(it.asking("ferry"));
  ASSERT_EQ(found.size(), 1U);
  ASSERT_EQ(found[0].passages.size(), 2U);
  const auto again = [&](const Id& tenant = kTenant) {
    std::optional<Piece> out;
    it.read([&](journal::Db& db) { out = piece_again(db, tenant, found[0].passages); });
    return out;
  };
  ASSERT_TRUE(again());
  EXPECT_EQ(again()->messages.size(), 2U);
  EXPECT_FALSE(again("ten_02"));
  it.append("conversation/conv_a", "conversation.deleted", {{"until_us", 5}});
  EXPECT_FALSE(again());
  it.append("conversation/conv_a", "conversation.restored", Json::object());
  it.erase({first});
  ASSERT_TRUE(again());
  EXPECT_EQ(again()->messages[0].id, "msg_2");
}

TEST(View, SwitchedOffKeepsNothing) {
  MemoryView off(parts(false));
  EXPECT_NE(off.version(), MemoryView(parts()).version());
  auto db = journal::Db::open(":memory:", journal::Db::Mode::kReadWrite);
  off.create(db);
  journal::Record record;
  record.tenant = kTenant;
  record.seq = 1;
  record.stream = "conversation/conv_a";
  record.kind = "conversation.created";
  record.body = R"({"owner":"usr_01"})";
  off.apply(db, record);
  EXPECT_EQ(db.integer("SELECT count(*) FROM memory_conversations"), 0);
}

TEST(Asked, IsCheckedAndClosed) {
  const auto ok = read_asked(
      {{"query", " boat "}, {"limit", 3}, {"order", "latest"}, {"after", 10}, {"scope", {{"shared", false}}}});
  ASSERT_TRUE(ok);
  EXPECT_EQ(ok->query, "boat");
  EXPECT_EQ(ok->limit, 3U);
  EXPECT_EQ(ok->order, Order::kLatest);
  EXPECT_EQ(ok->reach.after, 10 * kSecondUs);
  EXPECT_TRUE(ok->reach.only_own);
  for (const Json& wrong :
       {Json{{"query", ""}}, Json{{"query", 5}}, Json::object(), Json{{"query", "x"}, {"limit", 0}},
        Json{{"query", "x"}, {"limit", 51}}, Json{{"query", "x"}, {"limit", "3"}},
        Json{{"query", "x"}, {"order", "newest"}}, Json{{"query", "x"}, {"scope", "all"}},
        Json{{"query", "x"}, {"scope", {{"owner", "usr_02"}}}}, Json{{"query", "x"}, {"before", -1}},
        Json{{"query", "x"}, {"principal", "usr_02"}}, Json{{"query", std::string(5'000, 'x')}}})
    EXPECT_FALSE(read_asked(wrong)) << wrong.dump();
}

}  // namespace
}  // namespace steward::memory
