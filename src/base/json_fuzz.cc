// Any bytes as JSON: refused, or a value within the limits that is the same after it was written and read again, in
// which no object had a key twice, as a slow reader counts them.
#include "base/json.h"

#include <set>

#include "base/json_bounded.h"
#include "base/text.h"

namespace {

bool has_a_key_twice(std::string_view text) {
  std::vector<std::set<std::string>> keys;
  bool twice = false;
  const auto count = [&](int, steward::Json::parse_event_t event, steward::Json& value) {
    if (event == steward::Json::parse_event_t::object_start) keys.emplace_back();
    if (event == steward::Json::parse_event_t::object_end) keys.pop_back();
    if (event == steward::Json::parse_event_t::key) twice |= !keys.back().insert(value.get<std::string>()).second;
    return true;
  };
  (void)steward::Json::parse(text, count, false);
  return twice;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)steward::dump(steward::parse_bounded(text));
  const bool has_nul = text.find('\0') != std::string_view::npos;
  if (steward::is_json(text) != (!has_nul && steward::Json::accept(text))) __builtin_trap();
  auto value = steward::parse_json(text);
  if (!value) {
    if (steward::info(value.error().code).http_status != 400) __builtin_trap();
    return 0;
  }
  if (has_a_key_twice(text)) __builtin_trap();
  if (has_nul) __builtin_trap();  // no JSON text has one (RFC 8259, sections 2 and 7)
  const std::string written = steward::dump(*value);
  if (!steward::is_valid_utf8(written)) __builtin_trap();
  auto again = steward::parse_json(written);
  if (!again || *again != *value) __builtin_trap();
  return 0;
}
