#include "talk/view.h"
#include "base/json.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <set>

#include "gateway/conversations/path.h"
#include "journal/testing.h"
#include "journal/view_set.h"
#include "talk/records.h"
#include "talk/rows.h"
#include "talk/search.h"

namespace steward::talk {
namespace {

const Id kTenant = "ten_01", kMe = "usr_01", kOther = "usr_02";

struct Home {
  Home() { start(); }
  void start() {
    home.journal();
    home.views().add(view);
    home.start();
  }
  void append(const std::string& conversation, std::string_view kind, const Json& body, const Id& about = {}) {
    const identity::Caller caller{.tenant = kTenant, .principal = kMe};
    auto draft = draft_of(caller, conversation_stream(conversation), kind, body, about);
    ASSERT_TRUE(home.append(kTenant, {draft}));
  }
  void create(const Id& id, const Id& owner = kMe) {
    append(id, kCreated, {{"owner", owner}, {"metadata", Json::object()}});
  }
  void say(const Id& conversation, const Id& id, const Id& parent, const std::string& text, const Id& answer = {}) {
    Json body = {{"owner", kMe}, {"item", id}, {"parent", parent}, {"role", "user"}};
    if (!answer.empty()) body["answer"] = {{"item", answer}, {"model", "m"}};
    append(conversation, kMessageSaid, body, id);
    write(conversation, id, text);
  }
  // Said with an attachment, which an edited message carries on.
  void give(const Id& conversation, const Id& id, const Id& parent, const Json& attachments) {
    append(conversation, kMessageSaid,
           {{"owner", kMe}, {"item", id}, {"parent", parent}, {"role", "user"}, {"attachments", attachments}}, id);
  }
  void attach(const Id& id, const std::string& name) {
    const identity::Caller caller{.tenant = kTenant, .principal = kMe};
    const Json body = {{"owner", kMe}, {"name", name}, {"type", "text/plain"}, {"state", "ready"}, {"blob", ""}};
    auto draft = draft_of(caller, attachment_stream(id), kAttachmentAdded, body, id);
    ASSERT_TRUE(home.append(kTenant, {draft}));
  }
  void write(const Id& conversation, const Id& id, const std::string& text) {
    append(conversation, kContent, {{"item", id}, {"content", item_of(id, "user", text)}}, id);
  }
  template <class T>
  T read(std::function<T(journal::Db&)> query) {
    home.wait_applied();
    T out;
    home.views().query_blocking([&](journal::Db& db) { out = query(db); });
    return out;
  }
  std::vector<Id> path(const Id& leaf, size_t limit = 100) {
    std::vector<Id> out;
    for (const auto& row : read<Window>([&](auto& db) { return window_up(db, kTenant, leaf, limit); }).rows)
      out.push_back(row.id);
    return out;
  }
  std::vector<Hit> find(const std::string& words, const Id& who = kMe) {
    SearchQuery query{.principal = who, .readers = {who}, .terms = terms_of(words)};
    return read<std::vector<Hit>>([&](auto& db) { return search_words(db, kTenant, query); });
  }
  ConversationRow row(const Id& id) {
    return read<std::optional<ConversationRow>>([&](auto& db) { return find_conversation(db, kTenant, id); })
        .value_or(ConversationRow{});
  }
  void erase(const std::vector<Id>& records) {
    ASSERT_TRUE(
        home.journal().erase_blocking(kTenant, {.ids = records, .cascade = false, .actor = kMe, .reason = "test"}));
  }
  std::vector<journal::Record> records(const Id& conversation) {
    return home.journal().read_stream(kTenant, conversation_stream(conversation), 0, 10'000).value();
  }
  // Of Talk's own tables; the index is compared by what it finds (its segments hang on how they came about).
  std::vector<std::string> tables(journal::Db& db) const {
    auto lines = journal::dump_tables(db, "talk");
    std::erase_if(lines, [](const std::string& line) {
      return line.starts_with("talk_words_") && !line.starts_with("talk_words_content");
    });
    return lines;
  }
  void expect_rebuilt_alike() {
    home.wait_applied();
    std::vector<std::string> live, again;
    home.views().query_blocking([&](journal::Db& db) { live = tables(db); });
    const auto fresh = home.path() / "again.db";
    {
      TalkView other(nothing);
      auto db = journal::Db::open(fresh, journal::Db::Mode::kReadWrite);
      other.create(db);
      for (journal::Seq after = 0;;) {
        const auto page = home.journal().read(kTenant, after, 1'000).value();
        if (page.empty()) break;
        for (const auto& record : page) other.apply(db, record);
        after = page.back().seq;
      }
      again = tables(db);
    }
    std::filesystem::remove(fresh);
    EXPECT_EQ(live, again);
  }

  static Result<std::string> nothing(const Id&, const std::string&) { return fail(ErrorCode::kNotFound); }
  TalkView view{nothing};
  journal::TestHome home;
};

TEST(View, FoldsATreeAndItsWindows) {
  Home it;
  it.create("conv_a");
  it.say("conv_a", "msg_1", "", "one", "msg_2");
  it.write("conv_a", "msg_2", "two");
  it.say("conv_a", "msg_3", "msg_2", "three", "msg_4");
  it.say("conv_a", "msg_5", "", "ONE", "msg_6");
  EXPECT_EQ(it.path("msg_4"), (std::vector<Id>{"msg_1", "msg_2", "msg_3", "msg_4"}));
  EXPECT_EQ(it.path("msg_4", 2), (std::vector<Id>{"msg_3", "msg_4"}));
  EXPECT_EQ(it.row("conv_a").current, "msg_6");
  EXPECT_EQ(it.row("conv_a").messages, 2);
  EXPECT_TRUE(it.row("conv_a").answering);
  const auto edited = it.read<std::optional<MessageRow>>([](auto& db) { return find_message(db, kTenant, "msg_5"); });
  EXPECT_EQ(std::tie(edited->index, edited->count, edited->previous), std::tuple(2U, 2U, "msg_1"));
  const auto leaf = it.read<Id>([](auto& db) { return newest_leaf(db, kTenant, "conv_a", "msg_1"); });
  EXPECT_EQ(leaf, "msg_4");
  const auto after = it.read<Window>([](auto& db) { return window_after(db, kTenant, "msg_4", "msg_1", 2); });
  EXPECT_EQ(after.rows.front().id, "msg_2");
  EXPECT_TRUE(after.more);
  it.expect_rebuilt_alike();
}

TEST(View, AWindowIsBoundedByItsText) {
  Home it;
  it.create("conv_a");
  Id last;
  for (int i = 0; i < 6; ++i) {
    const Id id = fmt::format("msg_{}", i);
    it.say("conv_a", id, last, std::string(kWindowBytes / 2 - 100, 'x'));
    last = id;
  }
  EXPECT_EQ(it.path(last).size(), 2U);
}

TEST(View, SearchSeesWhatIsOnesOwnOrShared) {
  Home it;
  it.create("conv_a");
  it.say("conv_a", "msg_1", "", "the zebra");
  it.say("conv_a", "msg_2", "msg_1", "the later zebra");
  EXPECT_EQ(it.find("zebra").size(), 2U);
  EXPECT_TRUE(it.find("zebra", kOther).empty());
  it.append("conv_a", kShareMade, {{"share", "shr_1"}, {"owner", kMe}, {"with", kOther}, {"leaf", "msg_1"}});
  const auto hits = it.find("zebra", kOther);
  ASSERT_EQ(hits.size(), 1U);
  EXPECT_EQ(hits[0].message->id, "msg_1");
  it.append("conv_a", kShareTakenBack, {{"share", "shr_1"}});
  EXPECT_TRUE(it.find("zebra", kOther).empty());
  it.append("conv_a", kDeleted, {{"until_us", 5}});
  EXPECT_TRUE(it.find("zebra").empty());
  it.expect_rebuilt_alike();
}

// Its words stand once in the index; where it is seen, it is found.
TEST(View, AFileIsFoundOnEveryPathThatCarriesIt) {
  Home it;
  it.create("conv_a");
  it.attach("att_1", "quagga.txt");
  it.give("conv_a", "msg_1", "", Json::array({"att_1"}));
  it.say("conv_a", "msg_2", "msg_1", "no file here");
  it.give("conv_a", "msg_3", "", Json::array({"att_1"}));
  it.say("conv_a", "msg_4", "", "another beginning");
  const auto path = it.read<Path>([](auto& db) { return path_to(db, kTenant, "msg_2"); });
  EXPECT_EQ(path.messages, (std::unordered_set<Id>{"msg_1", "msg_2"}));
  EXPECT_EQ(path.carried, (std::unordered_map<Id, Id>{{"att_1", "msg_1"}}));
  EXPECT_EQ(it.read<std::vector<Id>>([](auto& db) { return ids_on_path(db, kTenant, "msg_2"); }),
            (std::vector<Id>{"msg_1", "msg_2"}));
  const auto place = [&](const Id& who) {
    const auto hits = it.find("quagga", who);
    return hits.empty() ? Id() : hits[0].message->id;
  };
  const auto share = [&](const Id& leaf) {
    it.append("conv_a", kShareMade, {{"share", "shr_" + leaf}, {"owner", kMe}, {"with", kOther}, {"leaf", leaf}});
  };
  EXPECT_EQ(place(kMe), "msg_1") << "where it goes on carries none: in the branch that it was sent in";
  share("msg_4");
  EXPECT_EQ(place(kOther), "");
  share("msg_3");
  EXPECT_EQ(place(kOther), "msg_3");
  it.append("conv_a", kPlaced, {{"current", "msg_3"}});
  EXPECT_EQ(place(kMe), "msg_3");
}

TEST(View, ErasureTakesWordsAndRows) {
  Home it;
  it.create("conv_a");
  it.append("conv_a", kPlaced, {{"title", "quokka"}, {"title_by", "person"}});
  it.say("conv_a", "msg_1", "", "a wombat", "msg_2");
  it.write("conv_a", "msg_2", "a numbat");
  for (const auto& record : it.records("conv_a")) {
    if (record.kind == kContent && record.sources.front() == "msg_1") it.erase({record.id});
  }
  EXPECT_TRUE(it.find("wombat").empty());
  EXPECT_EQ(it.find("numbat").size(), 1U);
  EXPECT_EQ(it.path("msg_2"), (std::vector<Id>{"msg_1", "msg_2"})) << "the tree stands";
  it.expect_rebuilt_alike();
  std::vector<Id> all;
  for (const auto& record : it.records("conv_a")) all.push_back(record.id);
  it.erase(all);
  EXPECT_TRUE(it.find("numbat").empty());
  EXPECT_TRUE(it.find("quokka").empty());
  EXPECT_TRUE(it.row("conv_a").id.empty());
  const auto words = it.read<int64_t>([](auto& db) { return db.integer("SELECT count(*) FROM talk_words_content"); });
  EXPECT_EQ(words, 0);
  it.expect_rebuilt_alike();
}

// Of titles the newest that stands; one that was made of words goes with them.
TEST(View, ATitleGoesWithTheWordsThatItWasMadeOf) {
  Home it;
  it.create("conv_a");
  it.say("conv_a", "msg_1", "", "a wombat", "msg_2");
  it.append("conv_a", kTitled, {{"title", "a wombat"}, {"title_by", "rule"}}, "msg_1");
  it.append("conv_a", kTitled, {{"title", "numbats"}, {"title_by", "model"}}, "msg_2");
  EXPECT_EQ(it.row("conv_a").title, "numbats");
  it.erase({"msg_2"});
  EXPECT_EQ(it.row("conv_a").title, "a wombat");
  EXPECT_EQ(it.row("conv_a").title_by, "rule");
  EXPECT_TRUE(it.find("numbats").empty());
  it.expect_rebuilt_alike();
  it.append("conv_a", kPlaced, {{"title", "quokka"}, {"title_by", "person"}});
  it.append("conv_a", kPlaced, {{"title", ""}, {"title_by", ""}});
  EXPECT_EQ(it.row("conv_a").title, "");
  it.append("conv_a", kTitled, {{"title", "wombats again"}, {"title_by", "rule"}}, "msg_1");
  std::vector<Id> titles;
  for (const auto& record : it.records("conv_a")) {
    if (record.kind == kTitled && !record.erased) titles.push_back(record.id);
  }
  EXPECT_EQ(titles.size(), 2U);
  it.erase(titles);
  EXPECT_EQ(it.row("conv_a").title, "");
  EXPECT_TRUE(it.find("wombats").empty());
  it.expect_rebuilt_alike();
}

// What names a reader as its source is erased with them; the conversation stands.
TEST(View, AShareGoesWithItsReader) {
  Home it;
  it.create("conv_a");
  it.say("conv_a", "msg_1", "", "the zebra");
  it.append("conv_a", kShareMade, {{"share", "shr_1"}, {"owner", kMe}, {"with", kOther}, {"leaf", "msg_1"}}, kOther);
  EXPECT_EQ(it.find("zebra", kOther).size(), 1U);
  it.erase({kOther});
  EXPECT_TRUE(it.find("zebra", kOther).empty());
  EXPECT_EQ(it.find("zebra").size(), 1U);
  it.expect_rebuilt_alike();
}

// Its name stays found; what it said is not.
TEST(View, WhatWasReadOfAFileCanBeErasedAlone) {
  Home it;
  it.create("conv_a");
  it.attach("att_1", "quagga.txt");
  const identity::Caller caller{.tenant = kTenant, .principal = kMe};
  auto read = draft_of(caller, attachment_stream("att_1"), kAttachmentRead,
                       {{"state", "ready"}, {"type", "text/plain"}, {"kind", "text"}, {"characters", 7}}, "att_1");
  const Id record = it.home.append(kTenant, {read})->records[0].id;
  it.give("conv_a", "msg_1", "", Json::array({"att_1"}));
  it.erase({record});
  const auto row =
      it.read<std::optional<AttachmentRow>>([](auto& db) { return find_attachment(db, kTenant, "att_1"); });
  ASSERT_TRUE(row);
  EXPECT_EQ(std::tie(row->state, row->kind, row->conversation), std::tuple("failed", "other", "conv_a"));
  EXPECT_EQ(it.find("quagga").size(), 1U);
  it.expect_rebuilt_alike();
}

// The stream of a conversation erased by itself, as an administrator can: what was attached is free again.
TEST(View, FilesOutliveTheConversationThatCarriedThem) {
  Home it;
  it.create("conv_a");
  it.attach("att_1", "quagga.txt");
  it.give("conv_a", "msg_1", "", Json::array({"att_1"}));
  std::vector<Id> all;
  for (const auto& record : it.records("conv_a")) all.push_back(record.id);
  it.erase(all);
  const auto row =
      it.read<std::optional<AttachmentRow>>([](auto& db) { return find_attachment(db, kTenant, "att_1"); });
  ASSERT_TRUE(row);
  EXPECT_EQ(row->conversation, "");
  EXPECT_TRUE(it.find("quagga").empty());
  it.expect_rebuilt_alike();
}

TEST(View, StepsAreFoundUntilTheyAreErasedOrTheirAnswerEnded) {
  Home it;
  it.create("conv_a");
  it.say("conv_a", "msg_1", "", "tell", "msg_2");
  const auto attempt = [&] {
    return it.read<std::optional<MessageRow>>([](auto& db) { return find_message(db, kTenant, "msg_2"); })->attempt;
  };
  it.append("conv_a", kAnswerStarted, {{"item", "msg_2"}, {"parent", "msg_1"}}, "msg_2");
  const int64_t first = attempt();
  const identity::Caller caller{.tenant = kTenant, .principal = kMe};
  for (const char* text : {"oak", " and"}) {
    const Json body = {{"conversation", "conv_a"}, {"item", "msg_2"}, {"content", {{"text", text}}}};
    ASSERT_TRUE(it.home.append(kTenant, {draft_of(caller, answer_stream("msg_2"), kAnswerKept, body, "msg_2")}));
  }
  it.append("conv_a", kAnswerStarted, {{"item", "msg_2"}, {"parent", "msg_1"}}, "msg_2");
  EXPECT_GT(attempt(), first);
  const auto kept = [&] {
    return it.read<std::vector<Id>>([](auto& db) { return answers_kept_in(db, kTenant, "conv_a"); });
  };
  const auto superseded = [&](TimeUs before) {
    return it.read<std::vector<Id>>([&](auto& db) { return superseded_steps(db, kTenant, before, 10); });
  };
  EXPECT_EQ(kept(), std::vector<Id>{"msg_2"});
  EXPECT_TRUE(superseded(INT64_MAX).empty()) << "its answer is being made";
  it.append("conv_a", kAnswerEnded, {{"item", "msg_2"}, {"status", "completed"}, {"model", "m"}}, "msg_2");
  EXPECT_TRUE(superseded(0).empty()) << "not yet old enough";
  EXPECT_EQ(superseded(INT64_MAX).size(), 2U);
  it.expect_rebuilt_alike();
  it.erase(superseded(INT64_MAX));
  EXPECT_TRUE(superseded(INT64_MAX).empty());
  EXPECT_TRUE(kept().empty());
  it.expect_rebuilt_alike();
}

TEST(View, OnlyWhatNoMessageNamesIsUnsent) {
  Home it;
  it.create("conv_a");
  it.attach("att_1", "sent.txt");
  it.attach("att_2", "never.txt");
  it.give("conv_a", "msg_1", "", Json::array({"att_1"}));
  const auto unsent = [&](TimeUs before) {
    return it.read<std::vector<Id>>([&](auto& db) { return unsent_attachments(db, kTenant, before, 10); });
  };
  EXPECT_EQ(unsent(INT64_MAX), std::vector<Id>{"att_2"});
  EXPECT_TRUE(unsent(1).empty());
}

// A page is read by its index, whatever there is beside it.
TEST(View, TenThousandConversationsAreListedByPages) {
  Home it;
  constexpr int kAll = 10'000, kBatch = 1'000;
  const identity::Caller caller{.tenant = kTenant, .principal = kMe};
  for (int i = 0; i < kAll; i += kBatch) {
    std::vector<journal::Draft> drafts;
    for (int j = i; j < i + kBatch; ++j) {
      const Json body = {{"owner", j % 2 == 0 ? kMe : kOther}, {"title", "t"}};
      drafts.push_back(draft_of(caller, conversation_stream(fmt::format("conv_{:05}", j)), kCreated, body));
      drafts.back().time = 1'000'000 + j;
    }
    ASSERT_TRUE(it.home.append(kTenant, std::move(drafts), journal::Wait::kDurable));
  }
  ListQuery query{.owner = kMe, .readers = {kMe}, .archived = false, .limit = 500};
  std::set<Id> seen;
  for (int page = 0; page < kAll; ++page) {
    const auto rows =
        it.read<std::vector<ConversationRow>>([&](auto& db) { return list_conversations(db, kTenant, query); });
    for (const auto& row : rows) seen.insert(row.id);
    if (rows.size() < query.limit) break;
    query.after = rows.back().id;
  }
  EXPECT_EQ(seen.size(), static_cast<size_t>(kAll / 2));
  const auto plan = it.read<std::string>([](auto& db) {
    auto& row = db.prepare(
        "EXPLAIN QUERY PLAN SELECT id FROM talk_conversations c WHERE c.tenant = 'a' AND c.deleted = 0 AND c.owner = "
        "'b' AND (c.updated, c.id) < (1, 'c') ORDER BY c.updated DESC, c.id DESC LIMIT 5");
    std::string out;
    while (row.step()) out += row.text(3) + "\n";
    row.reset();
    return out;
  });
  EXPECT_NE(plan.find("talk_conversations_of"), std::string::npos) << plan;
  EXPECT_EQ(plan.find("TEMP B-TREE"), std::string::npos) << plan;
}

// Whatever happens in a conversation, folded as it comes or from the journal later: the same tables, and the API's list
// of items is the view's path.
TEST(View, RandomHistoriesFoldAlike) {
  Home it;
  int number = 0;
  rc::check("the path is the list of items", [&] {
    const Id talk = fmt::format("conv_{}", ++number);
    it.create(talk);
    std::vector<Id> known, spoken;
    const int steps = *rc::gen::inRange(1, 25);
    for (int i = 0; i < steps; ++i) {
      const Id parent = known.empty() ? Id() : *rc::gen::elementOf(known);
      const Id id = fmt::format("msg_{}_{}", number, i), answer = id + "a";
      switch (*rc::gen::inRange(0, 7)) {
        case 0:
        case 1:
          it.say(talk, id, parent, "said " + id, answer);
          known.insert(known.end(), {id, answer});
          spoken.insert(spoken.end(), {id, answer});
          break;
        case 2:
          if (!spoken.empty()) it.write(talk, *rc::gen::elementOf(spoken), "written " + id);
          break;
        case 3:
          it.append(talk, kItemAdded, {{"item", id}, {"content", item_of(id, "user", "item " + id)}}, id);
          known.push_back(id);
          break;
        case 4:
          if (!parent.empty()) it.append(talk, kPlaced, {{"current", parent}});
          break;
        case 5:
          if (!parent.empty())
            it.append(talk, kAnswerEnded, {{"item", parent}, {"status", "completed"}, {"model", "m"}}, parent);
          break;
        case 6: {
          const auto records = it.records(talk);
          const auto& one = *rc::gen::elementOf(records);
          if ((one.kind == kContent || one.kind == kItemAdded) && !one.erased) it.erase({one.id});
          break;
        }
      }
    }
    std::vector<Id> shown, listed;
    const auto rows = it.read<Window>([&](auto& db) {
      const auto row = find_conversation(db, kTenant, talk);
      return window_up(db, kTenant, row->current, 1'000);
    });
    for (const auto& row : rows.rows) {
      if (!row.record.empty()) shown.push_back(row.id);
    }
    const auto records = it.records(talk);
    for (const size_t at : gateway::current_path(records))
      listed.push_back(parse_own(records[at].body)["item"].get<std::string>());
    RC_ASSERT(shown == listed);
  });
  it.expect_rebuilt_alike();
}

}  // namespace
}  // namespace steward::talk
