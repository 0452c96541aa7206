// How the admin API shows and reads the things of the lower floors.
#pragma once
#include "base/json.h"
#include "identity/identity.h"
#include "ledger/ledger.h"
#include "server/fields.h"

namespace steward::server {

Json time_json(TimeUs time);  // RFC 3339; null for 0
Json key_json(const identity::Key& key, TimeUs now);
Json principal_json(const identity::Principal& principal);
Json budget_json(const ledger::Budget& budget);
std::string_view period_name(ledger::Period period);
std::string_view principal_kind_name(identity::PrincipalKind kind);

void read_key_spec(Fields& fields, identity::KeySpec& spec);  // over what stands in it
std::optional<ledger::Period> read_period(Fields& fields, std::string_view name);
std::optional<NanoUsd> read_usd(Fields& fields, std::string_view name);  // a number or a decimal text
std::string usd_decimal(NanoUsd amount);                                 // "0.25"

}  // namespace steward::server
