// Views: tables in views.db folded from the journal. A view only folds: no clock, no random, no network, no model. Each
// has its own tables (prefixed by its name) and an applied seq per tenant, written in the same transaction. `steward
// journal rebuild` drops and refolds them; a view whose version changed is rebuilt beside the old one.
//
// apply() and create() run on the applier thread. Queries run on reader threads: Views::query.
#pragma once
#include <exception>
#include <expected>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "base/async.h"
#include "journal/db.h"
#include "journal/journal.h"

namespace steward::journal {

class View {
 public:
  virtual ~View() = default;
  virtual std::string_view name() const = 0;  // "usage": also the prefix of its tables, "usage_calls"
  virtual int version() const = 0;            // raised when the tables or the fold change
  virtual void create(Db& db) = 0;            // CREATE TABLE …
  virtual void apply(Db& db, const Record& record) = 0;
};

// Where the tables of a view stand, for a fold that loads from them: 0 if they are missing or of another version (then
// replay everything).
Seq stored_seq(Db& views, std::string_view view, int version, const Id& tenant);

class Views {
 public:
  virtual ~Views() = default;
  virtual void add(View& view) = 0;  // before start(); outlives this
  virtual Status start() = 0;        // opens views.db, catches up with the journal in the background
  virtual void stop() = 0;
  virtual Seq applied_seq(const Id& tenant) const = 0;        // by every view
  virtual Task<Status> wait_applied(Id tenant, Seq seq) = 0;  // read your own writes
  // Folds every view from nothing beside the serving tables, which then give way in one transaction. kConflict while
  // another is under way.
  virtual void rebuild(std::function<void(Status)> done) = 0;
  Task<Status> rebuild();
  virtual void run_query(
      std::function<void(Db&)> query) = 0;  // queues for a reader thread; throws DbError if too many wait
  virtual void query_blocking(std::function<void(Db&)> query) = 0;  // CLI, tests
  // Runs `query` with a read-only connection on a reader thread: auto rows = co_await views.query<Rows>([=](Db& db) { …
  // }); What the query throws is thrown to the caller.
  template <class T>
  Task<T> query(std::function<T(Db&)> query) {
    using Answer = std::expected<T, std::exception_ptr>;
    Answer answer = co_await await_callback<Answer>([this, query = std::move(query)](std::function<void(Answer)> done) {
      run_query([query, done](Db& db) {
        Answer answer = std::unexpected(std::exception_ptr());
        try {
          answer = query(db);
        } catch (...) {
          answer = std::unexpected(std::current_exception());
        }
        done(std::move(answer));
      });
    });
    if (!answer) std::rethrow_exception(answer.error());
    co_return std::move(*answer);
  }
};

std::unique_ptr<Views> make_views(std::filesystem::path home, Journal& journal, Log log);

}  // namespace steward::journal
