// journal_bench [--duration SECONDS] [FOLDER]: durable appends beside what the disk and SQLite can do alone, in one run
// on one machine.
//
// Prints one JSON object {rows, ratios, met}. Rows: `fdatasync` (one 4 KiB write and its sync), `journal` with 1 and
// 256 writers (each waits until its record is durable before the next), `sqlite` (the same rows into the same table and
// indexes, in batches of 256, each batch committed and synced, nothing else done). Aims: p50 of one writer under 1.5
// syncs; 256 writers over 70 % of the batched inserts.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "journal/db.h"
#include "journal/journal.h"
#include "journal/schema.h"

namespace {

using namespace steward;
using namespace steward::journal;
using SteadyTime = std::chrono::steady_clock::time_point;

constexpr int kBatch = 256;
constexpr size_t kBlock = 4096;

double us_since(SteadyTime start) {
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count();
}

double percentile(std::vector<double>& values, double p) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1, static_cast<size_t>(p * static_cast<double>(values.size())))];
}

double rounded(double value) { return std::round(value * 1000) / 1000; }

using Row = nlohmann::ordered_json;
struct Told {
  Row rows = Row::array(), ratios = Row::object();
  Row met = Row::object();  // by the aim's words
};

std::string body(int64_t n) {  // as large as a reservation's
  return fmt::format(
      R"({{"budgets":["bud_01JDKX0Z8N5Y3W6Q4R2T1V0B9C"],"model":"smollm2-135m-instruct","provider":"local","n":{},"reserved_nanousd":1234567,)"
      R"("input_tokens_bound":900,"output_tokens":256,"expires_at_us":1764044460123456}})",
      n);
}

std::string stream(int64_t n) { return fmt::format("call/call_01JDKX0Z8N5Y3W6Q{:010}", n); }

// A file written before, as a log that was checkpointed once is: appending would also sync its new length.
double bench_sync(Told& told, const std::filesystem::path& folder, double seconds) {
  const std::string path = (folder / "raw").string(), block(kBlock, 'x');
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  for (int i = 0; i < 1024; ++i) (void)!::pwrite(fd, block.data(), block.size(), static_cast<off_t>(i * kBlock));
  ::fsync(fd);
  std::vector<double> times;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; us_since(start) < seconds * 1e6; ++i) {
    const auto one = std::chrono::steady_clock::now();
    (void)!::pwrite(fd, block.data(), block.size(), static_cast<off_t>(i % 1024 * static_cast<int>(kBlock)));
    ::fdatasync(fd);
    times.push_back(us_since(one));
  }
  ::close(fd);
  const double p50 = percentile(times, 0.5);
  told.rows.push_back({{"what", "fdatasync alone"},
                       {"p50_us", rounded(p50)},
                       {"p99_us", rounded(percentile(times, 0.99))},
                       {"count", times.size()}});
  return p50;
}

double bench_sqlite(Told& told, const std::filesystem::path& folder, double seconds) {
  const auto path = folder / "raw.db";
  Db db = open_journal_db(path, Db::Mode::kReadWrite);
  migrate_journal(db);
  db.execute("INSERT INTO tenants VALUES(1, 'ten_raw', 0, zeroblob(32))");
  const int fd = ::open((path.string() + "-wal").c_str(), O_RDWR | O_CLOEXEC);
  const std::string bytes(32, '\1');
  int64_t n = 0;
  const auto start = std::chrono::steady_clock::now();
  while (us_since(start) < seconds * 1e6) {
    db.execute("BEGIN IMMEDIATE");
    for (int i = 0; i < kBatch; ++i) {
      ++n;
      db.prepare("INSERT INTO records VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,0,?16,?17,?18)")
          .bind(1, position(1, static_cast<Seq>(n)))
          .bind(2, 1)
          .bind(3, fmt::format("rec_01JDKX0Z8N5Y3W6Q{:010}", n))
          .bind(4, stream(n))
          .bind(5, 1)
          .bind(6, "call.reserved")
          .bind(7, 1)
          .bind(8, n)
          .bind(9, "key_01JDKX0Z8N5Y3W6Q4R2T1V0B9C")
          .bind(10, "")
          .bind(11, "")
          .bind(12, "")
          .bind(13, "")
          .bind(14, "system")
          .bind_blob(15, body(n))
          .bind_blob(16, bytes)
          .bind_blob(17, bytes)
          .bind_blob(18, bytes)
          .run();
    }
    db.execute("COMMIT");
    ::fdatasync(fd);
  }
  const double rate = static_cast<double>(n) / us_since(start) * 1e6;
  ::close(fd);
  told.rows.push_back({{"what", "SQLite, batches of 256"}, {"records_s", rounded(rate)}, {"count", n}});
  return rate;
}

