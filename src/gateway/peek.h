// Looks into JSON that somebody else wrote: a member of another type than expected counts as absent. (nlohmann's
// value() throws there, and an exception would make a server error out of a caller's or a provider's mistake.)
#pragma once
#include <algorithm>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"

namespace steward::gateway {

inline const Json& peek(const Json& object, const char* name) {
  static const Json kNothing;
  if (!object.is_object()) return kNothing;
  const auto it = object.find(name);
  return it == object.end() ? kNothing : *it;
}

inline std::string peek_text(const Json& object, const char* name) {
  const Json& value = peek(object, name);
  return value.is_string() ? value.get<std::string>() : std::string();
}

// A whole number (also one written as 5.0), or `otherwise`.
inline int64_t peek_integer(const Json& object, const char* name, int64_t otherwise = 0) {
  constexpr double kExact = 9e15;  // doubles beyond it are no counts
  const Json& value = peek(object, name);
  if (value.is_number_unsigned())
    return value.get<uint64_t>() > static_cast<uint64_t>(kExact) ? otherwise : value.get<int64_t>();
  if (value.is_number_integer()) return value.get<int64_t>();
  if (value.is_number_float() && std::abs(value.get<double>()) < kExact)
    return static_cast<int64_t>(value.get<double>());
  return otherwise;
}

// The members of `object` that are not among `known` and not null.
inline Json members_but(const Json& object, std::initializer_list<std::string_view> known) {
  Json out = Json::object();
  if (!object.is_object()) return out;
  for (const auto& [name, value] : object.items()) {
    if (!value.is_null() && std::find(known.begin(), known.end(), name) == known.end()) out[name] = value;
  }
  return out;
}

inline void merge_members(Json& into, const Json& more) {
  if (!more.is_object()) return;
  for (const auto& [name, value] : more.items()) into[name] = value;
}

inline std::optional<bool> peek_boolean(const Json& object, const char* name) {
  const Json& value = peek(object, name);
  return value.is_boolean() ? std::optional(value.get<bool>()) : std::nullopt;
}

}  // namespace steward::gateway
