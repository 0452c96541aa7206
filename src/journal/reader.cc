#include "journal/reader.h"

#include <fmt/format.h>

#include "journal/schema.h"

namespace steward::journal {
namespace {
constexpr size_t kMaxConnections = 8;  // readers wait beyond this; each holds its own page cache

std::vector<Record> rows(Statement& statement) {
  std::vector<Record> out;
  while (statement.step()) out.push_back(read_record(statement));
  return out;
}

const std::string& select_page() {
  static const std::string sql = fmt::format(
      "SELECT {} FROM tenants t JOIN records r ON r.pos > (t.number << 40) + ?2 AND r.pos < ((t.number + 1) << 40) "
      "WHERE t.id=?1 ORDER BY r.pos LIMIT ?3",
      kRecordColumns);
  return sql;
}
const std::string& select_stream() {
  static const std::string sql = fmt::format(
      "SELECT {} FROM tenants t JOIN records r ON r.tenant = t.number WHERE t.id=?1 AND r.stream=?2 AND r.version > ?3 "
      "ORDER BY r.version LIMIT ?4",
      kRecordColumns);
  return sql;
}
const std::string& select_one() {
  static const std::string sql =
      fmt::format("SELECT {} FROM records r JOIN tenants t ON t.number = r.tenant WHERE r.id=?", kRecordColumns);
  return sql;
}
}  // namespace

std::vector<Record> select_records(Db& db, const Id& tenant, Seq after, size_t limit) {
  if (after > static_cast<Seq>(kLargestSeq)) return {};
  return rows(db.prepare(select_page()).bind(1, tenant).bind(2, after).bind(3, static_cast<int64_t>(limit)));
}

std::vector<std::pair<Id, Seq>> select_heads(Db& db) {
  std::vector<std::pair<Id, Seq>> out;
  auto& statement = db.prepare("SELECT id, seq FROM tenants WHERE seq > 0 ORDER BY number");
  while (statement.step()) out.emplace_back(statement.text(0), static_cast<Seq>(statement.integer(1)));
  return out;
}

Reader::Reader(std::filesystem::path path, std::shared_ptr<const Upcasters> upcasters)
    : path_(std::move(path)), upcasters_(std::move(upcasters)) {}
Reader::~Reader() = default;

std::unique_ptr<Db> Reader::take() {
  std::unique_lock lock(mutex_);
  returned_.wait(lock, [&] { return !idle_.empty() || open_ < kMaxConnections; });
  if (!idle_.empty()) {
    auto db = std::move(idle_.back());
    idle_.pop_back();
    return db;
  }
  ++open_;
  lock.unlock();
  try {
    return std::make_unique<Db>(open_journal_db(path_, Db::Mode::kReadOnly));
  } catch (...) {
    give_back(nullptr);
    throw;
  }
}

void Reader::give_back(std::unique_ptr<Db> db) {
  {
    std::lock_guard lock(mutex_);
    if (db)
      idle_.push_back(std::move(db));
    else
      --open_;
  }
  returned_.notify_one();
}

// A connection that threw is closed, not lent again.
Status Reader::with_db(const std::function<void(Db&)>& use) {
  try {
    auto db = take();
    try {
      use(*db);
    } catch (...) {
      give_back(nullptr);
      throw;
    }
    give_back(std::move(db));
    return {};
  } catch (const DbError& e) {
    return fail(ErrorCode::kStoreUnavailable, fmt::format("The journal can't be read: {}", e.what()));
  }
}

Status Reader::lift(std::vector<Record>& records) const {
  if (!upcasters_) return {};
  for (auto& record : records) {
    if (auto s = upcasters_->apply(record); !s) return s;
  }
  return {};
}

Result<std::vector<Record>> Reader::read(const Id& tenant, Seq after, size_t limit) {
  std::vector<Record> records;
  if (auto s = with_db([&](Db& db) { records = select_records(db, tenant, after, limit); }); !s) return fail(s.error());
  if (auto s = lift(records); !s) return fail(s.error());
  return records;
}

Result<std::vector<Record>> Reader::read_stream(const Id& tenant, std::string_view stream, uint64_t after_version,
                                                size_t limit) {
  std::vector<Record> records;
  auto s = with_db([&](Db& db) {
    records = rows(db.prepare(select_stream())
                       .bind(1, tenant)
                       .bind(2, stream)
                       .bind(3, after_version)
                       .bind(4, static_cast<int64_t>(limit)));
  });
  if (!s) return fail(s.error());
  if (s = lift(records); !s) return fail(s.error());
  return records;
}

Result<Record> Reader::find(const Id& record_id) {
  std::vector<Record> records;
  if (auto s = with_db([&](Db& db) { records = rows(db.prepare(select_one()).bind(1, record_id)); }); !s)
    return fail(s.error());
  if (records.empty()) return fail(ErrorCode::kNotFound, "There is no such record.");
  if (auto s = lift(records); !s) return fail(s.error());
  return std::move(records.front());
}

}  // namespace steward::journal
