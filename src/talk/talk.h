// Talk: conversations as a tree of messages, durable, searchable, shared and erased; and the answers to them, made by
// the server whoever listens (answers.h). The server's routes are thin over this.
//
// What somebody has is theirs alone: every function resolves the conversation first, and whoever may not read it is
// told that there is none. Another's that is shared is read only, down the path to where it was shared. Reads go to the
// view (view.h), after everything that the caller was told has been folded; writes are durable and folded when they
// return, so that the next request sees them.
//
// Coroutines, on any io thread. The parts outlive it; stop() before the journal's.
#pragma once
#include <memory>

#include "gateway/conversations/conversation_store.h"
#include "talk/answers.h"
#include "talk/parts.h"
#include "talk/records.h"
#include "talk/rows.h"

namespace steward::talk {

// A conversation as somebody may see it.
struct Seen {
  ConversationRow row;
  bool mine = false;
  Id leaf;  // of another's: down to where it was shared; of one's own: its current message
};

struct Exporting;  // export.cc

class Talk {
 public:
  using Caller = identity::Caller;
  explicit Talk(Parts parts);

  // Conversations (talk.cc). `query` is the request's.
  using Query = std::map<std::string, std::string>;
  Task<Result<Json>> create(Caller caller, Json body);
  Task<Result<Json>> find(Caller caller, Id id);
  Task<Result<Json>> list(Caller caller, Query query);
  Task<Result<Json>> change(Caller caller, Id id, Json body);
  Task<Result<Json>> remove(Caller caller, Id id);
  Task<Result<Json>> restore(Caller caller, Id id);
  Task<Result<Json>> erase(Caller caller, Id id);  // at once, without a way back

  // Messages (reading.cc, saying.cc).
  Task<Result<Json>> messages(Caller caller, Id id, Query query);
  Task<Result<Json>> tree(Caller caller, Id id);
  Task<Result<Json>> told(Caller caller, Id id, Id answer);  // what the model was told, put together again (prompt.h)
  Task<Result<Json>> say(Caller caller, Id id, Json body);
  Task<Result<Json>> retry(Caller caller, Id id, Id message, Json body);
  Task<Result<Json>> go_on(Caller caller, Id id, Id message);
  Task<Result<Json>> stop_answer(Caller caller, Id id, Id message);
  Task<Result<Json>> search(Caller caller, Query query);

  // Notes (notes.cc): {id, conversation, created_at}; the words of one of them, erased for good.
  Task<Result<Json>> note(Caller caller, std::string text);
  Task<Result<Json>> forget_note(Caller caller, Id id);

  // Attachments (attachments.cc).
  struct Content {
    std::string bytes, name, type;
    bool shown = false;  // an image that a page may show
  };
  Task<Result<Json>> attach(Caller caller, std::string name, std::string bytes);
  Task<Result<Json>> attachment(Caller caller, Id id);
  Task<Result<Content>> attachment_content(Caller caller, Id id);
  Task<Status> remove_attachment(Caller caller, Id id);

  // Projects, shares and exports (projects.cc, shares.cc, export.cc).
  Task<Result<Json>> projects(Caller caller);
  Task<Result<Json>> make_project(Caller caller, Json body);
  Task<Result<Json>> change_project(Caller caller, Id id, Json body);
  Task<Result<Json>> remove_project(Caller caller, Id id);
  struct NewShare {
    Json share;
    std::string token;  // of a link: told once
  };
  Task<Result<NewShare>> share(Caller caller, Id id, Json body);
  Task<Result<Json>> shares(Caller caller, Id id);
  Task<Result<Json>> take_back(Caller caller, Id id, Id share);
  Task<Result<Json>> shared(std::string token, Query query);  // whoever has the token
  struct Export {
    std::string name, type;
    std::function<Task<Result<std::string>>()> next;  // its pieces in order; an empty one: it is whole
  };
  Task<Result<Export>> exported(Caller caller, Id id, std::string format);

  // The server's: jobs before they start; what was left open, once everything stands.
  void register_jobs();
  Task<void> tidy(Id tenant);  // now and then: a job, where something is past its time (erasing.cc)
  Task<void> resume(Id tenant);
  void stop();

 private:
  template <class T>
  Task<T> read(std::function<T(journal::Db&)> query) {
    co_return co_await parts_.views.query(std::move(query));
  }
  Task<Result<Seen>> see(Caller caller, Id id);
  Json told_to(const Caller& caller, const ConversationRow& row) const;  // with its owner's name, where it is another's
  Task<Result<ConversationRow>> own(Caller caller, Id id);               // to change it
  Task<Result<MessageRow>> message_in(Id tenant, Id conversation, Id message);
  Task<Status> commit(Id tenant, std::vector<journal::Draft> drafts);  // durable and folded
  Task<Result<Said>> said_by(Id tenant, MessageRow row);
  Task<Result<Id>> leaf_of(Caller caller, Seen seen, Query query);
  Task<Result<Json>> shown(Id tenant, MessageRow row);  // for its owner
  Task<Result<Json>> shown_all(Id tenant, Id conversation, Window window, bool own);
  Task<Result<Json>> window_of(Id tenant, Id conversation, Id leaf, Query query, bool own);
  std::vector<Id> selves(const Caller& caller) const;  // what the caller acts as
  Task<Result<std::string>> export_piece(Caller caller, std::shared_ptr<Exporting> exporting);
  Status may_keep(const Caller& caller) const;
  Task<Status> check_place(Caller caller, Json body);

  Task<Result<Ask>> ask_of(Caller caller, ConversationRow row, Json body, std::string model_before);
  Task<Result<ConversationRow>> notes_of(Caller caller);  // the conversation that they stand in, made on first use
  Task<Status> is_answerable(std::string model);          // a route or a model that is here; kModelNotFound
  Task<Result<Json>> attach_to(Caller caller, Id conversation, Json ids);
  Task<Result<std::vector<journal::Draft>>> drafts_of_saying(Caller caller, ConversationRow row, Json body,
                                                             std::optional<Ask> ask, Id above, bool waits);
  Task<std::string> first_file_of(Id tenant, Json body);
  Task<Result<Json>> said_before(Caller caller, Id conversation, Id message);
  Task<Result<Json>> begun(Ask ask);
  Task<Result<Json>> take_back_waiting(Caller caller, MessageRow question);
  Task<Status> stop_all_in(Caller caller, Id id);
  Task<void> answered(Ask ask);
  Task<Status> sees_attachment(Caller caller, AttachmentRow row);
  Task<void> read_attachment(Caller caller, Id id, std::string name, std::string bytes);
  Task<Status> erase_streams(Caller caller, std::vector<std::string> streams);  // until nothing of them stands
  std::vector<std::string> streams_of(journal::Db& db, const Id& tenant, const Id& conversation) const;
  Result<Json> erase_conversation(const jobs::Job& job, jobs::JobContext& context);
  Result<Json> tidy_up(const jobs::Job& job, jobs::JobContext& context);
  struct Untidy {
    std::vector<Id> steps, files;  // records; attachments
  };
  Untidy untidy(journal::Db& db, const Id& tenant) const;

  Parts parts_;
  gateway::ResponseStore store_;
  gateway::ConversationStore conversations_;
  Answers answers_;
};

Error no_conversation(const Id& id);

}  // namespace steward::talk
