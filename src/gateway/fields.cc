#include "gateway/fields.h"

#include <fmt/format.h>

#include "base/text.h"

namespace steward::gateway {
namespace {

bool has_type(const Json& value, FieldType type) {
  switch (type) {
    case FieldType::kString: return value.is_string();
    case FieldType::kBoolean: return value.is_boolean();
    case FieldType::kInteger: return value.is_number_integer();
    case FieldType::kNumber: return value.is_number();
    case FieldType::kArray: return value.is_array();
    case FieldType::kObject: return value.is_object();
    case FieldType::kStringOrArray: return value.is_string() || value.is_array();
    case FieldType::kStringOrObject: return value.is_string() || value.is_object();
    case FieldType::kAny: return true;
  }
  return false;
}

std::string_view type_name(FieldType type) {
  static constexpr std::string_view kNames[] = {
      "a string", "true or false", "an integer",           "a number",
      "an array", "an object",     "a string or an array", "a string or an object",
      "anything"};
  return kNames[static_cast<size_t>(type)];
}

std::unexpected<Error> refuse(ErrorCode code, std::string_view field, std::string message) {
  return fail(code, std::move(message), {{"param", std::string(field)}});
}

Status check_one(const Json& value, const Field& field) {
  if (value.is_null()) return {};
  if (field.support == Field::Support::kNever) {
    return refuse(ErrorCode::kUnsupportedField, field.name,
                  fmt::format("'{}' is not supported: {}", field.name, field.why));
  }
  if (!has_type(value, field.type)) {
    return refuse(ErrorCode::kInvalidRequest, field.name,
                  fmt::format("'{}' must be {}.", field.name, type_name(field.type)));
  }
  if (value.is_number()) {
    const double number = value.get<double>();
    if (number < field.least || number > field.most) {
      return refuse(ErrorCode::kInvalidRequest, field.name,
                    fmt::format("'{}' must lie between {} and {}.", field.name, field.least, field.most));
    }
  }
  return {};
}

const Field* find(std::span<const Field> fields, std::string_view name) {
  for (const auto& field : fields) {
    if (field.name == name) return &field;
  }
  return nullptr;
}

}  // namespace

Status check_fields(const Json& body, std::span<const Field> fields) {
  if (!body.is_object()) return fail(ErrorCode::kInvalidRequest, "The body must be a JSON object.");
  for (const auto& [name, value] : body.items()) {
    const Field* field = find(fields, name);
    if (!field) {
      std::vector<std::string> known;
      for (const auto& f : fields) known.emplace_back(f.name);
      const std::string near = nearest(name, known);
      const std::string shown = name.substr(0, 100);
      return refuse(ErrorCode::kUnsupportedField, shown,
                    fmt::format("'{}' is not a field of this request{}.", shown,
                                near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
    }
    if (auto ok = check_one(value, *field); !ok) return ok;
  }
  return {};
}

Status check_known_fields(const Json& body, std::span<const Field> fields) {
  if (!body.is_object()) return fail(ErrorCode::kInvalidRequest, "The body must be a JSON object.");
  for (const auto& [name, value] : body.items()) {
    const Field* field = find(fields, name);
    if (!field) continue;
    if (auto ok = check_one(value, *field); !ok) return ok;
  }
  return {};
}

Status check_local_fields(const Json& body, std::span<const Field> fields) {
  for (const auto& field : fields) {
    if (field.support != Field::Support::kRemoteOnly || !body.contains(field.name) || body.at(field.name).is_null())
      continue;
    return refuse(ErrorCode::kUnsupportedField, field.name,
                  fmt::format("'{}' can't be honoured by a local model: {}", field.name, field.why));
  }
  return {};
}

std::unexpected<Error> bad_field(std::string_view field, std::string message) {
  return fail(ErrorCode::kInvalidRequest, std::move(message), {{"param", std::string(field)}});
}

}  // namespace steward::gateway
