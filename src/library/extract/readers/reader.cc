#include "library/extract/readers/reader.h"

#include <libxml/parser.h>
#include <unicode/uclean.h>

#include <memory>

#include "base/text.h"
#include "library/extract/readers/archive.h"
#include "library/extract/readers/charset.h"
#include "library/extract/readers/html.h"
#include "library/extract/readers/image.h"
#include "library/extract/readers/office.h"
#include "library/extract/readers/pdf.h"
#include "library/extract/readers/rtf.h"
#include "library/extract/readers/sniff.h"

namespace steward::library::readers {
namespace {

using Read = std::expected<Extraction, Fault>;

constexpr size_t kMostMimeBytes = 100;

enum class Office { kWord, kSlides, kWorkbook, kBinaryWorkbook, kOpenText, kOpenSheets, kOpenSlides, kBook, kNone };

struct Known {
  std::string_view sign;  // in [Content_Types].xml, or the whole of `mimetype`
  Office office;
  std::string_view type;
};

constexpr std::string_view kWordType = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
constexpr std::string_view kSheetType = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
constexpr std::string_view kSlideType = "application/vnd.openxmlformats-officedocument.presentationml.presentation";

constexpr Known kByContentTypes[] = {
    {"wordprocessingml.document.main+xml", Office::kWord, kWordType},
    {"wordprocessingml.template.main+xml", Office::kWord, kWordType},
    {"ms-word.document.macroEnabled.main+xml", Office::kWord, "application/vnd.ms-word.document.macroenabled.12"},
    {"spreadsheetml.sheet.main+xml", Office::kWorkbook, kSheetType},
    {"spreadsheetml.template.main+xml", Office::kWorkbook, kSheetType},
    {"ms-excel.sheet.macroEnabled.main+xml", Office::kWorkbook, "application/vnd.ms-excel.sheet.macroenabled.12"},
    {"ms-excel.sheet.binary.macroEnabled.main", Office::kBinaryWorkbook,
     "application/vnd.ms-excel.sheet.binary.macroenabled.12"},
    {"presentationml.presentation.main+xml", Office::kSlides, kSlideType},
    {"presentationml.slideshow.main+xml", Office::kSlides, kSlideType},
    {"presentationml.template.main+xml", Office::kSlides, kSlideType},
    {"ms-powerpoint.presentation.macroEnabled.main+xml", Office::kSlides,
     "application/vnd.ms-powerpoint.presentation.macroenabled.12"},
};

constexpr Known kByMimetype[] = {
    {"application/vnd.oasis.opendocument.text", Office::kOpenText, "application/vnd.oasis.opendocument.text"},
    {"application/vnd.oasis.opendocument.spreadsheet", Office::kOpenSheets,
     "application/vnd.oasis.opendocument.spreadsheet"},
    {"application/vnd.oasis.opendocument.presentation", Office::kOpenSlides,
     "application/vnd.oasis.opendocument.presentation"},
    {"application/epub+zip", Office::kBook, "application/epub+zip"},
};

// Macro names above are compared as written; everything Microsoft's programs write agrees with that.
const Known* known_office(Archive& archive) {
  if (const std::string types = archive.whole("[Content_Types].xml"); !types.empty()) {
    for (const Known& known : kByContentTypes) {
      if (types.find(known.sign) != std::string::npos) return &known;
    }
  }
  const std::string mimetype = archive.has("mimetype") ? archive.whole("mimetype").substr(0, kMostMimeBytes) : "";
  for (const Known& known : kByMimetype) {
    if (trim(mimetype).starts_with(known.sign)) return &known;
  }
  return nullptr;
}

Extraction finished(Kind kind, std::string_view type, TextOut& out) {
  Extraction done{.kind = kind, .type = std::string(type)};
  done.text = out.take();
  done.notes = out.take_notes();
  return done;
}

Extraction unread(std::string_view type, std::string_view note) {
  return {.kind = Kind::kOther, .type = std::string(type), .notes = {{.code = std::string(note)}}};
}

Read read_zip(std::string_view bytes, const Limits& limits) {
  auto opened = Archive::open(bytes, limits);
  if (!opened) return std::unexpected(opened.error());
  Archive& archive = **opened;
  TextOut out(limits);
  const Known* known = known_office(archive);
  if (known == nullptr) {
    if (archive.fault()) return std::unexpected(*archive.fault());
    return unread("application/zip", "archive");
  }
  // A sealed OpenDocument names its cipher beside each part.
  if (archive.whole("META-INF/manifest.xml").find("encryption-data") != std::string::npos)
    return std::unexpected(Fault::kProtected);
  switch (known->office) {
    case Office::kWord: read_word(archive, out); break;
    case Office::kSlides: read_slides(archive, limits, out); break;
    case Office::kWorkbook: read_workbook(archive, limits, out); break;
    case Office::kBook: read_book(archive, limits, out); break;
    case Office::kBinaryWorkbook: out.note({.code = "binary_workbook"}); break;
    default: read_open_document(archive, limits, out); break;
  }
  // A damaged part beside text that was read is a note; a bomb never is.
  if (archive.fault() && (*archive.fault() != Fault::kDamaged || out.empty())) return std::unexpected(*archive.fault());
  const bool paged = known->office != Office::kWord && known->office != Office::kOpenText;
  const int64_t pages = out.pages();
  if (archive.fault()) out.note({.code = "part_damaged"});
  Extraction done = finished(Kind::kOffice, known->type, out);
  if (paged && known->office != Office::kBinaryWorkbook) done.pages = pages;
  return done;
}

Read read_old_office(std::string_view bytes) {
  if (is_encrypted_office(bytes)) return std::unexpected(Fault::kProtected);
  Extraction done = unread(old_office_type(bytes), "old_office");
  done.kind = Kind::kOffice;
  return done;
}

Read read_image(std::string_view bytes, const std::string& type) {
  const auto size = image_size(bytes);
  if (!size) return std::unexpected(Fault::kDamaged);
  Extraction done{.kind = Kind::kImage, .type = type};
  std::tie(done.width, done.height) = *size;
  return done;
}

Read read_text(std::string_view bytes, std::string_view name, const Limits& limits) {
  const auto text = to_utf8(bytes);
  if (!text) return unread("application/octet-stream", "unknown_kind");
  const Sniffed found = sniff_text(*text, name);
  TextOut out(limits);
  if (found.format == Format::kHtml)
    write_html(*text, out);
  else
    out.add(*text);
  return finished(Kind::kText, found.type, out);
}

}  // namespace

std::string_view name_of(Fault fault) {
  switch (fault) {
    case Fault::kProtected: return "protected";
    case Fault::kDamaged: return "damaged";
    case Fault::kBomb: return "bomb";
  }
  return "damaged";
}

Read read_attachment(std::string_view bytes, std::string_view name, const Limits& limits) {
  const Sniffed found = sniff_mark(bytes);
  TextOut out(limits);
  switch (found.format) {
    case Format::kPdf: {
      const auto pages = read_pdf(bytes, limits, out);
      if (!pages) return std::unexpected(pages.error());
      Extraction done = finished(Kind::kPdf, found.type, out);
      done.pages = *pages;
      return done;
    }
    case Format::kRtf: write_rtf(bytes, out); return finished(Kind::kOffice, found.type, out);
    case Format::kZip: return read_zip(bytes, limits);
    case Format::kOldOffice: return read_old_office(bytes);
    case Format::kImage: return read_image(bytes, found.type);
    default: break;
  }
  if (found.type != "application/octet-stream")
    return unread(found.type, found.type.starts_with("image/") ? "picture_kind" : "unknown_kind");
  return read_text(bytes, name, limits);
}

void warm_up() {
  UErrorCode error = U_ZERO_ERROR;
  u_init(&error);
  xmlInitParser();
  converted("x", "windows-1252");
  to_utf8("\xe9t\xe9");
  warm_up_pdf();
}

}  // namespace steward::library::readers
