// A thin, typed wrapper over one libpq connection, always in pipeline mode: queries are queued and sent together, then
// all their answers are read. Not thread-safe: one connection, one thread at a time. Inside the journal floor only.
//
// Every wait has a deadline: a server that says nothing is lost like one whose connection broke. Values travel in
// binary; statements are prepared once a connection. Nothing here prints a password: what libpq says of an address it
// can't read is not repeated, since it quotes it.
#pragma once
#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "journal/db.h"

struct pg_conn;
struct pg_result;

namespace steward::journal {

struct PgError : DbError {
  PgError(const std::string& what, std::string state, bool is_lost)
      : DbError(0, what), sqlstate(std::move(state)), lost(is_lost) {}
  bool is_retryable() const { return sqlstate == "40001" || sqlstate == "40P01"; }  // serialisation, deadlock
  std::string sqlstate;  // five characters; empty if the server said nothing
  bool lost;             // the connection is gone
};

// The parameters of one statement, in binary.
class PgParams {
 public:
  PgParams& add(int64_t value);
  PgParams& add(uint64_t value) { return add(static_cast<int64_t>(value)); }
  PgParams& add(std::string_view text);
  PgParams& add_bytes(std::string_view bytes);

 private:
  friend class PgConnection;
  friend class PgArray;
  void push(unsigned type, std::string bytes);
  std::vector<unsigned> types_;
  std::vector<std::string> values_;
};

// One column of many rows, as PostgreSQL's binary array: a group's records are one statement.
class PgArray {
 public:
  enum class Of { kInteger, kText, kBytes };
  explicit PgArray(Of of) : of_(of) {}
  void add(int64_t value);
  void add(std::string_view value);
  void add_null();
  size_t bytes() const { return data_.size(); }
  void add_to(PgParams& params) const;

 private:
  Of of_;
  std::string data_;
  int32_t count_ = 0;
  bool has_null_ = false;
};

struct PgQuery {
  std::string_view sql;  // of static life: its address is not kept, but its text is the cache's key
  PgParams params;
};

class PgResult {
 public:
  explicit PgResult(pg_result* result);
  int rows() const;
  int64_t affected() const;
  int64_t integer(int row, int column) const;  // of int8, int4, int2 and bool
  std::string text(int row, int column) const;
  bool is_null(int row, int column) const;

 private:
  std::shared_ptr<pg_result> result_;
};

class PgConnection {
 public:
  // Throws PgError with a sentence that says what to do.
  PgConnection(const std::string& url, const std::string& password, std::string_view application);
  ~PgConnection();
  PgConnection(const PgConnection&) = delete;
  PgConnection& operator=(const PgConnection&) = delete;

  void queue(const PgQuery& query);
  std::vector<PgResult> sync();        // sends what is queued, answers one result a query; throws the first error
  PgResult run(const PgQuery& query);  // queue and sync, alone
  // Statements outside the pipeline, such as VACUUM, which take as long as they take.
  void run_alone(const std::string& sql, std::chrono::milliseconds longest);
  std::string setting(std::string_view name);
  const std::string& where() const { return where_; }  // without its password
  int server_version() const;

 private:
  std::string prepared(const PgQuery& query);
  void flush(std::chrono::steady_clock::time_point deadline);
  pg_result* next(std::chrono::steady_clock::time_point deadline);
  void wait(short events, std::chrono::steady_clock::time_point deadline);
  [[noreturn]] void lost(std::string_view what);
  PgError error_of(const pg_result* result) const;

  pg_conn* conn_ = nullptr;
  std::string where_;
  std::map<std::string, std::string, std::less<>> statements_;  // SQL → name on the server
  std::vector<std::string> fresh_;                              // prepared since the last sync that went well
  std::deque<bool> pending_;                                    // of each message sent: whether its result is wanted
  int names_ = 0;
};

}  // namespace steward::journal
