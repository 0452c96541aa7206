#include "library/extract/readers/html.h"

#include <libxml/HTMLparser.h>

#include <memory>
#include <set>

namespace steward::library::readers {
namespace {

constexpr int kOptions =
    HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_NONET | HTML_PARSE_COMPACT;

using Names = std::set<std::string_view>;
const Names kLeftOut = {"script", "style", "template", "object", "svg", "iframe", "head"};
const Names kBlocks = {"address", "article", "aside", "blockquote", "body",       "caption", "dd",     "details",
                       "div",     "dl",      "dt",    "fieldset",   "figcaption", "figure",  "footer", "form",
                       "h1",      "h2",      "h3",    "h4",         "h5",         "h6",      "header", "hr",
                       "li",      "main",    "nav",   "ol",         "option",     "p",       "pre",    "section",
                       "summary", "table",   "tr",    "ul",         "tbody",      "thead",   "tfoot",  "title"};

std::string_view view(const xmlChar* text) {
  return text == nullptr ? std::string_view() : std::string_view(reinterpret_cast<const char*>(text));
}

// White space of the source is one space within a line, and nothing at its beginning.
class Flow {
 public:
  explicit Flow(TextOut& out) : out_(out) {}

  void text(std::string_view text, bool as_it_stands) {
    if (as_it_stands) {
      flush();
      if (!text.empty()) fresh_ = text.back() == '\n';
      return out_.add(text);
    }
    for (const char c : text) {
      if (c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f') {
        space_ = space_ || !fresh_;
        continue;
      }
      if (std::exchange(space_, false)) line_ += ' ';
      line_ += c;
      fresh_ = false;
    }
  }
  void mark(std::string_view mark) {  // a tab between cells, a list's dash
    space_ = false;
    line_ += mark;
    fresh_ = true;
  }
  void line() {
    space_ = false;
    while (!line_.empty() && (line_.back() == '\t' || line_.back() == ' ')) line_.pop_back();
    flush();
    out_.line();
    fresh_ = true;
  }

 private:
  void flush() {
    if (std::exchange(space_, false)) line_ += ' ';
    out_.add(line_);
    line_.clear();
  }

  TextOut& out_;
  std::string line_;
  bool space_ = false, fresh_ = true;
};

class Walk {
 public:
  explicit Walk(TextOut& out) : out_(out), flow_(out) {}

  // Without recursion: a page may nest as deep as it likes.
  void all(const xmlNode* root) {
    const xmlNode* node = root;
    while (node != nullptr && !out_.full()) {
      if (enter(node) && node->children != nullptr && node->type == XML_ELEMENT_NODE) {
        node = node->children;
        continue;
      }
      leave(node);
      while (node != root && node->next == nullptr) {
        node = node->parent;
        if (node == nullptr || node == root) break;
        leave(node);
      }
      if (node == nullptr || node == root) break;
      node = node->next;
    }
    flow_.line();
  }

 private:
  bool enter(const xmlNode* node) {
    if (node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE) {
      flow_.text(view(node->content), pre_ > 0);
      return false;
    }
    const auto name = view(node->name);
    if (node->type != XML_ELEMENT_NODE || kLeftOut.contains(name)) return false;
    if (kBlocks.contains(name) && !in_cell()) flow_.line();
    if (name == "br") in_cell() ? flow_.text(" ", false) : flow_.line();
    if (name == "li" && !in_cell()) flow_.mark("- ");
    if (name == "pre" && !in_cell()) ++pre_;
    if (name == "table") open_table();
    if (name == "td" || name == "th") ++cells_;
    if (in_cell() && kBlocks.contains(name)) flow_.text(" ", false);
    return true;
  }

  void leave(const xmlNode* node) {
    if (node->type != XML_ELEMENT_NODE) return;
    const auto name = view(node->name);
    if (kLeftOut.contains(name)) return;
    if (name == "table") close_table();
    if ((name == "td" || name == "th") && cells_ > 0) {
      if (--cells_ == 0) flow_.mark("\t");
    } else if (name == "pre" && pre_ > 0) {
      --pre_;
    }
    if (kBlocks.contains(name)) in_cell() ? flow_.text(" ", false) : flow_.line();
  }

  // A table within a cell lays out a page: its rows are lines again, and so is what stands beside it.
  void open_table() {
    if (in_cell()) flow_.line();
    outside_.push_back(std::exchange(cells_, 0));
  }
  void close_table() {
    if (outside_.empty()) return;
    cells_ = outside_.back();
    outside_.pop_back();
    if (in_cell()) flow_.line();
  }

  bool in_cell() const { return cells_ > 0; }

  TextOut& out_;
  Flow flow_;
  int cells_ = 0, pre_ = 0;
  std::vector<int> outside_;  // cells that each open table stands in
};

// The title stands in the head, which is left out else.
const xmlNode* find_title(const xmlNode* root) {
  for (const xmlNode* part = root == nullptr ? nullptr : root->children; part != nullptr; part = part->next) {
    if (view(part->name) != "head") continue;
    for (const xmlNode* node = part->children; node != nullptr; node = node->next) {
      if (view(node->name) == "title") return node;
    }
  }
  return nullptr;
}

}  // namespace

void write_html(std::string_view utf8, TextOut& out) {
  const std::unique_ptr<xmlDoc, decltype(&xmlFreeDoc)> page(
      htmlReadMemory(utf8.data(), static_cast<int>(std::min<size_t>(utf8.size(), INT32_MAX)), nullptr, "UTF-8",
                     kOptions),
      &xmlFreeDoc);
  const xmlNode* root = page ? xmlDocGetRootElement(page.get()) : nullptr;
  if (root == nullptr) return;
  if (const xmlNode* title = find_title(root)) Walk(out).all(title);
  Walk(out).all(root);
}

}  // namespace steward::library::readers
