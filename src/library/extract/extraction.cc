#include "library/extract/extraction.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace steward::library {
namespace {

// {0}: what there is, {1}: what was read of it.
constexpr std::pair<std::string_view, std::string_view> kNotes[] = {
    {"text_cut", "It is long: the first {1} of its text are kept."},
    {"time_cut", "Reading it takes long: what was read until then is kept."},
    {"pages_cut", "It has {0} pages: the first {1} are read."},
    {"sheets_cut", "It has {0} sheets: the first {1} are read."},
    {"slides_cut", "It has {0} slides: the first {1} are read."},
    {"chapters_cut", "It has {0} chapters: the first {1} are read."},
    {"parts_cut", "It is long: the first {1} sheets or slides are read."},
    {"pages_until", "Pages 1 to {1} of {0} are read."},
    {"pages_damaged", "{0} of its pages are damaged and left out."},
    {"part_damaged", "A part of it is damaged: what could be read is kept."},
    {"no_text", "No text was found in it: of pages that are pictures, as scanners make them, the words aren't read."},
    {"archive", "It is an archive: attach the files in it one by one."},
    {"binary_workbook", "Binary workbooks can't be read: save it as .xlsx."},
    {"old_office", "Files of Office 97 to 2003 can't be read: save it as .docx, .xlsx, .pptx or PDF."},
    {"picture_kind", "Pictures of this kind can't be shown to models: save it as PNG or JPEG."},
    {"unknown_kind", "Files of this kind can't be read."},
};

auto note_at(std::string_view code) {
  return std::ranges::find(kNotes, code, &std::pair<std::string_view, std::string_view>::first);
}

}  // namespace

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::kText: return "text";
    case Kind::kImage: return "image";
    case Kind::kPdf: return "pdf";
    case Kind::kOffice: return "office";
    case Kind::kOther: return "other";
  }
  return "other";
}

bool is_note(std::string_view code) { return note_at(code) != std::end(kNotes); }

std::string sentence_of(const Note& note) {
  const auto found = note_at(note.code);
  if (found == std::end(kNotes)) return {};
  const int64_t kept = std::max<int64_t>(note.kept.value_or(0), 0);
  const std::string read = note.code == "text_cut" ? human_bytes(static_cast<uint64_t>(kept)) : std::to_string(kept);
  return fmt::format(fmt::runtime(found->second), note.count.value_or(0), read);
}

}  // namespace steward::library
