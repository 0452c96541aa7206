// OpenDocument text, spreadsheets and presentations: one content.xml with everything in it.
#include <charconv>
#include <set>

#include "library/extract/readers/office.h"
#include "library/extract/readers/table_row.h"

namespace steward::library::readers {
namespace {

constexpr size_t kMostRepeats = 100;  // of an equal row or cell that says something; a file may claim a million

size_t repeats(const std::string& told) {
  size_t out = 1;
  std::from_chars(told.data(), told.data() + told.size(), out);
  return std::max<size_t>(out, 1);
}

// Settings, and what a revision deleted.
const std::set<std::string_view> kLeftOut = {"tracked-changes", "automatic-styles", "font-face-decls", "scripts",
                                             "forms",           "sequence-decls"};

class OpenDocument {
 public:
  OpenDocument(Xml& xml, const Limits& limits, TextOut& out) : xml_(xml), limits_(limits), out_(out) {}

  void write() {
    while (!out_.full() && !enough_ && xml_.next()) {
      if (xml_.node() == Xml::Node::kText) {
        if (paragraphs_ > 0) put(xml_.text());
      } else if (xml_.node() == Xml::Node::kStart) {
        start(std::string(xml_.name()));
      } else {
        end(xml_.name());
      }
    }
    out_.line();
  }

 private:
  void put(std::string_view text) {
    if (tables_ > 0)
      cell_ += text;
    else
      out_.add(text);
  }

  void start(const std::string& name) {
    if (kLeftOut.contains(name)) return xml_.skip();
    if (name == "spreadsheet") {
      sheets_ = true;
    } else if (name == "p" || name == "h") {
      ++paragraphs_;
    } else if (name == "tab") {
      put("\t");
    } else if (name == "line-break") {
      put("\n");
    } else if (name == "s") {
      put(std::string(std::min(repeats(xml_.attribute("c")), kMostRepeats), ' '));
    } else if (name == "page") {
      begin_page("");
    } else if (name == "notes") {
      out_.line();
      out_.add("Notes: ");
    } else if (name == "table") {
      if (tables_++ == 0 && sheets_) begin_page(xml_.attribute("name"));
    } else if (name == "table-row") {
      if (tables_ == 1) row_repeats_ = repeats(xml_.attribute("number-rows-repeated")), column_ = 0;
    } else if (name == "table-cell" || name == "covered-table-cell") {
      if (tables_ == 1) cell_repeats_ = repeats(xml_.attribute("number-columns-repeated"));
    }
  }

  void end(std::string_view name) {
    if (name == "p" || name == "h") {
      if (paragraphs_ > 0) --paragraphs_;
      put("\n");
    } else if (name == "table-cell" || name == "covered-table-cell") {
      end_cell();
    } else if (name == "table-row") {
      end_row();
    } else if (name == "table") {
      if (tables_ > 0) --tables_;
    }
  }

  void begin_page(const std::string& title) {
    if (begun_++ > 0) out_.page();
    if (begun_ > limits_.pages) {
      enough_ = true;
      return out_.note({.code = "parts_cut", .kept = limits_.pages});
    }
    if (!title.empty()) out_.add("# " + title + "\n");
    fresh_sheet_ = true;
    gap_ = false;
  }

  void end_cell() {
    if (tables_ != 1) return put(" ");
    const size_t told =
        cell_.find_first_not_of(" \n\t") == std::string::npos ? 0 : std::min(cell_repeats_, kMostRepeats);
    for (size_t i = 0; i < told; ++i) row_.put(column_ + i, cell_);
    column_ += std::min<size_t>(cell_repeats_, 1 << 20);
    cell_.clear();
  }

  void end_row() {
    if (tables_ != 1) return put(" ");
    const std::string line = row_.take();
    if (line.empty()) {
      gap_ = sheets_;
      return;
    }
    if (std::exchange(gap_, false) && !fresh_sheet_) out_.add("\n");
    fresh_sheet_ = false;
    for (size_t i = 0; i < std::min(row_repeats_, kMostRepeats) && !out_.full(); ++i) {
      out_.add(line);
      out_.line();
    }
  }

  Xml& xml_;
  const Limits& limits_;
  TextOut& out_;
  bool sheets_ = false, enough_ = false;
  bool fresh_sheet_ = true, gap_ = false;  // an empty row parts tables: one line is left of several
  int tables_ = 0, paragraphs_ = 0;
  int64_t begun_ = 0;
  size_t row_repeats_ = 1, cell_repeats_ = 1, column_ = 0;
  std::string cell_;
  TableRow row_;
};

}  // namespace

void read_open_document(Archive& archive, const Limits& limits, TextOut& out) {
  if (!archive.has("content.xml")) archive.say_damaged();
  Xml xml(archive, "content.xml");
  OpenDocument(xml, limits, out).write();
}

}  // namespace steward::library::readers
