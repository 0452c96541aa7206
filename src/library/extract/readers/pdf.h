// PDF to text, by Poppler: a page of the document is a page of the text, in reading order.
#pragma once
#include <expected>
#include <string_view>

#include "library/extract/readers/reader.h"
#include "library/extract/readers/text_out.h"

namespace steward::library::readers {

// The number of pages of the document.
std::expected<int64_t, Fault> read_pdf(std::string_view bytes, const Limits& limits, TextOut& out);

// Poppler looks for its tables, and libc for its converters, when they are first used.
void warm_up_pdf();

}  // namespace steward::library::readers
