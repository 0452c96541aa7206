// Talk's writing: a message said, an answer asked again, gone on with, stopped.
#include <algorithm>

#include "gateway/peek.h"
#include "gateway/serve.h"
#include "talk/prompt.h"
#include "talk/records.h"
#include "talk/show.h"
#include "talk/talk.h"
#include "talk/titles.h"

namespace steward::talk {
using gateway::peek;
using gateway::peek_text;
namespace {

constexpr size_t kMaxText = size_t{16} << 20;  // bytes of one message
constexpr size_t kMaxInstructions = 16 * 1024;
constexpr size_t kMaxAttachments = 20;

std::unexpected<Error> bad(std::string_view name, std::string sentence) {
  return fail(ErrorCode::kInvalidRequest, fmt::format("'{}' {}", name, sentence), {{"param", name}});
}

Status check_said(const Json& body) {
  const Json &text = peek(body, "text"), &attachments = peek(body, "attachments");
  if (!text.is_null() && !text.is_string()) return bad("text", "must be a text.");
  if (text.is_string() && text.get_ref<const std::string&>().size() > kMaxText)
    return fail(ErrorCode::kBodyTooLarge, fmt::format("A message has at most {} MB of text.", kMaxText >> 20));
  if (!attachments.is_null() && (!attachments.is_array() || attachments.size() > kMaxAttachments))
    return bad("attachments", fmt::format("must be an array of up to {} ids.", kMaxAttachments));
  if (peek_text(body, "text").empty() && (attachments.is_null() || attachments.empty()))
    return bad("text", "is missing: there is nothing to say.");
  if (body.contains("id") && !is_message_id(peek_text(body, "id"))) return bad("id", "must be msg_ and a ULID.");
  if (peek_text(body, "instructions").size() > kMaxInstructions)
    return bad("instructions", fmt::format("has at most {} bytes.", kMaxInstructions));
  return {};
}

}  // namespace

Task<Result<Json>> Talk::attach_to(Caller caller, Id conversation, Json ids) {
  if (!ids.is_array()) co_return Json::array();
  for (const auto& one : ids) {
    const Id id = one.is_string() ? one.get<std::string>() : Id();
    const auto row = co_await read<std::optional<AttachmentRow>>(
        [tenant = caller.tenant, id](journal::Db& db) { return find_attachment(db, tenant, id); });
    if (!row || row->owner != caller.principal)
      co_return fail(ErrorCode::kInvalidRequest,
                     fmt::format("'attachments' names a file that isn't here: '{}'. One that is never sent is erased "
                                 "after a while: attach it anew.",
                                 id.substr(0, 80)),
                     {{"param", "attachments"}, {"reason", "file_gone"}});
    // It is erased with the conversation that it was sent in: in a second one it would be missed.
    if (!row->conversation.empty() && row->conversation != conversation)
      co_return fail(
          ErrorCode::kConflict,
          fmt::format("'{}' was sent in another conversation and goes with that one: attach it anew.", row->name),
          {{"param", "attachments"}});
  }
  co_return ids;
}

// Which model answers: as asked for, else as this conversation was answered last, else the project's, else the
// person's, else the quick route, else any.
Task<Result<Ask>> Talk::ask_of(Caller caller, ConversationRow row, Json body, std::string model_before) {
  Ask ask{.caller = caller, .conversation = row.id, .answer = parts_.services.ids.make("msg")};
  ask.instructions = peek_text(body, "instructions");
  if (auto ok = read_memory(body, ask); !ok) co_return fail(std::move(ok.error()));
  ask.model = peek_text(body, "model").empty() ? peek_text(body, "route") : peek_text(body, "model");
  if (ask.model.empty()) ask.model = model_before;
  if (ask.model.empty()) ask.model = row.route.empty() ? row.model : row.route;
  if (ask.model.empty() && !row.project.empty()) {
    const auto project = co_await read<std::optional<ProjectRow>>(
        [tenant = caller.tenant, id = row.project](journal::Db& db) { return find_project(db, tenant, id); });
    if (project) ask.model = project->model;
  }
  if (ask.model.empty()) ask.model = parts_.default_model(caller.principal);
  if (ask.model.empty()) ask.model = co_await any_model(parts_.services);
  if (ask.model.empty())
    co_return fail(ErrorCode::kModelNotFound, "There is no model here that could answer: an owner can add one.",
                   {{"param", "model"}});
  if (auto ok = gateway::may_use(parts_.services, caller, ask.model, "chat"); !ok)
    co_return fail(std::move(ok.error()));
  co_return ask;
}

// Where nothing is said beside it, the conversation is about the file.
Task<std::string> Talk::first_file_of(Id tenant, Json body) {
  const Json& ids = peek(body, "attachments");
  if (!ids.is_array() || ids.empty() || !ids[0].is_string()) co_return std::string();
  const auto row = co_await read<std::optional<AttachmentRow>>(
      [tenant, id = ids[0].get<Id>()](journal::Db& db) { return find_attachment(db, tenant, id); });
  co_return row ? row->name : std::string();
}

Task<Result<std::vector<journal::Draft>>> Talk::drafts_of_saying(Caller caller, ConversationRow row, Json body,
                                                                 std::optional<Ask> ask, Id above, bool waits) {
  const std::string stream = conversation_stream(row.id), text = peek_text(body, "text");
  const Id id = peek_text(body, "id");
  Json about = {{"owner", caller.principal}, {"item", id}, {"parent", above}, {"role", "user"}};
  if (peek(body, "attachments").is_array()) about["attachments"] = peek(body, "attachments");
  if (waits) about["queued"] = true;
  if (ask) {
    about["answer"] = body_of(*ask);
    about["answer"].erase("owner");
    if (waits) about["answer"]["above"] = above;
  }
  std::vector<journal::Draft> out;
  out.push_back(draft_of(caller, stream, kMessageSaid, about, id));
  out.back().id = record_of(id);  // so it is said once, however often it is sent
  auto content =
      co_await store_.draft(caller, stream, std::string(kContent), {{"item", id}}, item_of(id, "user", text));
  if (!content) co_return fail(std::move(content.error()));
  content->sources = {id};
  out.push_back(std::move(*content));
  if (ask && !waits) out.push_back(draft_of(caller, stream, kAnswerStarted, body_of(*ask), ask->answer));
  if (row.title.empty() && row.title_by.empty()) {
    const std::string title = title_by_rule(text.empty() ? co_await first_file_of(caller.tenant, body) : text);
    if (!title.empty()) out.push_back(draft_of(caller, stream, kTitled, {{"title", title}, {"title_by", "rule"}}, id));
  }
  co_return out;
}

// The same message sent again: what came of it the first time.
Task<Result<Json>> Talk::said_before(Caller caller, Id conversation, Id message) {
  auto row = co_await message_in(caller.tenant, conversation, message);
  if (!row) co_return fail(ErrorCode::kConflict, "This message's id is taken.", {{"param", "id"}});
  Json out = {{"answer", nullptr}};
  auto said = co_await shown(caller.tenant, *row);
  if (!said) co_return fail(std::move(said.error()));
  out["message"] = std::move(*said);
  if (row->answer.empty()) co_return out;
  auto answer = co_await message_in(caller.tenant, conversation, row->answer);
  if (!answer) co_return out;
  auto told = co_await shown(caller.tenant, *answer);
  if (!told) co_return fail(std::move(told.error()));
  out["answer"] = std::move(*told);
  co_return out;
}

Task<Result<Json>> Talk::say(Caller caller, Id id, Json body) {
  if (auto ok = may_keep(caller); !ok) co_return fail(std::move(ok.error()));
  auto row = co_await own(caller, id);
  if (!row) co_return fail(std::move(row.error()));
  if (auto ok = check_said(body); !ok) co_return fail(std::move(ok.error()));
  if (!body.contains("id")) body["id"] = parts_.services.ids.make("msg");
  const Id message = peek_text(body, "id");
  const auto known = co_await read<std::optional<MessageRow>>(
      [tenant = caller.tenant, message](journal::Db& db) { return find_message(db, tenant, message); });
  if (known) co_return co_await said_before(caller, id, message);
  const Id parent = body.contains("parent") ? peek_text(body, "parent") : row->current;
  if (!parent.empty()) {
    if (auto there = co_await message_in(caller.tenant, id, parent); !there) co_return fail(std::move(there.error()));
  }
  if (auto ok = co_await attach_to(caller, id, peek(body, "attachments")); !ok) co_return fail(std::move(ok.error()));
  std::optional<Ask> ask;
  if (peek(body, "answer") != false) {
    auto made = co_await ask_of(caller, *row, body, "");
    if (!made) co_return fail(std::move(made.error()));
    ask = std::move(*made);
    ask->parent = message;
  }
  Result<bool> waits = false;
  if (ask) waits = answers_.enter(ask->answer, parent, caller.principal);
  if (!waits) co_return fail(std::move(waits.error()));
  auto drafts = co_await drafts_of_saying(caller, *row, body, ask, parent, *waits);
  Status done = drafts ? co_await commit(caller.tenant, std::move(*drafts)) : fail(std::move(drafts.error()));
  if (!done) {
    if (ask) answers_.leave(ask->answer);
    if (done.error().code != ErrorCode::kConflict) co_return fail(std::move(done.error()));
    (void)co_await parts_.views.wait_applied(caller.tenant, parts_.services.journal.written_seq(caller.tenant));
    co_return co_await said_before(caller, id, message);
  }
  if (ask) {
    ask->announced = !*waits;
    answers_.begin(*ask, *waits);
  }
  co_return co_await said_before(caller, id, message);
}

// An answer under a message that stands already.
Task<Result<Json>> Talk::begun(Ask ask) {
  if (auto entered = answers_.enter(ask.answer, "", ask.caller.principal); !entered)
    co_return fail(std::move(entered.error()));
  std::vector<journal::Draft> drafts;
  drafts.push_back(
      draft_of(ask.caller, conversation_stream(ask.conversation), kAnswerStarted, body_of(ask), ask.answer));
  if (auto done = co_await commit(ask.caller.tenant, std::move(drafts)); !done) {
    answers_.leave(ask.answer);
    co_return fail(std::move(done.error()));
  }
  ask.announced = true;
  answers_.begin(ask, false);
  auto question = co_await message_in(ask.caller.tenant, ask.conversation, ask.parent);
  auto answer = co_await message_in(ask.caller.tenant, ask.conversation, ask.answer);
  if (!answer) co_return fail(std::move(answer.error()));
  Json out = {{"message", nullptr}, {"answer", nullptr}};
  if (question) {
    auto told = co_await shown(ask.caller.tenant, *question);
    if (!told) co_return told;
    out["message"] = std::move(*told);
  }
  auto told = co_await shown(ask.caller.tenant, *answer);
  if (!told) co_return told;
  out["answer"] = std::move(*told);
  co_return out;
}

Task<Result<Json>> Talk::retry(Caller caller, Id id, Id message, Json body) {
  auto row = co_await own(caller, id);
  if (!row) co_return fail(std::move(row.error()));
  auto found = co_await message_in(caller.tenant, id, message);
  if (!found) co_return fail(std::move(found.error()));
  const bool of_answer = found->role == "assistant";
  const std::string before = of_answer ? peek_text(found->asked, "model") : "";
  if (of_answer && found->parent.empty()) co_return fail(ErrorCode::kConflict, "Nothing was asked above this answer.");
  if (found->status == "queued") co_return fail(ErrorCode::kConflict, "It waits still: it is answered in its turn.");
  auto ask = co_await ask_of(caller, *row, body, before);
  if (!ask) co_return fail(std::move(ask.error()));
  ask->parent = of_answer ? found->parent : found->id;
  co_return co_await begun(std::move(*ask));
}

Task<Status> Talk::is_answerable(std::string model) {
  if (parts_.services.router.find(model)) co_return Status{};
  auto found = co_await parts_.services.directory.find(std::move(model));
  co_return found ? Status{} : Status(fail(std::move(found.error())));
}

Task<Result<Json>> Talk::go_on(Caller caller, Id id, Id message) {
  auto row = co_await own(caller, id);
  if (!row) co_return fail(std::move(row.error()));
  auto found = co_await message_in(caller.tenant, id, message);
  if (!found) co_return fail(std::move(found.error()));
  const bool cut = found->kind == "answer" &&
                   (found->status == "stopped" || found->status == "incomplete" || found->status == "failed");
  if (!cut) co_return fail(ErrorCode::kConflict, "Only an answer that was stopped or cut off can be gone on with.");
  auto said = co_await said_by(caller.tenant, *found);
  if (!said) co_return fail(std::move(said.error()));
  auto ask = co_await ask_of(caller, *row, Json::object(), peek_text(found->asked, "model"));
  if (!ask) co_return fail(std::move(ask.error()));
  // Whose model is gone keeps what it has: nothing is begun.
  if (auto there = co_await is_answerable(ask->model); !there) co_return fail(std::move(there.error()));
  ask->answer = found->id;
  ask->parent = found->parent;
  ask->instructions = peek_text(found->asked, "instructions");
  if (auto ok = read_memory(found->asked, *ask); !ok) co_return fail(std::move(ok.error()));
  ask->continues = true;
  if (const Json& calls = peek(found->told, "calls"); calls.is_array()) {
    ask->calls = calls.get<std::vector<Id>>();
  } else if (!found->call.empty()) {
    ask->calls = {found->call};
  }
  ask->text = std::move(said->text);
  ask->reasoning = std::move(said->reasoning);
  co_return co_await begun(std::move(*ask));
}

// Its words leave the journal too; they are in the answer, for whoever wants to say them otherwise.
Task<Result<Json>> Talk::take_back_waiting(Caller caller, MessageRow question) {
  auto said = co_await shown(caller.tenant, question);
  if (!said) co_return said;
  std::vector<journal::Draft> drafts;
  drafts.push_back(draft_of(caller, conversation_stream(question.conversation), kTakenBack, {{"item", question.id}}));
  if (auto done = co_await commit(caller.tenant, std::move(drafts)); !done) co_return fail(std::move(done.error()));
  if (!question.record.empty()) (void)co_await store_.erase_records(caller, {question.record});
  (void)co_await store_.erase_drawn_from(caller, question.id);
  (*said)["status"] = "taken_back";
  co_return Json{{"message", std::move(*said)}, {"answer", nullptr}};
}

Task<Result<Json>> Talk::stop_answer(Caller caller, Id id, Id message) {
  auto row = co_await own(caller, id);
  if (!row) co_return fail(std::move(row.error()));
  auto found = co_await message_in(caller.tenant, id, message);
  if (!found) co_return fail(std::move(found.error()));
  const bool question = found->role == "user";
  const Id answer = question ? found->answer : found->id;
  if (!answer.empty() && answers_.withdraw(answer)) {
    auto asked = question ? std::move(found) : co_await message_in(caller.tenant, id, found->parent);
    if (!asked) co_return fail(std::move(asked.error()));
    co_return co_await take_back_waiting(caller, std::move(*asked));
  }
  const bool stopped = !answer.empty() && co_await answers_.stop(answer);
  auto after = co_await message_in(caller.tenant, id, stopped ? answer : message);
  if (!after) co_return fail(std::move(after.error()));
  auto told = co_await shown(caller.tenant, *after);
  if (!told) co_return told;
  co_return Json{{"message", nullptr}, {"answer", std::move(*told)}};
}

Task<Status> Talk::stop_all_in(Caller caller, Id id) {
  const auto open = co_await read<std::vector<MessageRow>>(
      [tenant = caller.tenant, id](journal::Db& db) { return open_answers(db, tenant, id); });
  for (auto one = open.rbegin(); one != open.rend(); ++one) {
    if (!answers_.withdraw(one->id)) (void)co_await answers_.stop(one->id);
  }
  co_return Status{};
}

}  // namespace steward::talk
