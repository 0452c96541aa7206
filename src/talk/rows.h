// What the view holds, read back: rows of conversations and messages, and the ways through a tree. Every function takes
// a reader's connection and runs on a reader thread; none reads a text. A walk up a path takes a step a message, by an
// index: five thousand are some milliseconds.
#pragma once
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/id.h"
#include "base/json.h"
#include "journal/db.h"

namespace steward::talk {

struct ConversationRow {
  Id id, owner;
  TimeUs created = 0, updated = 0, deleted = 0;
  Json metadata;
  std::string title, title_by;
  bool pinned = false, archived = false;
  Id project;
  std::string folder;
  Id current;
  std::string model, route;
  int64_t messages = 0;
  std::string preview;
  bool answering = false, shared = false;
  bool remember = true;  // false: it leaves no trace in memory
};

struct MessageRow {
  int64_t number = 0, depth = 0;
  Id id, conversation, parent;
  std::string role, kind, status;
  TimeUs created = 0;
  Id record;
  int64_t bytes = 0;
  std::string preview, model, route;
  Id call, answer;
  Json asked, attachments, told;
  int64_t tries = 0;
  int64_t attempt = 0;  // of an answer: greater each time it is begun
  bool erased = false;
  size_t index = 1, count = 1;  // among its versions
  Id previous, next;
  bool open() const { return status == "queued" || status == "in_progress"; }
};

struct AttachmentRow {
  int64_t number = 0;
  Id id, owner;
  TimeUs created = 0;
  std::string name, type, kind, blob, state, error, text_blob;
  int64_t bytes = 0;
  std::optional<int64_t> pages, characters;
  Id conversation, message;
  Json reasons = Json::array();  // what `error` says, for programs
};

struct ShareRow {
  Id id, tenant, conversation, owner, reader, leaf;
  TimeUs created = 0;
};

struct ProjectRow {
  Id id, owner;
  std::string name, instructions, model;
  TimeUs created = 0;
  int64_t conversations = 0;
};

struct ListQuery {
  Id owner;
  std::vector<Id> readers;  // what the caller acts as, for what is shared with them
  std::optional<bool> archived, pinned;
  std::optional<std::string> project, folder;
  Id after;
  size_t limit = 20;
};

struct Window {
  std::vector<MessageRow> rows;  // oldest first
  bool more = false;             // beyond its far end
};

inline constexpr size_t kWindowBytes = size_t{2}
                                       << 20;  // of text in one window, but for a first message larger than that

std::optional<ConversationRow> find_conversation(journal::Db& db, const Id& tenant, const Id& id);
std::vector<ConversationRow> list_conversations(journal::Db& db, const Id& tenant, const ListQuery& query);
// As whoever it is shared with sees it: down to `leaf`, without what is the owner's own.
void narrow(journal::Db& db, const Id& tenant, ConversationRow& row, const Id& leaf);
// Where the newest share with one of these readers ends; empty: there is none.
Id shared_leaf(journal::Db& db, const Id& tenant, const Id& conversation, const std::vector<Id>& readers);
std::optional<MessageRow> find_message(journal::Db& db, const Id& tenant, const Id& id);
// The newest of the path down to `leaf`; and what comes after `after` on it.
Window window_up(journal::Db& db, const Id& tenant, const Id& leaf, size_t limit);
Window window_after(journal::Db& db, const Id& tenant, const Id& leaf, const Id& after, size_t limit);
bool is_on_path(journal::Db& db, const Id& tenant, const Id& leaf, const Id& message);
// The whole path at once, for whoever asks about many messages of it. An edited message carries the attachments of the
// one before it, so that an attachment may stand on several paths.
struct Path {
  std::unordered_set<Id> messages;
  std::unordered_map<Id, Id> carried;  // attachment → the first message of the path that carries it
};
Path path_to(journal::Db& db, const Id& tenant, const Id& leaf);
std::vector<Id> ids_on_path(journal::Db& db, const Id& tenant, const Id& leaf);  // from its beginning
Id newest_leaf(journal::Db& db, const Id& tenant, const Id& conversation, const Id& from);
std::vector<MessageRow> tree_of(journal::Db& db, const Id& tenant, const Id& conversation, size_t limit);
std::vector<Id> ids_of_tree(journal::Db& db, const Id& tenant, const Id& conversation);
std::vector<MessageRow> open_answers(journal::Db& db, const Id& tenant, const Id& conversation);  // empty: of all

std::optional<AttachmentRow> find_attachment(journal::Db& db, const Id& tenant, const Id& id);
std::vector<AttachmentRow> attachments_of(journal::Db& db, const Id& tenant, const Id& conversation);
std::vector<AttachmentRow> unread_attachments(journal::Db& db, const Id& tenant);
std::vector<ShareRow> shares_of(journal::Db& db, const Id& tenant, const Id& conversation);
std::vector<ShareRow> shares_with(journal::Db& db, const Id& tenant, const std::vector<Id>& readers);
std::optional<ShareRow> share_by_tag(journal::Db& db, const std::string& tag);
std::optional<ProjectRow> find_project(journal::Db& db, const Id& tenant, const Id& id);
std::vector<ProjectRow> projects_of(journal::Db& db, const Id& tenant, const Id& owner);
std::vector<std::pair<std::string, int64_t>> folders_of(journal::Db& db, const Id& tenant, const Id& owner);
// Answers of a conversation of which steps are kept; and steps of any answer that has ended, where one of them is older
// than `before`.
std::vector<Id> answers_kept_in(journal::Db& db, const Id& tenant, const Id& conversation);
std::vector<Id> superseded_steps(journal::Db& db, const Id& tenant, TimeUs before, size_t limit);
// Attachments that no message names and that came before `before`.
std::vector<Id> unsent_attachments(journal::Db& db, const Id& tenant, TimeUs before, size_t limit);
std::vector<Id> responses_in(journal::Db& db, const Id& tenant, const Id& conversation);

}  // namespace steward::talk
