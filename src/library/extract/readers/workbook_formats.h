// What a workbook's styles say about numbers: whether one is a date, a time or a share, and how it is then written.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "library/extract/readers/archive.h"

namespace steward::library::readers {

enum class NumberForm { kPlain, kDate, kTime, kDateTime, kPercent };

NumberForm form_of_code(std::string_view code);  // "d/m/yyyy", "[h]:mm", "0.0%", "General"
std::vector<NumberForm> read_forms(Archive& archive, const std::string& styles);  // by a cell's style index

// The number as a person reads it: 45000.5 as a date and time is "2023-03-15 12:00:00". What is no number stays.
std::string written(const std::string& number, NumberForm form, bool from_1904);

}  // namespace steward::library::readers
