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

class Reader {
 public:
  using Open = std::function<std::unique_ptr<Scan>()>;
  // `upcasters` may be null.
  Reader(Open open, std::shared_ptr<const Upcasters> upcasters);
  ~Reader();

  Result<std::vector<Record>> read(const Id& tenant, Seq after, size_t limit);
  Result<std::vector<Record>> read_stream(const Id& tenant, std::string_view stream, uint64_t after_version,
                                          size_t limit);
  Result<Record> find(const Id& record_id);
  // Lends a connection to `use`; DbError becomes kStoreUnavailable.
  Status with_scan(const std::function<void(Scan&)>& use);
  void forget();  // closes those that wait: after a failure they may be dead

 private:
  Status lift(std::vector<Record>& records) const;
  std::unique_ptr<Scan> take();
  void give_back(std::unique_ptr<Scan> scan);

  Open open_scan_;
  std::shared_ptr<const Upcasters> upcasters_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<Scan>> idle_;
  size_t open_ = 0;
};

}  // namespace steward::journal
