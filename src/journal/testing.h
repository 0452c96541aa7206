// For tests of every floor: a temporary home with a started journal and views, and blocking helpers. Not part of the
// product.
//
//   journal::TestHome home;                       // or TestHome({.sync = false})
//   home.journal().add_fold(fold); home.views().add(view);
//   home.start();
//   auto appended = home.append("ten_…", {draft}); home.wait_applied();
//   home.restart(…) simulates a clean stop and a new process.
#pragma once
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <thread>

#include "base/clock.h"
#include "base/file.h"
#include "base/random.h"
#include "journal/journal.h"
#include "journal/view.h"

namespace steward::journal {

// A file of the source tree ("tests/vectors/digest.json"), found above the test program, wherever that is started from.
inline std::filesystem::path source_file(const std::filesystem::path& relative) {
  for (auto dir = executable_dir(); dir.has_relative_path(); dir = dir.parent_path()) {
    if (std::filesystem::exists(dir / relative)) return dir / relative;
  }
  ADD_FAILURE() << relative << " is not above the test program";
  return relative;
}

// A folder that is gone afterwards.
class TempDir {
 public:
  TempDir() {
    std::string name = (std::filesystem::temp_directory_path() / "steward-test-XXXXXX").string();
    if (!::mkdtemp(name.data())) std::abort();
    path_ = name;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// The plainest view: every record's body as it is.
struct CopyView final : View {
  std::string_view name() const override { return "copy"; }
  int version() const override { return 1; }
  void create(Db& db) override { db.execute("CREATE TABLE copy_all(seq INTEGER PRIMARY KEY, body TEXT)"); }
  void apply(Db& db, const Record& r) override {
    db.prepare("INSERT INTO copy_all VALUES(?,?)").bind(1, r.seq).bind(2, r.body).run();
  }
};

class TestHome {
 public:
  explicit TestHome(Options options = {.sync = false}) : options_(std::move(options)) {
    options_.home = dir_.path() / "home";
    make();
  }
  ~TestHome() { stop(); }

  Journal& journal() { return *journal_; }
  Views& views() { return *views_; }
  ManualClock& clock() { return clock_; }
  Random& random() { return random_; }
  const std::filesystem::path& path() const { return options_.home; }
  Options& options() { return options_; }

  void start() {
    auto status = journal_->start();
    ASSERT_TRUE(status.has_value()) << status.error().message;
    status = views_->start();
    ASSERT_TRUE(status.has_value()) << status.error().message;
  }
  void stop() {
    if (views_) views_->stop();
    if (journal_) journal_->stop();
  }
  // Stops and makes new objects over the same home: add folds and views again, then start().
  void reopen() {
    stop();
    views_.reset();
    journal_.reset();
    make();
  }

  Result<Appended> append(const Id& tenant, std::vector<Draft> drafts, Wait wait = Wait::kWritten) {
    return journal_->append_blocking(tenant, std::move(drafts), wait);
  }
  // Until every view has folded what was written so far. Fails the test after ten seconds.
  void wait_applied() {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    for (const auto& tenant : journal_->tenants()) {
      const Seq seq = journal_->written_seq(tenant);
      while (views_->applied_seq(tenant) < seq) {
        ASSERT_LT(std::chrono::steady_clock::now(), give_up) << "the views did not catch up";
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    }
  }

 private:
  void make() {
    journal_ = make_sqlite_journal(options_, clock_, random_, Log());
    views_ = make_views(options_.home, *journal_, Log());
  }

  TempDir dir_;
  Options options_;
  ManualClock clock_;
  SystemRandom random_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<Views> views_;
};

}  // namespace steward::journal
