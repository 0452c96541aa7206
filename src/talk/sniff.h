// What bytes are, from their beginning alone: enough to say so while a sandboxed reader looks closer. Nobody's word on
// it (a name, a Content-Type) counts. Pure; any thread.
#pragma once
#include <string>
#include <string_view>

namespace steward::talk {

struct Sniffed {
  std::string type, kind;  // "application/pdf", "pdf"; see parts.h
};
Sniffed sniff(std::string_view bytes);
bool is_shown_inline(std::string_view type);  // an image that a page may show: png, jpeg, gif, webp
// A file's name as it is kept: without folders, control characters and what turns the writing's direction.
std::string safe_name(std::string_view name);

}  // namespace steward::talk
