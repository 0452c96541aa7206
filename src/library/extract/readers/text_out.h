// Where readers put text: bounded in bytes and in time, parted in pages, and clean: control characters are gone, line
// ends are \n, invalid UTF-8 is replaced. A reader asks full() now and then and stops.
#pragma once
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "library/extract/extraction.h"
#include "library/extract/readers/limits.h"

namespace steward::library::readers {

class TextOut {
 public:
  explicit TextOut(const Limits& limits);

  void add(std::string_view text);
  void line();           // begins a new line unless one has just begun
  void page();           // begins the next page; the first begins by itself
  void note(Note note);  // the same one once
  bool full();           // no more is taken, or it took too long: noted then

  bool empty() const;                       // nothing but white space so far
  int64_t pages() const { return pages_; }  // begun
  std::string take();
  std::vector<Note> take_notes() { return std::move(notes_); }

 private:
  const size_t max_bytes_;
  const std::chrono::steady_clock::time_point until_;
  std::string text_;
  std::vector<Note> notes_;
  int64_t pages_ = 1;
  bool full_ = false;
};

}  // namespace steward::library::readers
