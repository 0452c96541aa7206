// People over a real journal with a clock of the test's: links, sessions, roles, erasure, and that the fold, its tables
// and a replay are one.
#include "identity/people.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "identity/password.h"
#include "identity/people_commands.h"
#include "identity/records.h"
#include "identity/state.h"
#include "identity/testing.h"

namespace steward::identity {
namespace {

constexpr DurationUs kHourUs = 3600LL * kSecondUs;
constexpr DurationUs kDayUs = 24 * kHourUs;

class PeopleTest : public ::testing::Test {
 protected:
  PeopleTest() { make(); }
  ~PeopleTest() override { home_.stop(); }
  void SetUp() override { start(); }

  void make() {
    identity_ = make_identity(home_.journal(), home_.clock(), home_.random(), Log());
    people_ = std::make_unique<People>(home_.journal(), *identity_, home_.clock(), home_.random(), std::string(32, 'k'),
                                       Log());
    home_.journal().add_fold(identity_->fold());
    home_.journal().add_fold(people_->fold());
    for (auto* view : identity_->views()) home_.views().add(*view);
    home_.views().add(people_->view());
  }
  void start() {
    home_.start();
    tenant_ = identity_->bootstrap("Acme", "Ada", "UTC").value();
    owner_ = {.tenant = tenant_, .principal = identity_->snapshot()->tenant_owner.at(tenant_), .admin = true};
  }
  void reopen() {
    home_.wait_applied();
    home_.reopen();
    make();
    start();
  }
  NewLink invite(LinkSpec spec) {
    if (spec.lasts_us == 0) spec.lasts_us = kDayUs;
    auto made = run(people_->make_link(owner_, std::move(spec)));
    EXPECT_TRUE(made.has_value()) << made.error().message;
    return made.value();
  }
  Id newcomer(const std::string& name, Role role = Role::kMember, const std::string& email = "") {
    const NewLink link = invite({.name = name, .email = email, .role = role});
    return run(people_->come_in(link.token, {.password_hash = "hash of " + name})).value();
  }
  NewSession session(const Id& person) {
    return run(people_->open_session(tenant_, {.person = person, .lasts_us = 30 * kDayUs, .idle_us = 7 * kDayUs}))
        .value();
  }
  ErrorCode refused(const std::string& token) {
    auto link = people_->look_up(token);
    return link ? ErrorCode::kInternal : link.error().code;
  }
  ManualClock& clock() { return home_.clock(); }

