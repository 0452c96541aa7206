#include "talk/rows.h"

#include <algorithm>

#include "base/json.h"

namespace steward::talk {
using journal::Db;
using journal::Statement;
namespace {

#define MESSAGE_COLUMNS                                                                                         \
  "m.number, m.depth, m.id, m.conversation, m.parent, m.role, m.kind, m.status, m.created, m.record, m.bytes, " \
  "m.preview, m.model, m.route, m.call, m.answer, m.asked, m.attachments, m.told, m.tries, m.erased, m.attempt"

Json parsed(const std::string& text) { return read_own(text); }

// Every row, each as `at` reads it.
template <class Row>
std::vector<Row> all_of(Statement& row, Row (*at)(Statement&)) {
  std::vector<Row> out;
  while (row.step()) out.push_back(at(row));
  row.reset();
  return out;
}

Id id_at(Statement& row) { return row.text(0); }

MessageRow message_at(Statement& row) {
  MessageRow out{.number = row.integer(0), .depth = row.integer(1), .id = row.text(2), .conversation = row.text(3)};
  out.parent = row.text(4);
  out.role = row.text(5);
  out.kind = row.text(6);
  out.status = row.text(7);
  out.created = row.integer(8);
  out.record = row.text(9);
  out.bytes = row.integer(10);
  out.preview = row.text(11);
  out.model = row.text(12);
  out.route = row.text(13);
  out.call = row.text(14);
  out.answer = row.text(15);
  out.asked = parsed(row.text(16));
  out.attachments = parsed(row.text(17));
  out.told = parsed(row.text(18));
  out.tries = row.integer(19);
  out.erased = row.integer(20) != 0;
  out.attempt = row.integer(21);
  return out;
}

#define CONVERSATION_COLUMNS                                                                                           \
  "c.id, c.owner, c.created, c.updated, c.deleted, c.metadata, c.title, c.title_by, c.pinned, c.archived, c.project, " \
  "c.folder, c.current, c.model, c.route, coalesce(m.depth, 0), coalesce(m.preview, ''), "                             \
  "EXISTS (SELECT 1 FROM talk_messages o WHERE o.tenant = c.tenant AND o.conversation = c.id AND o.status IN "         \
  "('queued', 'in_progress')), "                                                                                       \
  "EXISTS (SELECT 1 FROM talk_shares s WHERE s.tenant = c.tenant AND s.conversation = c.id), c.remember "              \
  "FROM talk_conversations c LEFT JOIN talk_messages m ON m.tenant = c.tenant AND m.id = c.current "

ConversationRow conversation_at(Statement& row) {
  ConversationRow out{.id = row.text(0), .owner = row.text(1), .created = row.integer(2), .updated = row.integer(3)};
  out.deleted = row.integer(4);
  out.metadata = parsed(row.text(5));
  out.title = row.text(6);
  out.title_by = row.text(7);
  out.pinned = row.integer(8) != 0;
  out.archived = row.integer(9) != 0;
  out.project = row.text(10);
  out.folder = row.text(11);
  out.current = row.text(12);
  out.model = row.text(13);
  out.route = row.text(14);
  out.messages = row.integer(15);
  out.preview = row.text(16);
  out.answering = row.integer(17) != 0;
  out.shared = row.integer(18) != 0;
  out.remember = row.integer(19) != 0;
  return out;
}

// Its place among the messages of its role below the same parent.
void add_versions(Db& db, const Id& tenant, MessageRow& row) {
  auto& other = db.prepare(
                      "SELECT id FROM talk_messages WHERE tenant = ? AND conversation = ? AND parent = ? AND role = ? "
                      "ORDER BY number")
                    .bind(1, tenant)
                    .bind(2, row.conversation)
                    .bind(3, row.parent)
                    .bind(4, row.role);
  row.count = 0;
  bool passed = false;
  while (other.step()) {
    const Id id = other.text(0);
    ++row.count;
    if (id == row.id) {
      row.index = row.count;
      passed = true;
    } else if (!passed) {
      row.previous = id;
    } else if (row.next.empty()) {
      row.next = id;
    }
  }
  other.reset();
}

std::string json_array(const std::vector<Id>& ids) { return dump(Json(ids)); }

void add_filters(std::string& sql, const ListQuery& query) {
  if (query.archived) sql += *query.archived ? " AND c.archived = 1" : " AND c.archived = 0";
  if (query.pinned) sql += *query.pinned ? " AND c.pinned = 1" : " AND c.pinned = 0";
  if (query.project) sql += " AND c.project = ?6";
  if (query.folder) sql += " AND c.folder = ?7";
}

std::vector<ConversationRow> list_some(Db& db, const std::string& which, const Id& tenant, const ListQuery& query,
                                       TimeUs before, bool whole) {
  std::string sql = "SELECT " CONVERSATION_COLUMNS "WHERE c.tenant = ?1 AND c.deleted = 0 AND " + which;
  if (!whole) sql += " AND (c.updated, c.id) < (?3, ?4)";
  add_filters(sql, query);
  sql += " ORDER BY c.updated DESC, c.id DESC LIMIT ?5";
  auto& row =
      db.prepare(sql).bind(1, tenant).bind(2, which.starts_with("c.owner") ? query.owner : json_array(query.readers));
  if (!whole) row.bind(3, before).bind(4, query.after);
  row.bind(5, static_cast<int64_t>(query.limit));
  if (query.project) row.bind(6, *query.project);
  if (query.folder) row.bind(7, *query.folder);
  return all_of(row, conversation_at);
}

AttachmentRow attachment_at(Statement& row) {
  AttachmentRow out{.number = row.integer(0), .id = row.text(1), .owner = row.text(2), .created = row.integer(3)};
  out.name = row.text(4);
  out.type = row.text(5);
  out.kind = row.text(6);
  out.bytes = row.integer(7);
  out.blob = row.text(8);
  out.state = row.text(9);
  if (!row.is_null(10)) out.pages = row.integer(10);
  if (!row.is_null(11)) out.characters = row.integer(11);
  out.error = row.text(12);
  out.text_blob = row.text(13);
  out.conversation = row.text(14);
  out.message = row.text(15);
  out.reasons = parsed(row.text(16));
  return out;
}
#define ATTACHMENT_COLUMNS                                                                                  \
  "number, id, owner, created, name, type, kind, bytes, blob, state, pages, characters, error, text_blob, " \
  "conversation, message, reasons FROM talk_attachments "

ShareRow share_at(Statement& row) {
  return {.id = row.text(0),
          .tenant = row.text(1),
          .conversation = row.text(2),
          .owner = row.text(3),
          .reader = row.text(4),
          .leaf = row.text(5),
          .created = row.integer(6)};
}
#define SHARE_COLUMNS "id, tenant, conversation, owner, reader, leaf, created FROM talk_shares "

}  // namespace

std::optional<ConversationRow> find_conversation(Db& db, const Id& tenant, const Id& id) {
  auto& row = db.prepare("SELECT " CONVERSATION_COLUMNS "WHERE c.tenant = ? AND c.id = ?").bind(1, tenant).bind(2, id);
  std::optional<ConversationRow> out;
  if (row.step()) out = conversation_at(row);
  row.reset();
  return out;
}

// Two lists that are each in order, one's own by its index and the few that others share, merged.
std::vector<ConversationRow> list_conversations(Db& db, const Id& tenant, const ListQuery& query) {
  TimeUs before = 0;
  if (!query.after.empty()) {
    const auto last = find_conversation(db, tenant, query.after);
    if (!last) return {};
    before = last->updated;
  }
  const bool whole = query.after.empty();
  auto out = list_some(db, "c.owner = ?2", tenant, query, before, whole);
  auto shared = list_some(db,
                          "c.id IN (SELECT s.conversation FROM talk_shares s WHERE s.tenant = ?1 AND s.reader IN "
                          "(SELECT value FROM json_each(?2)))",
                          tenant, query, before, whole);
  for (auto& one : shared) {
    if (one.owner == query.owner) continue;
    narrow(db, tenant, one, shared_leaf(db, tenant, one.id, query.readers));
    out.push_back(std::move(one));
  }
  std::ranges::sort(out,
                    [](const auto& a, const auto& b) { return std::tie(a.updated, a.id) > std::tie(b.updated, b.id); });
  if (out.size() > query.limit) out.resize(query.limit);
  return out;
}

void narrow(Db& db, const Id& tenant, ConversationRow& row, const Id& leaf) {
  const auto last = find_message(db, tenant, leaf);
  row.current = leaf;
  row.messages = last ? last->depth : 0;
  row.preview = last ? last->preview : "";
  row.model = last ? last->model : "";
  row.route = last ? last->route : "";
  row.metadata = Json::object();
  row.project = row.folder = "";
  row.pinned = row.archived = row.answering = false;
}

Id shared_leaf(Db& db, const Id& tenant, const Id& conversation, const std::vector<Id>& readers) {
  const auto shares = shares_of(db, tenant, conversation);
  for (auto share = shares.rbegin(); share != shares.rend(); ++share) {
    if (std::ranges::find(readers, share->reader) != readers.end()) return share->leaf;
  }
  return {};
}

std::optional<MessageRow> find_message(Db& db, const Id& tenant, const Id& id) {
  auto& row = db.prepare("SELECT " MESSAGE_COLUMNS " FROM talk_messages m WHERE m.tenant = ? AND m.id = ?")
                  .bind(1, tenant)
                  .bind(2, id);
  std::optional<MessageRow> out;
  if (row.step()) out = message_at(row);
  row.reset();
  if (out) add_versions(db, tenant, *out);
  return out;
}

Window window_up(Db& db, const Id& tenant, const Id& leaf, size_t limit) {
  auto& row = db.prepare(
                    "WITH RECURSIVE path(id, n) AS (SELECT ?2, 0 UNION ALL SELECT m.parent, n + 1 FROM path JOIN "
                    "talk_messages m ON m.tenant = ?1 AND m.id = path.id WHERE n < ?3) SELECT " MESSAGE_COLUMNS
                    " FROM path JOIN talk_messages m ON m.tenant = ?1 AND m.id = path.id ORDER BY n LIMIT ?3")
                  .bind(1, tenant)
                  .bind(2, leaf)
                  .bind(3, static_cast<int64_t>(limit + 1));
  Window out;
  size_t bytes = 0;
  while (!out.more && row.step()) {
    MessageRow one = message_at(row);
    bytes += static_cast<size_t>(one.bytes);
    out.more = out.rows.size() == limit || (bytes > kWindowBytes && !out.rows.empty());
    if (!out.more) out.rows.push_back(std::move(one));
  }
  row.reset();
  std::ranges::reverse(out.rows);
  for (auto& one : out.rows) add_versions(db, tenant, one);
  return out;
}

Window window_after(Db& db, const Id& tenant, const Id& leaf, const Id& after, size_t limit) {
  auto& row = db.prepare(
                    "WITH RECURSIVE path(id) AS (SELECT ?2 UNION ALL SELECT m.parent FROM path JOIN talk_messages m ON "
                    "m.tenant = ?1 AND m.id = path.id WHERE m.parent NOT IN (?3, '')) SELECT " MESSAGE_COLUMNS
                    " FROM path JOIN talk_messages m ON m.tenant = ?1 AND m.id = path.id ORDER BY m.depth LIMIT ?4")
                  .bind(1, tenant)
                  .bind(2, leaf)
                  .bind(3, after)
                  .bind(4, static_cast<int64_t>(limit + 1));
  Window out;
  size_t bytes = 0;
  while (!out.more && leaf != after && row.step()) {
    MessageRow one = message_at(row);
    bytes += static_cast<size_t>(one.bytes);
    out.more = out.rows.size() == limit || (bytes > kWindowBytes && !out.rows.empty());
    if (!out.more) out.rows.push_back(std::move(one));
  }
  row.reset();
  for (auto& one : out.rows) add_versions(db, tenant, one);
  return out;
}

bool is_on_path(Db& db, const Id& tenant, const Id& leaf, const Id& message) {
  auto& row = db.prepare(
                    "WITH RECURSIVE path(id) AS (SELECT ?2 UNION ALL SELECT m.parent FROM path JOIN talk_messages m ON "
                    "m.tenant = ?1 AND m.id = path.id WHERE path.id != ?3) SELECT 1 FROM path WHERE id = ?3")
                  .bind(1, tenant)
                  .bind(2, leaf)
                  .bind(3, message);
  const bool found = row.step();
  row.reset();
  return found;
}

Path path_to(Db& db, const Id& tenant, const Id& leaf) {
  auto& row = db.prepare(
                    "WITH RECURSIVE path(id, carried) AS (SELECT id, attachments FROM talk_messages WHERE tenant = ?1 "
                    "AND id = ?2 UNION ALL SELECT above.id, above.attachments FROM path JOIN talk_messages m ON "
                    "m.tenant = ?1 AND m.id = path.id JOIN talk_messages above ON above.tenant = ?1 AND above.id = "
                    "m.parent) SELECT id, carried FROM path")
                  .bind(1, tenant)
                  .bind(2, leaf);
  Path out;
  while (row.step()) {
    const Id id = row.text(0);
    if (const std::string carried = row.text(1); carried != "[]") {
      for (const auto& one : parsed(carried)) {
        if (one.is_string()) out.carried[one.get<std::string>()] = id;  // from the leaf up: the first one stays
      }
    }
    out.messages.insert(id);
  }
  row.reset();
  return out;
}

std::vector<Id> ids_on_path(Db& db, const Id& tenant, const Id& leaf) {
  auto& row = db.prepare(
                    "WITH RECURSIVE path(id) AS (SELECT ?2 UNION ALL SELECT m.parent FROM path JOIN talk_messages m ON "
                    "m.tenant = ?1 AND m.id = path.id) SELECT id FROM path WHERE id != ''")
                  .bind(1, tenant)
                  .bind(2, leaf);
  std::vector<Id> out = all_of(row, id_at);
  std::ranges::reverse(out);
  return out;
}

Id newest_leaf(Db& db, const Id& tenant, const Id& conversation, const Id& from) {
  constexpr int kDeepest = 100'000;
  Id at = from;
  for (int i = 0; i < kDeepest; ++i) {
    auto& row = db.prepare(
                      "SELECT id FROM talk_messages WHERE tenant = ? AND conversation = ? AND parent = ? ORDER BY "
                      "number DESC LIMIT 1")
                    .bind(1, tenant)
                    .bind(2, conversation)
                    .bind(3, at);
    const bool deeper = row.step();
    if (deeper) at = row.text(0);
    row.reset();
    if (!deeper) break;
  }
  return at;
}

std::vector<MessageRow> tree_of(Db& db, const Id& tenant, const Id& conversation, size_t limit) {
  auto& row = db.prepare("SELECT " MESSAGE_COLUMNS
                         " FROM talk_messages m WHERE m.tenant = ? AND m.conversation = ? ORDER BY m.number LIMIT ?")
                  .bind(1, tenant)
                  .bind(2, conversation)
                  .bind(3, static_cast<int64_t>(limit));
  return all_of(row, message_at);
}

std::vector<Id> ids_of_tree(Db& db, const Id& tenant, const Id& conversation) {
  auto& row = db.prepare("SELECT id FROM talk_messages WHERE tenant = ? AND conversation = ? ORDER BY number")
                  .bind(1, tenant)
                  .bind(2, conversation);
  return all_of(row, id_at);
}

std::vector<MessageRow> open_answers(Db& db, const Id& tenant, const Id& conversation) {
  auto& row = db.prepare("SELECT " MESSAGE_COLUMNS
                         " FROM talk_messages m WHERE m.tenant = ?1 AND (?2 = '' OR m.conversation = ?2) AND m.kind = "
                         "'answer' AND m.status IN ('queued', 'in_progress') ORDER BY m.number")
                  .bind(1, tenant)
                  .bind(2, conversation);
  return all_of(row, message_at);
}

std::optional<AttachmentRow> find_attachment(Db& db, const Id& tenant, const Id& id) {
  auto& row = db.prepare("SELECT " ATTACHMENT_COLUMNS "WHERE tenant = ? AND id = ?").bind(1, tenant).bind(2, id);
  std::optional<AttachmentRow> out;
  if (row.step()) out = attachment_at(row);
  row.reset();
  return out;
}

std::vector<AttachmentRow> attachments_of(Db& db, const Id& tenant, const Id& conversation) {
  auto& row = db.prepare("SELECT " ATTACHMENT_COLUMNS "WHERE tenant = ? AND conversation = ? AND conversation != ''")
                  .bind(1, tenant)
                  .bind(2, conversation);
  return all_of(row, attachment_at);
}

std::vector<AttachmentRow> unread_attachments(Db& db, const Id& tenant) {
  auto& row = db.prepare("SELECT " ATTACHMENT_COLUMNS "WHERE tenant = ? AND state = 'reading'").bind(1, tenant);
  return all_of(row, attachment_at);
}

std::vector<ShareRow> shares_of(Db& db, const Id& tenant, const Id& conversation) {
  auto& row = db.prepare("SELECT " SHARE_COLUMNS "WHERE tenant = ? AND conversation = ? ORDER BY id")
                  .bind(1, tenant)
                  .bind(2, conversation);
  return all_of(row, share_at);
}

std::vector<ShareRow> shares_with(Db& db, const Id& tenant, const std::vector<Id>& readers) {
  constexpr int64_t kMost = 500;  // conversations that one search looks into beside one's own
  auto& row =
      db.prepare("SELECT " SHARE_COLUMNS
                 "WHERE tenant = ? AND reader IN (SELECT value FROM json_each(?)) ORDER BY created DESC LIMIT ?")
          .bind(1, tenant)
          .bind(2, json_array(readers))
          .bind(3, kMost);
  return all_of(row, share_at);
}

std::optional<ShareRow> share_by_tag(Db& db, const std::string& tag) {
  auto& row = db.prepare("SELECT " SHARE_COLUMNS "WHERE tag = ? AND tag != ''").bind(1, tag);
  std::optional<ShareRow> out;
  if (row.step()) out = share_at(row);
  row.reset();
  return out;
}

namespace {
constexpr std::string_view kProjects =
    "SELECT p.id, p.owner, p.name, p.instructions, p.model, p.created, (SELECT count(*) FROM talk_conversations c "
    "WHERE "
    "c.tenant = p.tenant AND c.project = p.id AND c.project != '' AND c.deleted = 0) FROM talk_projects p WHERE "
    "p.tenant = ?1 AND ";

std::vector<ProjectRow> read_projects(Statement& row) {
  std::vector<ProjectRow> out;
  while (row.step())
    out.push_back({row.text(0), row.text(1), row.text(2), row.text(3), row.text(4), row.integer(5), row.integer(6)});
  row.reset();
  return out;
}
}  // namespace

std::optional<ProjectRow> find_project(Db& db, const Id& tenant, const Id& id) {
  auto rows = read_projects(db.prepare(std::string(kProjects) + "p.id = ?2").bind(1, tenant).bind(2, id));
  return rows.empty() ? std::nullopt : std::optional(std::move(rows.front()));
}

std::vector<ProjectRow> projects_of(Db& db, const Id& tenant, const Id& owner) {
  return read_projects(
      db.prepare(std::string(kProjects) + "p.owner = ?2 ORDER BY p.name, p.id").bind(1, tenant).bind(2, owner));
}

std::vector<std::pair<std::string, int64_t>> folders_of(Db& db, const Id& tenant, const Id& owner) {
  auto& row = db.prepare(
                    "SELECT folder, count(*) FROM talk_conversations WHERE tenant = ? AND owner = ? AND folder != '' "
                    "AND deleted = 0 GROUP BY folder ORDER BY folder")
                  .bind(1, tenant)
                  .bind(2, owner);
  std::vector<std::pair<std::string, int64_t>> out;
  while (row.step()) out.emplace_back(row.text(0), row.integer(1));
  row.reset();
  return out;
}

std::vector<Id> answers_kept_in(Db& db, const Id& tenant, const Id& conversation) {
  auto& row = db.prepare("SELECT DISTINCT message FROM talk_steps WHERE tenant = ? AND conversation = ?")
                  .bind(1, tenant)
                  .bind(2, conversation);
  return all_of(row, id_at);
}

#define SUPERSEDED_STEPS                                                                                            \
  "FROM talk_steps s LEFT JOIN talk_messages m ON m.tenant = s.tenant AND m.id = s.message WHERE s.tenant = ? AND " \
  "coalesce(m.status, '') NOT IN ('queued', 'in_progress') "

std::vector<Id> superseded_steps(Db& db, const Id& tenant, TimeUs before, size_t limit) {
  auto& old = db.prepare("SELECT s.record " SUPERSEDED_STEPS "AND s.at < ? LIMIT 1").bind(1, tenant).bind(2, before);
  if (all_of(old, id_at).empty()) return {};
  auto& row = db.prepare("SELECT s.record " SUPERSEDED_STEPS "ORDER BY s.seq LIMIT ?")
                  .bind(1, tenant)
                  .bind(2, static_cast<int64_t>(limit));
  return all_of(row, id_at);
}

std::vector<Id> unsent_attachments(Db& db, const Id& tenant, TimeUs before, size_t limit) {
  auto& row =
      db.prepare("SELECT id FROM talk_attachments WHERE tenant = ? AND conversation = '' AND created < ? LIMIT ?")
          .bind(1, tenant)
          .bind(2, before)
          .bind(3, static_cast<int64_t>(limit));
  return all_of(row, id_at);
}

std::vector<Id> responses_in(Db& db, const Id& tenant, const Id& conversation) {
  auto& row = db.prepare("SELECT DISTINCT response FROM talk_responses WHERE tenant = ? AND conversation = ?")
                  .bind(1, tenant)
                  .bind(2, conversation);
  return all_of(row, id_at);
}

}  // namespace steward::talk
