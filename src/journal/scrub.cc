#include "journal/scrub.h"

#include <fmt/format.h>

#include "journal/audit.h"
#include "journal/health.h"

namespace steward::journal {
namespace {
using namespace std::chrono_literals;
constexpr size_t kPage = 500;
constexpr std::chrono::milliseconds kAfterStart = 1s, kBetweenPasses = 24h, kAfterFailure = 60s;
constexpr auto kBetweenPages = 40ms;  // some 12,000 records a second
}  // namespace

Scrubber::Scrubber(Open open, std::function<void(std::string_view)> found)
    : open_scan_(std::move(open)), found_(std::move(found)) {}

void Scrubber::start() {
  thread_ = std::thread([this] { run(); });
}

void Scrubber::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool Scrubber::rest(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  return !wake_.wait_for(lock, time, [this] { return stopping_; });
}

void Scrubber::run() {
  for (std::chrono::milliseconds wait = kAfterStart; rest(wait);) {
    wait = kBetweenPasses;
    try {
      if (const std::string wrong = pass(kBetweenPages); !wrong.empty()) return found_(wrong);
    } catch (const DbError& e) {
      if (is_damage(e)) return found_(e.what());
      wait = kAfterFailure;  // the disk, not the file: told by those who write
    }
  }
}

// Each page is a read of its own, so that no old snapshot is held, which would keep the log from being taken in.
std::string Scrubber::pass(std::chrono::milliseconds pause) {
  const auto scan = open_scan_();
  ChainChecker checker;
  for (const auto& [tenant, head] : filled_heads(*scan)) {
    for (Seq at = 0; at < head;) {
      const auto page = scan->page(tenant, at, kPage);
      if (page.empty()) return fmt::format("{}: the records after {} are missing", tenant, at);
      for (const auto& record : page) {
        if (const std::string wrong = checker.check(record, true); !wrong.empty())
          return fmt::format("{}, record {}: {}", tenant, record.seq, wrong);
      }
      at = page.back().seq;
      if (pause.count() > 0 && !rest(pause)) return "";
    }
  }
  return "";
}

}  // namespace steward::journal
