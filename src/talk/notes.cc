// Talk's notes: what somebody asks to be kept as it is, outside of any conversation with a model. A note is a message
// like any other, in a conversation of its owner's that its metadata marks; it stands in Talk, is found like all that
// was said, and goes with its conversation. Its words alone can be forgotten too, by its id.
#include "base/crypto.h"
#include "gateway/peek.h"
#include "journal/db.h"
#include "talk/records.h"
#include "talk/talk.h"

namespace steward::talk {
using gateway::peek;
using gateway::peek_text;
namespace {

constexpr size_t kMaxNote = 64 * 1024;  // bytes
constexpr int kMostDeleted = 1'000;     // conversations of notes that their owner has deleted before
constexpr int kMostTries = 200;         // of one note, while others come in between
constexpr size_t kRandomBytes = 10;     // of a ULID
constexpr std::string_view kTitle = "Notes", kMark = "steward", kMarked = "notes";

bool holds_notes(const ConversationRow& row) { return peek_text(row.metadata, kMark.data()) == kMarked; }

// The newest of them: a look at one person's conversations, and no more.
Id find_notes(journal::Db& db, const Id& tenant, const Id& owner) {
  auto& row =
      db.prepare(
            "SELECT id FROM talk_conversations WHERE tenant = ? AND owner = ? AND deleted = 0 AND metadata LIKE "
            "'%\"steward\"%' AND json_extract(metadata, '$.steward') = 'notes' ORDER BY updated DESC LIMIT 1")
          .bind(1, tenant)
          .bind(2, owner);
  const Id found = row.step() ? row.text(0) : Id();
  row.reset();
  return found;
}

bool is_answered(journal::Db& db, const Id& tenant, const MessageRow& message) {
  auto& row = db.prepare(
                    "SELECT 1 FROM talk_messages WHERE tenant = ? AND conversation = ? AND parent = ? AND role = "
                    "'assistant' LIMIT 1")
                  .bind(1, tenant)
                  .bind(2, message.conversation)
                  .bind(3, message.id);
  const bool found = row.step();
  row.reset();
  return found;
}

std::unexpected<Error> no_note() {
  return fail(ErrorCode::kNotFound, "There is no such note of yours: give the id of a message as recall told it.",
              {{"param", "id"}});
}

std::unexpected<Error> not_here(std::string why) {
  return fail(ErrorCode::kForbidden, std::move(why), {{"param", "id"}, {"reason", "no_note"}});
}

// What can't be taken out by itself, and why.
Status is_forgettable(const MessageRow& message, const ConversationRow& row, bool answered) {
  if (!holds_notes(row))
    return not_here(
        fmt::format("This was said in the conversation '{}' and is no note: it is erased there, in Talk, which shows "
                    "what goes with it and takes it back for a while.",
                    row.title));
  if (message.role != "user" || message.kind != "said" || message.open() || answered)
    return not_here("This is part of a talk with a model, among your notes: erase it in Talk, with what hangs on it.");
  if (!message.attachments.is_array() || message.attachments.empty()) return {};
  return not_here("This note has files: erase it in Talk, with what hangs on it.");
}

}  // namespace

// Whoever makes the first note at the same time makes the same conversation: its id is made of its owner's, and from
// outside nobody can tell which.
Task<Result<ConversationRow>> Talk::notes_of(Caller caller) {
  const Id known = co_await read<Id>(
      [tenant = caller.tenant, owner = caller.principal](journal::Db& db) { return find_notes(db, tenant, owner); });
  if (!known.empty()) co_return co_await own(caller, known);
  for (int number = 0; number < kMostDeleted; ++number) {
    const std::string hash = hmac_sha256(parts_.share_key, fmt::format("notes\n{}\n{}", caller.principal, number));
    const Id id = "conv_" + ulid(0, std::string_view(hash).substr(0, kRandomBytes));
    auto made = co_await create(caller, {{"id", id}, {"title", kTitle}, {"metadata", {{kMark, kMarked}}}});
    if (!made && made.error().code == ErrorCode::kConflict) continue;  // it was deleted
    if (!made) co_return fail(std::move(made.error()));
    auto row = co_await own(caller, id);
    if (!row || holds_notes(*row)) co_return row;  // else its owner made something else of it
  }
  co_return fail(ErrorCode::kConflict, "Your notes were deleted too often: no new conversation can be made for them.");
}

// Notes stand one after another, also those that come at once: each is said below the last one, or tried again.
Task<Result<Json>> Talk::note(Caller caller, std::string text) {
  if (auto ok = may_keep(caller); !ok) co_return fail(std::move(ok.error()));
  if (text.empty() || text.size() > kMaxNote)
    co_return fail(ErrorCode::kInvalidRequest, fmt::format("A note has 1 to {} bytes of text.", kMaxNote),
                   {{"param", "text"}});
  auto notes = co_await notes_of(caller);
  if (!notes) co_return fail(std::move(notes.error()));
  const Id id = parts_.services.ids.make("msg");
  const Json body = {{"id", id}, {"text", std::move(text)}};
  uint64_t version = 0;  // no conversation's: the refusal tells which it is
  for (int tries = 0; tries < kMostTries; ++tries) {
    auto row = co_await own(caller, notes->id);
    if (!row) co_return fail(std::move(row.error()));
    if (row->title.empty()) row->title = kTitle;  // no title is made of a note: it would outlive its words
    auto drafts = co_await drafts_of_saying(caller, *row, body, std::nullopt, row->current, false);
    if (!drafts) co_return fail(std::move(drafts.error()));
    drafts->front().expected_version = version;
    auto done = co_await commit(caller.tenant, std::move(*drafts));
    if (done) {
      auto said = co_await message_in(caller.tenant, row->id, id);
      if (!said) co_return fail(std::move(said.error()));
      co_return Json{{"id", id}, {"conversation", row->id}, {"created_at", said->created / kSecondUs}};
    }
    const Json& told = peek(done.error().details, "version");
    if (done.error().code != ErrorCode::kConflict || !told.is_number_integer()) co_return fail(std::move(done.error()));
    version = told.get<uint64_t>();
    (void)co_await parts_.views.wait_applied(caller.tenant, parts_.services.journal.written_seq(caller.tenant));
  }
  co_return fail(ErrorCode::kConflict, "Too many notes come at once: try again.");
}

Task<Result<Json>> Talk::forget_note(Caller caller, Id id) {
  struct Found {
    std::optional<MessageRow> message;
    bool answered = false;
  };
  const auto look = [tenant = caller.tenant, id](journal::Db& db) {
    Found out{.message = find_message(db, tenant, id)};
    out.answered = out.message && is_answered(db, tenant, *out.message);
    return out;
  };
  const Found found = co_await read<Found>(look);
  if (!found.message) co_return no_note();
  auto row = co_await own(caller, found.message->conversation);
  if (!row && row.error().code == ErrorCode::kNotFound) co_return no_note();  // it is another's
  if (!row) co_return fail(std::move(row.error()));
  if (auto ok = is_forgettable(*found.message, *row, found.answered); !ok) co_return fail(std::move(ok.error()));
  if (!found.message->erased) {
    auto done = co_await store_.erase_records(caller, {found.message->record});
    (void)co_await parts_.views.wait_applied(caller.tenant, parts_.services.journal.written_seq(caller.tenant));
    const Found after = co_await read<Found>(look);
    if (!done && after.message && !after.message->erased) co_return fail(std::move(done.error()));
  }
  co_return Json{{"id", id}, {"conversation", row->id}, {"forgotten", true}, {"before", found.message->erased}};
}

}  // namespace steward::talk
