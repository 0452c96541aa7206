// Old journals stay readable: the frozen home of 0.1.0 (tests/frozen/0.1.0, made by bench/freeze_home.cc) verifies,
// replays into views and folds, and is lifted to newer schemas without its stored bytes changing.
#include "journal/upcast.h"

#include <gmock/gmock.h>

#include "base/crypto.h"
#include "base/json.h"
#include "journal/audit.h"
#include "journal/testing.h"

namespace steward::journal {
namespace {

const Id kTenant = "ten_01JDKX0Z8N5Y3W6Q4R2T1V0B9C";

struct TextFold final : Fold {
  void reset() override { texts.clear(); }
  Seq load(Db&, const Id&) override { return 0; }
  void apply(const Record& r) override { texts.push_back(r.erased ? "" : parse_own(r.body).value("text", "?")); }
  std::vector<std::string> texts;
};

std::shared_ptr<Upcasters> newest() {
  auto up = std::make_shared<Upcasters>();
  up->add("note.said", 1, [](Json body) { return Json{{"words", body.at("text")}, {"language", "und"}}; });
  up->add("note.said", 2,
          [](Json body) { return Json{{"text", body.at("words")}, {"language", body.at("language")}}; });
  return up;
}

TEST(Upcasters, LiftStepByStepAndTellWhatTheyCannot) {
  Record r{.kind = "note.said", .schema = 1, .body = R"({"text":"hello"})"};
  ASSERT_TRUE(newest()->apply(r));
  EXPECT_EQ(r.schema, 3u);
  EXPECT_EQ(parse_own(r.body), parse_own(R"({"text":"hello","language":"und"})"));
  Record broken{.kind = "note.said", .schema = 1, .body = "{}"};
  EXPECT_EQ(newest()->apply(broken).error().code, ErrorCode::kCorrupt);
  Record gone{.kind = "note.said", .schema = 1, .erased = true};
  ASSERT_TRUE(newest()->apply(gone));
  EXPECT_EQ(gone.schema, 1u);
}

TEST(Frozen, TheFirstReleasesHomeReplays) {
  TempDir dir;
  const auto home = dir.path() / "home";
  std::filesystem::create_directories(home);
  std::filesystem::copy_file(source_file("tests/frozen/0.1.0/journal.db"), home / "journal.db");
  const auto report = verify_journal(home);
  ASSERT_TRUE(report.has_value());
  EXPECT_TRUE(report->ok) << report->problem;
  EXPECT_EQ(report->records, 13u);
  EXPECT_EQ(report->erased, 1u);
  ASSERT_EQ(report->heads.size(), 1u);
  EXPECT_EQ(to_hex(report->heads[0].digest), "747c4e77b6810dc3e3fa88a6ed3b8edd9f1fe476238d326edbcda87880aa9a72");

  SystemClock clock;
  SystemRandom random;
  auto journal = make_sqlite_journal({.home = home, .sync = false, .upcasters = newest()}, clock, random, Log());
  TextFold fold;
  journal->add_fold(fold);
  ASSERT_TRUE(journal->start());
  ASSERT_EQ(fold.texts.size(), 13u);
  EXPECT_EQ(fold.texts[0], "note 1");
  EXPECT_EQ(fold.texts[2], "") << "erased";
  const auto first = journal->read(kTenant, 0, 1).value()[0];
  EXPECT_EQ(first.schema, 3u);
  ASSERT_TRUE(journal->append_blocking(
      kTenant, {{.stream = "note/9", .kind = "note.said", .body = R"({"text":"new","language":"en"})", .schema = 3}}));
  journal->stop();
  EXPECT_TRUE(verify_journal(home)->ok) << "lifting never touches what is stored";
}

}  // namespace
}  // namespace steward::journal
