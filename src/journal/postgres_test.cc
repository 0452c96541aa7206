// What can go wrong with a database: leases, zombies, lost connections, failed groups, restarts, failovers.
#include <gmock/gmock.h>

#include "base/json.h"
#include "journal/audit.h"
#include "journal/copy.h"
#include "journal/postgres_schema.h"
#include "journal/postgres_testing.h"

namespace steward::journal {
namespace {

using testing::HasSubstr;

const Id kTenant = "ten_a";

Draft note(int n) { return {.stream = "note/1", .kind = "note.said", .body = fmt::format("{{\"n\":{}}}", n)}; }

struct SumFold final : Fold {
  void reset() override { sum = 0; }
  Seq load(Db&, const Id&) override { return 0; }
  void apply(const Record& r) override { sum += parse_own(r.body).value("n", 0); }
  std::atomic<int> sum = 0;
};

struct OnPostgres : ::testing::Test {
  void SetUp() override {
    postgres.sql("ALTER DATABASE postgres RESET default_transaction_read_only; DROP SCHEMA IF EXISTS steward CASCADE");
    begin("&options=-c%20lock_timeout%3D300ms");
  }
  void begin(const std::string& more) {
    home.postgres().url = postgres.url(more);
    home.postgres().lease = std::chrono::milliseconds(60'000);
    home.make();
    home.journal().add_fold(fold);
  }
  void wait_for(State state) {
    for (int i = 0; i < 20'000 && home.journal().state() != state; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ASSERT_EQ(home.journal().state(), state) << home.journal().problem();
  }
  // Every number up to `last` once, and the chain holds: nothing twice, nothing lost.
  void holds(Seq last) {
    const auto report = verify_journal(home.journal().location()).value();
    EXPECT_TRUE(report.ok) << report.problem;
    EXPECT_EQ(report.records, last);
  }
  TestPostgres& postgres = TestPostgres::shared();
  SumFold fold;
  StoreHome home;
};

TEST_F(OnPostgres, AZombieWithAnOldEpochCannotCommit) {
  home.start();
  ASSERT_TRUE(home.append(kTenant, {note(1)}));
  postgres.sql(
      "UPDATE steward.lease SET epoch = epoch + 1, holder = 'another server', expires = now() + interval '1 h'");
  PgConnection other(postgres.url(), "", "another");
  other.run({"SELECT pg_advisory_lock($1::int4, (SELECT epoch FROM steward.lease)::int4)",
             PgParams().add(int64_t{kLockClass})});
  EXPECT_EQ(home.append(kTenant, {note(10)}).error().code, ErrorCode::kStoreUnavailable);
  EXPECT_THAT(home.journal().problem(), HasSubstr("another server"));
  EXPECT_EQ(fold.sum, 1);
  holds(1);
  postgres.sql("UPDATE steward.lease SET expires = now() - interval '1 s'");
  wait_for(State::kReady);  // takes over by itself
  EXPECT_EQ(home.append(kTenant, {note(100)})->last_seq(), 2u);
  holds(2);
}

TEST_F(OnPostgres, TakesOverAtOnceFromASessionThatIsGone) {
  home.start();
  home.stop();
  postgres.sql("UPDATE steward.lease SET epoch = 77, holder = 'a dead server', expires = now() + interval '1 h'");
  begin("");
  home.start();
  EXPECT_TRUE(home.append(kTenant, {note(1)}));
  EXPECT_EQ(home.journal().store().epoch, 78u);
}

TEST_F(OnPostgres, TakesOverFromALiveSessionOnlyOnceTheLeaseHasRunOut) {
  home.start();
  home.stop();
  postgres.sql("UPDATE steward.lease SET epoch = 77, holder = 'a hung server', expires = now() + interval '1 h'");
  PgConnection hung(postgres.url(), "", "hung");
  hung.run({"SELECT pg_advisory_lock($1::int4, 77)", PgParams().add(int64_t{kLockClass})});
  begin("");
  const auto refused = home.journal().start();
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("a hung server"));
  postgres.sql("UPDATE steward.lease SET expires = now() - interval '1 s'");
  begin("");
  home.start();
  EXPECT_TRUE(home.append(kTenant, {note(1)}));
}

TEST_F(OnPostgres, ALostSessionIsMadeAnewWithoutAGap) {
  home.start();
  ASSERT_TRUE(home.append(kTenant, {note(1)}));
  postgres.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'steward journal%'");
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  (void)home.append(kTenant, {note(10)});  // refused, or already on the new session
  wait_for(State::kReady);
  const auto appended = home.append(kTenant, {note(100)});
  ASSERT_TRUE(appended);
  holds(appended->last_seq());
}

TEST_F(OnPostgres, AConnectionLostInACommitThatFailedIsRefusedWhole) {
  home.start();
  ASSERT_TRUE(home.append(kTenant, {note(1)}));
  postgres.sql(
      "CREATE FUNCTION steward.cut() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM "
      "pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(1); RETURN NULL; END'; CREATE CONSTRAINT TRIGGER cut "
      "AFTER INSERT ON steward.records DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION steward.cut()");
  EXPECT_EQ(home.append(kTenant, {note(10), note(20)}).error().code, ErrorCode::kStoreUnavailable);
  postgres.sql("DROP TRIGGER cut ON steward.records");
  wait_for(State::kReady);
  EXPECT_EQ(fold.sum, 1);
  EXPECT_EQ(home.append(kTenant, {note(100)})->last_seq(), 2u);
  holds(2);
}

struct FailsToSerialise : OnPostgres, ::testing::WithParamInterface<const char*> {};

TEST_P(FailsToSerialise, AndIsSentAgainWhole) {
  home.start();
  postgres.sql(fmt::format(
      "CREATE SEQUENCE steward.faults; CREATE FUNCTION steward.fault() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF "
      "nextval(''steward.faults'') <= 2 THEN RAISE EXCEPTION ''planted'' USING ERRCODE = ''{}''; END IF; RETURN NULL; "
      "END'; CREATE TRIGGER fault AFTER INSERT ON steward.records FOR EACH STATEMENT EXECUTE FUNCTION steward.fault()",
      GetParam()));
  const auto appended = home.append(kTenant, {note(1), note(2)});
  ASSERT_TRUE(appended) << appended.error().message;
  EXPECT_EQ(postgres.number("SELECT last_value FROM steward.faults"), 3) << "the fault did not fire";
  EXPECT_EQ(fold.sum, 3);
  holds(2);
}
INSTANTIATE_TEST_SUITE_P(States, FailsToSerialise, ::testing::Values("40001", "40P01"));

TEST_F(OnPostgres, ALockThatAnotherHoldsFailsClosedAndPasses) {
  home.start();
  ASSERT_TRUE(home.append(kTenant, {note(1)}));
  {
    PgConnection other(postgres.url(), "", "another");
    other.run({"BEGIN", {}});
    other.run({"LOCK TABLE steward.records IN ACCESS EXCLUSIVE MODE", {}});
    EXPECT_EQ(home.append(kTenant, {note(10)}).error().code, ErrorCode::kStoreUnavailable);
  }
  wait_for(State::kReady);
  EXPECT_EQ(home.append(kTenant, {note(100)})->last_seq(), 2u);
  EXPECT_EQ(fold.sum, 101);
  holds(2);
}

TEST_F(OnPostgres, ARestartedServerIsWaitedForAndSaidSo) {
  home.start();
  ASSERT_TRUE(home.append(kTenant, {note(1)}));
  postgres.stop(SIGQUIT);
  EXPECT_EQ(home.append(kTenant, {note(10)}).error().code, ErrorCode::kStoreUnavailable);
  EXPECT_EQ(home.journal().state(), State::kFailed);
  EXPECT_FALSE(home.journal().problem().empty());
  EXPECT_FALSE(home.journal().read(kTenant, 0, 1));
  postgres.start();
  wait_for(State::kReady);
  EXPECT_TRUE(home.journal().problem().empty());
  EXPECT_EQ(home.append(kTenant, {note(100)})->last_seq(), 2u);
  EXPECT_EQ(home.journal().read(kTenant, 0, 10)->size(), 2u);
  holds(2);
}

TEST_F(OnPostgres, AFailoverThatLostAnAcknowledgedRecordIsNotGoneOnFrom) {
  home.start();
  ASSERT_TRUE(home.append(kTenant, {note(1)}));
  ASSERT_TRUE(home.append(kTenant, {note(2)}));
  postgres.sql(
      "UPDATE steward.tenants SET seq = 1, digest = (SELECT digest FROM steward.records WHERE pos & 1099511627775 = "
      "1); "
      "DELETE FROM steward.records WHERE pos & 1099511627775 = 2");
  postgres.sql(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'steward journal writer'");
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_FALSE(home.append(kTenant, {note(10)}));
  for (int i = 0; i < 5'000 && home.journal().problem().find("acknowledged") == std::string::npos; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_THAT(home.journal().problem(), HasSubstr("Record 2 of ten_a was acknowledged"));
  EXPECT_NE(home.journal().state(), State::kReady);
  begin("");
  home.start();
  EXPECT_EQ(home.append(kTenant, {note(100)})->last_seq(), 2u);
  holds(2);
}

TEST_F(OnPostgres, AReadOnlyStandbyIsRefusedByName) {
  postgres.sql("ALTER DATABASE postgres SET default_transaction_read_only = on");
  const auto refused = home.journal().start();
  postgres.sql("ALTER DATABASE postgres RESET default_transaction_read_only");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("read-only standby"));
}

TEST_F(OnPostgres, AForgottenCopyIsNotTakenForAnEmptyJournal) {
  TempDir dir;
  SystemClock clock;
  SystemRandom random;
  auto local = make_sqlite_journal({.home = dir.path() / "home", .sync = false}, clock, random, Log());
  ASSERT_TRUE(local->start());
  ASSERT_TRUE(local->append_blocking(kTenant, {note(1)}));
  local->stop();
  auto moved =
      make_journal({.home = dir.path() / "home", .sync = false}, {.url = postgres.url()}, clock, random, Log());
  const auto refused = moved->start();
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("steward journal copy"));
}

TEST(PostgresAddress, IsNeverShownWithItsPassword) {
  for (const char* url : {"postgres://steward:s3cr@t@db/x", "postgres://steward:s3cret@db:5432/x?sslmode=require",
                          "postgresql://steward@db/x?password=s3cret&sslmode=require", "postgres://:s3cret@/x",
                          "postgres://u@h/d?sslpassword=s3cret"}) {
    EXPECT_EQ(redacted(url).find("s3cr"), std::string::npos) << url;
    EXPECT_EQ(redacted(url).find("cret"), std::string::npos) << url;
    try {
      PgConnection connection(fmt::format("{}&port=x", url), "", "test");
      ADD_FAILURE() << url;
    } catch (const PgError& e) {
      EXPECT_THAT(e.what(), testing::Not(HasSubstr("s3cr"))) << url;
    }
  }
  EXPECT_EQ(redacted("postgres://steward@db:5432/x"), "postgres://steward@db:5432/x");
}

}  // namespace
}  // namespace steward::journal
