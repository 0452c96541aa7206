#include "cli/conversation.h"

#include "base/file.h"
#include "base/json_bounded.h"

namespace steward::cli {
namespace {

// Null where it isn't there; so a server that answers otherwise than ours ends no command.
const Json& at(const Json& object, const char* name) {
  static const Json kNothing;
  const auto found = object.is_object() ? object.find(name) : object.end();
  return found == object.end() ? kNothing : *found;
}

}  // namespace

void Conversation::take_back() {
  if (!turns_.empty() && turns_.back()["role"] == "user") turns_.pop_back();
}

Json Conversation::request() const {
  Json messages = Json::array();
  if (!system.empty()) messages.push_back({{"role", "system"}, {"content", system}});
  for (const auto& turn : turns_) messages.push_back(turn);
  Json out = {{"model", model},
              {"messages", std::move(messages)},
              {"stream", true},
              {"stream_options", {{"include_usage", true}}}};
  if (max_tokens > 0) out["max_completion_tokens"] = max_tokens;
  return out;
}

Status Conversation::keep(const std::filesystem::path& file) const {
  return write_file_atomic(file, dump(Json{{"model", model}, {"system", system}, {"turns", turns_}}));
}

Result<Conversation> Conversation::load(const std::filesystem::path& file) {
  auto text = read_file(file, 64 * 1024 * 1024);
  if (!text) return fail(text.error());
  auto kept = parse_json(*text);
  if (!kept || !kept->is_object() || !kept->contains("turns") || !(*kept)["turns"].is_array()) {
    return fail(ErrorCode::kCorrupt, file.string() + " holds no conversation.");
  }
  Conversation out;
  const auto text_in = [](const Json& object, const char* name) {
    const Json& value = at(object, name);
    return value.is_string() ? value.get<std::string>() : "";
  };
  out.model = text_in(*kept, "model");
  out.system = text_in(*kept, "system");
  for (const auto& turn : (*kept)["turns"]) {
    if (text_in(turn, "role") == "user")
      out.say(text_in(turn, "content"));
    else if (text_in(turn, "role") == "assistant")
      out.answer(text_in(turn, "content"));
  }
  return out;
}

std::string Conversation::markdown() const {
  std::string out = "# Conversation with " + model + "\n";
  if (!system.empty()) out += "\n> " + system + "\n";
  for (const auto& turn : turns_) {
    out += fmt::format("\n**{}**\n\n{}\n", turn["role"] == "user" ? "You" : model, turn["content"].get<std::string>());
  }
  return out;
}

std::string AnswerReader::feed(std::string_view bytes) {
  auto events = reader_.feed(bytes);
  if (!events) {
    problem_ = events.error().message;
    return "";
  }
  std::string fresh;
  for (const auto& event : *events) {
    if (event.data.empty() || event.data == "[DONE]") continue;
    const Json chunk = parse_bounded(event.data);
    if (!chunk.is_object()) continue;
    if (chunk.contains("error") && chunk["error"].is_object()) {
      const Json& message = at(chunk["error"], "message");
      problem_ = message.is_string() ? message.get<std::string>() : "The answer broke off.";
    }
    if (chunk.contains("usage") && chunk["usage"].is_object()) usage_ = chunk["usage"];
    const Json& choices = at(chunk, "choices");
    if (!choices.is_array() || choices.empty()) continue;
    if (const Json& reason = at(choices[0], "finish_reason"); reason.is_string())
      finish_reason_ = reason.get<std::string>();
    if (const Json& content = at(at(choices[0], "delta"), "content"); content.is_string())
      fresh += content.get<std::string>();
  }
  text_ += fresh;
  return fresh;
}

}  // namespace steward::cli
