#include "cli/table.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include "base/money.h"

namespace steward::cli {

size_t display_width(std::string_view text) {
  size_t width = 0;
  for (int32_t i = 0; i < static_cast<int32_t>(text.size());) {
    UChar32 c = 0;
    U8_NEXT(text.data(), i, static_cast<int32_t>(text.size()), c);
    if (c < 0) {
      ++width;
      continue;
    }
    const int8_t type = u_charType(c);
    if (type == U_NON_SPACING_MARK || type == U_ENCLOSING_MARK || type == U_FORMAT_CHAR) continue;
    const int east = u_getIntPropertyValue(c, UCHAR_EAST_ASIAN_WIDTH);
    width += east == U_EA_WIDE || east == U_EA_FULLWIDTH ? 2 : 1;
  }
  return width;
}

std::string Table::text(const Context& context) const {
  std::vector<size_t> widths;
  for (const auto& column : columns_) widths.push_back(display_width(column.title));
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size() && i < widths.size(); ++i) widths[i] = std::max(widths[i], display_width(row[i]));
  }
  const auto line = [&](const std::vector<std::string>& cells) {
    std::string out;
    for (size_t i = 0; i < columns_.size(); ++i) {
      const std::string& cell = cells[i];
      const std::string pad(widths[i] - display_width(cell), ' ');
      out += (i > 0 ? "  " : "") + (columns_[i].align == Align::kRight ? pad + cell : cell + pad);
    }
    out.erase(out.find_last_not_of(' ') + 1);
    return out;
  };
  std::vector<std::string> titles;
  for (const auto& column : columns_) titles.push_back(column.title);
  std::string out = context.dim(line(titles)) + "\n";
  for (const auto& row : rows_) out += line(row) + "\n";
  return out;
}

std::string Table::csv() const {
  const auto cell = [](const std::string& text) {
    if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
    std::string out = "\"";
    for (const char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
    return out + "\"";
  };
  std::string out;
  for (size_t i = 0; i < columns_.size(); ++i) out += (i > 0 ? "," : "") + cell(columns_[i].title);
  out += "\r\n";
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) out += (i > 0 ? "," : "") + cell(row[i]);
    out += "\r\n";
  }
  return out;
}

std::string thousands(int64_t number) {
  std::string digits = std::to_string(std::abs(number));
  for (int64_t i = static_cast<int64_t>(digits.size()) - 3; i > 0; i -= 3) digits.insert(static_cast<size_t>(i), ",");
  return (number < 0 ? "-" : "") + digits;
}

std::string dollars(std::string_view microusd) {
  const bool negative = microusd.starts_with('-');
  if (negative) microusd.remove_prefix(1);
  const auto scaled =
      parse_usd(microusd.size() > 18
                    ? "0"
                    : microusd);  // a decimal of micro-dollars reads like one of dollars, a million times too much
  if (!scaled) return std::string(microusd) + " µ$";
  return (negative ? "-" : "") + to_usd_string(*scaled / 1'000'000);
}

}  // namespace steward::cli
