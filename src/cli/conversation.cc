#include "cli/conversation.h"

#include "base/file.h"

namespace steward::cli {

void Conversation::take_back() {
  if (!turns_.empty() && turns_.back()["role"] == "user") turns_.pop_back();
}

Json Conversation::request() const {
  Json messages = Json::array();
  if (!system.empty()) messages.push_back({{"role", "system"}, {"content", system}});
  for (const auto& turn : turns_) messages.push_back(turn);
  return {{"model", model},
          {"messages", std::move(messages)},
          {"stream", true},
          {"stream_options", {{"include_usage", true}}}};
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
  out.model = kept->value("model", "");
  out.system = kept->value("system", "");
  for (const auto& turn : (*kept)["turns"]) out.turns_.push_back(turn);
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
    const Json chunk = Json::parse(event.data, nullptr, false);
    if (!chunk.is_object()) continue;
    if (chunk.contains("error") && chunk["error"].is_object())
      problem_ = chunk["error"].value("message", "The answer broke off.");
    if (chunk.contains("usage") && chunk["usage"].is_object()) usage_ = chunk["usage"];
    if (!chunk.contains("choices") || !chunk["choices"].is_array() || chunk["choices"].empty()) continue;
    const Json& choice = chunk["choices"][0];
    if (const Json reason = choice.value("finish_reason", Json()); reason.is_string())
      finish_reason_ = reason.get<std::string>();
    const Json delta = choice.value("delta", Json::object());
    if (const Json content = delta.value("content", Json()); content.is_string()) fresh += content.get<std::string>();
  }
  text_ += fresh;
  return fresh;
}

}  // namespace steward::cli
