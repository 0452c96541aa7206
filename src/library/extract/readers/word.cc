#include <set>

#include "library/extract/readers/office.h"

namespace steward::library::readers {
namespace {

// What stands beside the body, in the order it is told after it.
constexpr std::pair<std::string_view, std::string_view> kBeside[] = {
    {"footnotes", ""}, {"endnotes", ""}, {"comments", ""}, {"header", "Header: "}, {"footer", "Footer: "}};

std::string text_of(Archive& archive, const std::string& part, TextOut& out) {
  Limits limits;
  TextOut own(limits);
  Xml xml(archive, part);
  write_paragraphs(xml, own);
  for (auto& note : own.take_notes()) out.note(std::move(note));
  return own.empty() ? "" : own.take();
}

}  // namespace

void read_word(Archive& archive, TextOut& out) {
  const std::string main = main_part(archive);
  Xml xml(archive, main);
  write_paragraphs(xml, out);
  std::set<std::string> told;  // a header is often the same on first, odd and even pages
  const auto others = relations(archive, main);
  for (const auto& [type, before] : kBeside) {
    for (const auto& relation : others) {
      if (out.full() || relation.type != type) continue;
      const std::string text = text_of(archive, relation.part, out);
      if (text.empty() || !told.insert(text).second) continue;
      out.add(before);
      out.add(text);
      out.line();
    }
  }
}

}  // namespace steward::library::readers
