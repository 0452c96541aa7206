#include <map>

#include "gateway/dialects/responses/responses.h"
#include "gateway/peek.h"

namespace steward::gateway::responses {
namespace {

class ItemReader {
 public:
  explicit ItemReader(Request& request) : request_(request) {}

  Status add(const Json& item, size_t index) {
    at_ = fmt::format("input[{}]", index);
    if (!item.is_object()) return bad(at_, fmt::format("'{}' must be an item: an object.", at_));
    const std::string type = peek_text(item, "type");
    if (type == "message" || (type.empty() && item.contains("role"))) return add_message(item);
    if (type.empty()) return bad(at_, fmt::format("'{}.type' is missing.", at_));
    if (type == "reasoning") return add_reasoning(item);
    if (type == "function_call" || type == "custom_tool_call") return add_call(item, type == "custom_tool_call");
    if (type == "function_call_output" || type == "custom_tool_call_output")
      return add_result(item, type == "custom_tool_call_output");
    add_foreign(item, type);
    return {};
  }

  // Signatures that travelled aside go to their calls, wherever these stand.
  void finish() {
    if (signatures_.empty()) return;
    for (Message& message : request_.messages) {
      for (Part& part : message.parts) {
        const auto* call = std::get_if<ToolCall>(&part.body);
        const auto found = call ? signatures_.find(call->id) : signatures_.end();
        if (found != signatures_.end()) part.signature = found->second;
      }
    }
  }

 private:
  Message& turn() {  // the model's, which may go on
    if (request_.messages.empty() || request_.messages.back().role != Role::kAssistant)
      request_.messages.push_back(Message{.role = Role::kAssistant});
    return request_.messages.back();
  }

  Result<std::vector<Part>> read_content(const Json& content, const std::string& at) {
    std::vector<Part> parts;
    if (content.is_string()) {
      parts.push_back(text_part(content));
      return parts;
    }
    if (!content.is_array()) return bad(at, fmt::format("'{}' must be a string or an array of parts.", at));
    if (content.size() > kMaxParts) return bad(at, fmt::format("'{}' has more than {} parts.", at, kMaxParts));
    for (size_t i = 0; i < content.size(); ++i) {
      auto part = read_content_part(content[i], fmt::format("{}[{}]", at, i));
      if (!part) return fail(std::move(part.error()));
      parts.push_back(std::move(*part));
    }
    return parts;
  }

  Status add_message(const Json& item) {
    const std::string role = peek_text(item, "role");
    auto parts = read_content(peek(item, "content"), at_ + ".content");
    if (!parts) return fail(std::move(parts.error()));
    const bool plain = peek(item, "content").is_string();
    Json own = members_but(item, {"type", "role", "content", "id"});
    if (role == "assistant") {
      add_assistant(item, std::move(*parts), plain, std::move(own));
      return {};
    }
    if (role != "user" && role != "system" && role != "developer")
      return bad(at_ + ".role", fmt::format("'{}.role' must be user, assistant, system or developer.", at_));
    Message message{.role = role == "user"     ? Role::kUser
                            : role == "system" ? Role::kSystem
                                               : Role::kDeveloper,
                    .parts = std::move(*parts),
                    .name = {},
                    .id = peek_text(item, "id")};
    message.plain = plain;
    message.own = {{"typed", item.contains("type")}, {"item", std::move(own)}};
    request_.messages.push_back(std::move(message));
    return {};
  }

  void add_assistant(const Json& item, std::vector<Part> parts, bool plain, Json own) {
    Json mark = {{"item", std::move(own)}, {"typed", item.contains("type")}, {"plain", plain}};
    if (parts.empty()) {  // an empty message is one too
      parts.push_back(text_part({}));
      mark["empty"] = true;
    }
    merge_members(mark, parts.front().own);
    parts.front().own = std::move(mark);
    for (Part& part : parts) {
      part.id = peek_text(item, "id");
      if (std::holds_alternative<Text>(part.body) && !next_text_.empty())
        part.signature = std::exchange(next_text_, {});
      turn().parts.push_back(std::move(part));
    }
  }

  Status add_reasoning(const Json& item) {
    const std::string encrypted = peek_text(item, "encrypted_content");
    if (auto aside = open_aside(encrypted)) {
      take_aside(std::move(*aside));
      return {};
    }
    Part part;
    part.body = read_reasoning(item);
    part.id = peek_text(item, "id");
    part.signature = open_signature(encrypted);
    part.own = {{"item", members_but(item, {"type", "id", "summary", "content", "encrypted_content"})}};
    turn().parts.push_back(std::move(part));
    return {};
  }

