#include "library/extract/readers/xml.h"

#include <libxml/xmlreader.h>

namespace steward::library::readers {
namespace {

constexpr int kOptions = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOCDATA;

int read_part(void* context, char* to, int bytes) { return static_cast<Archive::Part*>(context)->read(to, bytes); }
int leave_part(void*) { return 0; }

std::string_view view(const xmlChar* text) {
  return text == nullptr ? std::string_view() : std::string_view(reinterpret_cast<const char*>(text));
}

}  // namespace

Xml::Xml(Archive& archive, const std::string& part) : archive_(archive), part_(archive.part(part)) {
  if (part_) reader_ = xmlReaderForIO(&read_part, &leave_part, part_.get(), nullptr, nullptr, kOptions);
}

Xml::~Xml() {
  if (reader_ != nullptr) xmlFreeTextReader(reader_);
}

void Xml::judge(int got) {
  if (got < 0) archive_.say_damaged();
}

bool Xml::step() {
  const int got = xmlTextReaderRead(reader_);
  judge(got);
  return got == 1;
}

bool Xml::next() {
  if (reader_ == nullptr) return false;
  if (std::exchange(empty_, false)) {
    node_ = Node::kEnd;
    return true;
  }
  bool on = std::exchange(waiting_, false) || step();
  for (; on; on = step()) {
    switch (xmlTextReaderNodeType(reader_)) {
      case XML_READER_TYPE_ELEMENT:
        node_ = Node::kStart;
        empty_ = xmlTextReaderIsEmptyElement(reader_) == 1;
        return true;
      case XML_READER_TYPE_END_ELEMENT: node_ = Node::kEnd; return true;
      case XML_READER_TYPE_TEXT:
      case XML_READER_TYPE_CDATA:
      case XML_READER_TYPE_SIGNIFICANT_WHITESPACE: node_ = Node::kText; return true;
      default: break;
    }
  }
  return false;
}

void Xml::skip() {
  if (std::exchange(empty_, false)) return;
  const int got = xmlTextReaderNext(reader_);
  judge(got);
  waiting_ = got == 1;
}

std::string_view Xml::name() const { return view(xmlTextReaderConstLocalName(reader_)); }
std::string_view Xml::text() const { return view(xmlTextReaderConstValue(reader_)); }
std::string Xml::attribute(const char* name) const { return find_attribute(name, false); }
std::string Xml::prefixed(const char* name) const { return find_attribute(name, true); }

std::string Xml::find_attribute(const char* name, bool with_prefix) const {
  std::string out;
  for (int on = xmlTextReaderMoveToFirstAttribute(reader_); on == 1; on = xmlTextReaderMoveToNextAttribute(reader_)) {
    if (view(xmlTextReaderConstLocalName(reader_)) != name) continue;
    if (with_prefix && xmlTextReaderConstPrefix(reader_) == nullptr) continue;
    out = view(xmlTextReaderConstValue(reader_));
    break;
  }
  xmlTextReaderMoveToElement(reader_);
  return out;
}

}  // namespace steward::library::readers
