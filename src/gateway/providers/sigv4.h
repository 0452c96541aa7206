// AWS Signature Version 4: a request is signed with a key that never travels.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
//
// Pure functions of what is handed in, the time too. Any thread. Tested against AWS's own published example and against
// botocore (tests/vectors/sigv4.py).
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error.h"

namespace steward::gateway {

struct AwsCredentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;  // of temporary credentials, or empty

  // "ID:SECRET" or "ID:SECRET:TOKEN", as a sealed key or a key file holds them. nullopt-like: kConfig.
  static Result<AwsCredentials> parse(std::string_view text);
};

struct SigV4Request {
  std::string method;
  std::string url;                                           // as it is sent: encoded, with its query
  std::vector<std::pair<std::string, std::string>> headers;  // that are signed, besides host and x-amz-*
  std::string_view body;
};

struct SigV4Scope {
  std::string region, service;  // "us-east-1", "bedrock"
  TimeUs time = 0;
};

// The headers to add: x-amz-date, x-amz-security-token (with temporary credentials), authorization.
std::vector<std::pair<std::string, std::string>> sign_v4(const SigV4Request& request, const AwsCredentials& credentials,
                                                         const SigV4Scope& scope);

// Its steps, for tests.
std::string canonical_request(const SigV4Request& request);  // headers as they stand, with host from the address
std::string canonical_path(std::string_view path);
std::string canonical_query(std::string_view query);
std::string amz_date(TimeUs time);  // "20150830T123600Z"

}  // namespace steward::gateway