  journal::TestHome home_;
  std::unique_ptr<Identity> identity_;
  std::unique_ptr<People> people_;
  Id tenant_;
  Caller owner_;
};

TEST(Password, IsArgon2idWithTheParametersOfRfc9106) {
  const std::string hash = hash_password("several words make it").value();
  EXPECT_THAT(hash, ::testing::StartsWith("$argon2id$v=19$m=65536,t=3,p=1$"));
  EXPECT_NE(hash, hash_password("several words make it").value()) << "each has a salt of its own";
  EXPECT_TRUE(verify_password(hash, "several words make it"));
  EXPECT_FALSE(verify_password(hash, "several words make it "));
  EXPECT_FALSE(verify_password("", "x"));
  EXPECT_FALSE(needs_rehash(hash));
  EXPECT_TRUE(needs_rehash("$argon2id$v=19$m=8192,t=1,p=1$c29tZXNhbHQ$" + std::string(43, 'A')));
}

TEST(Password, TheEasilyGuessedAreRefused) {
  const auto code = [](std::string_view password) {
    auto good = check_password(password, 10, "Anna Verhoeven", "anna@example.org");
    return good ? ErrorCode::kCancelled : good.error().code;
  };
  EXPECT_EQ(code("a longer one 7"), ErrorCode::kCancelled);
  EXPECT_EQ(code("ein längeres"), ErrorCode::kCancelled);
  EXPECT_EQ(code("密码密码密码密码密码啊"), ErrorCode::kCancelled) << "characters count, not bytes";
  EXPECT_EQ(code("密码很短"), ErrorCode::kInvalidRequest);
  for (const char* bad : {"short", "Password123", "aaaaaaaaaaaaaa", "ANNA  verhoeven", "anna@example.org"})
    EXPECT_EQ(code(bad), ErrorCode::kInvalidRequest) << bad;
  EXPECT_EQ(code("\xff\xfe not text"), ErrorCode::kInvalidUtf8);
  EXPECT_EQ(code(std::string(kMaxPasswordBytes + 1, 'x') + "yz"), ErrorCode::kInvalidRequest);
}

TEST_F(PeopleTest, AnInvitationLetsOnePersonInOnce) {
  const Id team = run(identity_->create_principal(owner_, PrincipalKind::kTeam, "T", "")).value().id;
  const NewLink link = invite({.name = "Bo", .email = "bo@example.org", .role = Role::kGuest, .teams = {team}});
  EXPECT_EQ(people_->look_up(link.token).value().name, "Bo");
  const Id bo = run(people_->come_in(link.token, {.name = "Mallory", .password_hash = "h"})).value();
  EXPECT_EQ(identity_->snapshot()->principals.at(bo).name, "Bo") << "the invitation's name holds";
  EXPECT_EQ(identity_->snapshot()->principals.at(bo).groups, std::set<Id>{team});
  EXPECT_EQ(people_->role_of(bo), Role::kGuest);
  EXPECT_EQ(people_->find_by_login("BO@example.org"), bo);
  EXPECT_EQ(people_->find_by_login(" bo "), bo);
  EXPECT_EQ(people_->password_hash(bo), "h");
  EXPECT_EQ(refused(link.token), ErrorCode::kLinkUsed);
  EXPECT_EQ(run(people_->come_in(link.token, {.password_hash = "other"})).error().code, ErrorCode::kLinkUsed);
  EXPECT_EQ(people_->password_hash(bo), "h");
}

TEST_F(PeopleTest, ALinkEndsByTimeByWithdrawalAndByAGuess) {
  const NewLink late = invite({.lasts_us = kHourUs}), taken = invite({});
  EXPECT_TRUE(people_->look_up(late.token).has_value());
  clock().advance_us(kHourUs);
  EXPECT_EQ(refused(late.token), ErrorCode::kLinkExpired);
  EXPECT_EQ(run(people_->come_in(late.token, {.name = "Late", .password_hash = "h"})).error().code,
            ErrorCode::kLinkExpired);
  ASSERT_TRUE(run(people_->withdraw_link(owner_, taken.link.id)).has_value());
  EXPECT_EQ(refused(taken.token), ErrorCode::kLinkInvalid);
  std::string guess = invite({}).token;
  guess[7] = guess[7] == 'A' ? 'B' : 'A';
  EXPECT_EQ(refused(guess), ErrorCode::kLinkInvalid);
  for (const char* odd : {"", "x", "../../etc/passwd", "\xff"}) EXPECT_EQ(refused(odd), ErrorCode::kLinkInvalid);
}

TEST_F(PeopleTest, ANewLinkOfSomebodyTakesThePlaceOfTheOlder) {
  const NewLink first = invite({.kind = LinkKind::kFirst, .person = owner_.principal});
  const NewLink second = invite({.kind = LinkKind::kFirst, .person = owner_.principal});
  EXPECT_EQ(refused(first.token), ErrorCode::kLinkInvalid);
  ASSERT_TRUE(run(people_->come_in(second.token, {.name = "Ada L.", .password_hash = "h"})).has_value());
  EXPECT_EQ(identity_->snapshot()->principals.at(owner_.principal).name, "Ada L.");
  EXPECT_EQ(people_->role_of(owner_.principal), Role::kOwner);
}

TEST_F(PeopleTest, ARecoverySetsThePasswordAndEndsEverySession) {
  const Id bo = newcomer("Bo");
  const NewSession open = session(bo);
  const NewLink link = invite({.kind = LinkKind::kRecovery, .person = bo});
  EXPECT_TRUE(people_->find_session(open.token).has_value());
  EXPECT_EQ(run(people_->come_in(link.token, {.name = "Other", .password_hash = "new"})).value(), bo);
  EXPECT_EQ(people_->password_hash(bo), "new");
  EXPECT_EQ(identity_->snapshot()->principals.at(bo).name, "Bo");
  EXPECT_EQ(people_->find_session(open.token).error().code, ErrorCode::kSessionEnded);
}

TEST_F(PeopleTest, NobodyTakesAnothersNameOrAddress) {
  newcomer("Bo", Role::kMember, "bo@example.org");
  const NewLink open = invite({});
  const auto tried = [&](Newcomer who) { return run(people_->come_in(open.token, std::move(who))); };
  EXPECT_EQ(tried({.name = "BO", .password_hash = "h"}).error().details.at("param"), "name");
  EXPECT_EQ(tried({.name = "Cy", .email = "Bo@Example.org", .password_hash = "h"}).error().details.at("param"),
            "email");
  EXPECT_EQ(tried({.name = "cy@x.org", .password_hash = "h"}).error().details.at("param"), "name")
      << "a name that looks like an address could be taken for somebody's";
  EXPECT_TRUE(tried({.name = "Cy", .password_hash = "h"}).has_value()) << "a refused try does not spend the link";
}

TEST_F(PeopleTest, ASessionEndsByAgeIdlenessAndRevocation) {
  const Id bo = newcomer("Bo");
  const NewSession idle = session(bo);
  clock().advance_us(6 * kDayUs);
  EXPECT_TRUE(people_->authenticate(idle.token).has_value()) << "seen in time, it goes on";
  clock().advance_us(6 * kDayUs);
  EXPECT_TRUE(people_->find_session(idle.token).has_value());
  clock().advance_us(kDayUs);
  EXPECT_EQ(people_->authenticate(idle.token).error().code, ErrorCode::kSessionEnded);
  const NewSession old = session(bo);
  for (int day = 0; day < 29; ++day) {
    clock().advance_us(kDayUs);
    ASSERT_TRUE(people_->authenticate(old.token).has_value()) << day;
  }
  clock().advance_us(kDayUs);
  EXPECT_FALSE(people_->authenticate(old.token).has_value()) << "however busy, 30 days are all";
  ASSERT_TRUE(run(people_->end_expired()).has_value());
  EXPECT_TRUE(people_->state().sessions_of(bo).empty());
}

TEST_F(PeopleTest, SignedOutEverywhereButHere) {
  const Id bo = newcomer("Bo"), cy = newcomer("Cy");
  const NewSession here = session(bo), there = session(bo), others = session(cy);
  EXPECT_EQ(run(people_->end_sessions(owner_, bo, here.session.id, "asked")).value(), 1u);
  EXPECT_TRUE(people_->find_session(here.token).has_value());
  EXPECT_FALSE(people_->find_session(there.token).has_value());
  EXPECT_TRUE(people_->find_session(others.token).has_value());
  EXPECT_NE(people_->csrf_token(here.token), people_->csrf_token(others.token));
}

TEST_F(PeopleTest, ARoleHoldsFromTheNextRequestOn) {
  const Id bo = newcomer("Bo");
  const NewSession open = session(bo);
  EXPECT_FALSE(people_->authenticate(open.token).value().caller.admin);
  ASSERT_TRUE(run(people_->change(owner_, bo, {.role = Role::kOwner})).has_value());
  EXPECT_TRUE(people_->authenticate(open.token).value().caller.admin);
  const NewKey key = run(identity_->create_key(owner_, {.name = "ops", .owner = bo, .admin = true})).value();
  ASSERT_TRUE(run(people_->change(owner_, bo, {.role = Role::kGuest})).has_value());
  const Caller guest = people_->authenticate(open.token).value().caller;
  EXPECT_FALSE(guest.admin);
  EXPECT_EQ(identity_->may(guest, Verb::kUseModel, {.tenant = tenant_}).error().details.at("needed"), "member");
  EXPECT_EQ(identity_->authenticate(key.secret).error().code, ErrorCode::kKeyRevoked)
      << "no admin key outlives the role";
  EXPECT_EQ(run(people_->change(guest, bo, {.role = Role::kOwner})).error().code, ErrorCode::kForbidden);
  EXPECT_EQ(run(people_->change(owner_, owner_.principal, {.role = Role::kMember})).error().code, ErrorCode::kConflict);
}

TEST_F(PeopleTest, ADisabledPersonIsOutAtOnce) {
  const Id bo = newcomer("Bo");
  const NewSession open = session(bo);
  ASSERT_TRUE(run(identity_->set_disabled(owner_, bo, true)).has_value());
  EXPECT_FALSE(people_->authenticate(open.token).has_value());
  EXPECT_EQ(people_->find_by_login("Bo"), std::nullopt);
}

TEST_F(PeopleTest, NoTokenNoHashNoNameWhereItDoesNotBelong) {
  const NewLink link = invite({.name = "Secretname", .email = "secret@mail.example"});
  const Id person = run(people_->come_in(link.token, {.password_hash = "$argon2id$secrethash"})).value();
  const NewSession open = session(person);
  for (const auto& record : home_.journal().read(tenant_, 0, 100).value()) {
    for (const std::string& secret :
         {link.token, open.token, std::string("secrethash"), people_->csrf_token(open.token)})
      EXPECT_EQ(record.body.find(secret), std::string::npos) << record.kind;
    const std::string header = record.stream + record.kind + record.actor + record.on_behalf_of + record.label;
    for (const char* name : {"Secretname", "secret@mail"}) EXPECT_EQ(header.find(name), std::string::npos);
  }
}

TEST_F(PeopleTest, ErasingAPersonTakesWhoTheyWereLiveAndAfterAReplay) {
  const Id bo = newcomer("Bo Secretname", Role::kMember, "bo@mail.example");
  const NewSession open = session(bo);
  ASSERT_TRUE(run(people_->change(owner_, bo, {.name = "Bo Othername"})).has_value());
  ASSERT_TRUE(run(people_->change_settings(owner_, bo, {{"language", "zh"}})).has_value());
  ASSERT_TRUE(home_.journal().erase_blocking(tenant_, {.ids = {bo}, .reason = "person_asked"}).has_value());
  EXPECT_EQ(identity_->snapshot()->principals.at(bo).name, "");
  EXPECT_EQ(people_->state().email(bo), "");
  EXPECT_EQ(people_->state().settings(bo), Json::object());
  EXPECT_FALSE(people_->find_session(open.token).has_value());
  EXPECT_EQ(people_->password_hash(bo), std::nullopt);
  const std::string live = people_->state().dump();
  reopen();
  EXPECT_EQ(people_->state().dump(), live) << "from the tables";
  State identity;
  PeopleState people;
  for (const auto& record : home_.journal().read(tenant_, 0, 1000).value()) {
    identity.apply(record);
    people.apply(record);
  }
  EXPECT_EQ(people.dump(), live) << "from the records";
  EXPECT_EQ(identity.now().principals.at(bo).name, "");
}

// Random histories with erasures anywhere: the fold that lived, the tables it loads from, and a replay of what is left.
TEST_F(PeopleTest, FoldTablesAndReplayAreOneOnRandomHistories) {
  SeededRandom random(7);
  std::vector<Id> people{owner_.principal};
  std::vector<std::string> tokens;
  for (int step = 0; step < 120; ++step) {
    const Id someone = people[random.below(people.size())];
    switch (random.below(8)) {
      case 0:
        people.push_back(newcomer(fmt::format("Person {}", step), Role::kMember, fmt::format("p{}@x.org", step)));
        break;
      case 1: session(someone); break;
      case 2: (void)run(people_->end_sessions(owner_, someone, "", "asked")); break;
      case 3: (void)run(people_->set_password(owner_, someone, fmt::format("hash {}", step), "")); break;
      case 4: (void)run(people_->change(owner_, someone, {.name = fmt::format("Renamed {}", step)})); break;
      case 5: (void)run(people_->change_settings(owner_, someone, {{"ui.x", step}})); break;
      case 6: invite({.name = fmt::format("Invited {}", step)}); break;
      default: {
        const auto records = home_.journal().read(tenant_, 0, 10'000).value();
        const auto& one = records[random.below(records.size())];
        if (is_of_people(one.kind) && !one.erased)
          (void)home_.journal().erase_blocking(tenant_, {.ids = {one.id}, .reason = "test"});
      }
    }
    clock().advance_us(kSecondUs);
  }
  const std::string live = people_->state().dump();
  PeopleState replayed;
  for (const auto& record : home_.journal().read(tenant_, 0, 10'000).value()) replayed.apply(record);
  EXPECT_EQ(replayed.dump(), live);
  reopen();
  EXPECT_EQ(people_->state().dump(), live);
}

}  // namespace
}  // namespace steward::identity
