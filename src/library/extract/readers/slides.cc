#include "library/extract/readers/office.h"

namespace steward::library::readers {
namespace {

// The slides in the order they are shown, hidden ones too.
std::vector<std::string> slide_parts(Archive& archive) {
  const std::string main = main_part(archive);
  const auto to = relations(archive, main);
  std::vector<std::string> out;
  Xml xml(archive, main);
  while (xml.next()) {
    if (xml.node() == Xml::Node::kStart && xml.name() == "sldId") out.push_back(part_of_id(to, xml.prefixed("id")));
  }
  return out;
}

void write_notes(Archive& archive, const std::string& slide, TextOut& out) {
  const std::string part = part_of_type(relations(archive, slide), "notesSlide");
  if (part.empty()) return;
  TextOut notes(Limits{});
  Xml xml(archive, part);
  write_paragraphs(xml, notes);
  if (notes.empty()) return;
  out.line();
  out.add("Notes: " + notes.take());
}

}  // namespace

void read_slides(Archive& archive, const Limits& limits, TextOut& out) {
  const auto slides = slide_parts(archive);
  for (size_t i = 0; i < slides.size() && !out.full(); ++i) {
    if (i > 0) out.page();
    if (static_cast<int64_t>(i) == limits.pages)
      return out.note({.code = "slides_cut", .count = static_cast<int64_t>(slides.size()), .kept = limits.pages});
    Xml xml(archive, slides[i]);
    write_paragraphs(xml, out);
    write_notes(archive, slides[i], out);
  }
}

}  // namespace steward::library::readers
