#include "journal/upcast.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/json.h"

namespace steward::journal {

void Upcasters::add(std::string kind, uint32_t from_schema, Lift lift) {
  lifts_[{std::move(kind), from_schema}] = std::move(lift);
}

Status Upcasters::apply(Record& record) const {
  if (lifts_.empty() || record.erased) return {};
  auto lift = lifts_.find(std::pair(record.kind, record.schema));
  if (lift == lifts_.end()) return {};
  try {
    Json body = parse_own(record.body);
    for (; lift != lifts_.end(); lift = lifts_.find(std::pair(record.kind, record.schema))) {
      body = lift->second(std::move(body));
      ++record.schema;
    }
    record.body = dump(body);
  } catch (const std::exception& e) {
    return fail(ErrorCode::kCorrupt, fmt::format("Record {} ({}, schema {}) can't be lifted to the newest schema: {}",
                                                 record.id, record.kind, record.schema, e.what()));
  }
  return {};
}

}  // namespace steward::journal
