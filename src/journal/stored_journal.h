// A journal with what is to be known of its store: for the server, which opens it, and for whoever explains it. Most
// code wants journal.h alone.
#pragma once
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "journal/journal.h"
#include "journal/location.h"

namespace steward::journal {

// Where the records lie, for people: nothing here is secret.
struct StoreInfo {
  std::string kind;     // "sqlite", "postgresql"
  std::string version;  // of the database
  std::string where;    // a path, or an address without its password
  uint64_t epoch = 0;   // of the writer's lease; 0 where a file lock does that
  std::string holder;   // who holds the lease; empty: nobody
  std::vector<std::string> warnings;
};

class StoredJournal : public Journal {
 public:
  virtual std::string problem() const = 0;  // why it takes no records; empty while it does
  virtual StoreInfo store() const = 0;
  virtual Location location() const = 0;  // for verify, export, backup
};

// postgres://…, as libpq reads it; empty: SQLite in the home. The password may stand apart.
struct PostgresOptions {
  std::string url;
  std::string password;
  std::chrono::milliseconds lease{15'000};  // a holder that says nothing for so long may be taken over from
};

// make_sqlite_journal (journal.h) is the same without the second argument.
std::unique_ptr<StoredJournal> make_journal(Options options, PostgresOptions postgres, Clock& clock, Random& random,
                                            Log log);

}  // namespace steward::journal
