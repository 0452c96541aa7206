#include <charconv>
#include <map>

#include "library/extract/readers/office.h"
#include "library/extract/readers/table_row.h"
#include "library/extract/readers/workbook_formats.h"

namespace steward::library::readers {
namespace {

constexpr size_t kMostColumns = 16'384;

// "BC12" is column 54, counted from 0; npos where there is no letter.
size_t column_of(std::string_view reference) {
  size_t column = 0, letters = 0;
  for (; letters < reference.size() && letters < 4; ++letters) {
    const char c = reference[letters];
    if (c < 'A' || c > 'Z') break;
    column = column * 26 + static_cast<size_t>(c - 'A') + 1;
  }
  return letters == 0 || column > kMostColumns ? std::string::npos : column - 1;
}

size_t number_of(const std::string& digits) {
  size_t out = std::string::npos;
  std::from_chars(digits.data(), digits.data() + digits.size(), out);
  return out;
}

struct Sheet {
  std::string name, part;
};

class Workbook {
 public:
  Workbook(Archive& archive, const Limits& limits, TextOut& out) : archive_(archive), limits_(limits), out_(out) {}

  void read() {
    const std::string main = main_part(archive_);
    const auto to = relations(archive_, main);
    const auto sheets = read_sheets(main, to);
    read_strings(part_of_type(to, "sharedStrings"));
    forms_ = read_forms(archive_, part_of_type(to, "styles"));
    for (size_t i = 0; i < sheets.size() && !out_.full(); ++i) {
      if (i > 0) out_.page();
      if (static_cast<int64_t>(i) == limits_.pages)
        return out_.note({.code = "sheets_cut", .count = static_cast<int64_t>(sheets.size()), .kept = limits_.pages});
      out_.add("# " + sheets[i].name + "\n");
      write_sheet(sheets[i].part);
    }
  }

 private:
  std::vector<Sheet> read_sheets(const std::string& main, const std::vector<Relation>& to) {
    std::vector<Sheet> out;
    for (Xml xml(archive_, main); xml.next();) {
      if (xml.node() != Xml::Node::kStart) continue;
      if (xml.name() == "workbookPr") {
        const std::string base = xml.attribute("date1904");
        from_1904_ = base == "1" || base == "true";
      }
      if (xml.name() == "sheet") out.push_back({xml.attribute("name"), part_of_id(to, xml.prefixed("id"))});
    }
    return out;
  }

  void read_strings(const std::string& part) {
    bool in_text = false;
    for (Xml xml(archive_, part); xml.next();) {
      if (xml.node() == Xml::Node::kText) {
        if (in_text && !strings_.empty()) strings_.back() += xml.text();
        continue;
      }
      const bool start = xml.node() == Xml::Node::kStart;
      if (start && (xml.name() == "rPh" || xml.name() == "phoneticPr"))
        xml.skip();  // how a Japanese word is read, beside the word
      else if (start && xml.name() == "si")
        strings_.emplace_back();
      else if (xml.name() == "t")
        in_text = start;
    }
  }

  void write_sheet(const std::string& part) {
    row_ = row_count_ = 0;
    gap_ = false;
    Xml xml(archive_, part);
    std::string value, type, style;
    size_t column = 0;
    bool in_value = false;
    TableRow row;
    while (!out_.full() && xml.next()) {
      const auto name = xml.name();
      if (xml.node() == Xml::Node::kText) {
        if (in_value) value += xml.text();
      } else if (xml.node() == Xml::Node::kStart) {
        if (name == "row") {
          begin_row(number_of(xml.attribute("r")));
        } else if (name == "c") {
          const size_t told = column_of(xml.attribute("r"));
          if (told != std::string::npos && told >= column) column = told;
          type = xml.attribute("t"), style = xml.attribute("s"), value.clear();
        } else if (name == "v" || name == "t") {
          in_value = true;
        } else if (name == "f" || name == "rPh") {
          xml.skip();
        }
      } else if (name == "v" || name == "t") {
        in_value = false;
      } else if (name == "c") {
        row.put(column++, cell_text(value, type, style));
      } else if (name == "row") {
        end_row(row, column);
      }
    }
  }

  // Rows that aren't there part tables: one empty line is left of them.
  void begin_row(size_t number) {
    if (number == std::string::npos) number = row_ + 1;
    gap_ = gap_ || number > row_ + 1;
    row_ = number;
  }

  void end_row(TableRow& row, size_t& column) {
    const std::string line = row.take();
    column = 0;
    if (line.empty()) {
      gap_ = true;
      return;
    }
    if (std::exchange(gap_, false) && row_count_ > 0) out_.add("\n");
    ++row_count_;
    out_.add(line);
    out_.line();
  }

  std::string cell_text(const std::string& value, const std::string& type, const std::string& style) const {
    if (type == "s") {
      const size_t index = number_of(value);
      return index < strings_.size() ? strings_[index] : "";
    }
    if (type == "b") return value == "1" ? "TRUE" : "FALSE";
    if (!type.empty() && type != "n") return value;  // inlineStr, str, e, d
    const size_t index = number_of(style);
    return written(value, index < forms_.size() ? forms_[index] : NumberForm::kPlain, from_1904_);
  }

  Archive& archive_;
  const Limits& limits_;
  TextOut& out_;
  bool from_1904_ = false;
  size_t row_ = 0, row_count_ = 0;  // the row's number; rows of this sheet that were written
  bool gap_ = false;
  std::vector<std::string> strings_;
  std::vector<NumberForm> forms_;
};

}  // namespace

void read_workbook(Archive& archive, const Limits& limits, TextOut& out) { Workbook(archive, limits, out).read(); }

}  // namespace steward::library::readers
