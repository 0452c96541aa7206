// Any bytes as the small things that requests are made of - ids, amounts, times, names: refused, or the same after they
// were written and read again; and text that was mended is valid, and stays as it is when it is mended again.
#include <cstdlib>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/id.h"
#include "base/money.h"
#include "base/text.h"

namespace {

using namespace steward;

void hold(bool law) {
  if (!law) std::abort();
}

void amounts_and_times(std::string_view text) {
  if (const auto usd = parse_usd(text)) {
    hold(*usd >= 0);
    const auto again = parse_usd(to_usd_string(*usd));
    hold(again && *again == *usd);
    (void)to_microusd_decimal(*usd);
  }
  if (const auto time = parse_rfc3339(text)) {
    const auto again = parse_rfc3339(to_rfc3339(*time));
    hold(*time < 0 || (again && *again == *time));
  }
}

void ids(std::string_view text) {
  for (const std::string_view prefix : {"key", "resp", ""}) {
    if (!is_id(text, prefix)) continue;
    hold(text.size() == prefix.size() + 27 && text.starts_with(prefix));
    hold(text.find_first_of("/\\. \n%'\"") == std::string_view::npos);  // it may stand in a path, a header, a query
  }
  if (text.size() >= 10) hold(is_id("x_" + ulid(1'764'000'000'000'000, text.substr(0, 10)), "x"));
}

void texts(std::string_view text) {
  const std::string mended = replace_invalid_utf8(text);
  hold(is_valid_utf8(mended) && replace_invalid_utf8(mended) == mended);
  hold(is_valid_utf8(text) == (mended == text));
  const size_t tail = incomplete_utf8_tail(text);
  hold(tail <= 3 && tail <= text.size());
  if (is_valid_utf8(text)) hold(tail == 0);
  const std::string collapsed = collapse_whitespace(mended);
  hold(collapse_whitespace(collapsed) == collapsed);
  if (const auto normal = nfkc(mended)) {
    const auto again = nfkc(*normal);
    hold(is_valid_utf8(*normal) && again && *again == *normal);
  }
  hold(equal_ignoring_ascii_case(text, to_lower_ascii(text)));
  (void)nearest(text.substr(0, 80), {"input_type", "model", "encoding_format"});
  (void)shell_quoted(text);
}

void encodings(std::string_view text) {
  const auto from_hexadecimal = from_hex(to_hex(text));
  hold(from_hexadecimal && *from_hexadecimal == text);
  (void)from_hex(text);
  (void)from_base64(text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  amounts_and_times(text);
  ids(text);
  texts(text);
  encodings(text);
  return 0;
}
