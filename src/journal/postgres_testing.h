// For tests: a PostgreSQL of the test program's own, in a temporary folder, on a Unix socket alone. Started at first
// use, ended with the program. Not part of the product.
#pragma once
#include <pwd.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "journal/postgres_connection.h"
#include "journal/stored_journal.h"
#include "journal/testing.h"

namespace steward::journal {

class TestPostgres {
 public:
  static TestPostgres& shared() {
    static TestPostgres one;
    return one;
  }

  TestPostgres() {
    std::filesystem::permissions(dir_.path(), std::filesystem::perms::all);
    run({program("initdb"), "-D", data(), "-U", "steward", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"});
    start();
  }
  ~TestPostgres() { stop(SIGQUIT); }

  void start() {
    server_ = spawn({program("postgres"), "-D", data(), "-k", dir_.path().string(), "-c", "listen_addresses=", "-c",
                     "max_wal_size=64MB", "-c", "min_wal_size=32MB", "-c", "log_destination=stderr"});
    for (int i = 0; i < 600; ++i) {
      try {
        sql("SELECT 1");
        return;
      } catch (const PgError&) {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
      }
    }
    std::abort();
  }
  void stop(int signal = SIGINT) {
    if (server_ <= 0) return;
    ::kill(server_, signal);
    ::waitpid(server_, nullptr, 0);
    server_ = -1;
  }

  std::string url(const std::string& more = "") const {
    return "postgresql://steward@/postgres?host=" + dir_.path().string() + more;
  }
  // One statement or several, in a session of its own.
  void sql(const std::string& statements) const {
    PgConnection(url("&options=-c%20default_transaction_read_only%3Doff"), "", "test")
        .run_alone(statements, std::chrono::seconds(30));
  }
  int64_t number(const std::string& query) const {
    return PgConnection(url(), "", "test").run({query, {}}).integer(0, 0);
  }
  std::string data() const { return (dir_.path() / "data").string(); }

 private:
  static std::string program(const std::string& name) {
    std::vector<std::string> found;
    std::error_code error;
    for (const auto& version : std::filesystem::directory_iterator("/usr/lib/postgresql", error))
      found.push_back((version.path() / "bin" / name).string());
    if (found.empty()) {
      std::fprintf(stderr, "There is no PostgreSQL server under /usr/lib/postgresql: run make setup.\n");
      std::abort();
    }
    return *std::max_element(found.begin(), found.end());
  }
  // PostgreSQL refuses to run as root: then it runs as the user of Debian's package.
  static pid_t spawn(std::vector<std::string> words) {
    const pid_t child = ::fork();
    if (child != 0) return child;
    if (::getuid() == 0) {
      const passwd* owner = ::getpwnam("postgres");
      if (!owner || ::setgid(owner->pw_gid) != 0 || ::setuid(owner->pw_uid) != 0) ::_exit(7);
    }
    if (!std::freopen("/dev/null", "w", stdout) || !std::freopen("/dev/null", "w", stderr)) ::_exit(8);
    std::vector<char*> arguments;
    for (auto& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    ::execv(arguments[0], arguments.data());
    ::_exit(9);
  }
  static void run(std::vector<std::string> words) {
    int status = 0;
    ::waitpid(spawn(std::move(words)), &status, 0);
    if (status != 0) std::abort();
  }

  TempDir dir_;
  pid_t server_ = -1;
};

// A temporary home whose journal lies in either store, without views.
class StoreHome {
 public:
  StoreHome() { options_.home = dir_.path() / "home", options_.sync = false; }
  ~StoreHome() { stop(); }
  StoredJournal& journal() { return *journal_; }
  const std::filesystem::path& path() const { return options_.home; }
  Options& options() { return options_; }
  PostgresOptions& postgres() { return postgres_; }

  void make() {
    stop();
    journal_ = make_journal(options_, postgres_, clock_, random_, Log());
  }
  void start() {
    const auto status = journal_->start();
    ASSERT_TRUE(status.has_value()) << status.error().message;
  }
  void stop() {
    if (journal_) journal_->stop();
  }
  Result<Appended> append(const Id& tenant, std::vector<Draft> drafts, Wait wait = Wait::kWritten) {
    return journal_->append_blocking(tenant, std::move(drafts), wait);
  }

 private:
  TempDir dir_;
  Options options_;
  PostgresOptions postgres_;
  SystemClock clock_;
  SystemRandom random_;
  std::unique_ptr<StoredJournal> journal_;
};

}  // namespace steward::journal
