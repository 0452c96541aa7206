// A row of a table, written as tab-separated values: cells stand in their column, as far as gaps are small.
#pragma once
#include <string>

namespace steward::library::readers {

class TableRow {
 public:
  // A column far off (a note in XFD1) isn't worth thousands of tabs: a gap is told as at most this many.
  static constexpr size_t kWidestGap = 64;

  void put(size_t column, const std::string& cell);  // columns go up; an empty cell leaves its place empty
  std::string take();                                // the line, without its end; empty where no cell says anything

 private:
  std::string line_;
  size_t column_ = 0;
};

}  // namespace steward::library::readers
