// Reading the journal from any thread: a few read-only connections lent one call at a time. Inside the journal floor;
// others use Journal.
#pragma once
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "base/error.h"
#include "journal/db.h"
#include "journal/record.h"
#include "journal/upcast.h"

namespace steward::journal {

// SQL over `records r` and `tenants t`, shared by the reader, the folds' replay and verify.
std::vector<Record> select_records(Db& db, const Id& tenant, Seq after, size_t limit);
std::vector<std::pair<Id, Seq>> select_heads(Db& db);  // tenants that have records

class Reader {
 public:
  // `upcasters` may be null.
  Reader(std::filesystem::path path, std::shared_ptr<const Upcasters> upcasters);
  ~Reader();

  Result<std::vector<Record>> read(const Id& tenant, Seq after, size_t limit);
  Result<std::vector<Record>> read_stream(const Id& tenant, std::string_view stream, uint64_t after_version,
                                          size_t limit);
  Result<Record> find(const Id& record_id);
  // Lends a connection to `use`; DbError becomes kStoreUnavailable.
  Status with_db(const std::function<void(Db&)>& use);

 private:
  class Lent;
  Status lift(std::vector<Record>& records) const;
  std::unique_ptr<Db> take();
  void give_back(std::unique_ptr<Db> db);

  std::filesystem::path path_;
  std::shared_ptr<const Upcasters> upcasters_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<Db>> idle_;
  size_t open_ = 0;
};

}  // namespace steward::journal
