// Upcasters lift the body of an old schema to the next one on read, so that views, folds and callers know only the
// newest form. What is stored (and what the digests cover) never changes. Filled before the journal starts, then only
// read: any thread.
#pragma once
#include <functional>
#include <map>
#include <string>
#include <utility>
#include "base/json_fwd.h"

#include "base/error.h"
#include "journal/record.h"

namespace steward::journal {

class Upcasters {
 public:
  using Lift = std::function<Json(Json body)>;                  // deterministic; throws on a body that never was of
                                                                // that schema
  void add(std::string kind, uint32_t from_schema, Lift lift);  // to from_schema + 1
  // Applies the chain of lifts. An erased record keeps its empty body and schema.
  Status apply(Record& record) const;

 private:
  std::map<std::pair<std::string, uint32_t>, Lift, std::less<>> lifts_;
};

}  // namespace steward::journal
