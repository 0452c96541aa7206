#include "talk/records.h"

#include "gateway/conversations/item_text.h"
#include "gateway/conversations/response_store.h"
#include "gateway/peek.h"

namespace steward::talk {
using gateway::peek;
using gateway::peek_text;
using gateway::text_in;

std::string conversation_stream(const Id& id) { return "conversation/" + id; }
std::string answer_stream(const Id& message) { return "answer/" + message; }
std::string attachment_stream(const Id& id) { return "attachment/" + id; }
std::string project_stream(const Id& id) { return "project/" + id; }

journal::Draft draft_of(const identity::Caller& caller, std::string stream, std::string_view kind, const Json& body,
                        const Id& about) {
  journal::Draft draft;
  draft.stream = std::move(stream);
  draft.kind = kind;
  draft.body = dump(body);
  draft.actor = gateway::doer(caller);
  if (caller.key) draft.on_behalf_of = caller.principal;
  if (!about.empty()) draft.sources = {about};
  draft.label = "owner";
  return draft;
}

Json item_of(const Id& message, std::string_view role, std::string_view text, std::string_view reasoning) {
  const bool answer = role == "assistant";
  Json part = {{"type", answer ? "output_text" : "input_text"}, {"text", text}};
  if (answer) part["annotations"] = Json::array();
  Json item = {{"type", "message"},
               {"id", message},
               {"role", role},
               {"status", "completed"},
               {"content", Json::array({std::move(part)})}};
  if (!reasoning.empty()) item["reasoning"] = reasoning;
  return item;
}

Said said_in(const Json& item) {
  Said out;
  const std::string type = peek_text(item, "type");
  out.reasoning = peek_text(item, "reasoning");
  if (type == "function_call" || type == "custom_tool_call") {
    const char* given = type == "function_call" ? "arguments" : "input";
    out.tools.push_back(
        {{"name", peek_text(item, "name")}, {"arguments", peek_text(item, given)}, {"result", nullptr}});
  } else if (type == "function_call_output" || type == "custom_tool_call_output") {
    out.tools.push_back({{"name", ""}, {"arguments", ""}, {"result", text_in(peek(item, "output"))}});
  } else if (type == "reasoning") {
    out.reasoning = text_in(peek(item, "summary"));
  } else {
    out.text = text_in(peek(item, "content"));
  }
  if (const Json& tools = peek(item, "tools"); tools.is_array()) out.tools = tools;
  return out;
}

bool is_message_id(std::string_view text) { return is_id(text, "msg"); }

Id record_of(const Id& message) { return "rec_" + message.substr(std::string_view("msg_").size()); }

}  // namespace steward::talk
