#include "talk/show.h"

#include <algorithm>

#include "gateway/peek.h"
#include "talk/remembered.h"

namespace steward::talk {
using gateway::peek;
using gateway::peek_text;
namespace {

Json number_or_null(const std::optional<int64_t>& number) { return number ? Json(*number) : Json(nullptr); }

// All that made it, oldest first.
Json calls_of(const MessageRow& row) {
  const Json& several = peek(row.told, "calls");
  if (several.is_array()) return several;
  return row.call.empty() ? Json::array() : Json::array({row.call});
}

std::string shown_role(const std::string& role) { return role == "erased" ? "user" : role; }

}  // namespace

Json or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json conversation_json(const ConversationRow& row, const Id& reader) {
  return {{"id", row.id},
          {"object", "conversation"},
          {"created_at", row.created / kSecondUs},
          {"updated_at", row.updated / kSecondUs},
          {"metadata", row.metadata},
          {"title", row.title},
          {"title_by", or_null(row.title_by)},
          {"pinned", row.pinned},
          {"archived", row.archived},
          {"project", or_null(row.project)},
          {"folder", or_null(row.folder)},
          {"messages", row.messages},
          {"preview", row.preview},
          {"current", or_null(row.current)},
          {"answering", row.answering},
          {"shared", row.shared},
          {"remember", row.remember},
          {"owner", row.owner},
          {"mine", row.owner == reader},
          {"model", or_null(row.model)},
          {"route", or_null(row.route)}};
}

Json message_json(const MessageRow& row, const Said& said, const std::vector<AttachmentRow>& attachments,
                  const Run* run, bool own) {
  Run::Snapshot now{.text = said.text, .reasoning = said.reasoning};
  if (run != nullptr) now = run->now();
  Json attached = Json::array();
  for (const auto& one : attachments) {
    const bool here = std::ranges::find(row.attachments, Json(one.id)) != row.attachments.end();
    if (here) attached.push_back(attachment_json(one));
  }
  const Json& usage = peek(row.told, "usage");
  const std::string model = row.model.empty() ? peek_text(row.asked, "model") : row.model;
  return {
      {"id", row.id},
      {"object", "message"},
      {"conversation", row.conversation},
      {"parent", or_null(row.parent)},
      {"role", shown_role(row.role)},
      {"created_at", row.created / kSecondUs},
      {"status", row.erased ? "erased" : row.status},
      {"text", now.text},
      {"reasoning", or_null(now.reasoning)},
      {"attachments", std::move(attached)},
      {"tools", said.tools},
      {"model", or_null(model)},
      {"route", or_null(row.route)},
      {"usage", usage.is_object() ? usage : Json(nullptr)},
      {"cost_nano_usd", peek(row.told, "cost_nano_usd")},
      {"duration_ms", peek(row.told, "duration_ms")},
      {"first_token_ms", peek(row.told, "first_token_ms")},
      {"memory", own ? shown_memory(peek(row.told, "memory")) : Json(nullptr)},
      {"left_out", gateway::peek_integer(row.told, "left_out")},
      {"error", peek(row.told, "error")},
      {"call", or_null(row.call)},
      {"calls", calls_of(row)},
      {"attempt", row.attempt},
      {"versions",
       {{"index", row.index}, {"count", row.count}, {"previous", or_null(row.previous)}, {"next", or_null(row.next)}}}};
}

Json branch_json(const MessageRow& row) {
  return {{"id", row.id},
          {"parent", or_null(row.parent)},
          {"role", shown_role(row.role)},
          {"created_at", row.created / kSecondUs},
          {"preview", row.preview},
          {"model", or_null(row.model)},
          {"status", row.erased ? "erased" : row.status}};
}

Json attachment_json(const AttachmentRow& row) {
  return {{"id", row.id},
          {"object", "attachment"},
          {"name", row.name},
          {"type", row.type},
          {"bytes", row.bytes},
          {"created_at", row.created / kSecondUs},
          {"state", row.state},
          {"kind", row.kind},
          {"pages", number_or_null(row.pages)},
          {"characters", number_or_null(row.characters)},
          {"error", or_null(row.error)},
          {"reasons", row.reasons}};
}

Json share_json(const ShareRow& row) {
  return {{"id", row.id},       {"object", "share"},       {"conversation", row.conversation},
          {"with", row.reader}, {"to", or_null(row.leaf)}, {"created_at", row.created / kSecondUs}};
}

Json project_json(const ProjectRow& row) {
  return {{"id", row.id},
          {"object", "project"},
          {"name", row.name},
          {"instructions", row.instructions},
          {"model", or_null(row.model)},
          {"conversations", row.conversations},
          {"created_at", row.created / kSecondUs}};
}

Json list_json(Json data, bool more) {
  const auto id_of = [](const Json& one) { return one.contains("id") ? one["id"] : Json(nullptr); };
  Json out = {{"object", "list"}, {"data", Json::array()}};
  out["first_id"] = data.empty() ? Json(nullptr) : id_of(data.front());
  out["last_id"] = data.empty() ? Json(nullptr) : id_of(data.back());
  out["has_more"] = more;
  out["data"] = std::move(data);
  return out;
}

}  // namespace steward::talk
