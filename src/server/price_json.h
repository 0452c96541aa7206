// Prices and use of money in the administration's JSON. A price is told in pico-dollars a token, exactly, or in dollars
// a million tokens, as price lists do; what isn't told has no member. Pure functions; any thread.
#pragma once
#include <string>

#include "base/json.h"
#include "ledger/ledger.h"

namespace steward::server {

class Fields;

Json price_json(const std::string& provider_and_model, const ledger::Price& price);
// The body of POST /admin/v1/prices but for the model's name; problems are left in `fields`.
ledger::Price read_price(Fields& fields, TimeUs now);

Json usage_json(const ledger::UsageRow& row);
void add_up(ledger::UsageRow& total, const ledger::UsageRow& row);

}  // namespace steward::server
