#include "base/json.h"

#include <simdjson.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "base/json_bounded.h"
#include "base/text.h"

namespace steward {
namespace {

constexpr size_t kFastCheckBytes = 64 * 1024;  // each thread's parser keeps memory for the longest it has seen

// Watches the parse: stops at too deep nesting and at a duplicate key, before a tree is built from them.
class Guard {
 public:
  explicit Guard(const JsonLimits& limits) : limits_(limits) {}

  bool operator()(int depth, Json::parse_event_t event, Json& parsed) {
    if (static_cast<size_t>(depth) > limits_.max_depth) {
      problem_ = fmt::format("The JSON is nested deeper than {} levels.", limits_.max_depth);
      return false;
    }
    if (limits_.allow_duplicate_keys) return true;
    if (event == Json::parse_event_t::object_start) keys_.emplace_back();
    if (event == Json::parse_event_t::object_end && !keys_.empty()) keys_.pop_back();
    if (event == Json::parse_event_t::key && !keys_.back().insert(parsed.get<std::string>()).second &&
        problem_.empty()) {
      problem_ = fmt::format("The JSON has the key '{}' twice in one object.", parsed.get<std::string>().substr(0, 80));
    }
    return true;
  }
  const std::string& problem() const { return problem_; }

 private:
  const JsonLimits& limits_;
  std::vector<std::set<std::string>> keys_;
  std::string problem_;
};

// Measured before the parse, on the bytes, so that the parser never sees what is too deep or too much: a tree takes
// many times the bytes of a text that is all commas, and its building would hold up a thread for seconds.
enum class Shape { kGood, kTooDeep, kTooMany, kNul };

Shape shape_of(std::string_view text, size_t max_depth) {
  if (text.find('\0') != std::string_view::npos) return Shape::kNul;  // the parser would take it for the text's end
  size_t depth = 0, values = 1;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > max_depth) return Shape::kTooDeep;
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    } else if (c == ',' && ++values > kMaxJsonValues) {
      return Shape::kTooMany;
    }
  }
  return Shape::kGood;
}

// True: no object has a key twice, seen on the bytes alone. False: perhaps, which only a reader of the whole can tell
// (a key with escapes, an object with very many keys, broken JSON).
bool keys_are_plainly_unique(std::string_view text) {
  constexpr size_t kMost = 64;  // keys of an object that are compared one by one
  std::vector<std::string_view> keys;
  std::vector<size_t> starts;  // of each open object or array, in `keys`
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '{' || c == '[') starts.push_back(keys.size());
    if ((c == '}' || c == ']') && starts.empty()) return false;
    if (c == '}' || c == ']') keys.resize(starts.back()), starts.pop_back();
    if (c != '"') continue;
    const size_t begin = i + 1;
    bool escaped = false;
    for (++i; i < text.size() && text[i] != '"'; ++i) {
      if (text[i] == '\\') escaped = true, ++i;
    }
    const size_t next = text.find_first_not_of(" \t\r\n", i + 1);
    if (next >= text.size() || text[next] != ':') continue;
    if (escaped || starts.empty() || keys.size() - starts.back() >= kMost) return false;
    const std::string_view key = text.substr(begin, i - begin);
    if (std::find(keys.begin() + static_cast<ptrdiff_t>(starts.back()), keys.end(), key) != keys.end()) return false;
    keys.push_back(key);
  }
  return true;
}

}  // namespace

Result<Json> parse_json(std::string_view text, const JsonLimits& limits) {
  if (!is_valid_utf8(text)) return fail(ErrorCode::kInvalidUtf8, "The body is not valid UTF-8.");
  switch (shape_of(text, limits.max_depth)) {
    case Shape::kGood: break;
    case Shape::kTooDeep:
      return fail(ErrorCode::kInvalidJson, fmt::format("The JSON is nested deeper than {} levels.", limits.max_depth));
    case Shape::kTooMany:
      return fail(ErrorCode::kInvalidJson, fmt::format("The JSON has more than {} values.", kMaxJsonValues));
    case Shape::kNul: return fail(ErrorCode::kInvalidJson, "The body is not valid JSON: a NUL byte stands in it.");
  }
  Guard guard(limits);
  const auto callback = [&](int depth, Json::parse_event_t event, Json& parsed) { return guard(depth, event, parsed); };
  try {  // at this boundary only: the library tells where a fault is by an exception alone
    // The parser with a callback costs several times one without.
    if (limits.allow_duplicate_keys || keys_are_plainly_unique(text)) return Json::parse(text);
    Json value = Json::parse(text, callback, true, false);
    if (!guard.problem().empty()) return fail(ErrorCode::kInvalidJson, guard.problem());
    return value;
  } catch (const Json::exception& e) {
    std::string_view what = e.what();
    if (const size_t bracket = what.find("] "); bracket != std::string_view::npos) what.remove_prefix(bracket + 2);
    return fail(ErrorCode::kInvalidJson,
                fmt::format("The body is not valid JSON: {}.", replace_invalid_utf8(what.substr(0, 200))));
  }
}

Json parse_bounded(std::string_view text) {
  if (shape_of(text, kMaxForeignDepth) != Shape::kGood) return Json(Json::value_t::discarded);
  return Json::parse(text, nullptr, false);
}

Json parse_own(std::string_view text) { return Json::parse(text); }

Json read_own(std::string_view text) { return Json::parse(text, nullptr, false); }

// simdjson is stricter where they differ (numbers beyond a double, over 1,024 levels): what it takes, the other takes.
bool is_json(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return false;
  if (text.size() <= kFastCheckBytes) {
    thread_local simdjson::dom::parser parser;
    if (parser.parse(text.data(), text.size()).error() == simdjson::SUCCESS) return true;
  }
  return Json::accept(text);
}

std::string dump(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace steward
