// Tables for people: columns as wide as what stands in them, numbers to the right, cut to nothing. For programs there
// is --json and --csv.
#pragma once
#include <string>
#include <vector>

#include "cli/context.h"

namespace steward::cli {

enum class Align { kLeft, kRight };

class Table {
 public:
  void column(std::string title, Align align = Align::kLeft) { columns_.push_back({std::move(title), align}); }
  void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const { return rows_.empty(); }
  std::string text(const Context& context) const;
  std::string csv() const;  // RFC 4180

 private:
  struct Column {
    std::string title;
    Align align;
  };
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

size_t display_width(std::string_view text);     // columns on a terminal, East Asian wide characters as two
std::string thousands(int64_t number);           // "12,345"
std::string dollars(std::string_view microusd);  // "$0.000042" from a decimal text of micro-dollars

}  // namespace steward::cli
