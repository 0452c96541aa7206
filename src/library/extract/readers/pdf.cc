#include "library/extract/readers/pdf.h"

#include <iconv.h>
#include <poppler/cpp/poppler-document.h>
#include <poppler/cpp/poppler-global.h>
#include <poppler/cpp/poppler-page.h>
#include <unicode/unistr.h>

#include <memory>

namespace steward::library::readers {
namespace {

// The smallest that has a page with a word on it; kept open, for Poppler forgets its tables with its last document.
constexpr std::string_view kSmallest =
    "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj "
    "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>endobj "
    "4 0 obj<</Length 33>>stream\nBT /F 9 Tf 9 9 Td (word) Tj ET     \nendstream endobj "
    "5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj trailer<</Root 1 0 R>>\n%%EOF\n";

constexpr int kMostPages = 1'000'000;  // more is a lie of a damaged file

void say_nothing(const std::string&, void*) {}  // its complaints quote the file

std::string utf8_of(const poppler::ustring& text) {
  std::string out;
  const icu::UnicodeString wide(reinterpret_cast<const char16_t*>(text.data()), static_cast<int32_t>(text.size()));
  wide.toUTF8String(out);
  return out;
}

std::unique_ptr<poppler::document> open(std::string_view bytes) {
  return std::unique_ptr<poppler::document>(
      poppler::document::load_from_raw_data(bytes.data(), static_cast<int>(bytes.size())));
}

std::string text_of(const poppler::page& page) {
  return utf8_of(page.text(poppler::rectf(), poppler::page::non_raw_non_physical_layout));
}

}  // namespace

void warm_up_pdf() {
  poppler::set_debug_error_function(&say_nothing, nullptr);
  // Poppler converts by iconv; a handle that stays open keeps the loaded converters.
  static const iconv_t there = ::iconv_open("UTF-16", "UTF-8"), back = ::iconv_open("UTF-8", "UTF-16");
  static const std::unique_ptr<poppler::document> kept = open(kSmallest);
  if (there == back || !kept) return;  // then a document is opened without; it has less text at worst
  const std::unique_ptr<poppler::page> page(kept->create_page(0));
  if (page) text_of(*page);
}

std::expected<int64_t, Fault> read_pdf(std::string_view bytes, const Limits& limits, TextOut& out) {
  poppler::set_debug_error_function(&say_nothing, nullptr);
  const auto document = open(bytes);
  if (!document) return std::unexpected(Fault::kDamaged);
  if (document->is_locked()) return std::unexpected(Fault::kProtected);
  const int pages = document->pages();
  if (pages <= 0 || pages > kMostPages) return std::unexpected(Fault::kDamaged);
  int unreadable = 0;
  for (int i = 0; i < pages; ++i) {
    if (i == limits.pages) {
      out.note({.code = "pages_cut", .count = pages, .kept = limits.pages});
      break;
    }
    if (out.full()) {
      out.note({.code = "pages_until", .count = pages, .kept = i});
      break;
    }
    if (i > 0) out.page();
    const std::unique_ptr<poppler::page> page(document->create_page(i));
    if (page)
      out.add(text_of(*page));
    else
      ++unreadable;
  }
  if (unreadable == pages) return std::unexpected(Fault::kDamaged);
  if (unreadable > 0) out.note({.code = "pages_damaged", .count = unreadable});
  if (out.empty()) out.note({.code = "no_text"});
  return pages;
}

}  // namespace steward::library::readers
