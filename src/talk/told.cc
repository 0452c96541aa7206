// What a model was told for an answer, put together again as prompt.h does it, from what stands now: erased messages
// are gone from it, and a project's instructions are those of today.
#include "gateway/peek.h"
#include "talk/prompt.h"
#include "talk/records.h"
#include "talk/show.h"
#include "talk/talk.h"

namespace steward::talk {
using gateway::peek;
using gateway::peek_text;
namespace {

std::string_view role_name(gateway::Role role) {
  if (role == gateway::Role::kAssistant) return "assistant";
  return role == gateway::Role::kUser ? "user" : "system";
}

Json told_messages(const gateway::Request& request) {
  Json out = Json::array();
  for (const auto& message : request.messages) {
    std::string text = gateway::text_of(message.parts);
    for (const auto& part : message.parts) {
      if (std::holds_alternative<gateway::Media>(part.body)) text += text.empty() ? "[An image]" : "\n[An image]";
    }
    out.push_back({{"role", role_name(message.role)}, {"text", std::move(text)}});
  }
  return out;
}

Json piece_json(const Remembered::Piece& piece, const std::string& title) {
  Json messages = Json::array();
  for (const auto& line : piece.lines) {
    messages.push_back(
        {{"id", line.message}, {"role", line.role}, {"created_at", line.time / kSecondUs}, {"text", line.text}});
  }
  const bool gone = piece.lines.empty();
  return {{"id", piece.first}, {"conversation", piece.conversation},
          {"title", title},    {"created_at", gone ? Json(nullptr) : Json(piece.lines.front().time / kSecondUs)},
          {"why", piece.why},  {"messages", std::move(messages)},
          {"gone", gone}};
}

}  // namespace

Task<Result<Json>> Talk::told(Caller caller, Id id, Id answer) {
  auto row = co_await own(caller, id);
  if (!row) co_return fail(std::move(row.error()));
  auto found = co_await message_in(caller.tenant, id, answer);
  if (!found) co_return fail(std::move(found.error()));
  if (found->kind != "answer" || found->erased)
    co_return fail(ErrorCode::kNotFound, "No model was asked for this message.", {{"param", "message"}});
  if (found->open()) co_return fail(ErrorCode::kConflict, "It is being answered: ask when it is there.");
  Ask ask{.caller = caller, .conversation = id, .answer = answer, .parent = found->parent};
  ask.model = peek_text(found->asked, "model");
  ask.instructions = peek_text(found->asked, "instructions");
  auto again = co_await parts_.remember_again(caller, given_in(peek(found->told, "memory")));
  if (!again) co_return fail(std::move(again.error()));
  const Remembered remembered = std::move(*again);
  auto prompt = co_await prompt_of(parts_, store_, ask, co_await instructions_for(parts_, ask), remembered);
  if (!prompt) co_return fail(std::move(prompt.error()));
  std::vector<Id> talks;
  for (const auto& piece : remembered.pieces) talks.push_back(piece.conversation);
  const auto titles = co_await read<std::vector<std::string>>([tenant = caller.tenant, talks](journal::Db& db) {
    std::vector<std::string> out;
    for (const Id& one : talks) {
      const auto talk = find_conversation(db, tenant, one);
      out.push_back(talk && talk->deleted == 0 ? talk->title : std::string());
    }
    return out;
  });
  Json memory = Json::array();
  for (size_t i = 0; i < remembered.pieces.size(); ++i) memory.push_back(piece_json(remembered.pieces[i], titles[i]));
  co_return Json{{"object", "talk.told"},
                 {"model", ask.model},
                 {"messages", told_messages(prompt->request)},
                 {"left_out", prompt->left_out},
                 {"memory", std::move(memory)}};
}

}  // namespace steward::talk
