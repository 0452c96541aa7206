// Signatures against AWS's published example and against botocore's (tests/vectors/sigv4.py).
#include "gateway/providers/sigv4.h"

#include <gtest/gtest.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/json.h"
#include "gateway/providers/auth.h"
#include "journal/testing.h"

namespace steward::gateway {
namespace {

constexpr TimeUs kTime = 1440938160 * kSecondUs;  // 2015-08-30T12:36:00Z
const AwsCredentials kExample = {"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ""};

std::string authorization(const SigV4Request& request, const AwsCredentials& credentials, const SigV4Scope& scope) {
  for (const auto& [name, value] : sign_v4(request, credentials, scope)) {
    if (name == "Authorization") return value;
  }
  return "";
}

// https://docs.aws.amazon.com/general/latest/gr/sigv4-create-canonical-request.html (the steps of "List users")
TEST(SigV4, TheExampleOfAwsDocumentation) {
  const SigV4Request request{.method = "GET",
                             .url = "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08",
                             .headers = {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}},
                             .body = ""};
  auto dated = request;
  dated.headers.emplace_back("X-Amz-Date", "20150830T123600Z");
  EXPECT_EQ(to_hex(sha256(canonical_request(dated))),
            "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59");
  EXPECT_EQ(authorization(request, kExample, {"us-east-1", "iam", kTime}),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
            "SignedHeaders=content-type;host;x-amz-date, "
            "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
}

TEST(SigV4, SignsAsBotocoreDoes) {
  const Json vectors = parse_own(read_file(journal::source_file("tests/vectors/sigv4.json")).value());
  ASSERT_GE(vectors["cases"].size(), 14U);
  for (const auto& row : vectors["cases"]) {
    const std::string body = row["body"];
    SigV4Request request{.method = row["method"], .url = row["url"], .headers = {}, .body = body};
    for (const auto& [name, value] : row["headers"].items()) request.headers.emplace_back(name, value);
    const AwsCredentials credentials{vectors["access_key_id"], vectors["secret"], row["token"]};
    const SigV4Scope scope{vectors["region"], vectors["service"], vectors["time_us"].get<TimeUs>()};
    EXPECT_EQ(authorization(request, credentials, scope), row["authorization"].get<std::string>()) << row["url"];
    EXPECT_EQ(amz_date(scope.time), row["date"].get<std::string>());
  }
}

TEST(SigV4, AnotherByteIsAnotherSignature) {
  const SigV4Scope scope{"us-east-1", "bedrock", kTime};
  const SigV4Request request{.method = "POST", .url = "https://h.example/a", .headers = {}, .body = "{}"};
  const std::string first = authorization(request, kExample, scope);
  auto other = request;
  other.body = "{ }";
  EXPECT_NE(authorization(other, kExample, scope), first);
  other = request;
  other.url = "https://h.example/b";
  EXPECT_NE(authorization(other, kExample, scope), first);
  EXPECT_NE(authorization(request, kExample, {"us-east-1", "bedrock", kTime + kSecondUs}), first);
}

TEST(SigV4, ReadsCredentials) {
  EXPECT_EQ(AwsCredentials::parse(" A:b/c+d= \n")->secret_access_key, "b/c+d=");
  EXPECT_EQ(AwsCredentials::parse("A:b:tok==")->session_token, "tok==");
  for (const char* bad : {"", "A", "A:", ":b", "A:b:c:d"}) EXPECT_FALSE(AwsCredentials::parse(bad).has_value()) << bad;
}

std::string header_after(Auth auth, std::string_view key, std::string_view name, std::string* url = nullptr) {
  net::ClientRequest request;
  request.method = "POST";
  request.url = "https://h.example/v1?alt=sse";
  ProviderProfile profile;
  profile.auth = auth;
  EXPECT_TRUE(authorize(request, profile, {.key = key, .region = "us-east-1"}, kTime).has_value());
  if (url != nullptr) *url = request.url;
  return std::string(request.headers.get(name));
}

TEST(Authorize, PutsTheKeyWhereTheProviderLooks) {
  EXPECT_EQ(header_after(Auth::kBearer, "k", "authorization"), "Bearer k");
  EXPECT_EQ(header_after(Auth::kXApiKey, "k", "x-api-key"), "k");
  EXPECT_EQ(header_after(Auth::kXGoogApiKey, "k", "x-goog-api-key"), "k");
  EXPECT_EQ(header_after(Auth::kApiKey, "k", "api-key"), "k");
  std::string url;
  EXPECT_EQ(header_after(Auth::kQuery, "k&=", "authorization", &url), "");
  EXPECT_EQ(url, "https://h.example/v1?alt=sse&key=k%26%3D");
  EXPECT_EQ(header_after(Auth::kNone, "k", "authorization"), "");
  EXPECT_EQ(header_after(Auth::kSigV4, "bedrock-api-key", "authorization"), "Bearer bedrock-api-key");
  EXPECT_TRUE(
      header_after(Auth::kSigV4, "A:b:tok", "authorization").starts_with("AWS4-HMAC-SHA256 Credential=A/20150830/"));
  EXPECT_EQ(header_after(Auth::kSigV4, "A:b:tok", "x-amz-security-token"), "tok");
}

TEST(Authorize, TheProfilesHeadersGoAlong) {
  net::ClientRequest request;
  ASSERT_TRUE(authorize(request, *find_profile("anthropic"), {.key = "k", .region = ""}, kTime).has_value());
  EXPECT_EQ(request.headers.get("anthropic-version"), "2023-06-01");
  EXPECT_EQ(request.headers.get("x-api-key"), "k");
  request = {};
  request.headers.add("anthropic-version", "2099-01-01");
  ASSERT_TRUE(authorize(request, *find_profile("anthropic"), {.key = "", .region = ""}, kTime).has_value());
  EXPECT_EQ(request.headers.get("anthropic-version"), "2099-01-01");
  EXPECT_FALSE(request.headers.has("x-api-key"));
}

}  // namespace
}  // namespace steward::gateway
