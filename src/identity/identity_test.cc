#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/crypto.h"
#include "identity/records.h"
#include "identity/testing.h"

namespace steward::identity {
namespace {

constexpr DurationUs kDayUs = 24LL * 3600 * kSecondUs;

struct IdentityTest : IdentityHome, ::testing::Test {
  void SetUp() override { start(); }
  ErrorCode refused(std::string_view secret) {
    auto caller = identity->authenticate(secret);
    EXPECT_FALSE(caller.has_value());
    return caller ? ErrorCode::kInternal : caller.error().code;
  }
};

TEST_F(IdentityTest, BootstrapMakesOneOrganisationOnce) {
  EXPECT_EQ(identity->bootstrap("Other", "Eve", "").value(), tenant);
  const auto snapshot = identity->snapshot();
  EXPECT_EQ(snapshot->tenants.at(tenant), "Acme");
  EXPECT_EQ(snapshot->principals.at(admin.principal).name, "Ada");
  EXPECT_EQ(snapshot->principals.at(admin.principal).time_zone, "Europe/Berlin");
}

TEST_F(IdentityTest, AKeyIsShownOnceAndStoredHashed) {
  const NewKey made = new_key({.name = "web"});
  EXPECT_TRUE(made.secret.starts_with("sk-steward-"));
  EXPECT_EQ(from_base64url(made.secret.substr(11)).value().size(), 32u);
  EXPECT_EQ(made.key.visible, made.secret.substr(0, 15));
  EXPECT_EQ(made.key.spec.owner, admin.principal);
  const Caller caller = identity->authenticate(made.secret).value();
  EXPECT_EQ(caller.principal, admin.principal);
  EXPECT_EQ(caller.key->id, made.key.id);
  EXPECT_FALSE(caller.admin);
  for (const auto& record : home.journal().read(tenant, 0, 100).value()) {
    EXPECT_EQ(record.body.find(made.secret), std::string::npos) << record.kind;
    EXPECT_EQ(record.body.find(made.secret.substr(16)), std::string::npos) << record.kind;
  }
}

TEST_F(IdentityTest, HeadersCarryNoNames) {
  const Id team = new_principal(PrincipalKind::kTeam, "Research");
  new_key({.name = "secretproject", .team = team, .tags = {{"cost", "centre"}}});
  for (const auto& record : home.journal().read(tenant, 0, 100).value()) {
    for (const char* name : {"Acme", "Ada", "Research", "secretproject", "centre"}) {
      EXPECT_EQ(
          (record.stream + record.kind + record.actor + record.on_behalf_of + record.label + record.acl).find(name),
          std::string::npos);
    }
  }
}

TEST_F(IdentityTest, WrongSecretsAreRefusedAlike) {
  const std::string secret = new_key({}).secret;
  EXPECT_EQ(refused(""), ErrorCode::kUnauthenticated);
  EXPECT_EQ(refused("sk-steward-"), ErrorCode::kUnauthenticated);
  EXPECT_EQ(refused(secret.substr(0, secret.size() - 1)), ErrorCode::kUnauthenticated);
  EXPECT_EQ(refused(secret + "A"), ErrorCode::kUnauthenticated);
  std::string other = secret;
  other[20] = other[20] == 'A' ? 'B' : 'A';
  EXPECT_EQ(refused(other), ErrorCode::kUnauthenticated);
}

TEST_F(IdentityTest, AKeyExpires) {
  const NewKey made = new_key({.expires_at = clock().now_us() + kDayUs});
  EXPECT_TRUE(identity->authenticate(made.secret).has_value());
  clock().advance_us(kDayUs);
  EXPECT_EQ(refused(made.secret), ErrorCode::kKeyExpired);
  EXPECT_EQ(run(identity->create_key(admin, {.name = "late", .expires_at = clock().now_us()}, {})).error().code,
            ErrorCode::kInvalidRequest);
}

TEST_F(IdentityTest, RotationOverlapsThenEndsTheOldSecret) {
  const NewKey first = new_key({});
  const NewKey second = run(identity->rotate_key(admin, first.key.id, kDayUs)).value();
  EXPECT_NE(first.secret, second.secret);
  EXPECT_EQ(second.key.visible, second.secret.substr(0, 15));
  EXPECT_TRUE(identity->authenticate(first.secret).has_value());
  EXPECT_TRUE(identity->authenticate(second.secret).has_value());
  clock().advance_us(kDayUs);
  EXPECT_EQ(refused(first.secret), ErrorCode::kKeyExpired);
  EXPECT_TRUE(identity->authenticate(second.secret).has_value());
  const NewKey third = run(identity->rotate_key(admin, first.key.id, 0)).value();
  EXPECT_EQ(refused(second.secret), ErrorCode::kUnauthenticated)
      << "without an overlap the old secret is forgotten at once";
  EXPECT_EQ(third.key.hashes.size(), 1u);
  EXPECT_EQ(run(identity->rotate_key(admin, first.key.id, -1)).error().code, ErrorCode::kInvalidRequest);
}

TEST_F(IdentityTest, RevocationHoldsAtOnceAndForGood) {
  const NewKey made = new_key({});
  ASSERT_TRUE(run(identity->revoke_key(admin, made.key.id)).has_value());
  EXPECT_EQ(refused(made.secret), ErrorCode::kKeyRevoked);
  EXPECT_TRUE(run(identity->revoke_key(admin, made.key.id)).has_value());
  EXPECT_EQ(run(identity->rotate_key(admin, made.key.id, 0)).error().code, ErrorCode::kConflict);
  EXPECT_EQ(run(identity->update_key(admin, made.key.id, made.key.spec)).error().code, ErrorCode::kConflict);
  EXPECT_EQ(run(identity->revoke_key(admin, "key_none")).error().code, ErrorCode::kNotFound);
}

TEST_F(IdentityTest, ADisabledOwnersKeysStop) {
  const Id user = new_principal(PrincipalKind::kUser, "Bob");
  const NewKey made = new_key({.owner = user});
  ASSERT_TRUE(run(identity->set_disabled(admin, user, true)).has_value());
  EXPECT_EQ(refused(made.secret), ErrorCode::kKeyRevoked);
  ASSERT_TRUE(run(identity->set_disabled(admin, user, false)).has_value());
  EXPECT_TRUE(identity->authenticate(made.secret).has_value());
  EXPECT_EQ(run(identity->set_disabled(admin, admin.principal, true)).error().code, ErrorCode::kConflict);
}

TEST_F(IdentityTest, ScopesOfModelsAndEndpoints) {
  const NewKey made = new_key({.models = {"gpt-4*", "local-small"}, .endpoints = {"chat"}});
  const Caller caller = identity->authenticate(made.secret).value();
  const auto may_use = [&](std::string model, std::string endpoint) {
    return identity->may(caller, Verb::kUseModel, {.tenant = tenant, .model = model, .endpoint = endpoint}).has_value();
  };
  EXPECT_TRUE(may_use("gpt-4o", "chat"));
  EXPECT_TRUE(may_use("gpt-4", "chat"));
  EXPECT_TRUE(may_use("local-small", "chat"));
  EXPECT_FALSE(may_use("local-small-2", "chat"));
  EXPECT_FALSE(may_use("gpt-3.5", "chat"));
  EXPECT_FALSE(may_use("gpt-4o", "embeddings"));
  const auto status =
      identity->may(caller, Verb::kUseModel, {.tenant = tenant, .model = "gpt-3.5", .endpoint = "chat"});
  EXPECT_EQ(status.error().code, ErrorCode::kForbidden);
  EXPECT_THAT(status.error().message, ::testing::HasSubstr("gpt-3.5"));
  EXPECT_EQ(identity->may(caller, Verb::kAdmin, {.tenant = tenant}).error().details.at("needed"), "admin");
  EXPECT_FALSE(identity->may(caller, Verb::kUseModel, {.tenant = "ten_other", .model = "gpt-4o"}).has_value());
}

TEST_F(IdentityTest, ChangesNeedTheScopeAdmin) {
  const Caller plain = identity->authenticate(new_key({}).secret).value();
  const Caller boss = identity->authenticate(new_key({.admin = true}).secret).value();
  EXPECT_EQ(run(identity->create_key(plain, {.name = "x"}, {})).error().code, ErrorCode::kForbidden);
  EXPECT_EQ(run(identity->create_principal(plain, PrincipalKind::kUser, "x", "")).error().code, ErrorCode::kForbidden);
  EXPECT_EQ(run(identity->rotate_key(plain, plain.key->id, 0)).error().code, ErrorCode::kForbidden);
  EXPECT_TRUE(run(identity->create_key(boss, {.name = "x"}, {})).has_value());
  const Caller other_tenant{.tenant = "ten_other", .principal = "usr_x", .key = nullptr, .admin = true};
  EXPECT_EQ(run(identity->revoke_key(other_tenant, plain.key->id)).error().code, ErrorCode::kNotFound);
}

TEST_F(IdentityTest, WrongSpecsAreNamed) {
  const auto param = [&](KeySpec spec) {
    auto made = run(identity->create_key(admin, std::move(spec), {}));
    return made ? std::string("none") : made.error().details.value("param", made.error().details.value("id", "?"));
  };
  EXPECT_EQ(param({}), "name");
  EXPECT_EQ(param({.name = "x", .owner = "usr_none"}), "usr_none");
  EXPECT_EQ(param({.name = "x", .team = "team_none"}), "team_none");
  EXPECT_EQ(param({.name = "x", .models = {"a*b"}}), "models");
  EXPECT_EQ(param({.name = "x", .endpoints = {"chats"}}), "endpoints");
  EXPECT_EQ(param({.name = "x", .limits = {.tokens_per_minute = -1}}), "limits");
  EXPECT_EQ(param({.name = "x", .weight = 0}), "weight");
  EXPECT_EQ(param({.name = "x", .weight = std::nan("")}), "weight");
  EXPECT_EQ(param({.name = std::string(300, 'x')}), "name");
  EXPECT_EQ(
      run(identity->create_principal(admin, PrincipalKind::kUser, "x", "Mars/Olympus")).error().details.at("param"),
      "time_zone");
}

TEST_F(IdentityTest, TheSameSetIsTheSameAcl) {
  const Id bob = new_principal(PrincipalKind::kUser, "Bob"), team = new_principal(PrincipalKind::kTeam, "T");
  const Id both = run(identity->intern_acl(admin, {bob, team})).value();
  const auto before = home.journal().written_seq(tenant);
  EXPECT_EQ(run(identity->intern_acl(admin, {team, bob})).value(), both);
  EXPECT_EQ(home.journal().written_seq(tenant), before);
  EXPECT_NE(run(identity->intern_acl(admin, {bob})).value(), both);
  EXPECT_EQ(run(identity->intern_acl(admin, {"usr_nobody"})).error().code, ErrorCode::kNotFound);
}

TEST_F(IdentityTest, GroupsNestAndCirclesAreRefused) {
  const Id bob = new_principal(PrincipalKind::kUser, "Bob");
  const Id a = new_principal(PrincipalKind::kTeam, "A"), b = new_principal(PrincipalKind::kTeam, "B"),
           c = new_principal(PrincipalKind::kTeam, "C");
  ASSERT_TRUE(run(identity->set_member(admin, a, bob, true)).has_value());
  ASSERT_TRUE(run(identity->set_member(admin, b, a, true)).has_value());
  ASSERT_TRUE(run(identity->set_member(admin, c, b, true)).has_value());
  EXPECT_EQ(run(identity->set_member(admin, a, c, true)).error().code, ErrorCode::kConflict);
  EXPECT_EQ(run(identity->set_member(admin, a, a, true)).error().code, ErrorCode::kConflict);
  EXPECT_EQ(run(identity->set_member(admin, bob, a, true)).error().code, ErrorCode::kNotFound)
      << "a person is no group";
  const Id acl = run(identity->intern_acl(admin, {c})).value();
  EXPECT_THAT(identity->readable_acls(tenant, bob), ::testing::ElementsAre(acl));
  ASSERT_TRUE(run(identity->set_member(admin, b, a, false)).has_value());
  EXPECT_TRUE(identity->readable_acls(tenant, bob).empty());
}

TEST_F(IdentityTest, OneAnswerForReadingWritingSharing) {
  const Id bob = new_principal(PrincipalKind::kUser, "Bob"), eve = new_principal(PrincipalKind::kUser, "Eve");
  const Id acl = run(identity->intern_acl(admin, {bob})).value();
  const Resource shared{.tenant = tenant, .owner = admin.principal, .acl = acl}, own{.tenant = tenant, .owner = bob};
  const Caller as_bob{.tenant = tenant, .principal = bob}, as_eve{.tenant = tenant, .principal = eve};
  EXPECT_TRUE(identity->may(as_bob, Verb::kRead, shared).has_value());
  EXPECT_FALSE(identity->may(as_bob, Verb::kWrite, shared).has_value());
  EXPECT_FALSE(identity->may(as_bob, Verb::kShare, shared).has_value());
  EXPECT_TRUE(identity->may(as_bob, Verb::kWrite, own).has_value());
  EXPECT_TRUE(identity->may(as_bob, Verb::kShare, own).has_value());
  EXPECT_FALSE(identity->may(as_eve, Verb::kRead, shared).has_value());
  EXPECT_FALSE(identity->may(as_eve, Verb::kRead, own).has_value());
  EXPECT_FALSE(identity->may(admin, Verb::kWrite, own).has_value()) << "an administrator is no exception";
  EXPECT_TRUE(identity->may(admin, Verb::kWrite, {.tenant = tenant}).has_value());
  ASSERT_TRUE(run(identity->set_disabled(admin, bob, true)).has_value());
  EXPECT_FALSE(identity->may(as_bob, Verb::kRead, shared).has_value());
  EXPECT_FALSE(identity->may(as_bob, Verb::kRead, own).has_value());
}

TEST_F(IdentityTest, AnErasedPersonLosesTheNameAndKeepsThePlace) {
  const Id bob = new_principal(PrincipalKind::kUser, "Bob Secretname", "Asia/Tokyo"),
           team = new_principal(PrincipalKind::kTeam, "T");
  ASSERT_TRUE(run(identity->set_member(admin, team, bob, true)).has_value());
  const auto made = home.journal().read_stream(tenant, "principal/" + bob, 0, 1).value();
  ASSERT_TRUE(home.journal().erase_blocking(tenant, {.ids = {made[0].id}, .reason = "person_asked"}).has_value());
  for (int process = 0; process < 2; ++process) {
    const Principal& now = identity->snapshot()->principals.at(bob);
    EXPECT_EQ(now.name, "");
    EXPECT_EQ(now.time_zone, "");
    EXPECT_TRUE(now.groups.contains(team));
    reopen();
  }
  home.views().query_blocking([](journal::Db& db) {
    EXPECT_EQ(db.integer("SELECT count(*) FROM identity_things WHERE body LIKE '%Secretname%'"), 0);
  });
}

TEST_F(IdentityTest, AnotherProcessKnowsTheSame) {
  const Id team = new_principal(PrincipalKind::kTeam, "T");
  const NewKey kept = new_key(
      {.name = "kept", .team = team, .models = {"m*"}, .tags = {{"a", "b"}}, .limits = {1, 2, 3}, .weight = 2.5});
  const NewKey gone = new_key({.name = "gone"});
  ASSERT_TRUE(run(identity->revoke_key(admin, gone.key.id)).has_value());
  const NewKey rotated = run(identity->rotate_key(admin, kept.key.id, kDayUs)).value();
  const Id acl = run(identity->intern_acl(admin, {team})).value();
  const Json before = to_json(*identity->snapshot()->keys.at(kept.key.id));
  reopen();
  EXPECT_EQ(to_json(*identity->snapshot()->keys.at(kept.key.id)), before);
  EXPECT_TRUE(identity->authenticate(kept.secret).has_value());
  EXPECT_TRUE(identity->authenticate(rotated.secret).has_value());
  EXPECT_EQ(refused(gone.secret), ErrorCode::kKeyRevoked);
  EXPECT_EQ(run(identity->intern_acl(admin, {team})).value(), acl);
}

TEST_F(IdentityTest, WhatIsAppendedWithAKeyStandsOrFallsWithIt) {
  const auto refuse = [](const Key&) -> Result<std::vector<journal::Draft>> {
    return fail(ErrorCode::kInvalidRequest);
  };
  const auto before = home.journal().written_seq(tenant);
  EXPECT_FALSE(run(identity->create_key(admin, {.name = "x"}, refuse)).has_value());
  EXPECT_EQ(home.journal().written_seq(tenant), before);
}

}  // namespace
}  // namespace steward::identity
