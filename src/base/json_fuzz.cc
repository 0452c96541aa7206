// Any bytes as JSON: refused, or a value within the limits that is the same after it was written and read again.
#include "base/json.h"

#include "base/text.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  auto value = steward::parse_json(text);
  if (!value) {
    if (steward::info(value.error().code).http_status != 400) __builtin_trap();
    return 0;
  }
  const std::string written = steward::dump(*value);
  if (!steward::is_valid_utf8(written)) __builtin_trap();
  auto again = steward::parse_json(written);
  if (!again || *again != *value) __builtin_trap();
  return 0;
}
