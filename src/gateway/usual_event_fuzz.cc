// Two events, a line each: where the second is taken for the first with another text, it is valid JSON and says what
// the first says with that text in the same place, as a reader of the whole finds.
#include <cstdlib>
#include <functional>

#include "base/json_bounded.h"
#include "base/text.h"
#include "gateway/usual_event.h"

namespace {

using namespace steward;

void each_text(Json& value, const std::function<void(Json& text)>& take) {
  if (value.is_string()) return take(value);
  if (!value.is_structured()) return;
  for (auto& inner : value) each_text(inner, take);
}

Json without_noise(Json event) {
  if (event.is_object()) event.erase("obfuscation");
  return event;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const size_t line = std::min(bytes.find('\n'), bytes.size());
  const net::SseEvent first{.event = {}, .data = std::string(bytes.substr(0, line)), .id = {}};
  const net::SseEvent second{
      .event = {}, .data = std::string(bytes.substr(std::min(line + 1, bytes.size()))), .id = {}};
  Json known = parse_bounded(first.data);
  if (!known.is_object() || !is_valid_utf8(first.data)) return 0;
  each_text(known, [&](Json& text) {
    gateway::UsualEvent usual;
    usual.learn(first, text.get<std::string>());
    const auto found = usual.read(second);
    if (!found) return;
    const Json whole = parse_bounded(second.data);
    if (!whole.is_object() || !is_valid_utf8(second.data)) std::abort();
    const std::string before = text.get<std::string>();
    text = *found;
    if (without_noise(known) != without_noise(whole)) std::abort();
    text = before;
  });
  return 0;
}
