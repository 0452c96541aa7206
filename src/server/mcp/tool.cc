#include "server/mcp/tool.h"

#include <algorithm>

#include "base/text.h"
#include "gateway/peek.h"

namespace steward::server::mcp {
using gateway::peek;
using gateway::peek_integer;
namespace {

std::unexpected<Error> wrong(std::string_view name, std::string sentence) {
  return fail(ErrorCode::kInvalidRequest, fmt::format("'{}' {}", name, sentence), {{"param", name}});
}

std::vector<std::string> names_in(const Json& properties) {
  std::vector<std::string> out;
  for (const auto& [name, about] : properties.items()) out.push_back(name);
  return out;
}

Status check_known_arguments(const Json& properties, const Json& arguments) {
  for (const auto& [name, value] : arguments.items()) {
    if (properties.contains(name)) continue;
    const auto known = names_in(properties);
    const std::string near = nearest(name, known);
    return wrong(replace_invalid_utf8(name.substr(0, 80)),
                 near.empty() ? fmt::format("is no argument of this tool; those are {}.", join(known, ", "))
                              : fmt::format("is no argument of this tool. Did you mean '{}'?", near));
  }
  return {};
}

int64_t characters_in(const std::string& text) {
  return std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
}

Status check_text_argument(std::string_view name, const Json& about, const Json& value) {
  if (!value.is_string()) return wrong(name, "must be a text.");
  const auto& text = value.get_ref<const std::string&>();
  if (text.find('\0') != std::string::npos) return wrong(name, "holds a NUL character.");
  const int64_t count = characters_in(text), most = peek_integer(about, "maxLength", INT64_MAX);
  if (count > most) return wrong(name, fmt::format("has at most {} characters; these are {}.", most, count));
  if (peek_integer(about, "minLength") > 0 && trim(text).empty()) return wrong(name, "must not be empty.");
  const Json& allowed = peek(about, "enum");
  if (!allowed.is_array() || std::ranges::find(allowed, value) != allowed.end()) return {};
  std::vector<std::string> names;
  for (const auto& one : allowed) names.push_back(one.get<std::string>());
  return wrong(name, fmt::format("must be one of {}.", join(names, ", ")));
}

Status check_integer_argument(std::string_view name, const Json& about, const Json& value) {
  const int64_t least = peek_integer(about, "minimum", INT64_MIN), most = peek_integer(about, "maximum", INT64_MAX);
  const bool whole = value.is_number_integer() &&
                     !(value.is_number_unsigned() && value.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX));
  if (whole && value.get<int64_t>() >= least && value.get<int64_t>() <= most) return {};
  return wrong(name, fmt::format("must be a whole number from {} to {}.", least, most));
}

}  // namespace

Status check_arguments(const Json& schema, const Json& arguments) {
  const Json& properties = peek(schema, "properties");
  if (auto known = check_known_arguments(properties, arguments); !known) return known;
  for (const auto& name : peek(schema, "required")) {
    if (peek(arguments, name.get_ref<const std::string&>().c_str()).is_null())
      return wrong(name.get<std::string>(), "is missing.");
  }
  for (const auto& [name, about] : properties.items()) {
    const Json& value = peek(arguments, name.c_str());
    if (value.is_null()) continue;
    auto good = peek(about, "type") == "integer" ? check_integer_argument(name, about, value)
                                                 : check_text_argument(name, about, value);
    if (!good) return good;
  }
  return {};
}

}  // namespace steward::server::mcp
