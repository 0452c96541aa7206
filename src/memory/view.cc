#include "memory/view.h"

#include "base/crypto.h"
#include "gateway/conversations/item_text.h"
#include "gateway/peek.h"
#include "journal/erasure.h"

namespace steward::memory {
using gateway::peek;
using gateway::peek_integer;
using gateway::peek_text;
using journal::Db;
using journal::Record;
namespace {

constexpr std::string_view kTables = R"(
CREATE TABLE memory_tenants(tenant TEXT NOT NULL PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE memory_conversations(tenant TEXT NOT NULL, id TEXT NOT NULL, seq INTEGER NOT NULL, owner TEXT NOT NULL,
 project TEXT NOT NULL, deleted INTEGER NOT NULL, kept INTEGER NOT NULL, PRIMARY KEY(tenant, id)) WITHOUT ROWID;
CREATE TABLE memory_paused(tenant TEXT NOT NULL, person TEXT NOT NULL, PRIMARY KEY(tenant, person)) WITHOUT ROWID;
CREATE INDEX memory_conversations_seq ON memory_conversations(tenant, seq);
CREATE INDEX memory_conversations_of ON memory_conversations(tenant, owner);
CREATE TABLE memory_messages(tenant TEXT NOT NULL, id TEXT NOT NULL, seq INTEGER NOT NULL, conversation TEXT NOT NULL,
 parent TEXT NOT NULL, role TEXT NOT NULL, time INTEGER NOT NULL, follows INTEGER NOT NULL,
 PRIMARY KEY(tenant, id)) WITHOUT ROWID;
CREATE INDEX memory_messages_in ON memory_messages(tenant, conversation, seq, id);
CREATE INDEX memory_messages_seq ON memory_messages(tenant, seq);
CREATE TABLE memory_passages(number INTEGER NOT NULL PRIMARY KEY, partition INTEGER NOT NULL, tenant TEXT NOT NULL,
 conversation TEXT NOT NULL, message TEXT NOT NULL, part INTEGER NOT NULL, time INTEGER NOT NULL, role TEXT NOT NULL,
 speaker TEXT NOT NULL, language INTEGER NOT NULL, words INTEGER NOT NULL, key BLOB NOT NULL, text TEXT NOT NULL);
CREATE INDEX memory_passages_of ON memory_passages(partition, number);
CREATE INDEX memory_passages_in ON memory_passages(tenant, message, part);
CREATE INDEX memory_passages_key ON memory_passages(key);
CREATE TABLE memory_terms(partition INTEGER NOT NULL, term TEXT NOT NULL, passage INTEGER NOT NULL,
 count INTEGER NOT NULL, PRIMARY KEY(partition, term, passage)) WITHOUT ROWID;
)";

struct Row {
  Id id, parent;
  std::string_view role;
  bool follows = false;  // its parent is whatever stood last, as a list has it
};

Id thing_of(const Record& record) { return record.stream.substr(record.stream.find('/') + 1); }

std::string text_at(Db& db, const char* sql, const Id& tenant, const Id& id) {
  auto& row = db.prepare(sql).bind(1, tenant).bind(2, id);
  std::string out = row.step() ? row.text(0) : "";
  row.reset();
  return out;
}

bool stands(Db& db, const Id& tenant, const Id& conversation) {
  return !text_at(db, "SELECT id FROM memory_conversations WHERE tenant = ? AND id = ?", tenant, conversation).empty();
}

void insert(Db& db, const Record& record, const Row& row) {
  db.prepare("INSERT OR IGNORE INTO memory_messages VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
      .bind(1, record.tenant)
      .bind(2, row.id)
      .bind(3, record.seq)
      .bind(4, thing_of(record))
      .bind(5, row.parent)
      .bind(6, row.role)
      .bind(7, record.time)
      .bind(8, row.follows ? 1 : 0)
      .run();
}

Id last_in(Db& db, const Id& tenant, const Id& conversation) {
  return text_at(db,
                 "SELECT id FROM memory_messages WHERE tenant = ? AND conversation = ? ORDER BY seq DESC, id DESC "
                 "LIMIT 1",
                 tenant, conversation);
}

void created(Db& db, const Record& record, const Json& body) {
  db.prepare("INSERT OR IGNORE INTO memory_conversations VALUES (?, ?, ?, ?, ?, 0, ?)")
      .bind(1, record.tenant)
      .bind(2, thing_of(record))
      .bind(3, record.seq)
      .bind(4, peek_text(body, "owner"))
      .bind(5, peek_text(body, "project"))
      .bind(6, peek(body, "remember") == false ? 0 : 1)
      .run();
}

// Somebody's settings, all of them: whether what they say is kept from now on.
void settled(Db& db, const Record& record) {
  const Json body = record.erased ? Json() : read_own(record.body);
  const bool paused = peek(peek(body, "values"), "memory") == false;
  db.prepare(paused ? "INSERT OR IGNORE INTO memory_paused VALUES (?, ?)"
                    : "DELETE FROM memory_paused WHERE tenant = ? AND person = ?")
      .bind(1, record.tenant)
      .bind(2, thing_of(record))
      .run();
}

// Which one is in its header, so that it is the same once its body is erased.
void leave_project(Db& db, const Record& record) {
  db.prepare("UPDATE memory_conversations SET project = '' WHERE tenant = ? AND project = ?")
      .bind(1, record.tenant)
      .bind(2, thing_of(record))
      .run();
}

void set_deleted(Db& db, const Record& record, int64_t until) {
  db.prepare("UPDATE memory_conversations SET deleted = ?3 WHERE tenant = ?1 AND id = ?2")
      .bind(1, record.tenant)
      .bind(2, thing_of(record))
      .bind(3, until)
      .run();
}

void placed(Db& db, const Record& record, const Json& body) {
  if (!body.contains("project")) return;
  db.prepare("UPDATE memory_conversations SET project = ?3 WHERE tenant = ?1 AND id = ?2")
      .bind(1, record.tenant)
      .bind(2, thing_of(record))
      .bind(3, peek_text(body, "project"))
      .run();
}

// A message that waited and was never answered; what stood below it moves up.
void taken_back(Db& db, const Record& record, const Json& body) {
  const Id id = peek_text(body, "item");
  const Id parent = text_at(db, "SELECT parent FROM memory_messages WHERE tenant = ? AND id = ?", record.tenant, id);
  fold::forget_message(db, record.tenant, id);
  const Id answer = text_at(db,
                            "SELECT m.id FROM memory_messages m JOIN memory_messages q ON q.tenant = m.tenant AND "
                            "q.id = m.parent AND q.seq = m.seq WHERE m.tenant = ? AND m.parent = ?",
                            record.tenant, id);
  for (const Id& gone : {id, answer}) {
    if (gone.empty()) continue;
    db.prepare("UPDATE memory_messages SET parent = ?3 WHERE tenant = ?1 AND parent = ?2 AND id != ?4")
        .bind(1, record.tenant)
        .bind(2, gone)
        .bind(3, parent)
        .bind(4, answer)
        .run();
    db.prepare("DELETE FROM memory_messages WHERE tenant = ? AND id = ?").bind(1, record.tenant).bind(2, gone).run();
  }
}

void said(Db& db, const Record& record, const Json& body) {
  const Id id = peek_text(body, "item"), answer = peek_text(peek(body, "answer"), "item");
  const std::string role = peek_text(body, "role");
  insert(db, record, {.id = id, .parent = peek_text(body, "parent"), .role = role});
  if (!answer.empty()) insert(db, record, {.id = answer, .parent = id, .role = "assistant"});
}

std::string_view role_in(const Json& item) {
  if (peek_text(item, "type") != "message") return "other";
  const std::string role = peek_text(item, "role");
  return role == "assistant" ? "assistant" : role == "user" ? "user" : "other";
}

}  // namespace

int64_t partition_of(const Id& tenant, const Id& owner) {
  const std::string digest = sha256(tenant + "/" + owner);
  int64_t out = 0;
  for (size_t i = 0; i < 8; ++i) out = out << 8 | static_cast<unsigned char>(digest[i]);
  return out & INT64_MAX;
}

void MemoryView::create(Db& db) { db.execute(kTables); }

void MemoryView::apply(Db& db, const Record& record) {
  if (!parts_.enabled) return;
  if (record.kind == journal::kErasedKind) return fold::erased(db, record);
  if (record.kind == "project.removed") return leave_project(db, record);
  if (record.kind == "person.settings") return settled(db, record);
  if (!record.stream.starts_with("conversation/")) return;
  if (record.erased) {
    // What it said before is gone with it; the place of an item stays.
    if (record.sources.empty()) return;
    const Id id = record.sources.front();
    if (record.kind == "conversation.content") return fold::forget_message(db, record.tenant, id);
    if (record.kind == "conversation.item_added" && stands(db, record.tenant, thing_of(record)))
      insert(db, record,
             {.id = id, .parent = last_in(db, record.tenant, thing_of(record)), .role = "other", .follows = true});
    return;
  }
  const Json body = read_own(record.body);
  if (body.is_object()) fold(db, record, body);
}

void MemoryView::fold(Db& db, const Record& record, const Json& body) {
  if (record.kind == "conversation.created") return created(db, record, body);
  if (!stands(db, record.tenant, thing_of(record))) return;
  if (record.kind == "conversation.placed") return placed(db, record, body);
  if (record.kind == "conversation.deleted") return set_deleted(db, record, peek_integer(body, "until_us", 1));
  if (record.kind == "conversation.restored") return set_deleted(db, record, 0);
  if (record.kind == "conversation.message_said") return said(db, record, body);
  if (record.kind == "conversation.answer_started")
    return insert(db, record,
                  {.id = peek_text(body, "item"), .parent = peek_text(body, "parent"), .role = "assistant"});
  if (record.kind == "conversation.taken_back") return taken_back(db, record, body);
  if (record.kind == "conversation.item_added") return item(db, record, body);
  if (record.kind == "conversation.content") return content(db, record, body);
}

Json MemoryView::content_of(const Record& record, const Json& body) const {
  const std::string blob = peek_text(body, "blob");
  if (blob.empty()) return peek(body, "content");
  const auto bytes = parts_.blob(record.tenant, blob);
  return bytes ? read_own(*bytes) : Json();
}

void MemoryView::content(Db& db, const Record& record, const Json& body) {
  auto& row =
      db.prepare(
            "SELECT m.role, m.time, m.conversation, c.owner, c.kept AND NOT EXISTS (SELECT 1 FROM memory_paused p "
            "WHERE p.tenant = c.tenant AND p.person = c.owner) FROM memory_messages m JOIN memory_conversations "
            "c ON c.tenant = m.tenant AND c.id = m.conversation WHERE m.tenant = ? AND m.id = ?")
          .bind(1, record.tenant)
          .bind(2, peek_text(body, "item"));
  const bool there = row.step();
  Message message{.id = peek_text(body, "item")};
  const bool kept = there && row.integer(4) != 0;
  if (there) {
    message.role = row.text(0);
    message.time = row.integer(1);
    message.conversation = row.text(2);
    message.owner = row.text(3);
  }
  row.reset();
  if (!there || message.conversation != thing_of(record)) return;
  fold::forget_message(db, record.tenant, message.id);
  if (!kept || (message.role != "user" && message.role != "assistant")) return;
  const Json item = content_of(record, body);
  fold::remember(db, record, message, gateway::text_in(peek(item, "content")), parts_.key(record.tenant));
}

void MemoryView::item(Db& db, const Record& record, const Json& body) {
  const std::string given = peek_text(body, "item");
  const Id id = given.empty() ? record.id : given;
  insert(db, record,
         {.id = id,
          .parent = last_in(db, record.tenant, thing_of(record)),
          .role = role_in(content_of(record, body)),
          .follows = true});
  Json named = body;
  named["item"] = id;
  content(db, record, named);
}

}  // namespace steward::memory
