// Which store it is.
#include <algorithm>

#include "journal/home.h"
#include "journal/location.h"
#include "journal/postgres_store.h"
#include "journal/sqlite_store.h"

namespace steward::journal {

std::unique_ptr<Store> make_store(const Options& options, const PostgresOptions& postgres) {
  if (postgres.url.empty()) return std::make_unique<SqliteStore>(HomePaths(options.home).journal(), options.vfs);
  return std::make_unique<PostgresStore>(options.home, postgres);
}

std::unique_ptr<Scan> open_scan(const Location& location) {
  if (location.url.empty()) return std::make_unique<SqliteScan>(HomePaths(location.home).journal());
  return open_postgres_scan(location.url, location.password);
}

Result<StoreInfo> look_at(const Location& location) {
  if (location.url.empty()) return SqliteStore(HomePaths(location.home).journal(), nullptr).info();
  return look_at_postgres(location.url, location.password);
}

bool is_postgres_url(std::string_view text) {
  return text.starts_with("postgres://") || text.starts_with("postgresql://");
}

// postgres://user:PASSWORD@host/db?password=PASSWORD&sslpassword=…: from the first colon after the scheme to the last
// @, since a password may hold what should have been encoded, and the value of every parameter that ends in "password".
std::string redacted(std::string_view url) {
  std::string out(url);
  const size_t scheme = out.find("://");
  if (scheme == std::string::npos) return out.empty() ? "" : "***";
  const size_t colon = out.find(':', scheme + 3), at = out.rfind('@');
  if (at != std::string::npos && colon < at) out.replace(colon + 1, at - colon - 1, "***");
  constexpr std::string_view kKey = "password=";
  for (size_t key = out.find(kKey); key != std::string::npos; key = out.find(kKey, key + kKey.size())) {
    const size_t value = key + kKey.size();
    out.replace(value, std::min(out.find('&', value), out.size()) - value, "***");
  }
  return out;
}

}  // namespace steward::journal
