// Checks of single fields: one table row a field, so that a dialect is a table and not a page of ifs.
#pragma once
#include <span>
#include <string_view>

#include "base/json.h"

namespace steward::gateway {

enum class FieldType { kString, kBoolean, kInteger, kNumber, kArray, kObject, kStringOrArray, kStringOrObject, kAny };

struct Field {
  std::string_view name;
  FieldType type;
  double least = -1e18, most = 1e18;
  enum class Support { kAll, kRemoteOnly, kNever } support = Support::kAll;
  std::string_view why = {};  // not supported, and what would work
};

// Unknown fields, wrong types, values out of range. null counts as absent where OpenAI lets it.
Status check_fields(const Json& body, std::span<const Field> fields);
// The same of the fields that are known; others may be there.
Status check_known_fields(const Json& body, std::span<const Field> fields);
// Fields given that need another egress than the embedded engine.
Status check_local_fields(const Json& body, std::span<const Field> fields);

std::unexpected<Error> bad_field(std::string_view field, std::string message);  // kInvalidRequest with "param"

}  // namespace steward::gateway
