// The address of a request: "/v1/models/a%20b?limit=3" into a decoded path, its segments and its query. Whatever could
// be read in two ways (encoded dots, backslashes, NUL, bad UTF-8, half an escape) is refused rather than cleaned up.
// Pure functions.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace steward::net {

struct Target {
  std::string path;  // decoded: "/v1/models/a b"
  std::vector<std::string>
      segments;  // decoded one by one, so that "%2F" stays inside its segment: "v1", "models", "a b"
  std::map<std::string, std::string> query;
};

// Origin form ("/path?query"), absolute form ("http://host/path") and "*". kInvalidRequest with a sentence otherwise.
Result<Target> parse_target(std::string_view target);

}  // namespace steward::net
