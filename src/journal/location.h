// Where a journal lies, for what looks at it or copies it from outside: a home, and if its records are in PostgreSQL,
// the address. A plain path is a home with SQLite.
#pragma once
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"

namespace steward::journal {

class Scan;
struct StoreInfo;

struct Location {
  // NOLINTNEXTLINE: a path is the usual case
  Location(std::filesystem::path the_home) : home(std::move(the_home)) {}
  Location(std::filesystem::path the_home, std::string the_url, std::string the_password)
      : home(std::move(the_home)), url(std::move(the_url)), password(std::move(the_password)) {}
  std::filesystem::path home;
  std::string url;       // empty: journal.db in the home
  std::string password;  // where the address has none
};

// Read only, beside any server. Throws DbError.
std::unique_ptr<Scan> open_scan(const Location& location);

// What stands there, without taking it: version, who holds it, what is wrong with its settings.
Result<StoreInfo> look_at(const Location& location);

bool is_postgres_url(std::string_view text);
// For people and logs: the address without its password.
std::string redacted(std::string_view url);

}  // namespace steward::journal
