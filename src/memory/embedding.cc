#include "memory/embedding.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <limits>

namespace steward::memory {
using namespace std::chrono_literals;
namespace {

constexpr size_t kAtOnce = 8;         // passages of one call of the embedder
constexpr int64_t kLookedAt = 2'000;  // rows looked at for those without a vector, at a time
constexpr auto kLongestWait = 60s;    // for quiet, where something happens all the time
constexpr auto kLongestRest = 2s;
constexpr auto kAfterFailure = 60s;
constexpr auto kDeadline = 5min;  // of one call: it may wait for a model to load

struct Candidate {
  int64_t number;
  std::string key;
};

std::vector<Candidate> rows_of(journal::Db& db, const char* sql, int64_t from) {
  std::vector<Candidate> out;
  auto& row = db.prepare(sql).bind(1, from).bind(2, kLookedAt);
  while (row.step()) out.push_back({row.integer(0), row.blob(1)});
  row.reset();
  return out;
}

std::string text_of(journal::Db& db, int64_t number) {
  auto& row = db.prepare("SELECT text FROM memory_passages WHERE number = ?").bind(1, number);
  std::string out = row.step() ? row.text(0) : "";
  row.reset();
  return out;
}

Task<Result<engine::Embeddings>> embed_passages(engine::Engine& engine, std::vector<std::string> texts,
                                                CancelToken cancel) {
  co_return co_await engine.embed(std::string(kEmbedder), std::move(texts), engine::InputType::kPassage,
                                  Deadline::in(kDeadline), std::move(cancel));
}

}  // namespace

std::unordered_set<std::string> standing_keys(journal::Views& views, const std::vector<std::string>& keys) {
  std::unordered_set<std::string> out;
  views.query_blocking([&](journal::Db& db) {
    for (const auto& key : keys) {
      auto& row = db.prepare("SELECT 1 FROM memory_passages WHERE key = ?").bind_blob(1, key);
      if (row.step()) out.insert(key);
      row.reset();
    }
  });
  return out;
}

void Embedding::start() {
  moved_at_ = std::chrono::steady_clock::now();
  follows_ = parts_.journal.on_durable([this](const Id&, journal::Seq) {
    bool first = false;  // it is woken once, however much happens until it looks
    {
      const std::lock_guard lock(mutex_);
      first = !moved_;
      moved_ = true;
      moved_at_ = std::chrono::steady_clock::now();
    }
    if (first) wakes_.notify_all();
  });
  thread_ = std::thread([this] { run(); });
}

void Embedding::stop() {
  if (follows_) parts_.journal.forget(*follows_);
  follows_.reset();
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  cancel_.cancel(CancelReason::kShutdown);
  wakes_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool Embedding::rest(std::chrono::milliseconds most) {
  std::unique_lock lock(mutex_);
  wakes_.wait_for(lock, most, [this] { return ends_; });
  return !ends_;
}

// Until something has happened, and then nothing for a moment.
bool Embedding::wait_for_quiet() {
  std::unique_lock lock(mutex_);
  wakes_.wait(lock, [this] { return ends_ || moved_; });
  const auto latest = std::chrono::steady_clock::now() + kLongestWait;
  while (!ends_) {
    const auto until = std::min(moved_at_ + parts_.quiet, latest);
    if (std::chrono::steady_clock::now() >= until) break;
    wakes_.wait_until(lock, until);
  }
  moved_ = false;
  return !ends_;
}

// First what came since it last looked, then what is older, the newest first.
Embedding::Batch Embedding::next() {
  Batch out{.high = high_, .low = low_};
  parts_.views.query_blocking([&](journal::Db& db) {
    if (out.high < 0) {
      out.high = db.integer("SELECT coalesce(max(number), 0) FROM memory_passages");
      out.low = out.high + 1;
    }
    const auto take = [&](const Candidate& one) {
      if (!parts_.vectors.has(one.key) && std::ranges::find(out.keys, one.key) == out.keys.end()) {
        out.keys.push_back(one.key);
        out.texts.push_back(text_of(db, one.number));
      }
    };
    for (const auto& one :
         rows_of(db, "SELECT number, key FROM memory_passages WHERE number > ? ORDER BY number LIMIT ?", out.high)) {
      if (out.keys.size() == kAtOnce) return;
      take(one);
      out.high = one.number;
    }
    if (!out.keys.empty()) return;
    const auto older =
        rows_of(db, "SELECT number, key FROM memory_passages WHERE number < ? ORDER BY number DESC LIMIT ?", out.low);
    for (const auto& one : older) {
      if (out.keys.size() == kAtOnce) return;
      take(one);
      out.low = one.number;
    }
    if (older.empty()) out.low = 0;
  });
  return out;
}

bool Embedding::embed(Batch batch) {
  auto done =
      asio::co_spawn(parts_.threads.context(0), embed_passages(parts_.engine, batch.texts, cancel_), asio::use_future)
          .get();
  if (!done) {
    if (done.error().code != ErrorCode::kCancelled)
      parts_.log.warn("passages of memory wait for their embedding",
                      {{"code", std::string(info(done.error().code).name)}});
    return false;
  }
  std::vector<std::pair<std::string, Vector>> vectors;
  for (size_t i = 0; i < batch.keys.size() && i < done->vectors.size(); ++i)
    vectors.emplace_back(batch.keys[i], quantised(done->vectors[i]));
  parts_.vectors.put(vectors, [this](const auto& keys) { return standing_keys(parts_.views, keys); });
  return true;
}

void Embedding::run() {
  while (wait_for_quiet()) {
    if (!parts_.engine.find(kEmbedder)) continue;  // words alone, until somebody adds it
    for (bool more = true; more;) {
      const auto began = std::chrono::steady_clock::now();
      try {
        Batch batch = next();
        more = batch.low > 0 || batch.high > high_;
        const int64_t high = batch.high, low = batch.low;
        if (!batch.keys.empty() && !embed(std::move(batch))) {
          if (!rest(kAfterFailure)) return;
          continue;
        }
        high_ = high;
        low_ = low;
      } catch (const journal::DbError&) {  // too many queries wait, or a table is being mended
        if (!rest(kAfterFailure)) return;
        continue;
      }
      const auto took = std::chrono::steady_clock::now() - began;
      if (!rest(std::min(std::chrono::duration_cast<std::chrono::milliseconds>(took),
                         std::chrono::milliseconds(kLongestRest))))
        return;
    }
  }
}

}  // namespace steward::memory
