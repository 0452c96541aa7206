#include "library/extract/readers/office.h"

#include <set>

#include "base/text.h"

namespace steward::library::readers {
namespace {

std::string folder_of(const std::string& part) {
  const size_t slash = part.rfind('/');
  return slash == std::string::npos ? "" : part.substr(0, slash + 1);
}

// "../media/x" from "ppt/slides/": "ppt/media/x".
std::string resolved(const std::string& folder, const std::string& target) {
  std::vector<std::string> path;
  const std::string whole = target.starts_with('/') ? target : folder + target;
  for (const auto step : split(whole, '/')) {
    if (step == ".." && !path.empty()) path.pop_back();
    if (!step.empty() && step != "." && step != "..") path.emplace_back(step);
  }
  return join(path, "/");
}

// Properties, and text that isn't shown.
const std::set<std::string_view> kLeftOut = {
    "pPr",     "rPr",       "tblPr",        "tblGrid",  "trPr",       "tcPr",   "sectPr",   "del",  "moveFrom",
    "delText", "instrText", "delInstrText", "Fallback", "endParaRPr", "bodyPr", "lstStyle", "spPr", "nvSpPr"};

class Paragraphs {
 public:
  Paragraphs(Xml& xml, TextOut& out) : xml_(xml), out_(out) {}

  void write() {
    while (!out_.full() && xml_.next()) {
      if (xml_.node() == Xml::Node::kText) {
        if (in_text_) put(xml_.text());
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
    if (kLeftOut.contains(name) || (name == "fld" && xml_.attribute("type") == "slidenum")) return xml_.skip();
    if (name == "t")
      in_text_ = true;
    else if (name == "tab" || name == "ptab")
      put("\t");
    else if (name == "br" || name == "cr")
      put("\n");
    else if (name == "noBreakHyphen")
      put("-");
    else if (name == "tbl")
      ++tables_;
    else if (name == "footnoteReference" || name == "endnoteReference")
      put(fmt::format("[^{}{}]", name[0] == 'e' ? "e" : "", xml_.attribute("id")));
    else if (name == "footnote" || name == "endnote")
      note(name);
    else if (name == "comment")
      comment();
  }

  // Lines that part notes from the text are notes too, of a type of their own.
  void note(const std::string& name) {
    if (const std::string type = xml_.attribute("type"); !type.empty() && type != "normal") return xml_.skip();
    out_.add(fmt::format("[^{}{}]: ", name[0] == 'e' ? "e" : "", xml_.attribute("id")));
  }

  void comment() {
    const std::string author = xml_.attribute("author");
    out_.add(author.empty() ? "Comment: " : fmt::format("Comment by {}: ", author));
  }

  void end(std::string_view name) {
    if (name == "t") in_text_ = false;
    if (name == "p") put("\n");
    if (name == "tc") end_cell();
    if (name == "tr") end_row();
    if (name == "tbl" && tables_ > 0) --tables_;
  }

  // A table within a cell is that cell's text.
  void end_cell() {
    if (tables_ != 1) return put(" ");
    row_ += (row_.empty() && cells_ == 0 ? "" : "\t") + collapse_whitespace(cell_);
    cell_.clear();
    ++cells_;
  }

  void end_row() {
    if (tables_ != 1) return put(" ");
    out_.add(row_);
    out_.line();
    row_.clear();
    cell_.clear();
    cells_ = 0;
  }

  Xml& xml_;
  TextOut& out_;
  bool in_text_ = false;
  int tables_ = 0, cells_ = 0;
  std::string cell_, row_;
};

}  // namespace

std::vector<Relation> relations(Archive& archive, const std::string& part) {
  const std::string folder = folder_of(part);
  Xml xml(archive, folder + "_rels/" + part.substr(folder.size()) + ".rels");
  std::vector<Relation> out;
  while (xml.next()) {
    if (xml.node() != Xml::Node::kStart || xml.name() != "Relationship") continue;
    if (xml.attribute("TargetMode") == "External") continue;
    const std::string type = xml.attribute("Type");
    out.push_back({xml.attribute("Id"), type.substr(type.rfind('/') + 1), resolved(folder, xml.attribute("Target"))});
  }
  return out;
}

std::string part_of_type(const std::vector<Relation>& relations, std::string_view type) {
  const auto at = std::ranges::find(relations, type, &Relation::type);
  return at == relations.end() ? "" : at->part;
}

std::string part_of_id(const std::vector<Relation>& relations, std::string_view id) {
  const auto at = std::ranges::find(relations, id, &Relation::id);
  return at == relations.end() ? "" : at->part;
}

std::string main_part(Archive& archive) {
  const std::string main = part_of_type(relations(archive, ""), "officeDocument");
  if (!archive.has(main)) archive.say_damaged();
  return main;
}

void write_paragraphs(Xml& xml, TextOut& out) { Paragraphs(xml, out).write(); }

}  // namespace steward::library::readers
