// RTF to text. No library of Debian reads it, and its text needs little: groups, control words, three ways to write a
// character (specification 1.9.1). Fonts, styles, pictures and fields' codes are left out.
#pragma once
#include <string_view>

#include "library/extract/readers/text_out.h"

namespace steward::library::readers {

void write_rtf(std::string_view bytes, TextOut& out);

}  // namespace steward::library::readers
