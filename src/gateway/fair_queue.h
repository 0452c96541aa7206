// The queue before a local model: when all its slots are taken, calls wait in a weighted fair order by key (start-time
// fair queueing: each call has a start tag, the later of the queue's virtual time and the finish of its key's last
// call; the least start goes first; a call's length is its estimated tokens over its key's weight). So a heavy key
// can't starve a light one, and with a free slot nobody waits.
//
// Thread-safe. A ticket holds a slot until it is destroyed. Waiting is bounded in number (kQueueFull) and time
// (kQueueTimeout); a call whose client went leaves at once.
#pragma once
#include <chrono>
#include <memory>
#include <string>

#include "base/async.h"

namespace steward::gateway {

class FairQueue : public std::enable_shared_from_this<FairQueue> {
 public:
  explicit FairQueue(size_t slots, size_t limit) : slots_(slots), limit_(limit) {}

  class Ticket {
   public:
    explicit Ticket(std::shared_ptr<FairQueue> queue) : queue_(std::move(queue)) {}
    ~Ticket() { queue_->leave(); }
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;

   private:
    std::shared_ptr<FairQueue> queue_;
  };

  Task<Result<std::unique_ptr<Ticket>>> enter(std::string key, double weight, int64_t tokens, Deadline deadline,
                                              CancelToken cancel);
  void set_limits(size_t slots, size_t limit);
  size_t waiting() const;
  size_t peak() const;

 private:
  struct Waiting {
    double start = 0;
    uint64_t order = 0;
    std::function<void(Status)> done;
  };
  bool take(const std::string& key, double weight, int64_t tokens, Waiting& waiting);
  void leave();
  void finish(uint64_t order, Status status);

  mutable std::mutex mutex_;
  size_t slots_, limit_;
  size_t busy_ = 0, peak_ = 0;
  double virtual_time_ = 0;
  uint64_t next_order_ = 1;
  std::map<std::string, double> finishes_;                  // of each key's last call
  std::map<std::pair<double, uint64_t>, Waiting> waiting_;  // by start tag, then arrival
};

}  // namespace steward::gateway