  void take_aside(Aside aside) {
    if (aside.foreign) {
      Part part;
      part.body = std::move(*aside.foreign);
      turn().parts.push_back(std::move(part));
    } else if (aside.call_id.empty() && aside.before) {
      next_text_ = std::move(aside.signature);
    } else if (aside.call_id.empty()) {
      for (Part& part : turn().parts) {
        if (std::holds_alternative<Text>(part.body)) last_text_ = &part;
      }
      if (last_text_ != nullptr) std::exchange(last_text_, nullptr)->signature = std::move(aside.signature);
    } else {
      signatures_[aside.call_id] = std::move(aside.signature);
    }
  }

  Status add_call(const Json& item, bool custom) {
    const std::string name = peek_text(item, "name"), space = peek_text(item, "namespace");
    const char* said = custom ? "input" : "arguments";
    for (const char* needed : {"call_id", "name"}) {
      if (!peek(item, needed).is_string())
        return bad(fmt::format("{}.{}", at_, needed), fmt::format("'{}.{}' is missing.", at_, needed));
    }
    const Json& arguments = peek(item, said);
    Part part;
    part.body = ToolCall{.kind = custom ? ToolCall::Kind::kCustom : ToolCall::Kind::kFunction,
                         .id = peek_text(item, "call_id"),
                         .name = flat_name(space, name),
                         .arguments = arguments.is_string() ? arguments.get<std::string>()
                                      : arguments.is_null() ? std::string()
                                                            : dump(arguments),
                         .space = space};
    part.id = peek_text(item, "id");
    part.own = {{"item", members_but(item, {"type", "id", "call_id", "name", "namespace", said})}};
    if (!space.empty()) part.own["name"] = name;
    turn().parts.push_back(std::move(part));
    return {};
  }

  Status add_result(const Json& item, bool custom) {
    if (!peek(item, "call_id").is_string()) return bad(at_ + ".call_id", fmt::format("'{}.call_id' is missing.", at_));
    const Json& output = peek(item, "output");
    const bool plain = !output.is_array();
    auto content = read_content(output.is_string() || output.is_array() ? output
                                : output.is_null()                      ? Json("")
                                                                        : Json(dump(output)),
                                at_ + ".output");
    if (!content) return fail(std::move(content.error()));
    Part part;
    part.body = ToolResult{.call_id = peek_text(item, "call_id"),
                           .name = {},
                           .content = std::move(*content),
                           .structured = nullptr,
                           .is_error = false,
                           .custom = custom};
    part.id = peek_text(item, "id");
    part.own = {{"item", members_but(item, {"type", "id", "call_id", "output"})}};
    Message message{.role = Role::kTool};
    message.plain = plain;
    message.parts.push_back(std::move(part));
    request_.messages.push_back(std::move(message));
    return {};
  }

  void add_foreign(const Json& item, const std::string& type) {
    Part part;
    part.id = peek_text(item, "id");
    part.body = Foreign{.from = Dialect::kResponses, .type = type, .raw = item};
    const bool of_client = type.ends_with("_output") || type == "mcp_approval_response";
    if (!of_client) {
      turn().parts.push_back(std::move(part));
      return;
    }
    Message message{.role = type == "mcp_approval_response" ? Role::kUser : Role::kTool};
    message.parts.push_back(std::move(part));
    request_.messages.push_back(std::move(message));
  }

  Request& request_;
  std::string at_;
  std::map<std::string, Signature> signatures_;  // by call
  Signature next_text_;
  Part* last_text_ = nullptr;
};

}  // namespace

Status read_input(const Json& body, Request& request) {
  const Json& instructions = peek(body, "instructions");
  if (instructions.is_string()) {
    Message message{.role = Role::kSystem};
    message.parts.push_back(text_part(instructions));
    message.top_level = message.plain = true;
    request.messages.push_back(std::move(message));
  }
  const Json& input = peek(body, "input");
  if (input.is_string()) {
    Message message{.role = Role::kUser};
    message.parts.push_back(text_part(input));
    message.plain = true;
    request.messages.push_back(std::move(message));
    return {};
  }
  if (input.is_null()) return {};  // what is asked may stand in a stored response or prompt
  if (!input.is_array()) return bad("input", "'input' must be a string or an array of items.");
  if (input.size() > kMaxItems) return bad("input", fmt::format("'input' has more than {} items.", kMaxItems));
  ItemReader reader(request);
  for (size_t i = 0; i < input.size(); ++i) {
    if (auto ok = reader.add(input[i], i); !ok) return ok;
  }
  reader.finish();
  return {};
}

}  // namespace steward::gateway::responses
