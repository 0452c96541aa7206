// JSON read from outside: limits on size and depth, strict UTF-8, no duplicate keys, one clear error. Inside, use
// Json: nlohmann's, with the members of an object in the order in which they came.
#pragma once
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/error.h"
#include "base/json_fwd.h"

namespace steward {

struct JsonLimits {
  size_t max_depth = 128;             // deeper than any client's schema, far under what could exhaust the stack
  bool allow_duplicate_keys = false;  // two readers of a duplicate key disagree on what was said: refused
};

Result<Json> parse_json(std::string_view text, const JsonLimits& limits = {});
// What Steward itself wrote, without limits: it may hold what a caller sent at his limits, and more around it.
// parse_own throws Json::parse_error where it is no JSON; read_own gives a discarded value.
Json parse_own(std::string_view text);
Json read_own(std::string_view text);
bool is_json(std::string_view text);
std::string dump(const Json& value);  // compact; invalid UTF-8 is replaced, never thrown

}  // namespace steward
