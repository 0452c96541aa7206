// The parts of the fold that need no blob: places, shares, projects, the index, and what an erasure takes.
#include "base/text.h"
#include "gateway/peek.h"
#include "journal/erasure.h"
#include "talk/records.h"
#include "talk/view.h"
#include "talk/words.h"

namespace steward::talk::fold {
using gateway::peek;
using gateway::peek_text;
using journal::Db;
using journal::Record;
namespace {

constexpr int kSeqBits = 44;  // twice a seq; beside it a tenant's number

// Ids as words of the index: letters and digits alone.
std::string id_word(const Id& id) {
  std::string out;
  for (const char c : to_lower_ascii(id)) {
    if (c != '_') out += c;
  }
  return out;
}

void set_text(Db& db, const Record& record, const Id& conversation, const Json& body, const char* name,
              const char* sql) {
  if (!body.contains(name)) return;
  db.prepare(sql).bind(1, record.tenant).bind(2, conversation).bind(3, peek_text(body, name)).run();
}

void set_flag(Db& db, const Record& record, const Id& conversation, const Json& body, const char* name,
              const char* sql) {
  if (!body.contains(name)) return;
  db.prepare(sql).bind(1, record.tenant).bind(2, conversation).bind(3, peek(body, name) == true ? 1 : 0).run();
}

// The newest title that stands is the conversation's.
void retitle(Db& db, const Id& tenant, const Id& conversation) {
  auto& last = db.prepare(
                     "SELECT title, title_by FROM talk_titles WHERE tenant = ? AND conversation = ? ORDER BY seq DESC "
                     "LIMIT 1")
                   .bind(1, tenant)
                   .bind(2, conversation);
  const bool titled = last.step();
  const std::string title = titled ? last.text(0) : "", by = titled ? last.text(1) : "";
  last.reset();
  auto& row = db.prepare(
                    "UPDATE talk_conversations SET title = ?3, title_by = ?4 WHERE tenant = ?1 AND id = ?2 RETURNING "
                    "number, owner")
                  .bind(1, tenant)
                  .bind(2, conversation)
                  .bind(3, title)
                  .bind(4, by);
  const bool there = row.step();
  const int64_t number = there ? row.integer(0) : 0;
  const Id owner = there ? row.text(1) : "";
  row.reset();
  if (there) index_words(db, number, owner, conversation, title);
}

std::vector<int64_t> numbers_of(Db& db, const char* sql, const Id& tenant, const Id& conversation) {
  std::vector<int64_t> out;
  auto& row = db.prepare(sql).bind(1, tenant).bind(2, conversation);
  while (row.step()) out.push_back(row.integer(0));
  row.reset();
  return out;
}

// Its files are nobody's part any more: they go with their own records, or may be given to another conversation.
void forget_conversation(Db& db, const Id& tenant, const Id& conversation) {
  for (const char* sql : {"SELECT number FROM talk_messages WHERE tenant = ? AND conversation = ?",
                          "SELECT number FROM talk_attachments WHERE tenant = ? AND conversation = ?",
                          "SELECT number FROM talk_conversations WHERE tenant = ? AND id = ?"}) {
    for (const int64_t number : numbers_of(db, sql, tenant, conversation)) forget_words(db, number);
  }
  for (const char* sql : {"DELETE FROM talk_messages WHERE tenant = ? AND conversation = ?",
                          "DELETE FROM talk_shares WHERE tenant = ? AND conversation = ?",
                          "DELETE FROM talk_titles WHERE tenant = ? AND conversation = ?",
                          "UPDATE talk_attachments SET conversation = '', message = '' WHERE tenant = ? AND "
                          "conversation = ?",
                          "DELETE FROM talk_conversations WHERE tenant = ? AND id = ?"})
    db.prepare(sql).bind(1, tenant).bind(2, conversation).run();
}

std::vector<std::string> found_by_seq(Db& db, const char* sql, const Id& tenant, journal::Seq seq) {
  std::vector<std::string> out;
  auto& row = db.prepare(sql).bind(1, tenant).bind(2, seq);
  while (row.step()) out.push_back(row.text(0));
  row.reset();
  return out;
}

constexpr std::string_view kWipe =
    "UPDATE talk_messages SET record = '', blob = '', text_seq = 0, bytes = 0, preview = '', erased = 1, role = CASE "
    "kind WHEN 'item' THEN 'erased' ELSE role END WHERE number = ?";

void wipe_row(Db& db, int64_t number) {
  forget_words(db, number);
  db.prepare(kWipe).bind(1, number).run();
}

void forget_text(Db& db, const Id& tenant, journal::Seq seq) {
  auto& row = db.prepare("SELECT number FROM talk_messages WHERE tenant = ? AND text_seq = ? AND text_seq > 0")
                  .bind(1, tenant)
                  .bind(2, seq);
  const int64_t number = row.step() ? row.integer(0) : 0;
  row.reset();
  if (number > 0) wipe_row(db, number);
}

// What it said before is gone with it: erasing a message takes all that it ever said.
void wipe_text(Db& db, const Id& tenant, const Id& message) {
  auto& row =
      db.prepare("SELECT number FROM talk_messages WHERE tenant = ? AND id = ?").bind(1, tenant).bind(2, message);
  const int64_t number = row.step() ? row.integer(0) : 0;
  row.reset();
  if (number > 0) wipe_row(db, number);
}

void forget_attachment(Db& db, const Id& tenant, journal::Seq seq) {
  const int64_t number = (tenant_number(db, tenant) << kSeqBits) + static_cast<int64_t>(seq) * 2;
  db.prepare("DELETE FROM talk_attachments WHERE number = ?").bind(1, number).run();
  if (db.changes() > 0) forget_words(db, number);
}

void forget_title(Db& db, const Id& tenant, journal::Seq seq) {
  for (const auto& id :
       found_by_seq(db, "DELETE FROM talk_titles WHERE tenant = ? AND seq = ? RETURNING conversation", tenant, seq))
    retitle(db, tenant, id);
}

// What was read of a file, erased by itself: the file is there still, and nobody can tell what is in it.
void wipe_reading(Db& db, const Id& tenant, const Id& attachment) {
  db.prepare(
        "UPDATE talk_attachments SET read_seq = 0, type = 'application/octet-stream', kind = 'other', state = "
        "'failed', "
        "pages = NULL, characters = NULL, error = '', text_blob = '' WHERE tenant = ? AND id = ?")
      .bind(1, tenant)
      .bind(2, attachment)
      .run();
  auto& row = db.prepare(
                    "SELECT a.number, a.name, a.conversation, c.owner FROM talk_attachments a JOIN talk_conversations "
                    "c ON c.tenant = a.tenant AND c.id = a.conversation WHERE a.tenant = ? AND a.id = ?")
                  .bind(1, tenant)
                  .bind(2, attachment);
  const bool sent = row.step();
  const int64_t number = sent ? row.integer(0) : 0;
  const std::string name = sent ? row.text(1) : "";
  const Id conversation = sent ? row.text(2) : "", owner = sent ? row.text(3) : "";
  row.reset();
  if (sent) index_words(db, number, owner, conversation, name + "\n");
}

}  // namespace

int64_t tenant_number(Db& db, const Id& tenant) {
  auto& row = db.prepare("SELECT number FROM talk_tenants WHERE tenant = ?").bind(1, tenant);
  const int64_t known = row.step() ? row.integer(0) : -1;
  row.reset();
  if (known >= 0) return known;
  db.prepare("INSERT INTO talk_tenants SELECT ?, count(*) FROM talk_tenants").bind(1, tenant).run();
  return tenant_number(db, tenant);
}

int64_t row_number(Db& db, const Record& record, int offset) {
  return (tenant_number(db, record.tenant) << kSeqBits) + static_cast<int64_t>(record.seq) * 2 + offset;
}

void index_words(Db& db, int64_t number, const Id& owner, const Id& conversation, std::string_view text) {
  forget_words(db, number);
  const std::string words = indexed(text);
  if (words.empty()) return;
  db.prepare("INSERT INTO talk_words(rowid, scope, words) VALUES (?, ?, ?)")
      .bind(1, number)
      .bind(2, id_word(owner) + " " + id_word(conversation))
      .bind(3, words)
      .run();
}

void forget_words(Db& db, int64_t number) {
  db.prepare("DELETE FROM talk_words WHERE rowid = ?").bind(1, number).run();
}

void placed(Db& db, const Record& record, const Id& conversation, const Json& body) {
  set_text(db, record, conversation, body, "project",
           "UPDATE talk_conversations SET project = ?3 WHERE tenant = ?1 AND id = ?2");
  set_text(db, record, conversation, body, "folder",
           "UPDATE talk_conversations SET folder = ?3 WHERE tenant = ?1 AND id = ?2");
  set_text(db, record, conversation, body, "current",
           "UPDATE talk_conversations SET current = ?3 WHERE tenant = ?1 AND id = ?2");
  set_flag(db, record, conversation, body, "pinned",
           "UPDATE talk_conversations SET pinned = ?3 WHERE tenant = ?1 AND id = ?2");
  set_flag(db, record, conversation, body, "archived",
           "UPDATE talk_conversations SET archived = ?3 WHERE tenant = ?1 AND id = ?2");
  if (!body.contains("title")) return;
  db.prepare(
        "INSERT OR IGNORE INTO talk_titles SELECT tenant, ?3, id, ?4, ?5 FROM talk_conversations WHERE tenant = ?1 AND "
        "id = ?2")
      .bind(1, record.tenant)
      .bind(2, conversation)
      .bind(3, record.seq)
      .bind(4, peek_text(body, "title"))
      .bind(5, peek_text(body, "title_by"))
      .run();
  retitle(db, record.tenant, conversation);
}

void share(Db& db, const Record& record, const Id& conversation, const Json& body) {
  const Id id = peek_text(body, "share");
  if (record.kind == kShareTakenBack) {
    db.prepare("DELETE FROM talk_shares WHERE tenant = ? AND id = ?").bind(1, record.tenant).bind(2, id).run();
    return;
  }
  db.prepare("INSERT OR IGNORE INTO talk_shares VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .bind(1, record.tenant)
      .bind(2, id)
      .bind(3, conversation)
      .bind(4, peek_text(body, "owner"))
      .bind(5, peek_text(body, "with"))
      .bind(6, peek_text(body, "leaf"))
      .bind(7, peek_text(body, "tag"))
      .bind(8, record.time)
      .bind(9, record.seq)
      .run();
}

void project(Db& db, const Record& record, const Json& body) {
  const Id id = record.stream.substr(record.stream.find('/') + 1);
  if (record.kind == kProjectRemoved) {
    db.prepare("DELETE FROM talk_projects WHERE tenant = ? AND id = ?").bind(1, record.tenant).bind(2, id).run();
    db.prepare("UPDATE talk_conversations SET project = '' WHERE tenant = ? AND project = ?")
        .bind(1, record.tenant)
        .bind(2, id)
        .run();
    return;
  }
  if (record.kind != kProjectMade && record.kind != kProjectChanged) return;
  db.prepare(
        "INSERT INTO talk_projects VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO UPDATE SET seq = ?3, name = "
        "?5, instructions = ?6, model = ?7")
      .bind(1, record.tenant)
      .bind(2, id)
      .bind(3, record.seq)
      .bind(4, peek_text(body, "owner"))
      .bind(5, peek_text(body, "name"))
      .bind(6, peek_text(body, "instructions"))
      .bind(7, peek_text(body, "model"))
      .bind(8, record.time)
      .run();
}

// So that what was answered in a conversation by Responses is erased with it.
void response(Db& db, const Record& record, const Json& body) {
  const Id conversation = peek_text(body, "conversation");
  if (conversation.empty()) return;
  db.prepare("INSERT OR IGNORE INTO talk_responses VALUES (?, ?, ?, ?)")
      .bind(1, record.tenant)
      .bind(2, record.seq)
      .bind(3, conversation)
      .bind(4, record.stream.substr(record.stream.find('/') + 1))
      .run();
}

// Where it is; what it says is read from the journal by whoever goes on from it.
void step(Db& db, const Record& record, const Json& body) {
  if (record.kind != kAnswerKept) return;
  db.prepare("INSERT OR IGNORE INTO talk_steps VALUES (?, ?, ?, ?, ?, ?)")
      .bind(1, record.tenant)
      .bind(2, record.seq)
      .bind(3, peek_text(body, "conversation"))
      .bind(4, peek_text(body, "item"))
      .bind(5, record.id)
      .bind(6, record.time)
      .run();
}

void erased(Db& db, const Record& record) {
  for (const journal::Seq seq : journal::erased_seqs(record)) {
    for (const auto& id :
         found_by_seq(db, "SELECT id FROM talk_conversations WHERE tenant = ? AND seq = ?", record.tenant, seq))
      forget_conversation(db, record.tenant, id);
    forget_text(db, record.tenant, seq);
    forget_title(db, record.tenant, seq);
    forget_attachment(db, record.tenant, seq);
    for (const auto& id :
         found_by_seq(db, "SELECT id FROM talk_attachments WHERE tenant = ? AND read_seq = ? AND read_seq > 0",
                      record.tenant, seq))
      wipe_reading(db, record.tenant, id);
    for (const char* sql : {"DELETE FROM talk_projects WHERE tenant = ? AND seq = ?",
                            "DELETE FROM talk_shares WHERE tenant = ? AND seq = ?",  // with somebody who was erased
                            "DELETE FROM talk_responses WHERE tenant = ? AND seq = ?",
                            "DELETE FROM talk_steps WHERE tenant = ? AND seq = ?"})
      db.prepare(sql).bind(1, record.tenant).bind(2, seq).run();
  }
}

void came_erased(Db& db, const Record& record) {
  if (record.sources.empty()) return;
  if (record.kind == kContent) return wipe_text(db, record.tenant, record.sources.front());
  if (record.kind == kAttachmentRead) return wipe_reading(db, record.tenant, record.sources.front());
  if (record.kind != kItemAdded) return;
  const Id conversation = record.stream.substr(record.stream.find('/') + 1);
  db.prepare(
        "INSERT OR IGNORE INTO talk_messages SELECT ?1, c.tenant, c.id, ?4, c.current, coalesce((SELECT depth FROM "
        "talk_messages WHERE tenant = c.tenant AND id = c.current), 0) + 1, 'erased', 'item', 'completed', ?5, '', '', "
        "0, 0, '', '', '', '', '{}', '', '[]', '{}', 0, 1, 0 FROM talk_conversations c WHERE c.tenant = ?2 AND c.id = "
        "?3")
      .bind(1, row_number(db, record, 0))
      .bind(2, record.tenant)
      .bind(3, conversation)
      .bind(4, record.sources.front())
      .bind(5, record.time)
      .run();
  db.prepare("UPDATE talk_conversations SET current = ?3, updated = max(updated, ?4) WHERE tenant = ?1 AND id = ?2")
      .bind(1, record.tenant)
      .bind(2, conversation)
      .bind(3, record.sources.front())
      .bind(4, record.time)
      .run();
}

}  // namespace steward::talk::fold
