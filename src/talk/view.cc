#include "talk/view.h"

#include "base/json.h"
#include "gateway/peek.h"
#include "journal/erasure.h"
#include "talk/records.h"
#include "talk/words.h"

namespace steward::talk {
using gateway::peek;
using gateway::peek_integer;
using gateway::peek_text;
using journal::Db;
using journal::Record;
namespace {

constexpr size_t kPreview = 120;  // characters

constexpr std::string_view kTables = R"(
CREATE TABLE talk_tenants(tenant TEXT NOT NULL PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE talk_conversations(tenant TEXT NOT NULL, id TEXT NOT NULL, number INTEGER NOT NULL, seq INTEGER NOT NULL,
 owner TEXT NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL, metadata TEXT NOT NULL, title TEXT NOT NULL,
 title_by TEXT NOT NULL, pinned INTEGER NOT NULL, archived INTEGER NOT NULL, project TEXT NOT NULL,
 folder TEXT NOT NULL, current TEXT NOT NULL, model TEXT NOT NULL, route TEXT NOT NULL, deleted INTEGER NOT NULL,
 remember INTEGER NOT NULL, PRIMARY KEY(tenant, id)) WITHOUT ROWID;
CREATE INDEX talk_conversations_of ON talk_conversations(tenant, owner, updated, id);
CREATE INDEX talk_conversations_seq ON talk_conversations(tenant, seq);
CREATE INDEX talk_conversations_in ON talk_conversations(tenant, project) WHERE project != '';
CREATE TABLE talk_titles(tenant TEXT NOT NULL, seq INTEGER NOT NULL, conversation TEXT NOT NULL, title TEXT NOT NULL,
 title_by TEXT NOT NULL, PRIMARY KEY(tenant, seq)) WITHOUT ROWID;
CREATE INDEX talk_titles_of ON talk_titles(tenant, conversation, seq);
CREATE TABLE talk_messages(number INTEGER NOT NULL PRIMARY KEY, tenant TEXT NOT NULL, conversation TEXT NOT NULL,
 id TEXT NOT NULL, parent TEXT NOT NULL, depth INTEGER NOT NULL, role TEXT NOT NULL, kind TEXT NOT NULL,
 status TEXT NOT NULL, created INTEGER NOT NULL, record TEXT NOT NULL, blob TEXT NOT NULL, text_seq INTEGER NOT NULL,
 bytes INTEGER NOT NULL, preview TEXT NOT NULL, model TEXT NOT NULL, route TEXT NOT NULL, call TEXT NOT NULL,
 asked TEXT NOT NULL, answer TEXT NOT NULL, attachments TEXT NOT NULL, told TEXT NOT NULL, tries INTEGER NOT NULL,
 erased INTEGER NOT NULL, attempt INTEGER NOT NULL);
CREATE UNIQUE INDEX talk_messages_id ON talk_messages(tenant, id);
CREATE INDEX talk_messages_below ON talk_messages(tenant, conversation, parent, number);
CREATE INDEX talk_messages_text ON talk_messages(tenant, text_seq) WHERE text_seq > 0;
CREATE INDEX talk_messages_open ON talk_messages(tenant, conversation) WHERE status IN ('queued', 'in_progress');
CREATE TABLE talk_attachments(number INTEGER NOT NULL PRIMARY KEY, tenant TEXT NOT NULL, id TEXT NOT NULL,
 owner TEXT NOT NULL, seq INTEGER NOT NULL, read_seq INTEGER NOT NULL, created INTEGER NOT NULL, name TEXT NOT NULL,
 type TEXT NOT NULL, kind TEXT NOT NULL, bytes INTEGER NOT NULL, blob TEXT NOT NULL, state TEXT NOT NULL,
 pages INTEGER, characters INTEGER, error TEXT NOT NULL, text_blob TEXT NOT NULL, conversation TEXT NOT NULL,
 message TEXT NOT NULL, reasons TEXT NOT NULL);
CREATE UNIQUE INDEX talk_attachments_id ON talk_attachments(tenant, id);
CREATE INDEX talk_attachments_read ON talk_attachments(tenant, read_seq) WHERE read_seq > 0;
CREATE INDEX talk_attachments_in ON talk_attachments(tenant, conversation) WHERE conversation != '';
CREATE TABLE talk_shares(tenant TEXT NOT NULL, id TEXT NOT NULL, conversation TEXT NOT NULL, owner TEXT NOT NULL,
 reader TEXT NOT NULL, leaf TEXT NOT NULL, tag TEXT NOT NULL, created INTEGER NOT NULL, seq INTEGER NOT NULL,
 PRIMARY KEY(tenant, id)) WITHOUT ROWID;
CREATE INDEX talk_shares_seq ON talk_shares(tenant, seq);
CREATE INDEX talk_shares_of ON talk_shares(tenant, conversation);
CREATE INDEX talk_shares_with ON talk_shares(tenant, reader);
CREATE INDEX talk_shares_tag ON talk_shares(tag) WHERE tag != '';
CREATE TABLE talk_projects(tenant TEXT NOT NULL, id TEXT NOT NULL, seq INTEGER NOT NULL, owner TEXT NOT NULL,
 name TEXT NOT NULL, instructions TEXT NOT NULL, model TEXT NOT NULL, created INTEGER NOT NULL,
 PRIMARY KEY(tenant, id)) WITHOUT ROWID;
CREATE INDEX talk_projects_of ON talk_projects(tenant, owner);
CREATE TABLE talk_responses(tenant TEXT NOT NULL, seq INTEGER NOT NULL, conversation TEXT NOT NULL,
 response TEXT NOT NULL, PRIMARY KEY(tenant, seq)) WITHOUT ROWID;
CREATE INDEX talk_responses_of ON talk_responses(tenant, conversation);
CREATE TABLE talk_steps(tenant TEXT NOT NULL, seq INTEGER NOT NULL, conversation TEXT NOT NULL, message TEXT NOT NULL,
 record TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY(tenant, seq)) WITHOUT ROWID;
CREATE INDEX talk_steps_of ON talk_steps(tenant, conversation);
CREATE INDEX talk_attachments_unsent ON talk_attachments(tenant, created) WHERE conversation = '';
CREATE VIRTUAL TABLE talk_words USING fts5(scope, words, tokenize = "unicode61 remove_diacritics 0");
INSERT INTO talk_words(talk_words, rank) VALUES('secure-delete', 1);
)";

struct Row {
  int64_t number = 0, depth = 0;
  std::string id, parent, role, kind, status;
  std::string asked = "{}", answer, attachments = "[]";
};

void insert(Db& db, const Record& record, const Id& conversation, const Row& row) {
  db.prepare(
        "INSERT OR IGNORE INTO talk_messages VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, '', '', 0, 0, '', '', "
        "'', '', ?11, ?12, ?13, '{}', 0, 0, 0)")
      .bind(1, row.number)
      .bind(2, record.tenant)
      .bind(3, conversation)
      .bind(4, row.id)
      .bind(5, row.parent)
      .bind(6, row.depth)
      .bind(7, row.role)
      .bind(8, row.kind)
      .bind(9, row.status)
      .bind(10, record.time)
      .bind(11, row.asked)
      .bind(12, row.answer)
      .bind(13, row.attachments)
      .run();
}

int64_t depth_below(Db& db, const Id& tenant, const Id& parent) {
  if (parent.empty()) return 1;
  auto& row = db.prepare("SELECT depth FROM talk_messages WHERE tenant = ? AND id = ?").bind(1, tenant).bind(2, parent);
  const int64_t depth = row.step() ? row.integer(0) : 0;
  row.reset();
  return depth + 1;
}

// False: no such conversation (any more).
bool touch(Db& db, const Record& record, const Id& conversation, const std::string& current) {
  db.prepare(
        "UPDATE talk_conversations SET updated = max(updated, ?3), current = CASE ?4 WHEN '' THEN current ELSE ?4 END "
        "WHERE tenant = ?1 AND id = ?2")
      .bind(1, record.tenant)
      .bind(2, conversation)
      .bind(3, record.time)
      .bind(4, current)
      .run();
  return db.changes() > 0;
}

std::string current_of(Db& db, const Id& tenant, const Id& conversation) {
  auto& row = db.prepare("SELECT current FROM talk_conversations WHERE tenant = ? AND id = ?")
                  .bind(1, tenant)
                  .bind(2, conversation);
  std::string current = row.step() ? row.text(0) : "";
  row.reset();
  return current;
}

// False: no such conversation (any more).
bool said(Db& db, const Record& record, const Id& conversation, const Json& body) {
  const Json& answer = peek(body, "answer");
  const Id answer_id = peek_text(answer, "item");
  Row row{.number = fold::row_number(db, record, 0),
          .depth = depth_below(db, record.tenant, peek_text(body, "parent")),
          .id = peek_text(body, "item"),
          .parent = peek_text(body, "parent"),
          .role = peek_text(body, "role"),
          .kind = "said",
          .status = peek(body, "queued") == true ? "queued" : "completed",
          .answer = answer_id};
  if (peek(body, "attachments").is_array()) row.attachments = dump(peek(body, "attachments"));
  if (!touch(db, record, conversation, answer_id.empty() ? row.id : answer_id)) return false;
  insert(db, record, conversation, row);
  if (answer_id.empty()) return true;
  insert(db, record, conversation,
         {.number = row.number + 1,
          .depth = row.depth + 1,
          .id = answer_id,
          .parent = row.id,
          .role = "assistant",
          .kind = "answer",
          .status = "queued",
          .asked = dump(answer)});
  return true;
}

void started(Db& db, const Record& record, const Id& conversation, const Json& body) {
  const Id id = peek_text(body, "item"), parent = peek_text(body, "parent");
  db.prepare(
        "UPDATE talk_messages SET status = 'in_progress', tries = tries + 1, attempt = ?4, asked = ?3 WHERE tenant = "
        "?1 AND id = ?2")
      .bind(1, record.tenant)
      .bind(2, id)
      .bind(3, dump(body))
      .bind(4, record.seq)
      .run();
  const bool known = db.changes() > 0;
  if (!touch(db, record, conversation, known ? "" : id)) return;
  if (!known) {
    insert(db, record, conversation,
           {.number = fold::row_number(db, record, 0),
            .depth = depth_below(db, record.tenant, parent),
            .id = id,
            .parent = parent,
            .role = "assistant",
            .kind = "answer",
            .status = "in_progress",
            .asked = dump(body)});
    db.prepare("UPDATE talk_messages SET tries = 1, attempt = ?3 WHERE tenant = ?1 AND id = ?2")
        .bind(1, record.tenant)
        .bind(2, id)
        .bind(3, record.seq)
        .run();
  }
  db.prepare("UPDATE talk_messages SET status = 'completed' WHERE tenant = ? AND id = ? AND status = 'queued'")
      .bind(1, record.tenant)
      .bind(2, parent)
      .run();
}

void ended(Db& db, const Record& record, const Id& conversation, const Json& body) {
  const std::string model = peek_text(body, "model"), route = peek_text(body, "route");
  const Json told = gateway::members_but(body, {"item", "owner", "status", "model", "route", "call"});
  db.prepare(
        "UPDATE talk_messages SET status = ?3, model = ?4, route = ?5, call = ?6, told = ?7, tries = 0 "
        "WHERE tenant = ?1 AND id = ?2")
      .bind(1, record.tenant)
      .bind(2, peek_text(body, "item"))
      .bind(3, peek_text(body, "status"))
      .bind(4, model)
      .bind(5, route)
      .bind(6, peek_text(body, "call"))
      .bind(7, dump(told))
      .run();
  // A question whose answer never began is asked no more.
  db.prepare(
        "UPDATE talk_messages SET status = 'completed' WHERE tenant = ?1 AND status = 'queued' AND id = (SELECT parent "
        "FROM talk_messages WHERE tenant = ?1 AND id = ?2)")
      .bind(1, record.tenant)
      .bind(2, peek_text(body, "item"))
      .run();
  (void)touch(db, record, conversation, "");
  if (model.empty()) return;
  db.prepare("UPDATE talk_conversations SET model = ?3, route = ?4 WHERE tenant = ?1 AND id = ?2")
      .bind(1, record.tenant)
      .bind(2, conversation)
      .bind(3, model)
      .bind(4, route)
      .run();
}

// What waited below it moves up to where it stood.
void taken_back(Db& db, const Record& record, const Id& conversation, const Json& body) {
  const Id id = peek_text(body, "item");
  auto& row = db.prepare("SELECT parent, answer, number FROM talk_messages WHERE tenant = ? AND id = ?")
                  .bind(1, record.tenant)
                  .bind(2, id);
  const bool there = row.step();
  const Id parent = there ? row.text(0) : "", answer = there ? row.text(1) : "";
  const int64_t number = there ? row.integer(2) : 0;
  row.reset();
  if (!there) return;
  const Id last = answer.empty() ? id : answer;
  db.prepare(
        "WITH RECURSIVE below(number, id) AS (SELECT number, id FROM talk_messages WHERE tenant = ?1 AND conversation "
        "= "
        "?2 AND parent = ?3 UNION ALL SELECT m.number, m.id FROM below JOIN talk_messages m ON m.tenant = ?1 AND "
        "m.conversation = ?2 AND m.parent = below.id) UPDATE talk_messages SET depth = depth - ?4 WHERE number IN "
        "(SELECT number FROM below)")
      .bind(1, record.tenant)
      .bind(2, conversation)
      .bind(3, last)
      .bind(4, answer.empty() ? 1 : 2)
      .run();
  db.prepare("UPDATE talk_messages SET parent = ?4 WHERE tenant = ?1 AND conversation = ?2 AND parent = ?3")
      .bind(1, record.tenant)
      .bind(2, conversation)
      .bind(3, last)
      .bind(4, parent)
      .run();
  fold::forget_words(db, number);
  for (const Id& one : {id, answer})
    db.prepare("DELETE FROM talk_messages WHERE tenant = ? AND id = ?").bind(1, record.tenant).bind(2, one).run();
  db.prepare("UPDATE talk_conversations SET current = ?5 WHERE tenant = ?1 AND id = ?2 AND current IN (?3, ?4)")
      .bind(1, record.tenant)
      .bind(2, conversation)
      .bind(3, id)
      .bind(4, last)
      .bind(5, parent)
      .run();
}

std::string_view role_of_item(const Json& item) {
  const std::string type = peek_text(item, "type"), role = peek_text(item, "role");
  if (type == "message") return role == "assistant" ? "assistant" : role == "user" ? "user" : "system";
  return type.ends_with("_output") ? "tool" : "assistant";
}

}  // namespace

void TalkView::create(Db& db) { db.execute(kTables); }

void TalkView::apply(Db& db, const Record& record) {
  if (record.kind == journal::kErasedKind) return fold::erased(db, record);
  const std::string_view stream = record.stream;
  const bool conversation = stream.starts_with("conversation/"), attachment = stream.starts_with("attachment/"),
             project = stream.starts_with("project/"), response = stream.starts_with("response/"),
             answer = stream.starts_with("answer/");
  if (!conversation && !attachment && !project && !response && !answer) return;
  (void)fold::tenant_number(db, record.tenant);  // by its first record, whether that is erased or not
  if (record.erased) return fold::came_erased(db, record);
  const Json body = read_own(record.body);
  if (!body.is_object()) return;
  if (conversation) fold_conversation(db, record, body);
  if (attachment) fold_attachment(db, record, body);
  if (project) fold::project(db, record, body);
  if (response) fold::response(db, record, body);
  if (answer) fold::step(db, record, body);
}

void TalkView::fold_conversation(Db& db, const Record& record, const Json& body) {
  const Id conversation = record.stream.substr(record.stream.find('/') + 1);
  if (record.kind == kCreated) {
    db.prepare(
          "INSERT OR IGNORE INTO talk_conversations VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, '', '', 0, 0, '', '', '', "
          "'', '', 0, ?8)")
        .bind(1, record.tenant)
        .bind(2, conversation)
        .bind(3, fold::row_number(db, record, 0))
        .bind(4, record.seq)
        .bind(5, peek_text(body, "owner"))
        .bind(6, record.time)
        .bind(7, dump(peek(body, "metadata").is_object() ? peek(body, "metadata") : Json::object()))
        .bind(8, peek(body, "remember") == false ? 0 : 1)
        .run();
  } else if (record.kind == kUpdated) {
    db.prepare("UPDATE talk_conversations SET metadata = ?3 WHERE tenant = ?1 AND id = ?2")
        .bind(1, record.tenant)
        .bind(2, conversation)
        .bind(3, dump(peek(body, "metadata")))
        .run();
  }
  if (record.kind == kCreated || record.kind == kPlaced || record.kind == kTitled)
    fold::placed(db, record, conversation, body);
  if (record.kind == kDeleted || record.kind == kRestored) {
    db.prepare("UPDATE talk_conversations SET deleted = ?3 WHERE tenant = ?1 AND id = ?2")
        .bind(1, record.tenant)
        .bind(2, conversation)
        .bind(3, record.kind == kDeleted ? peek_integer(body, "until_us", 1) : 0)
        .run();
  }
  if (record.kind == kShareMade || record.kind == kShareTakenBack) fold::share(db, record, conversation, body);
  fold_tree(db, record, body);
}

void TalkView::fold_tree(Db& db, const Record& record, const Json& body) {
  const Id conversation = record.stream.substr(record.stream.find('/') + 1);
  if (record.kind == kMessageSaid && said(db, record, conversation, body)) {
    for (const auto& one : peek(body, "attachments")) {
      if (!one.is_string()) continue;
      db.prepare(
            "UPDATE talk_attachments SET conversation = ?3, message = ?4 WHERE tenant = ?1 AND id = ?2 AND "
            "conversation = ''")
          .bind(1, record.tenant)
          .bind(2, one.get<std::string>())
          .bind(3, conversation)
          .bind(4, peek_text(body, "item"))
          .run();
      index_attachment(db, record.tenant, one.get<std::string>());
    }
  }
  if (record.kind == kAnswerStarted) started(db, record, conversation, body);
  if (record.kind == kAnswerEnded) ended(db, record, conversation, body);
  if (record.kind == kTakenBack) taken_back(db, record, conversation, body);
  if (record.kind == kItemAdded) fold_item(db, record, body);
  if (record.kind == kContent) fold_content(db, record, body);
}

Json TalkView::content_of(const Record& record, const Json& body) const {
  const std::string blob = peek_text(body, "blob");
  if (blob.empty()) return peek(body, "content");
  const auto bytes = blob_(record.tenant, blob);
  return bytes ? read_own(*bytes) : Json();
}

void TalkView::fold_content(Db& db, const Record& record, const Json& body) {
  const Id id = peek_text(body, "item");
  auto& row = db.prepare(
                    "SELECT m.number, m.conversation, c.owner FROM talk_messages m JOIN talk_conversations c ON "
                    "c.tenant = m.tenant AND c.id = m.conversation WHERE m.tenant = ? AND m.id = ?")
                  .bind(1, record.tenant)
                  .bind(2, id);
  const bool there = row.step();
  const int64_t number = there ? row.integer(0) : 0;
  const Id conversation = there ? row.text(1) : "", owner = there ? row.text(2) : "";
  row.reset();
  if (!there || record.stream != conversation_stream(conversation)) return;
  const Said said = said_in(content_of(record, body));
  db.prepare(
        "UPDATE talk_messages SET record = ?2, blob = ?3, text_seq = ?4, bytes = ?5, preview = ?6, erased = 0 WHERE "
        "number = ?1")
      .bind(1, number)
      .bind(2, record.id)
      .bind(3, peek_text(body, "blob"))
      .bind(4, record.seq)
      .bind(5, said.text.size() + said.reasoning.size())
      .bind(6, shortened(said.text, kPreview))
      .run();
  fold::index_words(db, number, owner, conversation, said.text);
}

// What the API adds goes on from the conversation's current message, as a list does.
void TalkView::fold_item(Db& db, const Record& record, const Json& body) {
  const Id conversation = record.stream.substr(record.stream.find('/') + 1);
  const std::string parent = current_of(db, record.tenant, conversation);
  const std::string given = peek_text(body, "item");
  const Id id = given.empty() ? record.id : given;
  const Json item = content_of(record, body);
  if (!touch(db, record, conversation, id)) return;
  insert(db, record, conversation,
         {.number = fold::row_number(db, record, 0),
          .depth = depth_below(db, record.tenant, parent),
          .id = id,
          .parent = parent,
          .role = std::string(role_of_item(item)),
          .kind = "item",
          .status = "completed"});
  Json named = body;
  named["item"] = id;
  fold_content(db, record, named);
}

void TalkView::fold_attachment(Db& db, const Record& record, const Json& body) {
  const Id id = record.stream.substr(record.stream.find('/') + 1);
  if (record.kind == kAttachmentAdded) {
    db.prepare(
          "INSERT OR IGNORE INTO talk_attachments VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, ?7, ?8, ?9, ?10, ?11, ?12, NULL, "
          "NULL, '', '', '', '', '[]')")
        .bind(1, fold::row_number(db, record, 0))
        .bind(2, record.tenant)
        .bind(3, id)
        .bind(4, peek_text(body, "owner"))
        .bind(5, record.seq)
        .bind(6, record.time)
        .bind(7, peek_text(body, "name"))
        .bind(8, peek_text(body, "type"))
        .bind(9, peek_text(body, "kind"))
        .bind(10, peek_integer(body, "bytes"))
        .bind(11, peek_text(body, "blob"))
        .bind(12, peek_text(body, "state"))
        .run();
  } else if (record.kind == kAttachmentRead) {
    auto& update = db.prepare(
        "UPDATE talk_attachments SET read_seq = ?3, state = ?4, pages = ?5, characters = ?6, error = ?7, text_blob = "
        "?8, type = CASE ?9 WHEN '' THEN type ELSE ?9 END, kind = CASE ?10 WHEN '' THEN kind ELSE ?10 END, reasons = "
        "?11 WHERE tenant = ?1 AND id = ?2");
    update.bind(1, record.tenant)
        .bind(2, id)
        .bind(3, record.seq)
        .bind(4, peek_text(body, "state"))
        .bind(7, peek_text(body, "error"))
        .bind(8, peek_text(body, "blob"))
        .bind(9, peek_text(body, "type"))
        .bind(10, peek_text(body, "kind"))
        .bind(11, dump(peek(body, "reasons").is_array() ? peek(body, "reasons") : Json::array()));
    peek(body, "pages").is_number() ? update.bind(5, peek_integer(body, "pages")) : update.bind_null(5);
    peek(body, "characters").is_number() ? update.bind(6, peek_integer(body, "characters")) : update.bind_null(6);
    update.run();
    index_attachment(db, record.tenant, id);
  }
}

// Found in the conversation that it was given to, once its text was read.
void TalkView::index_attachment(Db& db, const Id& tenant, const Id& attachment) {
  auto& row = db.prepare(
                    "SELECT a.number, a.text_blob, a.name, a.conversation, c.owner FROM talk_attachments a JOIN "
                    "talk_conversations c ON c.tenant = a.tenant AND c.id = a.conversation WHERE a.tenant = ? AND "
                    "a.id = ?")
                  .bind(1, tenant)
                  .bind(2, attachment);
  const bool there = row.step();
  const int64_t number = there ? row.integer(0) : 0;
  const std::string blob = there ? row.text(1) : "", name = there ? row.text(2) : "";
  const Id conversation = there ? row.text(3) : "", owner = there ? row.text(4) : "";
  row.reset();
  if (!there) return;
  const auto text = blob.empty() ? Result<std::string>(std::string()) : blob_(tenant, blob);
  fold::index_words(db, number, owner, conversation, name + "\n" + text.value_or(std::string()));
}

}  // namespace steward::talk
