// What is known of an attachment once its bytes were looked at: what it is (sniffed from the bytes alone), and its
// text. Pages, slides, sheets and chapters are parted by form feeds, so that page n is what stands between the (n-1)th
// and the nth. All of it is text from outside: it may inform, it never acts.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace steward::library {

enum class Kind { kText, kImage, kPdf, kOffice, kOther };

std::string_view name_of(Kind kind);  // "text", "image", "pdf", "office", "other": as the API tells it

struct Extraction {
  Kind kind = Kind::kOther;
  std::string type;              // "application/pdf", "text/csv", …; "application/octet-stream" where nothing is known
  std::optional<int64_t> pages;  // of the document, also where the text was cut before its end; not for what has none
  std::string text;              // valid UTF-8; no other control characters than \t, \n and \f
  std::vector<std::string> notes;        // sentences for the person: what was left out, and why
  std::optional<int64_t> width, height;  // of an image, in pixels, as its header says
};

}  // namespace steward::library
