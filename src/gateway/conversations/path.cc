#include "gateway/conversations/path.h"

#include <algorithm>
#include <map>
#include <optional>

#include "base/json.h"
#include "gateway/peek.h"

namespace steward::gateway {
namespace {

struct Node {
  Id parent;
  std::optional<size_t> content;
};

class Tree {
 public:
  void take(const journal::Record& record, size_t at) {
    if (record.erased) {
      if (record.sources.empty()) return;
      const Id& about = record.sources.front();  // its words are gone; its place stands
      if (record.kind == "conversation.item_added") add(about, current_);
      if (record.kind == "conversation.content" && nodes_.contains(about)) nodes_[about].content.reset();
      return;
    }
    const Json body = read_own(record.body);
    const Id item = peek_text(body, "item");
    if (record.kind == "conversation.item_added") {
      add(item.empty() ? record.id : item, current_);
      nodes_[current_].content = at;
    } else if (record.kind == "conversation.message_said") {
      add(item, peek_text(body, "parent"));
      if (const Id answer = peek_text(peek(body, "answer"), "item"); !answer.empty()) add(answer, item);
    } else if (record.kind == "conversation.answer_started") {
      if (!nodes_.contains(item)) add(item, peek_text(body, "parent"));
    } else if (record.kind == "conversation.content") {
      if (const auto node = nodes_.find(item); node != nodes_.end()) node->second.content = at;
    } else if (record.kind == "conversation.taken_back") {
      take_back(item);
    } else if (record.kind == "conversation.placed" && body.contains("current")) {
      current_ = peek_text(body, "current");
    }
  }

  std::vector<size_t> path() const {
    std::vector<size_t> out;
    size_t steps = 0;
    for (auto node = nodes_.find(current_); node != nodes_.end() && steps < nodes_.size(); ++steps) {
      if (node->second.content) out.push_back(*node->second.content);
      node = nodes_.find(node->second.parent);
    }
    std::ranges::reverse(out);
    return out;
  }

 private:
  void add(const Id& id, const Id& parent) {
    nodes_[id].parent = parent;
    current_ = id;
  }
  void take_back(const Id& question) {
    const auto node = nodes_.find(question);
    if (node == nodes_.end()) return;
    const Id parent = node->second.parent;
    std::vector<Id> gone{question};
    for (const auto& [id, other] : nodes_) {
      if (other.parent == question) gone.push_back(id);
    }
    for (auto& [id, other] : nodes_) {
      if (std::ranges::find(gone, other.parent) != gone.end()) other.parent = parent;
    }
    if (std::ranges::find(gone, current_) != gone.end()) current_ = parent;
    for (const Id& id : gone) nodes_.erase(id);
  }

  std::map<Id, Node> nodes_;
  Id current_;
};

}  // namespace

std::vector<size_t> current_path(const std::vector<journal::Record>& records) {
  Tree tree;
  for (size_t i = 0; i < records.size(); ++i) tree.take(records[i], i);
  return tree.path();
}

bool is_deleted(const std::vector<journal::Record>& records) {
  bool deleted = false;
  for (const auto& record : records) {
    if (record.kind == "conversation.deleted") deleted = true;
    if (record.kind == "conversation.restored") deleted = false;
  }
  return deleted;
}

}  // namespace steward::gateway