// Writers that each have one record under way: the durable callback of one begins the next.
class Load {
 public:
  Load(Journal& journal, int writers, double seconds)
      : journal_(journal), writers_(writers), end_us_(seconds * 1e6), times_(static_cast<size_t>(writers)) {}

  void run(Told& told, double sync_us, double raw_rate) {
    start_ = std::chrono::steady_clock::now();
    for (int i = 0; i < writers_; ++i) next(static_cast<size_t>(i));
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [&] { return stopped_ == writers_; });
    const double took = us_since(start_);
    std::vector<double> all;
    for (auto& t : times_) all.insert(all.end(), t.begin(), t.end());
    const double rate = static_cast<double>(all.size()) / took * 1e6, p50 = percentile(all, 0.5);
    told.rows.push_back({{"what", fmt::format("journal, durable, {} writers", writers_)},
                         {"p50_us", rounded(p50)},
                         {"p99_us", rounded(percentile(all, 0.99))},
                         {"records_s", rounded(rate)},
                         {"count", all.size()},
                         {"failed", failed_.load()}});
    const double ratio = writers_ == 1 ? p50 / sync_us : rate / raw_rate;
    told.ratios[writers_ == 1 ? "p50 at 1 writer, in syncs" : "256 writers to batched SQLite"] = rounded(ratio);
    told.met[writers_ == 1 ? "p50 at 1 writer under 1.5 syncs" : "256 writers over 70 % of batched SQLite"] =
        failed_ == 0 && !all.empty() && (writers_ == 1 ? ratio < 1.5 : ratio > 0.7);
  }

 private:
  void next(size_t writer) {
    if (us_since(start_) > end_us_) {
      std::lock_guard lock(mutex_);
      if (++stopped_ == writers_) ended_.notify_one();
      return;
    }
    const int64_t n = ++number_;
    const auto begun = std::chrono::steady_clock::now();
    Decision decide = [n]() -> Result<std::vector<Draft>> {
      return std::vector{Draft{
          .stream = stream(n), .kind = "call.reserved", .body = body(n), .actor = "key_01JDKX0Z8N5Y3W6Q4R2T1V0B9C"}};
    };
    journal_.submit(
        "ten_bench", std::move(decide),
        [this, writer, begun](Result<Appended> r) {
          if (r)
            times_[writer].push_back(us_since(begun));
          else
            ++failed_;
          next(writer);
        },
        Wait::kDurable);
  }

  Journal& journal_;
  int writers_;
  double end_us_;
  std::vector<std::vector<double>> times_;
  SteadyTime start_;
  std::atomic<int64_t> number_ = 0, failed_ = 0;
  std::mutex mutex_;
  std::condition_variable ended_;
  int stopped_ = 0;
};

int run_all(const std::filesystem::path& folder, double seconds) {
  Told told;
  const double sync_us = bench_sync(told, folder, seconds);
  SystemClock clock;
  SystemRandom random;
  const double raw_rate = bench_sqlite(told, folder, seconds);
  for (int writers : {1, kBatch}) {
    auto journal = make_sqlite_journal({.home = folder / fmt::format("home-{}", writers)}, clock, random, Log());
    if (auto s = journal->start(); !s) {
      fmt::print(stderr, "{}\n", s.error().message);
      return 1;
    }
    Load(*journal, writers, seconds).run(told, sync_us, raw_rate);
    journal->stop();
  }
  fmt::print("{}\n", Row{{"rows", told.rows}, {"ratios", told.ratios}, {"met", told.met}}.dump());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  double seconds = 3;
  std::filesystem::path disk = std::filesystem::temp_directory_path();
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--duration" && i + 1 < argc)
      seconds = std::atof(argv[++i]);
    else
      disk = argv[i];
  }
  std::string name = (disk / "journal-bench-XXXXXX").string();
  if (seconds <= 0 || !::mkdtemp(name.data())) {
    fmt::print(stderr, "usage: journal_bench [--duration SECONDS] [FOLDER on the disk to measure]\n");
    return 2;
  }
  const int rc = run_all(name, seconds);
  std::filesystem::remove_all(name);
  return rc;
}
