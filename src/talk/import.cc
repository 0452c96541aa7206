#include "talk/import.h"

#include <algorithm>
#include <map>

#include "gateway/peek.h"

namespace steward::talk {
using gateway::peek;
using gateway::peek_text;
namespace {

TimeUs time_of(const Json& value, TimeUs otherwise) {
  return value.is_number() ? static_cast<TimeUs>(value.get<double>() * 1e6) : otherwise;
}

std::string text_of(const Json& content) {
  if (const std::string text = peek_text(content, "text"); !text.empty()) return text;
  std::string out;
  for (const auto& part : peek(content, "parts")) {
    if (!part.is_string() || part.get_ref<const std::string&>().empty()) continue;
    if (!out.empty()) out += "\n\n";
    out += part.get<std::string>();
  }
  return out;
}

class Reading {
 public:
  Reading(const identity::Caller& owner, const Json& given, Random& random)
      : owner_(owner), given_(given), mapping_(peek(given, "mapping")), random_(random) {
    time_ = time_of(peek(given, "create_time"), 0);
    out_.conversation = id_at("conv", time_);
    out_.title = peek_text(given_, "title");
  }

  Imported run() {
    Json about = {
        {"owner", owner_.principal}, {"metadata", Json::object()}, {"title", out_.title}, {"title_by", "person"}};
    if (peek(given_, "is_archived") == true) about["archived"] = true;
    if (peek(given_, "is_starred") == true) about["pinned"] = true;
    add(kCreated, about, {}, time_);
    for (const auto& [name, node] : mapping_.items()) {
      if (peek_text(node, "parent").empty()) walk(name, "");
    }
    const auto current = known_.find(peek_text(given_, "current_node"));
    if (current != known_.end()) add(kPlaced, {{"current", current->second}}, {}, last_);
    return std::move(out_);
  }

 private:
  Id id_at(std::string_view prefix, TimeUs time) { return std::string(prefix) + "_" + ulid(time, random_.bytes(10)); }

  void add(std::string_view kind, const Json& body, const Id& about, TimeUs time) {
    auto draft = draft_of(owner_, conversation_stream(out_.conversation), kind, body, about);
    draft.time = time;
    last_ = std::max(last_, time);
    out_.drafts.push_back(std::move(draft));
  }

  // Depth first, without recursion: a chain is as long as its conversation.
  void walk(const std::string& root, const Id& above) {
    std::vector<std::pair<std::string, Id>> open{{root, above}};
    while (!open.empty()) {
      const auto [name, parent] = std::move(open.back());
      open.pop_back();
      const Json& node = peek(mapping_, name.c_str());
      if (!node.is_object() || known_.contains(name)) continue;
      const Id id = take(peek(node, "message"), parent);
      known_[name] = id;
      const Json& children = peek(node, "children");
      for (auto child = children.rbegin(); children.is_array() && child != children.rend(); ++child) {
        if (child->is_string()) open.emplace_back(child->get<std::string>(), id);
      }
    }
  }

  // Answers where what is below it hangs: itself, or what is above.
  Id take(const Json& message, const Id& parent) {
    const std::string role = peek_text(peek(message, "author"), "role"), text = text_of(peek(message, "content"));
    const bool hidden = peek(peek(message, "metadata"), "is_visually_hidden_from_conversation") == true;
    if (hidden || text.empty() || (role != "user" && role != "assistant" && role != "tool")) return parent;
    time_ = time_of(peek(message, "create_time"), time_);
    const Id id = id_at("msg", time_);
    ++out_.messages;
    bytes_[id] = bytes_[parent] + text.size();
    role == "assistant" ? answer(message, id, parent, text) : say(message, id, parent, role, text);
    return id;
  }

  void write(const Id& id, const Json& item) { add(kContent, {{"item", id}, {"content", item}}, id, time_); }

  void say(const Json& message, const Id& id, const Id& parent, const std::string& role, const std::string& text) {
    add(kMessageSaid, {{"owner", owner_.principal}, {"item", id}, {"parent", parent}, {"role", role}}, id, time_);
    if (role == "user") return write(id, item_of(id, role, text));
    Json item = item_of(id, role, "");
    item["tools"] =
        Json::array({{{"name", peek_text(peek(message, "author"), "name")}, {"arguments", ""}, {"result", text}}});
    write(id, item);
  }

  void answer(const Json& message, const Id& id, const Id& parent, const std::string& text) {
    const std::string model = peek_text(peek(message, "metadata"), "model_slug"), to = peek_text(message, "recipient");
    const bool tool = !to.empty() && to != "all";
    const bool cut = peek_text(message, "status") == "in_progress";
    ImportedAnswer about{.started = out_.drafts.size(), .model = model, .asked_bytes = bytes_[parent]};
    about.answer_bytes = text.size();
    about.cut = cut;
    add(kAnswerStarted, {{"owner", owner_.principal}, {"item", id}, {"parent", parent}, {"model", model}}, id, time_);
    Json item = item_of(id, "assistant", tool ? "" : text);
    if (tool) item["tools"] = Json::array({{{"name", to}, {"arguments", text}, {"result", nullptr}}});
    about.content = out_.drafts.size();
    write(id, item);
    about.ended = out_.drafts.size();
    out_.answers.push_back(about);
    add(kAnswerEnded, {{"item", id}, {"status", cut ? "stopped" : "completed"}, {"model", model}}, id, time_);
  }

  const identity::Caller& owner_;
  const Json& given_;
  const Json& mapping_;
  Random& random_;
  TimeUs time_ = 0, last_ = 0;
  std::map<std::string, Id> known_;
  std::map<Id, size_t> bytes_;  // of the words down to a message, with its own
  Imported out_;
};

}  // namespace

Result<std::vector<Imported>> read_chat_export(const identity::Caller& owner, const Json& exported, Random& random) {
  std::vector<const Json*> given;
  for (const auto& one : exported) {
    if (!peek(one, "mapping").is_object())
      return fail(ErrorCode::kInvalidRequest, "This is no export of conversations: one has no 'mapping'.");
    given.push_back(&one);
  }
  if (!exported.is_array())
    return fail(ErrorCode::kInvalidRequest, "This is no export of conversations: an array is expected.");
  std::ranges::sort(given, {}, [](const Json* one) { return time_of(peek(*one, "update_time"), 0); });
  std::vector<Imported> out;
  for (const Json* one : given) out.push_back(Reading(owner, *one, random).run());
  return out;
}

}  // namespace steward::talk
