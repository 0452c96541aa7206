// Expected values: RFC 3339 and ULID's specification, RFC 4231 (HMAC), FIPS 180-2 (SHA-256), Unicode's NFKC tables.
#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/id.h"
#include "base/json.h"
#include "base/json_bounded.h"
#include "base/money.h"
#include "base/text.h"

namespace steward {
namespace {

TEST(Clock, WritesAndReadsRfc3339) {
  EXPECT_EQ(to_rfc3339(0), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(parse_rfc3339("1985-04-12T23:20:50.52Z").value(), 482196050520000);  // RFC 3339, 5.8
  EXPECT_EQ(parse_rfc3339("1996-12-19T16:39:57-08:00").value(), parse_rfc3339("1996-12-20T00:39:57Z").value());
  for (const char* bad : {"", "2026-13-01T00:00:00Z", "2026-02-30", "2026-01-01T25:00:00Z", "2026-01-01T00:00:00",
                          "2026-01-01T00:00:00Zx"}) {
    EXPECT_FALSE(parse_rfc3339(bad).has_value()) << bad;
  }
}

TEST(Id, IsAUlid) {
  EXPECT_EQ(ulid(1469918176385'000, std::string(10, '\0')), "01ARYZ6S410000000000000000");
  EXPECT_EQ(ulid(0, std::string(10, '\xff')), "0000000000ZZZZZZZZZZZZZZZZ");
  ManualClock clock;
  SeededRandom random(1);
  IdMaker ids(clock, random);
  EXPECT_TRUE(is_id(ids.make("run"), "run"));
  EXPECT_FALSE(is_id(ids.make("run"), "call"));
  EXPECT_FALSE(is_id("run_01ARYZ6S41000000000000000I", "run"));
}

TEST(Crypto, KnownAnswers) {
  EXPECT_EQ(to_hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(to_base64("foob"), "Zm9vYg==");
  EXPECT_EQ(from_base64url("Zm9vYg").value(), "foob");
  EXPECT_FALSE(from_base64("Zm9vYg=").has_value());
}

TEST(Crypto, SealedOpensOnlyWithItsKeyAndContext) {
  SeededRandom random(7);
  const std::string key(32, 'k');
  std::string sealed = seal(key, "secret", "provider/openai", random);
  EXPECT_EQ(unseal(key, sealed, "provider/openai").value(), "secret");
  EXPECT_FALSE(unseal(key, sealed, "provider/other").has_value());
  EXPECT_FALSE(unseal(std::string(32, 'x'), sealed, "provider/openai").has_value());
  sealed[14] ^= 1;
  EXPECT_FALSE(unseal(key, sealed, "provider/openai").has_value());
}

TEST(Text, Utf8) {
  EXPECT_TRUE(is_valid_utf8("grüße 你好 🎉"));
  for (const char* bad : {"\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80", "ab\xe4\xbd"})
    EXPECT_FALSE(is_valid_utf8(bad)) << bad;
  EXPECT_EQ(incomplete_utf8_tail("ab\xe4\xbd"), 2u);
  EXPECT_EQ(incomplete_utf8_tail("ab\xf0\x9f\x8e"), 3u);
  EXPECT_EQ(incomplete_utf8_tail("ab\xe4\xbd\xa0"), 0u);
  EXPECT_EQ(incomplete_utf8_tail("ab\xff"), 0u);
  EXPECT_EQ(nfkc("ﬁ①").value(), "fi1");
  EXPECT_EQ(collapse_whitespace("  a\u3000\n b "), "a b");
  EXPECT_EQ(nearest("prot", {"port", "host"}), "port");
}

// Copying and writing a value recurse: a hundred thousand brackets in a provider's event, or in the arguments of a tool
// call, ran through the stack and ended the process.
TEST(JsonReader, TextsThatMayBeNoJsonDoNotNestWithoutEnd) {
  const auto nested = [](size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(parse_bounded(nested(100'000)).is_discarded());
  EXPECT_TRUE(parse_bounded("{\"a\":" + nested(kMaxForeignDepth) + "}").is_discarded());
  EXPECT_TRUE(parse_bounded(nested(kMaxForeignDepth)).is_array());
  EXPECT_EQ(parse_bounded("{\"brackets\":\"" + std::string(100'000, '[') + "\"}")["brackets"].get<std::string>().size(),
            100'000u);
  EXPECT_TRUE(parse_bounded("{\"a\":").is_discarded());
}

// Fifteen million zeros in an answer of 30 MB held an io thread for seconds.
TEST(JsonReader, ATreeOfVeryManyValuesIsNotBuilt) {
  const auto zeros = [](size_t count) {
    std::string text = "[0";
    for (size_t i = 1; i < count; ++i) text += ",0";
    return text + "]";
  };
  EXPECT_EQ(parse_bounded(zeros(1'000)).size(), 1'000u);
  EXPECT_TRUE(parse_bounded(zeros(kMaxJsonValues + 1)).is_discarded());
  EXPECT_EQ(read_own(zeros(kMaxJsonValues + 1)).size(), kMaxJsonValues + 1);
  const auto refused = parse_json(zeros(kMaxJsonValues + 1));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().message, "The JSON has more than 4194304 values.");
  EXPECT_TRUE(parse_json("[\"" + std::string(kMaxJsonValues + 1, ',') + "\"]").has_value());
}

TEST(JsonReader, WhatStewardWroteHasNoLimits) {
  const std::string deep = std::string(kMaxForeignDepth + 2, '[') + std::string(kMaxForeignDepth + 2, ']');
  EXPECT_TRUE(parse_bounded(deep).is_discarded());
  EXPECT_EQ(dump(read_own(deep)), deep);
  EXPECT_TRUE(read_own("[1").is_discarded());
  EXPECT_THROW(parse_own("[1"), Json::parse_error);
}

TEST(JsonReader, RefusesWhatTwoReadersWouldReadDifferently) {
  EXPECT_TRUE(parse_json(R"({"a":[1,{"b":2}],"c":{"a":1}})").has_value());
  EXPECT_FALSE(parse_json(R"({"a":1,"a":2})").has_value());
  EXPECT_FALSE(parse_json(std::string(200, '[') + std::string(200, ']')).has_value());
  EXPECT_FALSE(parse_json("{\"a\":\"\xff\"}").has_value());
  EXPECT_FALSE(parse_json("{} x").has_value());
  EXPECT_FALSE(parse_json(std::string("{}\0{\"a\":1}", 10)).has_value());
  EXPECT_FALSE(parse_json("").has_value());
  EXPECT_FALSE(is_json(std::string("{}\0", 3)));
  EXPECT_FALSE(is_json("{} {}") || is_json("{\"a\":\"\xff\"}") || is_json("") || is_json("nul"));
  EXPECT_TRUE(is_json(std::string(2'000, '[') + std::string(2'000, ']')));  // deeper than the fast look goes
  EXPECT_TRUE(is_json("[\"" + std::string(200'000, 'x') + "\",123456789012345678901]"));  // and longer
  EXPECT_TRUE(parse_json(R"(["[[[[[","{\"{{"])", {.max_depth = 1}).has_value());
}

TEST(Money, RoundsUpOncePerCall) {
  EXPECT_EQ(round_up_to_nano(price_pico(3, 20'000)), 60);
  EXPECT_EQ(round_up_to_nano(1), 1);
  EXPECT_EQ(round_up_to_nano(0), 0);
  EXPECT_EQ(to_usd_string(42'000), "$0.000042");
  EXPECT_EQ(to_usd_string(5 * kNanoPerUsd), "$5.00");
  EXPECT_EQ(to_microusd_decimal(42), "0.042");
  EXPECT_EQ(to_microusd_decimal(42'000), "42");
  EXPECT_EQ(parse_usd("$1.50").value(), 1'500'000'000);
  for (const char* bad : {"", "-1", "1.", "1e3", "0.0000000001", "12345678901"})
    EXPECT_FALSE(parse_usd(bad).has_value()) << bad;
}

}  // namespace
}  // namespace steward
