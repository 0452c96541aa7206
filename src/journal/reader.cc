#include "journal/reader.h"

#include <fmt/format.h>

#include "journal/digest.h"
#include "journal/health.h"

namespace steward::journal {
namespace {
constexpr size_t kMaxConnections = 8;  // readers wait beyond this; each holds its own cache, or a server's process
}  // namespace

std::vector<std::pair<Id, Seq>> filled_heads(Scan& scan) {
  std::vector<std::pair<Id, Seq>> out;
  for (auto& head : scan.heads()) {
    if (head.seq > 0) out.emplace_back(std::move(head.tenant), head.seq);
  }
  return out;
}

std::string damage_in(const std::vector<Record>& records, Order order) {
  ChainHasher hasher;
  for (size_t i = 0; i < records.size(); ++i) {
    const Record& record = records[i];
    const bool body = record.erased || hasher.body_digest(record.salt, record.body) == record.body_digest;
    const bool header = order == Order::kAny || i == 0 || hasher.digest(records[i - 1].digest, record) == record.digest;
    if (!body || !header)
      return fmt::format("record {} of {} is not what was recorded ({})", record.seq, record.tenant,
                         body ? "header" : "body");
  }
  return "";
}

Reader::Reader(Open open, std::shared_ptr<const Upcasters> upcasters, std::function<void(std::string_view)> on_damage)
    : open_scan_(std::move(open)), upcasters_(std::move(upcasters)), on_damage_(std::move(on_damage)) {}
Reader::~Reader() = default;

std::unique_ptr<Scan> Reader::take() {
  std::unique_lock lock(mutex_);
  returned_.wait(lock, [&] { return !idle_.empty() || open_ < kMaxConnections; });
  if (!idle_.empty()) {
    auto scan = std::move(idle_.back());
    idle_.pop_back();
    return scan;
  }
  ++open_;
  lock.unlock();
  try {
    return open_scan_();
  } catch (...) {
    give_back(nullptr);
    throw;
  }
}

void Reader::give_back(std::unique_ptr<Scan> scan) {
  {
    std::lock_guard lock(mutex_);
    if (scan)
      idle_.push_back(std::move(scan));
    else
      --open_;
  }
  returned_.notify_one();
}

void Reader::forget() {
  std::vector<std::unique_ptr<Scan>> dead;
  {
    std::lock_guard lock(mutex_);
    dead.swap(idle_);
    open_ -= dead.size();
  }
  returned_.notify_all();
}

// A connection that threw is closed, not lent again.
Status Reader::with_scan(const std::function<void(Scan&)>& use) {
  try {
    auto scan = take();
    try {
      use(*scan);
    } catch (...) {
      give_back(nullptr);
      throw;
    }
    give_back(std::move(scan));
    return {};
  } catch (const DbError& e) {
    if (is_damage(e)) return damaged(e.what());
    return fail(ErrorCode::kStoreUnavailable, fmt::format("The journal can't be read: {}", e.what()));
  }
}

Status Reader::damaged(std::string_view what) const {
  if (on_damage_) on_damage_(what);
  return fail(ErrorCode::kCorrupt, journal_damaged(what).message);
}

Status Reader::lift(std::vector<Record>& records, Order order) const {
  if (const std::string wrong = damage_in(records, order); !wrong.empty()) return damaged(wrong);
  if (!upcasters_) return {};
  for (auto& record : records) {
    if (auto s = upcasters_->apply(record); !s) return s;
  }
  return {};
}

Result<std::vector<Record>> Reader::read(const Id& tenant, Seq after, size_t limit) {
  std::vector<Record> records;
  if (auto s = with_scan([&](Scan& scan) { records = scan.page(tenant, after, limit); }); !s) return fail(s.error());
  if (auto s = lift(records, Order::kConsecutive); !s) return fail(s.error());
  return records;
}

Result<std::vector<Record>> Reader::read_stream(const Id& tenant, std::string_view stream, uint64_t after_version,
                                                size_t limit) {
  std::vector<Record> records;
  auto s = with_scan([&](Scan& scan) { records = scan.stream_page(tenant, stream, after_version, limit); });
  if (!s) return fail(s.error());
  if (s = lift(records, Order::kAny); !s) return fail(s.error());
  return records;
}

Result<Record> Reader::find(const Id& record_id) {
  std::optional<Record> record;
  if (auto s = with_scan([&](Scan& scan) { record = scan.find(record_id); }); !s) return fail(s.error());
  if (!record) return fail(ErrorCode::kNotFound, "There is no such record.");
  std::vector<Record> one{std::move(*record)};
  if (auto s = lift(one, Order::kAny); !s) return fail(s.error());
  return std::move(one.front());
}

}  // namespace steward::journal
