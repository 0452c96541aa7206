// What people type for what programs name: a key by its name, a span as 24h, a moment as 30d or a day.
#pragma once
#include <string>

#include "cli/client.h"

namespace steward::cli {

Result<Id> find_key_id(Client& client, const std::string& word);  // id, name, or the beginning of its secret
Result<Id> find_scope(Client& client,
                      const std::string& word);        // key, person, team by id or name; "all": the organisation
Result<DurationUs> parse_span(std::string_view text);  // "90s", "10m", "24h", "7d", "0"
Result<TimeUs> parse_when(std::string_view text, TimeUs now);  // "never" → 0, "30d" from now, a day or an instant

}  // namespace steward::cli
