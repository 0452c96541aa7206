#include "memory/vectors.h"

#include <sys/stat.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace steward::memory {
namespace fs = std::filesystem;
namespace {

constexpr int kFormat = 1;  // of the rows; another is thrown away

std::string packed(const Vector& vector) {
  std::string out(sizeof(float) + vector.values.size(), '\0');
  std::memcpy(out.data(), &vector.scale, sizeof(float));
  if (!vector.values.empty()) std::memcpy(out.data() + sizeof(float), vector.values.data(), vector.values.size());
  return out;
}

std::optional<Vector> unpacked(const std::string& bytes) {
  if (bytes.size() <= sizeof(float)) return {};
  Vector out;
  std::memcpy(&out.scale, bytes.data(), sizeof(float));
  out.values.resize(bytes.size() - sizeof(float));
  std::memcpy(out.values.data(), bytes.data() + sizeof(float), out.values.size());
  return out;
}

journal::Db open_file(const fs::path& file) {
  auto db = journal::Db::open(file, journal::Db::Mode::kReadWrite);
  db.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA secure_delete=ON; PRAGMA temp_store=MEMORY");
  if (db.integer("PRAGMA user_version") != kFormat) {
    db.execute(
        fmt::format("BEGIN; DROP TABLE IF EXISTS vectors; CREATE TABLE vectors(key BLOB NOT NULL PRIMARY KEY, "
                    "vector BLOB NOT NULL) WITHOUT ROWID; PRAGMA user_version={}; COMMIT",
                    kFormat));
  }
  (void)db.integer("SELECT count(*) FROM (SELECT 1 FROM vectors LIMIT 1)");
  return db;
}

}  // namespace

Vector quantised(std::span<const float> vector) {
  float largest = 0;
  for (const float value : vector) largest = std::max(largest, std::abs(value));
  constexpr float kMost = 127;
  Vector out{.scale = largest / kMost, .values = std::vector<int8_t>(vector.size())};
  if (largest <= 0) return out;
  for (size_t i = 0; i < vector.size(); ++i) out.values[i] = static_cast<int8_t>(std::lround(vector[i] / out.scale));
  return out;
}

float product(std::span<const float> query, float scale, const int8_t* values) {
  float sum = 0;
  for (size_t i = 0; i < query.size(); ++i) sum += query[i] * static_cast<float>(values[i]);
  return sum * scale;
}

VectorStore::VectorStore(fs::path file) : file_(std::move(file)) {}

void VectorStore::remove(const fs::path& file) {
  std::error_code ignored;
  for (const char* ending : {"", "-wal", "-shm", "-journal"}) fs::remove(file.string() + ending, ignored);
}

Status VectorStore::open() {
  const std::lock_guard lock(mutex_);
  std::error_code error;
  fs::create_directories(file_.parent_path(), error);
  ::chmod(file_.parent_path().c_str(), 0700);
  for (int tries = 0; tries < 2; ++tries) {
    try {
      db_ = open_file(file_);
      ::chmod(file_.c_str(), 0600);
      return {};
    } catch (const journal::DbError&) {
      db_.reset();
      remove(file_);
    }
  }
  return fail(ErrorCode::kStoreUnavailable, fmt::format("{} can't be opened.", file_.string()));
}

std::vector<std::optional<Vector>> VectorStore::find(const std::vector<std::string>& keys) {
  const std::lock_guard lock(mutex_);
  std::vector<std::optional<Vector>> out(keys.size());
  if (!db_) return out;
  for (size_t i = 0; i < keys.size(); ++i) {
    auto& row = db_->prepare("SELECT vector FROM vectors WHERE key = ?").bind_blob(1, keys[i]);
    if (row.step()) out[i] = unpacked(row.blob(0));
    row.reset();
  }
  return out;
}

bool VectorStore::has(const std::string& key) {
  const std::lock_guard lock(mutex_);
  if (!db_) return false;
  auto& row = db_->prepare("SELECT 1 FROM vectors WHERE key = ?").bind_blob(1, key);
  const bool there = row.step();
  row.reset();
  return there;
}

void VectorStore::put(const std::vector<std::pair<std::string, Vector>>& vectors, const Standing& standing) {
  const std::lock_guard changing(changing_);
  std::vector<std::string> keys;
  for (const auto& [key, vector] : vectors) keys.push_back(key);
  const auto stands = standing(keys);
  const std::lock_guard lock(mutex_);
  if (!db_) return;
  db_->execute("BEGIN IMMEDIATE");
  for (const auto& [key, vector] : vectors) {
    if (!stands.contains(key)) continue;
    db_->prepare("INSERT OR REPLACE INTO vectors VALUES (?, ?)").bind_blob(1, key).bind_blob(2, packed(vector)).run();
  }
  db_->execute("COMMIT");
  ++generation_;
}

bool VectorStore::empty() {
  const std::lock_guard lock(mutex_);
  return !db_ || db_->integer("SELECT count(*) FROM (SELECT 1 FROM vectors LIMIT 1)") == 0;
}

std::vector<std::string> VectorStore::keys() {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> out;
  if (!db_) return out;
  auto& row = db_->prepare("SELECT key FROM vectors");
  while (row.step()) out.push_back(row.blob(0));
  row.reset();
  return out;
}

size_t VectorStore::sweep(const Standing& standing) {
  const std::lock_guard changing(changing_);
  const auto all = keys();
  const auto stands = standing(all);
  const std::lock_guard lock(mutex_);
  if (!db_) return 0;
  size_t gone = 0;
  db_->execute("BEGIN IMMEDIATE");
  for (const auto& key : all) {
    if (stands.contains(key)) continue;
    db_->prepare("DELETE FROM vectors WHERE key = ?").bind_blob(1, key).run();
    ++gone;
  }
  db_->execute("COMMIT");
  // Also where none went now: an earlier try may have been cut off before this.
  (void)db_->integer("PRAGMA wal_checkpoint(TRUNCATE)");
  ++generation_;
  return gone;
}

}  // namespace steward::memory
