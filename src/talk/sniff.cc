#include "talk/sniff.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include "base/text.h"

namespace steward::talk {
namespace {

constexpr size_t kLookedAt = 64 * 1024;
constexpr size_t kMaxName = 200;  // bytes

bool reads_as_text(std::string_view bytes) {
  std::string_view head = bytes.substr(0, kLookedAt);
  if (head.size() < bytes.size()) head.remove_suffix(incomplete_utf8_tail(head));
  return head.find('\0') == std::string_view::npos && is_valid_utf8(head);
}

// Turns the writing's direction or is seen by nobody: in a name it only deceives.
bool deceives(UChar32 c) { return u_iscntrl(c) || u_charType(c) == U_FORMAT_CHAR || c == 0xfffd; }

}  // namespace

Sniffed sniff(std::string_view bytes) {
  using namespace std::string_view_literals;
  if (bytes.starts_with("\x89PNG\r\n\x1a\n"sv)) return {"image/png", "image"};
  if (bytes.starts_with("\xff\xd8\xff"sv)) return {"image/jpeg", "image"};
  if (bytes.starts_with("GIF87a"sv) || bytes.starts_with("GIF89a"sv)) return {"image/gif", "image"};
  if (bytes.starts_with("RIFF"sv) && bytes.substr(0, 12).ends_with("WEBP"sv)) return {"image/webp", "image"};
  if (bytes.starts_with("%PDF-"sv)) return {"application/pdf", "pdf"};
  if (bytes.starts_with("PK\x03\x04"sv)) return {"application/zip", "office"};
  if (bytes.starts_with("\xd0\xcf\x11\xe0"sv)) return {"application/x-ole-storage", "office"};
  if (!bytes.empty() && reads_as_text(bytes)) return {"text/plain", "text"};
  return {"application/octet-stream", "other"};
}

bool is_shown_inline(std::string_view type) {
  return type == "image/png" || type == "image/jpeg" || type == "image/gif" || type == "image/webp";
}

std::string safe_name(std::string_view name) {
  if (const size_t slash = name.find_last_of("/\\"); slash != std::string_view::npos) name = name.substr(slash + 1);
  const std::string whole = replace_invalid_utf8(name);
  const auto* bytes = reinterpret_cast<const uint8_t*>(whole.data());
  std::string out;
  for (size_t at = 0; at < whole.size() && out.size() < kMaxName;) {
    const size_t begin = at;
    UChar32 c = 0;
    U8_NEXT_OR_FFFD(bytes, at, whole.size(), c);
    if (!deceives(c)) out += whole.substr(begin, at - begin);
  }
  out = collapse_whitespace(out);
  while (out.starts_with('.')) out.erase(0, 1);
  return out.empty() ? "attachment" : out;
}

}  // namespace steward::talk
