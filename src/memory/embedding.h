// The worker that gives passages their vectors, behind the journal and in nobody's way.
//
// It follows the durable mark. Once nothing has happened for a moment, it embeds what came last, and then what stands
// without a vector from earlier, the newest first; a few passages at a time, resting as long as each took, so that an
// answer that is being made has the processor. What it makes is a cache (vectors.h): no message waits for it, a rebuilt
// view finds it, and without an embedder memory answers by words alone.
//
// One thread of its own, from start() to stop(). Embedding runs on an io thread, as every call of the engine.
#pragma once
#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "engine/engine.h"
#include "journal/view.h"
#include "memory/vectors.h"
#include "net/http_server.h"

namespace steward::memory {

inline constexpr std::string_view kEmbedder = "multilingual-e5-small";

class Embedding {
 public:
  struct Parts {
    journal::Journal& journal;
    journal::Views& views;
    engine::Engine& engine;
    net::IoThreads& threads;
    VectorStore& vectors;
    Log log;
    std::chrono::milliseconds quiet{5'000};  // since the last record
  };
  explicit Embedding(Parts parts) : parts_(std::move(parts)) {}
  ~Embedding() { stop(); }
  void start();
  void stop();

 private:
  struct Batch {
    std::vector<std::string> keys, texts;
    int64_t high = 0, low = 0;  // how far it has looked when this is done
  };
  void run();
  bool rest(std::chrono::milliseconds most);  // false: stopping
  bool wait_for_quiet();
  Batch next();
  bool embed(Batch batch);

  Parts parts_;
  std::mutex mutex_;
  std::condition_variable wakes_;
  bool ends_ = false;
  bool moved_ = true;  // the journal, since it was looked at
  std::chrono::steady_clock::time_point moved_at_;
  std::optional<size_t> follows_;
  CancelToken cancel_;
  int64_t high_ = -1, low_ = -1;  // passages from low_ to high_ were looked at; -1: none yet
  std::thread thread_;
};

// Which of these keys a passage has still.
std::unordered_set<std::string> standing_keys(journal::Views& views, const std::vector<std::string>& keys);

}  // namespace steward::memory
