// Prices as the configuration tells them, and whose prices of the shipped table a configured provider has. Pure
// functions; any thread.
#pragma once
#include <map>
#include <string>

#include "base/config.h"
#include "ledger/ledger.h"

namespace steward::server {

// [prices."provider/model"]. kConfig names the price and what of it can't be read.
Result<std::map<std::string, ledger::Price>> default_prices(const Config& config);

// Each configured provider's name in the table of providers: what it is `like`, else the known one with its address,
// else its own name.
std::map<std::string, std::string> provider_kinds(const Config& config);

// "2026-12-01" (its first instant in UTC) or RFC 3339; empty: 0.
Result<TimeUs> parse_from(std::string_view text);

}  // namespace steward::server
