// Messages: roles, order, and what must stand where. The caller's own Messages go out as they came; another dialect's
// are brought into the order that Anthropic wants: system texts at the head, a tool's results at once after its calls,
// no role twice in a row. An instruction in mid-conversation keeps its place, marked as <system>, inside the user's
// turn.
#include <algorithm>

#include "gateway/dialects/messages/messages.h"
#include "gateway/peek.h"

namespace steward::gateway::messages {
namespace {

class Writer {
 public:
  Writer(const Request& request, const OutgoingCall& call)
      : request_(request), call_(call), own_(request.from == Dialect::kMessages) {
    for (const Message& message : request.messages) shift_ += message.top_level ? 1 : 0;
  }

  Status write(Json& body) {
    for (size_t i = 0; i < request_.messages.size(); ++i) {
      if (auto ok = add(request_.messages[i], i); !ok) return ok;
    }
    if (plain_system_) {
      body["system"] = text_of(plain_system_->parts);
    } else if (!system_.empty()) {
      body["system"] = std::move(system_);
    }
    if (!own_) {
      for (auto& message : messages_) results_first(message);
    }
    if (messages_.empty()) {  // a call of nothing but instructions: somebody has to speak
      messages_.push_back({{"role", "user"}, {"content", Json::array({{{"type", "text"}, {"text", "."}}})}});
    }
    body["messages"] = std::move(messages_);
    return {};
  }

 private:
  std::string place(size_t index) const {
    const std::string_view list = caller_name(request_.from, Setting::kMessages);
    return request_.messages[index].top_level ? "system" : fmt::format("{}[{}]", list, index - std::min(index, shift_));
  }

  Status add(const Message& message, size_t index) {
    const bool system = message.role == Role::kSystem || message.role == Role::kDeveloper;
    const bool at_head = message.top_level || (!own_ && system && messages_.empty());
    if (own_ && message.top_level && message.plain) {
      plain_system_ = &message;
      return {};
    }
    Json blocks = Json::array();
    const bool marked = system && !at_head && !own_;
    if (auto ok = add_blocks(message, place(index), blocks); !ok) return ok;
    if (at_head) {
      for (auto& block : blocks) system_.push_back(std::move(block));
      return {};
    }
    if (marked) mark_as_system(blocks);
    if (!own_ && !message.name.empty()) call_.refusals->note_dropped(place(index) + ".name");
    return push(message, role_of(message), std::move(blocks), place(index));
  }

  std::string_view role_of(const Message& message) const {
    if (message.role == Role::kAssistant) return "assistant";
    return own_ && message.role == Role::kSystem ? "system" : "user";
  }

  Status add_blocks(const Message& message, const std::string& at, Json& blocks) {
    for (size_t i = 0; i < message.parts.size(); ++i) {
      Part part = message.parts[i];
      name_call(part);
      auto block = write_block(part, {.request = request_, .call = call_, .at = at});
      if (!block) return fail(std::move(block.error()));
      if (!block->is_null()) blocks.push_back(std::move(*block));
    }
    return {};
  }

  // Gemini may leave calls without an id: they get one, and their results the same, in order by name.
  void name_call(Part& part) {
    if (auto* call = std::get_if<ToolCall>(&part.body); call != nullptr && call->id.empty()) {
      call->id = fmt::format("call_{}", ++unnamed_);
      waiting_.emplace_back(call->name, call->id);
    }
    auto* result = std::get_if<ToolResult>(&part.body);
    if (result == nullptr || !result->call_id.empty()) return;
    const auto found = std::ranges::find(waiting_, result->name, &std::pair<std::string, std::string>::first);
    if (found == waiting_.end()) return;
    result->call_id = found->second;
    waiting_.erase(found);
  }

  static void mark_as_system(Json& blocks) {
    for (auto& block : blocks) {
      if (block["type"] == "text") block["text"] = "<system>" + block["text"].get<std::string>() + "</system>";
    }
  }

  Status push(const Message& message, std::string_view role, Json blocks, const std::string& at) {
    if (own_) {
      const bool plain = message.plain && blocks.size() == 1 && blocks[0].value("type", "") == "text";
      Json json = {{"role", role}, {"content", plain ? Json(blocks[0]["text"]) : std::move(blocks)}};
      merge_into(json, message.extra);
      messages_.push_back(std::move(json));
      return {};
    }
    for (const auto& [name, value] : message.extra.items()) call_.refusals->note_dropped(at + "." + name);
    if (blocks.empty()) return {};
    if (!messages_.empty() && messages_.back()["role"] == role) {
      for (auto& block : blocks) messages_.back()["content"].push_back(std::move(block));
    } else {
      messages_.push_back({{"role", role}, {"content", std::move(blocks)}});
    }
    return {};
  }

  static void results_first(Json& message) {
    Json& content = message["content"];
    if (message["role"] != "user" || !content.is_array()) return;
    Json ordered = Json::array();
    for (const bool results : {true, false}) {
      for (auto& block : content) {
        if ((peek_text(block, "type") == "tool_result") == results) ordered.push_back(block);
      }
    }
    content = std::move(ordered);
  }

  const Request& request_;
  const OutgoingCall& call_;
  const bool own_;
  size_t shift_ = 0;
  size_t unnamed_ = 0;
  std::vector<std::pair<std::string, std::string>> waiting_;  // name, id
  const Message* plain_system_ = nullptr;
  Json system_ = Json::array();
  Json messages_ = Json::array();
};

}  // namespace

Status write_messages(Json& body, const Request& request, const OutgoingCall& call) {
  return Writer(request, call).write(body);
}

}  // namespace steward::gateway::messages
