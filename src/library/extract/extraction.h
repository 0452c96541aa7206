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

// What was left out of a file that could be read, or why nothing of it was: a stable word for programs (docs/
// attachments.md lists them) and the numbers that belong to it. Its sentence is made of these alone.
struct Note {
  std::string code;              // "pages_cut"
  std::optional<int64_t> count;  // what there is: pages, sheets …
  std::optional<int64_t> kept;   // what of it was read: pages …, bytes
  bool operator==(const Note&) const = default;
};

bool is_note(std::string_view code);
std::string sentence_of(const Note& note);  // of one that is_note()

struct Extraction {
  Kind kind = Kind::kOther;
  std::string type;              // "application/pdf", "text/csv", …; "application/octet-stream" where nothing is known
  std::optional<int64_t> pages;  // of the document, also where the text was cut before its end; not for what has none
  std::string text;              // valid UTF-8; no other control characters than \t, \n and \f
  std::vector<Note> notes;       // what was left out, and why
  std::optional<int64_t> width, height;  // of an image, in pixels, as its header says
};

}  // namespace steward::library
