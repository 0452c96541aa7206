#include "library/extract/readers/table_row.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace steward::library::readers {

void TableRow::put(size_t column, const std::string& cell) {
  const std::string text = collapse_whitespace(cell);
  if (text.empty()) return;
  if (column > column_) line_.append(std::min(column - column_, kWidestGap), '\t');
  line_ += text;
  column_ = column;
}

std::string TableRow::take() {
  column_ = 0;
  return std::exchange(line_, {});
}

}  // namespace steward::library::readers
