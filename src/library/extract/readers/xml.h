// A part of an archive read as XML, one node after the other, so that a part of any size takes little memory. Names
// are local ones: what an office file's prefixes are bound to is the writer's choice. Nothing outside of the part is
// ever looked at: no DTD, no entity but XML's own five, no network.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "library/extract/readers/archive.h"

struct _xmlTextReader;

namespace steward::library::readers {

class Xml {
 public:
  enum class Node { kStart, kEnd, kText };

  Xml(Archive& archive, const std::string& part);
  ~Xml();
  Xml(const Xml&) = delete;
  Xml& operator=(const Xml&) = delete;

  // To the next node: every start has its end, text comes as it stands. False at the end, or at a fault, which the
  // archive then tells.
  bool next();
  void skip();  // after a start: over all that is within, and its end
  Node node() const { return node_; }
  std::string_view name() const;                  // of a start or an end, without its prefix
  std::string_view text() const;                  // of a text
  std::string attribute(const char* name) const;  // of a start, without a prefix or with any; empty if there is none
  std::string prefixed(const char* name) const;   // the same, but only one that has a prefix (r:id beside id)

 private:
  std::string find_attribute(const char* name, bool with_prefix) const;
  bool step();

  void judge(int got);

  Archive& archive_;
  std::unique_ptr<Archive::Part> part_;
  _xmlTextReader* reader_ = nullptr;
  Node node_ = Node::kText;
  bool empty_ = false;    // a start that was closed at once: its end is still to be told
  bool waiting_ = false;  // skip() stands on the node after
};

}  // namespace steward::library::readers
