// HTML to text: blocks become lines, rows of tables lines with tabs, list items a dash; scripts and styles are left
// out, what is merely hidden from sight is not.
#pragma once
#include <string_view>

#include "library/extract/readers/text_out.h"

namespace steward::library::readers {

void write_html(std::string_view utf8, TextOut& out);

}  // namespace steward::library::readers
