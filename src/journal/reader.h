// Reading the journal from any thread: a few read connections lent one call at a time. Inside the journal floor; others
// use Journal.
#pragma once
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "base/error.h"
#include "journal/record.h"
#include "journal/scan.h"
#include "journal/upcast.h"

namespace steward::journal {

enum class Order { kConsecutive, kAny };
// Empty, or which of these is not what its digests say: bodies always, headers where the record before stands in the
// page.
std::string damage_in(const std::vector<Record>& records, Order order);

class Reader {
 public:
  using Open = std::function<std::unique_ptr<Scan>()>;
  // `upcasters` may be null. Every record is compared with its digests before it is handed out; `on_damage` is told of
  // one that differs, and of a file that SQLite finds damaged (any thread).
  Reader(Open open, std::shared_ptr<const Upcasters> upcasters,
         std::function<void(std::string_view)> on_damage = nullptr);
  ~Reader();

  Result<std::vector<Record>> read(const Id& tenant, Seq after, size_t limit);
  Result<std::vector<Record>> read_stream(const Id& tenant, std::string_view stream, uint64_t after_version,
                                          size_t limit);
  Result<Record> find(const Id& record_id);
  // Lends a connection to `use`; DbError becomes kStoreUnavailable, or kCorrupt.
  Status with_scan(const std::function<void(Scan&)>& use);
  void forget();  // closes those that wait: after a failure they may be dead

 private:
  Status lift(std::vector<Record>& records, Order order) const;
  Status damaged(std::string_view what) const;
  std::unique_ptr<Scan> take();
  void give_back(std::unique_ptr<Scan> scan);

  Open open_scan_;
  std::shared_ptr<const Upcasters> upcasters_;
  std::function<void(std::string_view)> on_damage_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<Scan>> idle_;
  size_t open_ = 0;
};

}  // namespace steward::journal
