// A thin, typed wrapper over one SQLite connection. Not thread-safe: one connection, one thread at a time.
// Failures that mean a bug (bad SQL, wrong bind) throw DbError; so do I/O failures, which the journal's threads turn
// into a state.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace steward::journal {

struct DbError : std::runtime_error {
  DbError(int code, const std::string& what) : std::runtime_error(what), code(code) {}
  int code;  // SQLite's extended result code
};

// A prepared statement; reset and unbound by each run. `db.prepare("SELECT …")` keeps it in the connection's cache by
// its text.
class Statement {
 public:
  explicit Statement(sqlite3_stmt* stmt) : stmt_(stmt) {}
  Statement& bind(int index, int64_t value);  // from 1
  Statement& bind(int index, uint64_t value) { return bind(index, static_cast<int64_t>(value)); }
  Statement& bind(int index, int value) { return bind(index, static_cast<int64_t>(value)); }
  Statement& bind(int index, double value);
  Statement& bind(int index, std::string_view text);
  Statement& bind_blob(int index, std::string_view bytes);
  Statement& bind_null(int index);
  bool step();  // true: a row stands ready
  void run();   // steps to the end, then resets
  void reset();
  int64_t integer(int column) const;  // from 0
  double real(int column) const;
  std::string text(int column) const;
  std::string blob(int column) const;
  bool is_null(int column) const;

 private:
  sqlite3_stmt* stmt_;
};

class Db {
 public:
  enum class Mode { kReadWrite, kReadOnly };
  // Throws DbError. `vfs` names another SQLite file system: tests break the disk with it.
  static Db open(const std::filesystem::path& path, Mode mode, const char* vfs = nullptr);
  Db(Db&&) noexcept;
  Db& operator=(Db&&) noexcept;
  ~Db();
  Statement& prepare(std::string_view sql);  // cached by text; at most one use at a time
  void execute(std::string_view sql);        // one or several statements
  int64_t integer(std::string_view sql);     // the first column of the first row; 0 if none
  void reset_statements();  // ends reads that were left in their middle, so that they hold no old snapshot
  int changes() const;
  sqlite3* handle() const;

 private:
  struct Impl;
  explicit Db(Impl* impl);
  Impl* impl_;
};

}  // namespace steward::journal
