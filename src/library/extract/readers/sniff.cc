#include "library/extract/readers/sniff.h"

#include <array>
#include <utility>

#include "base/text.h"

namespace steward::library::readers {
namespace {

using namespace std::string_view_literals;

struct Mark {
  size_t at;
  std::string_view bytes;
  Format format;
  std::string_view type;
};

constexpr Mark kMarks[] = {
    {0, "%PDF-", Format::kPdf, "application/pdf"},
    {0, "PK\x03\x04", Format::kZip, "application/zip"},
    {0, "PK\x05\x06", Format::kZip, "application/zip"},
    {0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Format::kOldOffice, "application/x-ole-storage"},
    {0, "{\\rtf", Format::kRtf, "application/rtf"},
    {0, "\x89PNG\r\n\x1a\n", Format::kImage, "image/png"},
    {0, "\xff\xd8\xff", Format::kImage, "image/jpeg"},
    {0, "GIF87a", Format::kImage, "image/gif"},
    {0, "GIF89a", Format::kImage, "image/gif"},
    {8, "WEBP", Format::kImage, "image/webp"},
    {8, "WAVE", Format::kOther, "audio/wav"},
    {8, "AVI ", Format::kOther, "video/x-msvideo"},
    {4, "ftypavif", Format::kOther, "image/avif"},
    {4, "ftyphei", Format::kOther, "image/heic"},
    {4, "ftypmif1", Format::kOther, "image/heif"},
    {4, "ftypM4A", Format::kOther, "audio/mp4"},
    {4, "ftypqt", Format::kOther, "video/quicktime"},
    {4, "ftyp", Format::kOther, "video/mp4"},
    {0, "II*\0"sv, Format::kOther, "image/tiff"},
    {0, "MM\0*"sv, Format::kOther, "image/tiff"},
    {0, "\x1a\x45\xdf\xa3", Format::kOther, "video/x-matroska"},
    {0, "ID3", Format::kOther, "audio/mpeg"},
    {0, "\xff\xfb", Format::kOther, "audio/mpeg"},
    {0, "fLaC", Format::kOther, "audio/flac"},
    {0, "OggS", Format::kOther, "application/ogg"},
    {0, "\x1f\x8b", Format::kOther, "application/gzip"},
    {0, "BZh", Format::kOther, "application/x-bzip2"},
    {0,
     "\xfd"
     "7zXZ\0"sv,
     Format::kOther, "application/x-xz"},
    {0, "\x28\xb5\x2f\xfd", Format::kOther, "application/zstd"},
    {0, "7z\xbc\xaf\x27\x1c", Format::kOther, "application/x-7z-compressed"},
    {0, "Rar!\x1a\x07", Format::kOther, "application/vnd.rar"},
    {257, "ustar", Format::kOther, "application/x-tar"},
    {0,
     "\x7f"
     "ELF",
     Format::kOther, "application/x-elf"},
    {0, "SQLite format 3\0"sv, Format::kOther, "application/vnd.sqlite3"},
    {0, "wOFF", Format::kOther, "font/woff"},
    {0, "wOF2", Format::kOther, "font/woff2"},
};

constexpr size_t kPdfHeadBytes = 1024;  // Adobe's readers take a mark anywhere in there

// What a name may refine plain text to; everything else stays text/plain.
constexpr std::pair<std::string_view, std::string_view> kHints[] = {
    {".csv", "text/csv"},          {".tsv", "text/tab-separated-values"},
    {".md", "text/markdown"},      {".markdown", "text/markdown"},
    {".json", "application/json"}, {".ipynb", "application/json"},
    {".xml", "application/xml"},   {".yaml", "application/yaml"},
    {".yml", "application/yaml"},  {".ics", "text/calendar"},
    {".vcf", "text/vcard"},        {".eml", "message/rfc822"},
};

std::string wide(std::string_view name) {
  std::string out;
  for (const char c : name) out += {c, '\0'};
  return out;
}

bool is_page(std::string_view utf8) {
  const std::string head = to_lower_ascii(utf8.substr(0, 4096));
  size_t at = 0;
  // Past white space, comments and the XML declaration of XHTML.
  while (at < head.size()) {
    at = head.find_first_not_of(" \t\r\n\f", at);
    if (at == std::string::npos) return false;
    const auto rest = std::string_view(head).substr(at);
    if (rest.starts_with("<!--")) {
      const size_t end = rest.find("-->");
      if (end == std::string::npos) return false;
      at += end + 3;
    } else if (rest.starts_with("<?xml")) {
      const size_t end = rest.find("?>");
      if (end == std::string::npos) return false;
      at += end + 2;
    } else {
      break;
    }
  }
  const auto rest = std::string_view(head).substr(std::min(at, head.size()));
  for (const std::string_view mark : {"<!doctype html", "<html", "<head", "<body"}) {
    if (rest.starts_with(mark)) return true;
  }
  return false;
}

}  // namespace

Sniffed sniff_mark(std::string_view bytes) {
  for (const Mark& mark : kMarks) {
    if (bytes.size() < mark.at || !bytes.substr(mark.at).starts_with(mark.bytes)) continue;
    if (mark.at == 8 && !bytes.starts_with("RIFF")) continue;
    return {mark.format, std::string(mark.type)};
  }
  if (bytes.substr(0, kPdfHeadBytes).find("%PDF-") != std::string_view::npos &&
      bytes.find("%%EOF") != std::string_view::npos)
    return {Format::kPdf, "application/pdf"};
  return {};
}

Sniffed sniff_text(std::string_view utf8, std::string_view name) {
  if (is_page(utf8)) return {Format::kHtml, "text/html"};
  const std::string lower = to_lower_ascii(name);
  for (const auto& [ending, type] : kHints) {
    if (std::string_view(lower).ends_with(ending)) return {Format::kText, std::string(type)};
  }
  return {Format::kText, "text/plain"};
}

std::string old_office_type(std::string_view bytes) {
  constexpr std::pair<std::string_view, std::string_view> kStreams[] = {
      {"WordDocument", "application/msword"},
      {"PowerPoint Document", "application/vnd.ms-powerpoint"},
      {"Workbook", "application/vnd.ms-excel"},
      {"__substg1.0_", "application/vnd.ms-outlook"},
  };
  for (const auto& [stream, type] : kStreams) {
    if (bytes.find(wide(stream)) != std::string_view::npos) return std::string(type);
  }
  return "application/x-ole-storage";
}

bool is_encrypted_office(std::string_view bytes) {
  return bytes.find(wide("EncryptedPackage")) != std::string_view::npos;
}

}  // namespace steward::library::readers
