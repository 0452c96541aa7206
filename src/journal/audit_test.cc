// The chain against vectors made by tests/vectors/digest.py (a program that shares no code with ours), and against a
// hand that tampers.
#include "journal/audit.h"

#include <gmock/gmock.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/json.h"
#include "journal/digest.h"
#include "journal/testing.h"

namespace steward::journal {
namespace {

const Id kTenant = "ten_01JDKX0Z8N5Y3W6Q4R2T1V0B9C";

Json vectors() { return parse_own(read_file(source_file("tests/vectors/digest.json")).value()); }
std::string text(const Json& v, const char* name) { return v.at(name).get<std::string>(); }

Record record_of(const Json& v) {
  Record r;
  r.tenant = v["tenant"], r.seq = v["seq"], r.id = v["id"], r.stream = v["stream"], r.version = v["version"],
  r.kind = v["kind"];
  r.schema = v["schema"], r.time = v["time"], r.actor = v["actor"], r.on_behalf_of = v["on_behalf_of"],
  r.cause = v["cause"];
  r.sources = v["sources"].get<std::vector<Id>>(), r.acl = v["acl"], r.label = v["label"], r.body = v["body"];
  r.salt = from_hex(v["salt"].get<std::string>()).value();
  return r;
}

TEST(Digest, AgreesWithTheIndependentVectors) {
  const Json all = vectors();
  ASSERT_EQ(all.size(), 3u);
  ChainHasher hasher;
  std::string previous = ChainHasher::first_previous();
  for (const auto& v : all) {
    Record r = record_of(v);
    EXPECT_EQ(to_hex(header_bytes(r)), text(v, "header"));
    r.body_digest = hasher.body_digest(r.salt, r.body);
    EXPECT_EQ(to_hex(r.body_digest), text(v, "body_digest"));
    previous = hasher.digest(previous, r);
    EXPECT_EQ(to_hex(previous), text(v, "digest"));
  }
}

struct TamperTest : ::testing::Test {
  void SetUp() override {
    home.start();
    for (int i = 1; i <= 20; ++i) {
      ASSERT_TRUE(home.append(
          kTenant,
          {{.stream = fmt::format("note/{}", i % 3), .kind = "note.said", .body = fmt::format("{{\"n\":{}}}", i)}}));
    }
    ASSERT_TRUE(home.journal().erase_blocking(
        kTenant, {.ids = {home.journal().read(kTenant, 4, 1).value()[0].id}, .reason = "test"}));
    home.stop();
    auto report = verify_journal(home.path());
    ASSERT_TRUE(report.has_value());
    ASSERT_TRUE(report->ok) << report->problem;
    ASSERT_EQ(report->records, 21u);
    ASSERT_EQ(report->erased, 1u);
    heads = report->heads;
  }
  VerifyReport after(std::string_view sql, const std::vector<Head>& witnessed = {}) {
    Db db = Db::open(home.path() / "journal.db", Db::Mode::kReadWrite);
    db.execute(sql);
    return verify_journal(home.path(), witnessed).value();
  }
  TestHome home;
  std::vector<Head> heads;
};

struct Tampering {
  const char* what;
  const char* sql;
  Seq first_bad;
};

class TamperedBy : public TamperTest, public ::testing::WithParamInterface<Tampering> {};

TEST_P(TamperedBy, IsFoundAndNamed) {
  const auto report = after(GetParam().sql);
  EXPECT_FALSE(report.ok) << GetParam().what;
  EXPECT_EQ(report.seq, GetParam().first_bad) << GetParam().what << ": " << report.problem;
  EXPECT_FALSE(report.problem.empty());
}

#define AT(n) "(pos & 1099511627775) = " #n
INSTANTIATE_TEST_SUITE_P(
    Hands, TamperedBy,
    ::testing::Values(
        Tampering{"body", "UPDATE records SET body='{\"n\":999}' WHERE " AT(7), 7},
        Tampering{"salt", "UPDATE records SET salt=zeroblob(32) WHERE " AT(7), 7},
        Tampering{"actor", "UPDATE records SET actor='usr_other' WHERE " AT(8), 8},
        Tampering{"time", "UPDATE records SET time=time+1 WHERE " AT(9), 9},
        Tampering{"kind", "UPDATE records SET kind='note.unsaid' WHERE " AT(1), 1},
        Tampering{"missing", "DELETE FROM records WHERE " AT(10), 11},
        Tampering{"first missing", "DELETE FROM records WHERE " AT(1), 2},
        Tampering{"tail cut", "DELETE FROM records WHERE (pos & 1099511627775) > 18", 19},
        Tampering{"body and digest of it",
                  "UPDATE records SET body_digest=zeroblob(32), body=NULL, salt=NULL, erased=2 WHERE " AT(6), 6},
        Tampering{"quiet erasure", "UPDATE records SET body=NULL, salt=NULL, erased=2 WHERE " AT(6), 6},
        Tampering{"erasure undone with other words",
                  "UPDATE records SET body='{}', salt=zeroblob(32), erased=0 WHERE " AT(5), 5},
        Tampering{"order",
                  "UPDATE records SET pos=pos+1000 WHERE " AT(3) "; UPDATE records SET pos=pos-1 WHERE " AT(
                      4) "; UPDATE records SET pos=pos-999 WHERE " AT(1003),
                  3},
        Tampering{"head", "UPDATE tenants SET digest=zeroblob(32)", 21}));

TEST_F(TamperTest, OnlyAWitnessSeesATailThatWentWithItsHead) {
  const auto cut =
      "DELETE FROM records WHERE (pos & 1099511627775) > 20; UPDATE tenants SET seq=20, digest="
      "(SELECT digest FROM records WHERE (pos & 1099511627775) = 20)";
  const auto alone = after(cut);
  EXPECT_FALSE(alone.ok) << "the erasure's record was in the tail: its erased record is unexplained now";
  EXPECT_EQ(alone.seq, 5u);
  const auto witnessed = after("UPDATE records SET erased=0 WHERE 0", heads);
  EXPECT_FALSE(witnessed.ok);
}

// Numbers were made of whatever stood there: -1 became a sequence of twenty digits.
TEST_F(TamperTest, AnExportedLineWithANumberThatIsNoneIsRefused) {
  std::string line;
  ASSERT_TRUE(export_journal(home.path(), {}, [&](std::string_view one) {
    line = one;
    return Status{};
  }));
  ASSERT_TRUE(parse_export_line(line));
  for (const char* name : {"seq", "version", "schema", "time_us"}) {
    for (const Json& number : {Json(1.5), Json(1e300), Json("1"), Json(nullptr), Json(true), Json(UINT64_MAX)}) {
      if (number == UINT64_MAX && (name == std::string("seq") || name == std::string("version"))) continue;
      Json strange = parse_own(line);
      strange[name] = number;
      EXPECT_FALSE(parse_export_line(dump(strange))) << name << " " << number.dump();
    }
  }
}

TEST_F(TamperTest, AServerDoesNotStartOnAHeadThatIsNotTheLastRecords) {
  after("DELETE FROM records WHERE (pos & 1099511627775) = 21");
  home.reopen();
  auto status = home.journal().start();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kCorrupt);
}

TEST_F(TamperTest, AnExportIsReadBackAndChecksByItself) {
  for (bool bodies : {true, false}) {
    ChainChecker checker;
    size_t lines = 0;
    auto status =
        export_journal(home.path(), {.tenant = "", .after = 0, .bodies = bodies}, [&](std::string_view line) -> Status {
          EXPECT_EQ(line.find('\n'), std::string_view::npos);
          auto record = parse_export_line(line);
          if (!record) return fail(record.error());
          EXPECT_EQ(checker.check(*record, bodies), "") << line;
          ++lines;
          return {};
        });
    EXPECT_TRUE(status) << status.error().message;
    EXPECT_EQ(lines, 21u);
    EXPECT_EQ(checker.head(kTenant).digest, heads[0].digest);
    if (bodies) EXPECT_EQ(checker.first_unexplained(kTenant), 0u);  // what was erased is told in a body
  }
  auto stopped =
      export_journal(home.path(), {}, [](std::string_view) -> Status { return fail(ErrorCode::kCancelled); });
  EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled);
}

}  // namespace
}  // namespace steward::journal
