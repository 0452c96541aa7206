#include "gateway/usual_event.h"

#include <algorithm>

#include "base/json_bounded.h"
#include "base/text.h"

namespace steward::gateway {
namespace {

constexpr std::string_view kNoise = R"(,"obfuscation":")";

// Where the event's last member is noise, what stands before it, less the bracket that closes the object.
std::string_view without_noise(std::string_view data) {
  if (!data.ends_with("\"}")) return data;
  const size_t at = data.rfind(kNoise);
  if (at == std::string_view::npos) return data;
  const std::string_view noise = data.substr(at + kNoise.size(), data.size() - 2 - at - kNoise.size());
  const bool plain =
      std::ranges::all_of(noise, [](unsigned char c) { return c >= ' ' && c < 0x7f && c != '"' && c != '\\'; });
  return plain ? data.substr(0, at) : data;
}

// A JSON string's inside: what it says.
std::optional<std::string> unquoted(std::string_view inside) {
  const bool plain =
      std::ranges::all_of(inside, [](unsigned char c) { return c >= ' ' && c < 0x80 && c != '"' && c != '\\'; });
  if (plain) return std::string(inside);
  if (!is_valid_utf8(inside)) return {};
  const Json json = parse_bounded(fmt::format("\"{}\"", inside));
  if (!json.is_string()) return {};
  return json.get<std::string>();
}

}  // namespace

void UsualEvent::learn(const net::SseEvent& event, std::string_view text) {
  known_ = false;
  const std::string_view data = without_noise(event.data);
  if (text.empty() || data.find('\\') != std::string_view::npos) return;
  const std::string quoted = fmt::format("\"{}\"", text);
  const size_t at = data.find(quoted);
  if (at == std::string_view::npos || data.find(quoted, at + 1) != std::string_view::npos) return;
  const std::string_view after = data.substr(at + quoted.size() - 1);
  if (after.size() < 2 || std::string_view(",}]").find(after[1]) == std::string_view::npos)
    return;  // else it may be a name
  name_ = event.event;
  noisy_ = data.size() != event.data.size();
  before_ = data.substr(0, at + 1);
  after_ = after;
  known_ = true;
}

std::optional<std::string> UsualEvent::read(const net::SseEvent& event) const {
  if (!known_ || event.event != name_) return {};
  const std::string_view data = without_noise(event.data);
  if (noisy_ != (data.size() != event.data.size())) return {};
  if (data.size() < before_.size() + after_.size() || !data.starts_with(before_) || !data.ends_with(after_)) return {};
  return unquoted(data.substr(before_.size(), data.size() - before_.size() - after_.size()));
}

}  // namespace steward::gateway
