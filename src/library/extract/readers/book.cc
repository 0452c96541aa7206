// EPUB: chapters of HTML, in the order of the spine.
#include <map>

#include "library/extract/readers/charset.h"
#include "library/extract/readers/html.h"
#include "library/extract/readers/office.h"

namespace steward::library::readers {
namespace {

std::string package_of(Archive& archive) {
  for (Xml xml(archive, "META-INF/container.xml"); xml.next();) {
    if (xml.node() == Xml::Node::kStart && xml.name() == "rootfile") return xml.attribute("full-path");
  }
  return "";
}

// A chapter's name in the package is an address: "my%20chapter.xhtml#start".
std::string unescaped(std::string_view address) {
  std::string out;
  const auto digit = [](char c) { return c >= 'a' ? c - 'a' + 10 : c >= 'A' ? c - 'A' + 10 : c - '0'; };
  address = address.substr(0, address.find('#'));
  for (size_t i = 0; i < address.size(); ++i) {
    const bool escape = address[i] == '%' && i + 2 < address.size() &&
                        std::isxdigit(static_cast<unsigned char>(address[i + 1])) &&
                        std::isxdigit(static_cast<unsigned char>(address[i + 2]));
    out += escape ? static_cast<char>(digit(address[i + 1]) * 16 + digit(address[i + 2])) : address[i];
    i += escape ? 2 : 0;
  }
  return out;
}

std::vector<std::string> chapters(Archive& archive, const std::string& package) {
  const std::string folder = package.substr(0, package.rfind('/') + 1);
  std::map<std::string, std::string> items;
  std::vector<std::string> out;
  for (Xml xml(archive, package); xml.next();) {
    if (xml.node() != Xml::Node::kStart) continue;
    if (xml.name() == "item") items[xml.attribute("id")] = folder + unescaped(xml.attribute("href"));
    if (xml.name() == "itemref") out.push_back(items[xml.attribute("idref")]);
  }
  return out;
}

}  // namespace

void read_book(Archive& archive, const Limits& limits, TextOut& out) {
  const auto parts = chapters(archive, package_of(archive));
  if (parts.empty()) archive.say_damaged();
  for (size_t i = 0; i < parts.size() && !out.full(); ++i) {
    if (i > 0) out.page();
    if (static_cast<int64_t>(i) == limits.pages)
      return out.note({.code = "chapters_cut", .count = static_cast<int64_t>(parts.size()), .kept = limits.pages});
    write_html(to_utf8(archive.whole(parts[i])).value_or(""), out);
  }
}

}  // namespace steward::library::readers
