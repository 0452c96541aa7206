#include "journal/db.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <memory>
#include <unordered_map>

#include "journal/health.h"

namespace steward::journal {
namespace {

constexpr int kBusyTimeoutMs = 5'000;  // another process (a CLI command) may hold the write lock for a moment

// The errno is told only where the system refused something: SQLite keeps the last one for good.
[[noreturn]] void throw_failure(int code, const std::string& what, int os_error) {
  const int kind = code & 0xff;
  if (kind == SQLITE_IOERR || kind == SQLITE_FULL || kind == SQLITE_CANTOPEN || kind == SQLITE_READONLY)
    throw SystemError(code, what, os_error);
  throw DbError(code, what);
}

[[noreturn]] void raise(sqlite3* db, std::string_view doing) {
  throw_failure(sqlite3_extended_errcode(db), fmt::format("{}: {}", doing, sqlite3_errmsg(db)),
                sqlite3_system_errno(db));
}

void check(sqlite3_stmt* stmt, int rc) {
  if (rc != SQLITE_OK) raise(sqlite3_db_handle(stmt), sqlite3_sql(stmt));
}

struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

}  // namespace

Statement& Statement::bind(int index, int64_t value) {
  check(stmt_, sqlite3_bind_int64(stmt_, index, value));
  return *this;
}

Statement& Statement::bind(int index, double value) {
  check(stmt_, sqlite3_bind_double(stmt_, index, value));
  return *this;
}

Statement& Statement::bind(int index, std::string_view text) {
  check(stmt_,
        sqlite3_bind_text64(stmt_, index, text.empty() ? "" : text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
  return *this;
}

Statement& Statement::bind_blob(int index, std::string_view bytes) {
  check(stmt_, sqlite3_bind_blob64(stmt_, index, bytes.empty() ? "" : bytes.data(), bytes.size(), SQLITE_TRANSIENT));
  return *this;
}

Statement& Statement::bind_null(int index) {
  check(stmt_, sqlite3_bind_null(stmt_, index));
  return *this;
}

bool Statement::step() {
  const int rc = sqlite3_step(stmt_);
  if (rc == SQLITE_ROW) return true;
  if (rc == SQLITE_DONE) {
    reset();
    return false;
  }
  sqlite3* db = sqlite3_db_handle(stmt_);
  const int code = sqlite3_extended_errcode(db), os_error = sqlite3_system_errno(db);
  const std::string what = fmt::format("{}: {}", sqlite3_sql(stmt_), sqlite3_errmsg(db));
  reset();
  throw_failure(code, what, os_error);
}

void Statement::run() {
  while (step()) {
  }
}

void Statement::reset() {
  sqlite3_reset(stmt_);  // repeats the error that step() has thrown
  sqlite3_clear_bindings(stmt_);
}

int64_t Statement::integer(int column) const { return sqlite3_column_int64(stmt_, column); }
double Statement::real(int column) const { return sqlite3_column_double(stmt_, column); }

std::string Statement::text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(stmt_, column));
  return text ? std::string(text, static_cast<size_t>(sqlite3_column_bytes(stmt_, column))) : std::string();
}

std::string Statement::blob(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(stmt_, column));
  return bytes ? std::string(bytes, static_cast<size_t>(sqlite3_column_bytes(stmt_, column))) : std::string();
}

bool Statement::is_null(int column) const { return sqlite3_column_type(stmt_, column) == SQLITE_NULL; }

struct Db::Impl {
  struct Cached {
    explicit Cached(sqlite3_stmt* s) : stmt(s), statement(s) {}
    ~Cached() { sqlite3_finalize(stmt); }
    sqlite3_stmt* stmt;
    Statement statement;
  };
  sqlite3* db = nullptr;
  std::unordered_map<std::string, std::unique_ptr<Cached>, TextHash, std::equal_to<>> statements;

  ~Impl() {
    statements.clear();
    sqlite3_close_v2(db);
  }
};

Db::Db(Impl* impl) : impl_(impl) {}
Db::Db(Db&& other) noexcept : impl_(std::exchange(other.impl_, nullptr)) {}
Db& Db::operator=(Db&& other) noexcept {
  std::swap(impl_, other.impl_);
  return *this;
}
Db::~Db() { delete impl_; }

// A reader opens the file for writing and forbids itself to write: a WAL database can't be opened otherwise where its
// -shm must be made.
Db Db::open(const std::filesystem::path& path, Mode mode, const char* vfs) {
  auto impl = std::make_unique<Impl>();
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (mode == Mode::kReadWrite ? SQLITE_OPEN_CREATE : 0);
  const int rc = sqlite3_open_v2(path.c_str(), &impl->db, flags, vfs);
  if (rc != SQLITE_OK) {
    const int os_error = impl->db ? sqlite3_system_errno(impl->db) : 0;
    throw_failure(rc, fmt::format("{} can't be opened: {}", path.string(), sqlite3_errstr(rc)), os_error);
  }
  sqlite3_extended_result_codes(impl->db, 1);
  sqlite3_busy_timeout(impl->db, kBusyTimeoutMs);
  Db db(impl.release());
  if (mode == Mode::kReadOnly) db.execute("PRAGMA query_only=ON; PRAGMA temp_store=MEMORY");
  return db;
}

Statement& Db::prepare(std::string_view sql) {
  if (auto it = impl_->statements.find(sql); it != impl_->statements.end()) {
    it->second->statement.reset();
    return it->second->statement;
  }
  sqlite3_stmt* stmt = nullptr;
  const int rc = sqlite3_prepare_v3(impl_->db, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                                    &stmt, nullptr);
  if (rc != SQLITE_OK) raise(impl_->db, sql);
  if (!stmt) throw DbError(SQLITE_MISUSE, "An empty statement was prepared.");
  auto cached = std::make_unique<Impl::Cached>(stmt);
  return impl_->statements.emplace(std::string(sql), std::move(cached)).first->second->statement;
}

void Db::execute(std::string_view sql) {
  const std::string text(sql);
  if (sqlite3_exec(impl_->db, text.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) raise(impl_->db, sql);
}

int64_t Db::integer(std::string_view sql) {
  Statement& statement = prepare(sql);
  const int64_t value = statement.step() ? statement.integer(0) : 0;
  statement.reset();
  return value;
}

void Db::reset_statements() {
  for (sqlite3_stmt* s = sqlite3_next_stmt(impl_->db, nullptr); s; s = sqlite3_next_stmt(impl_->db, s)) {
    if (sqlite3_stmt_busy(s)) sqlite3_reset(s);
  }
}

int Db::changes() const { return sqlite3_changes(impl_->db); }
sqlite3* Db::handle() const { return impl_->db; }

}  // namespace steward::journal
