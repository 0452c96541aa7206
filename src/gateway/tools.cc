#include "gateway/tools.h"

#include <fmt/format.h>

#include "base/json_bounded.h"
#include "gateway/peek.h"

namespace steward::gateway {
namespace {

std::string describe(const Json& tools) {
  std::string out =
      "You can use these tools. Answer with a JSON object: {\"tool\": NAME, \"arguments\": {…}} to use one, or "
      "{\"answer\": TEXT} to answer.\n";
  for (const auto& tool : tools) {
    const Json& f = tool["function"];
    out += fmt::format("- {}: {} Arguments: {}\n", f["name"].get<std::string>(), peek_text(f, "description"),
                       dump(peek(f, "parameters").is_object() ? f["parameters"] : Json::object()));
  }
  return out;
}

Json call_schema(const Json& function) {
  Json parameters = peek(function, "parameters").is_object() ? function["parameters"] : Json{{"type", "object"}};
  return {{"type", "object"},
          {"properties", {{"tool", {{"const", function["name"]}}}, {"arguments", std::move(parameters)}}},
          {"required", {"tool", "arguments"}},
          {"additionalProperties", false}};
}

// The tools that the choice allows, and whether a plain answer is allowed too.
Json answer_schema(const Json& body) {
  const Json choice = body.value("tool_choice", Json("auto"));
  Json forms = Json::array();
  for (const auto& tool : body["tools"]) {
    const bool named = choice.is_object();
    if (!named || choice["function"]["name"] == tool["function"]["name"])
      forms.push_back(call_schema(tool["function"]));
  }
  if (choice == "auto" || choice.is_null()) {
    forms.push_back({{"type", "object"},
                     {"properties", {{"answer", {{"type", "string"}}}}},
                     {"required", {"answer"}},
                     {"additionalProperties", false}});
  }
  return forms.size() == 1 ? forms[0] : Json{{"anyOf", std::move(forms)}};
}

std::string content_text(const Json& content) {
  if (content.is_string()) return content;
  std::string out;
  if (content.is_array()) {
    for (const auto& part : content) out += peek_text(part, "text");
  }
  return out;
}

// Earlier calls and their results, in the form that the model is asked to answer in.
Json plain_message(const Json& message) {
  const std::string role = message["role"];
  if (role == "tool")
    return {{"role", "user"}, {"content", "Result of the tool: " + content_text(message.value("content", Json("")))}};
  if (role != "assistant" || !message.contains("tool_calls") || !message["tool_calls"].is_array()) return message;
  std::string text = content_text(message.value("content", Json("")));
  for (const auto& call : message["tool_calls"]) {
    const Json& function = peek(call, "function");
    const Json arguments = parse_bounded(peek_text(function, "arguments"));
    text += dump(
        {{"tool", peek_text(function, "name")}, {"arguments", arguments.is_discarded() ? Json::object() : arguments}});
  }
  return {{"role", "assistant"}, {"content", text}};
}

}  // namespace

bool template_knows_tools(std::string_view chat_template) {
  return chat_template.find("tools") != std::string_view::npos;
}

Json with_described_tools(Json body) {
  Json messages = Json::array();
  const std::string described = describe(body["tools"]);
  bool placed = false;
  for (const auto& message : body["messages"]) {
    Json plain = plain_message(message);
    if (!placed && (plain["role"] == "system" || plain["role"] == "developer")) {
      plain["content"] = content_text(plain["content"]) + "\n\n" + described;
      placed = true;
    }
    messages.push_back(std::move(plain));
  }
  if (!placed) messages.insert(messages.begin(), Json{{"role", "system"}, {"content", described}});
  body["response_format"] = {{"type", "json_schema"},
                             {"json_schema", {{"name", "answer"}, {"schema", answer_schema(body)}}}};
  body["messages"] = std::move(messages);
  for (const char* name : {"tools", "tool_choice", "parallel_tool_calls"}) body.erase(name);
  return body;
}

ToolAnswer read_tool_answer(const std::string& text, const std::string& finish_reason, const std::string& call_id) {
  const Json json = parse_bounded(text);
  if (json.is_object() && json.contains("tool") && json["tool"].is_string()) {
    const Json call = {
        {"index", 0},
        {"id", call_id},
        {"type", "function"},
        {"function", {{"name", json["tool"]}, {"arguments", dump(json.value("arguments", Json::object()))}}}};
    return {{{"role", "assistant"}, {"content", nullptr}, {"tool_calls", Json::array({call})}}, "tool_calls"};
  }
  if (json.is_object() && json.contains("answer") && json["answer"].is_string())
    return {{{"role", "assistant"}, {"content", json["answer"]}}, finish_reason};
  return {{{"role", "assistant"}, {"content", text}}, finish_reason};
}

}  // namespace steward::gateway
