// What bytes are, by the bytes alone.
#pragma once
#include <string>
#include <string_view>

#include "library/extract/extraction.h"

namespace steward::library::readers {

enum class Format {
  kText,
  kHtml,
  kRtf,
  kPdf,
  kZip,
  kOldOffice,
  kImage,
  kOther,
};

struct Sniffed {
  Format format = Format::kOther;
  std::string type = "application/octet-stream";
};

// Formats with a mark of their own; kOther where there is none: text has no mark.
Sniffed sniff_mark(std::string_view bytes);

// Of what is text: a page, or the kind that its name hints at.
Sniffed sniff_text(std::string_view utf8, std::string_view name);

// Files of the 1990s' office programs, and today's with a password, are one container (OLE); who wrote it is found by
// the names of its streams.
std::string old_office_type(std::string_view bytes);
bool is_encrypted_office(std::string_view bytes);

}  // namespace steward::library::readers
