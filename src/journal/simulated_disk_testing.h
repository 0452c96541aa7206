// A disk for tests, as an SQLite file system: every write, truncation and sync is written down in order, room and syncs
// can be taken away, and `image` says what the disk would hold after a power cut at any point of that history. What a
// sync covers that ended before the cut is there; every other write is kept, dropped or torn by the seed's luck, of its
// 512-byte sectors each holding what the page cache held after a write that was kept. Names come and go as told: the
// check `power` takes away those too. Not part of the product.
//
// Any thread. Files go on to the real file system, so that connections of other file systems see the same.
#pragma once
#include <sqlite3.h>

#include <atomic>
#include <cerrno>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <vector>

namespace steward::journal {

class SimulatedDisk {
 public:
  explicit SimulatedDisk(uint64_t seed);
  ~SimulatedDisk() { sqlite3_vfs_unregister(&vfs_); }
  SimulatedDisk(const SimulatedDisk&) = delete;
  SimulatedDisk& operator=(const SimulatedDisk&) = delete;

  const char* vfs() const { return name_.c_str(); }
  int sync_log(const std::string& file);  // what Options::sync_file calls for the -wal file
  size_t history() const;                 // how many entries: a point to cut at
  std::map<std::string, std::string> image(size_t cut, std::mt19937_64& luck) const;

  std::atomic<bool> full{false}, refuses_to_sync{false};

 private:
  enum class Kind { kWrite, kTruncate, kSyncBegin, kSyncEnd, kRemove };
  struct Entry {
    Kind kind;
    std::string file;
    size_t at = 0;  // offset, length, or of a sync's end the index of its begin
    std::string data;
  };
  struct File {
    sqlite3_file base;
    SimulatedDisk* disk;
    std::string* name;
    sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
  };
  static File* self(sqlite3_file* f) { return reinterpret_cast<File*>(f); }
  static sqlite3_file* r(sqlite3_file* f) { return self(f)->real(); }
  static const sqlite3_io_methods* m(sqlite3_file* f) { return r(f)->pMethods; }
  static sqlite3_vfs* real_vfs() { return sqlite3_vfs_find("unix"); }
  static const sqlite3_io_methods& methods();
  static int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* f, int flags, int* out);
  static int close(sqlite3_file* f);
  static int remove(sqlite3_vfs* vfs, const char* name, int sync_folder);
  static int write(sqlite3_file* f, const void* data, int n, sqlite3_int64 at);
  static int truncate(sqlite3_file* f, sqlite3_int64 n);
  static int sync(sqlite3_file* f, int flags);
  static int randomness(sqlite3_vfs* vfs, int n, char* out);
  size_t note(Entry entry);

  std::string name_;
  sqlite3_vfs vfs_{};
  mutable std::mutex mutex_;
  std::vector<Entry> entries_;
  std::mt19937_64 random_;
};

inline SimulatedDisk::SimulatedDisk(uint64_t seed) : name_("simulated-" + std::to_string(seed)), random_(seed) {
  vfs_ = *real_vfs();
  vfs_.zName = name_.c_str();
  vfs_.szOsFile = static_cast<int>(sizeof(File)) + real_vfs()->szOsFile;
  vfs_.pAppData = this;
  vfs_.xOpen = open;
  vfs_.xDelete = remove;
  vfs_.xRandomness = randomness;
  sqlite3_vfs_register(&vfs_, 0);
}

inline int SimulatedDisk::randomness(sqlite3_vfs* vfs, int n, char* out) {
  auto& disk = *static_cast<SimulatedDisk*>(vfs->pAppData);
  const std::lock_guard lock(disk.mutex_);
  for (int i = 0; i < n; ++i) out[i] = static_cast<char>(disk.random_());
  return n;
}

inline size_t SimulatedDisk::note(Entry entry) {
  const std::lock_guard lock(mutex_);
  entries_.push_back(std::move(entry));
  return entries_.size() - 1;
}

inline size_t SimulatedDisk::history() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

inline int SimulatedDisk::sync_log(const std::string& file) {
  if (refuses_to_sync) {
    errno = EIO;
    return -1;
  }
  const size_t begin = note({Kind::kSyncBegin, file, 0, {}});
  note({Kind::kSyncEnd, file, begin, {}});
  return 0;
}

inline const sqlite3_io_methods& SimulatedDisk::methods() {
  static const sqlite3_io_methods kMethods = {
      3,
      close,
      [](sqlite3_file* f, void* p, int n, sqlite3_int64 at) { return m(f)->xRead(r(f), p, n, at); },
      write,
      truncate,
      sync,
      [](sqlite3_file* f, sqlite3_int64* n) { return m(f)->xFileSize(r(f), n); },
      [](sqlite3_file* f, int l) { return m(f)->xLock(r(f), l); },
      [](sqlite3_file* f, int l) { return m(f)->xUnlock(r(f), l); },
      [](sqlite3_file* f, int* out) { return m(f)->xCheckReservedLock(r(f), out); },
      [](sqlite3_file* f, int op, void* arg) { return m(f)->xFileControl(r(f), op, arg); },
      [](sqlite3_file* f) { return m(f)->xSectorSize(r(f)); },
      [](sqlite3_file* f) { return m(f)->xDeviceCharacteristics(r(f)); },
      [](sqlite3_file* f, int page, int size, int extend, void volatile** out) {
        return m(f)->xShmMap(r(f), page, size, extend, out);
      },
      [](sqlite3_file* f, int offset, int n, int flags) { return m(f)->xShmLock(r(f), offset, n, flags); },
      [](sqlite3_file* f) { m(f)->xShmBarrier(r(f)); },
      [](sqlite3_file* f, int remove) { return m(f)->xShmUnmap(r(f), remove); },
      [](sqlite3_file* f, sqlite3_int64 at, int n, void** out) { return m(f)->xFetch(r(f), at, n, out); },
      [](sqlite3_file* f, sqlite3_int64 at, void* p) { return m(f)->xUnfetch(r(f), at, p); }};
  return kMethods;
}

