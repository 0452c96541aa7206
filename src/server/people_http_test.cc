// The small parts of signing in: tries and pauses, cookies, where a request comes from.
#include <gtest/gtest.h>

#include "server/throttle.h"
#include "server/web_headers.h"
#include "server/web_session.h"

namespace steward::server {
namespace {

constexpr TimeUs kNow = 1'700'000'000'000'000;

TEST(Throttle, PausesAfterTheLastTryAndLongerEachTime) {
  Throttle throttle({.tries = 3, .pause_us = 60 * kSecondUs, .longest_us = 200 * kSecondUs});
  EXPECT_EQ(throttle.begin("a", kNow).value(), 2);
  EXPECT_EQ(throttle.begin("a", kNow).value(), 1);
  EXPECT_EQ(throttle.begin("a", kNow).value(), 0);
  const auto paused = throttle.begin("a", kNow + kSecondUs);
  ASSERT_FALSE(paused.has_value());
  EXPECT_EQ(paused.error().code, ErrorCode::kSignInPaused);
  EXPECT_EQ(paused.error().details.at("retry_after_s"), 59);
  EXPECT_EQ(throttle.begin("b", kNow).value(), 2) << "each name for itself";
  TimeUs now = kNow + 60 * kSecondUs;
  for (const int64_t pause_s : {120, 200, 200}) {
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(throttle.begin("a", now).has_value());
    EXPECT_FALSE(throttle.begin("a", now + pause_s * kSecondUs - 1).has_value());
    now += pause_s * kSecondUs;
  }
}

TEST(Throttle, ASuccessForgetsAndATryTakenBackDoesNotCount) {
  Throttle throttle({.tries = 2, .pause_us = 60 * kSecondUs, .longest_us = 60 * kSecondUs});
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(throttle.begin("address", kNow).has_value()) << i;
    throttle.take_back("address");
  }
  EXPECT_EQ(throttle.begin("a", kNow).value(), 1);
  throttle.succeeded("a");
  EXPECT_EQ(throttle.begin("a", kNow).value(), 1);
  EXPECT_EQ(throttle.begin("a", kNow).value(), 0);
  EXPECT_FALSE(throttle.begin("a", kNow).has_value());
}

TEST(Throttle, ManyNamesTakeNoMoreThanTheirRoom) {
  Throttle throttle({.tries = 1, .pause_us = 3600 * kSecondUs, .longest_us = 3600 * kSecondUs});
  (void)throttle.begin("victim", kNow);
  for (int i = 0; i < 25'000; ++i) (void)throttle.begin(std::to_string(i), kNow + 1 + i);
  EXPECT_FALSE(throttle.begin("24999", kNow + 30'000).has_value()) << "the latest are known";
}

class WebSession : public testing::Test {
 protected:
  WebSession() {
    core_.tenant = "ten_01JDKX0Z8N5Y3W6Q4R2T1V0B9C";
    configure("");
  }
  void configure(const std::string& toml) {
    core_.config.put(std::make_shared<Config>(Config::load({.toml = toml}).value()));
  }
  net::Request request(std::string method, std::vector<std::pair<std::string, std::string>> headers) {
    net::Request out;
    out.method = std::move(method);
    out.headers.add("host", "localhost:7070");
    for (auto& [name, value] : headers) out.headers.add(std::move(name), std::move(value));
    return out;
  }
  bool own(std::string method, std::vector<std::pair<std::string, std::string>> headers) {
    return check_same_site(core_, request(std::move(method), std::move(headers))).has_value();
  }

  SystemClock clock_;
  SeededRandom random_{1};
  Core core_{clock_, random_, Log(), "/nonexistent"};
};

TEST_F(WebSession, TheCookieSaysWhatItMay) {
  EXPECT_EQ(session_cookie(core_, "tok", 60 * kSecondUs).second,
            "steward_2t1v0b9c=tok; Path=/; HttpOnly; SameSite=Strict; Max-Age=60");
  configure("[server]\npublic_url = \"https://steward.example.org/\"\n");
  EXPECT_EQ(session_cookie(core_, "tok", 60 * kSecondUs).second,
            "__Host-steward_2t1v0b9c=tok; Path=/; HttpOnly; SameSite=Strict; Max-Age=60; Secure");
  EXPECT_EQ(public_address(*core_.config.get(), "http://localhost:7070"), "https://steward.example.org");
}

TEST_F(WebSession, OnlyTheCookieOfThisHomeCounts) {
  EXPECT_EQ(session_token_of(core_, request("GET", {{"cookie", "a=b; steward_2t1v0b9c=tok;c=d"}})), "tok");
  EXPECT_EQ(session_token_of(core_, request("GET", {{"cookie", "steward_other000=tok; xsteward_2t1v0b9c=tok"}})),
            std::nullopt);
}

TEST_F(WebSession, APageOfAnotherSiteSendsNothing) {
  EXPECT_TRUE(own("POST", {})) << "no browser";
  EXPECT_TRUE(own("POST", {{"origin", "http://localhost:7070"}, {"sec-fetch-site", "same-origin"}}));
  EXPECT_FALSE(own("POST", {{"origin", "http://localhost:7071"}}));
  EXPECT_FALSE(own("POST", {{"origin", "http://localhost:7070.evil.example"}}));
  EXPECT_FALSE(own("POST", {{"origin", "null"}}));
  EXPECT_FALSE(own("POST", {{"sec-fetch-site", "cross-site"}}));
  EXPECT_FALSE(own("POST", {{"sec-fetch-site", "same-site"}}));
  EXPECT_FALSE(own("GET", {{"upgrade", "websocket"}, {"origin", "https://evil.example"}}));
  EXPECT_TRUE(own("GET", {{"sec-fetch-site", "none"}})) << "typed into the address bar";
  configure("[server]\npublic_url = \"https://steward.example.org\"\n");
  EXPECT_TRUE(own("POST", {{"origin", "https://steward.example.org"}})) << "a proxy that changes Host";
}

TEST_F(WebSession, ABrowserIsNamedAsPeopleKnowIt) {
  EXPECT_EQ(browser_name("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"), "Firefox on Linux");
  EXPECT_EQ(browser_name("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
                         "Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0"),
            "Edge on Windows");
  EXPECT_EQ(browser_name("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
                         "Gecko) Version/17.5 Mobile/15E148 Safari/604.1"),
            "Safari on iPhone");
  EXPECT_EQ(browser_name(""), "a browser");
}

TEST_F(WebSession, ThePolicyAllowsNoInlineScriptAndNobodyElse) {
  net::Headers headers;
  set_web_headers(core_, headers);
  const std::string policy(headers.get("content-security-policy"));
  EXPECT_EQ(policy.find("unsafe"), std::string::npos);
  EXPECT_EQ(policy.find("http"), std::string::npos);
  EXPECT_NE(policy.find("default-src 'none'"), std::string::npos);
  EXPECT_NE(policy.find("frame-ancestors 'none'"), std::string::npos);
  EXPECT_FALSE(headers.has("strict-transport-security"));
}

}  // namespace
}  // namespace steward::server