inline int SimulatedDisk::open(sqlite3_vfs* vfs, const char* name, sqlite3_file* f, int flags, int* out) {
  f->pMethods = nullptr;
  self(f)->disk = static_cast<SimulatedDisk*>(vfs->pAppData);
  self(f)->name = nullptr;
  const int rc = real_vfs()->xOpen(real_vfs(), name, r(f), flags, out);
  if (!r(f)->pMethods) return rc;
  const std::string path = name ? name : "";
  self(f)->name = new std::string(path.substr(path.rfind('/') + 1));
  f->pMethods = &methods();
  return rc;
}

inline int SimulatedDisk::close(sqlite3_file* f) {
  delete self(f)->name;
  return m(f)->xClose(r(f));
}

inline int SimulatedDisk::remove(sqlite3_vfs* vfs, const char* name, int sync_folder) {
  const int rc = real_vfs()->xDelete(real_vfs(), name, sync_folder);
  const std::string path = name;
  if (rc == SQLITE_OK)
    static_cast<SimulatedDisk*>(vfs->pAppData)->note({Kind::kRemove, path.substr(path.rfind('/') + 1), 0, {}});
  return rc;
}

inline int SimulatedDisk::write(sqlite3_file* f, const void* data, int n, sqlite3_int64 at) {
  SimulatedDisk& disk = *self(f)->disk;
  if (disk.full) return SQLITE_FULL;
  const int rc = m(f)->xWrite(r(f), data, n, at);
  if (rc == SQLITE_OK)
    disk.note({Kind::kWrite, *self(f)->name, static_cast<size_t>(at),
               std::string(static_cast<const char*>(data), static_cast<size_t>(n))});
  return rc;
}

inline int SimulatedDisk::truncate(sqlite3_file* f, sqlite3_int64 n) {
  const int rc = m(f)->xTruncate(r(f), n);
  if (rc == SQLITE_OK) self(f)->disk->note({Kind::kTruncate, *self(f)->name, static_cast<size_t>(n), {}});
  return rc;
}

inline int SimulatedDisk::sync(sqlite3_file* f, int) {
  return self(f)->disk->sync_log(*self(f)->name) == 0 ? SQLITE_OK : SQLITE_IOERR_FSYNC;
}

inline std::map<std::string, std::string> SimulatedDisk::image(size_t cut, std::mt19937_64& luck) const {
  constexpr size_t kSector = 512;
  const std::lock_guard lock(mutex_);
  std::map<std::string, size_t> sure;  // by file: entries before this index are covered by a sync
  for (size_t i = 0; i < cut; ++i) {
    if (entries_[i].kind == Kind::kSyncEnd) sure[entries_[i].file] = entries_[i].at;
  }
  const uint64_t keep = std::vector<uint64_t>{0, 50, 100}[luck() % 3], tear = std::vector<uint64_t>{0, 30}[luck() % 2];
  std::map<std::string, std::string> cache, disk;
  const auto take = [&](const Entry& e, size_t begin, size_t end) {  // whole sectors, as the cache holds them
    std::string& target = disk[e.file];
    const std::string& source = cache[e.file];
    const size_t first = begin / kSector * kSector;
    const size_t last =
        std::max(end, std::min({(end + kSector - 1) / kSector * kSector, source.size(), target.size()}));
    if (target.size() < last) target.resize(last);
    target.replace(first, last - first, source, first, last - first);
  };
  for (size_t i = 0; i < cut; ++i) {
    const Entry& e = entries_[i];
    const bool is_sure = sure.contains(e.file) && i < sure[e.file];
    const uint64_t draw = luck() % 100;
    if (e.kind == Kind::kRemove) {
      cache.erase(e.file);
      disk.erase(e.file);
    } else if (e.kind == Kind::kTruncate) {
      cache[e.file].resize(e.at);
      if (is_sure || draw < keep) disk[e.file].resize(e.at);
    } else if (e.kind == Kind::kWrite) {
      std::string& bytes = cache[e.file];
      const size_t end = e.at + e.data.size();
      if (bytes.size() < end) bytes.resize(end);
      bytes.replace(e.at, e.data.size(), e.data);
      if (is_sure || draw < keep) {
        take(e, e.at, end);
      } else if (draw < keep + tear) {
        for (size_t s = e.at / kSector; s * kSector < end; ++s) {
          if (luck() % 2) take(e, std::max(e.at, s * kSector), std::min(end, (s + 1) * kSector));
        }
      }
    }
  }
  return disk;
}

}  // namespace steward::journal
