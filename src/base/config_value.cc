// Values of single keys: from text and from JSON, checked against the table.
#include <charconv>

#include "base/config.h"
#include "base/money.h"
#include "base/text.h"

namespace steward {
namespace {

std::optional<int64_t> integer_of(std::string_view text) {
  int64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Result<Json> checked_integer(const ConfigKey& key, int64_t value) {
  if (value < key.least || value > key.most) {
    return fail(ErrorCode::kConfig, fmt::format("must be from {} to {}, not {}", key.least, key.most, value),
                {{"reason", "field_range"}, {"least", key.least}, {"most", key.most}});
  }
  return Json(value);
}

Result<Json> checked_choice(const ConfigKey& key, std::string_view value) {
  std::vector<std::string> known;
  for (const auto choice : split(key.choices, '|')) known.emplace_back(choice);
  if (std::ranges::find(known, value) != known.end()) return Json(value);
  const std::string near = nearest(value, known);
  return fail(ErrorCode::kConfig,
              fmt::format("must be one of {}, not '{}'{}", join(known, ", "), value.substr(0, 80),
                          near.empty() ? "" : fmt::format(" (did you mean '{}'?)", near)),
              {{"reason", "value_one_of"}, {"choices", join(known, ", ")}});
}

Result<Json> checked_usd(std::string_view text) {
  if (text.empty()) return Json("");
  auto amount = parse_usd(text);
  if (!amount)
    return fail(ErrorCode::kConfig,
                fmt::format("must be an amount of US dollars such as 0.25, not '{}'", text.substr(0, 80)));
  return Json(std::string(text));
}

std::string decimal(double amount) {  // nine decimals are what money has; trailing zeros say nothing
  std::string text = fmt::format("{:.9f}", amount);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

Result<Json> checked_text(const ConfigKey& key, std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return fail(ErrorCode::kConfig, "must not hold a NUL character");
  if (key.type == ConfigType::kChoice) return checked_choice(key, text);
  if (key.type == ConfigType::kUsd) return checked_usd(text);
  return Json(std::string(text));
}

Result<Json> checked_list(const Json& value) {
  for (const auto& item : value) {
    if (!item.is_string()) return fail(ErrorCode::kConfig, "must be a list of texts");
  }
  return value;
}

Result<Json> checked_table(const ConfigKey& key, const Json& value) {
  for (const auto& [name, item] : value.items()) {
    if (key.type == ConfigType::kTextTable && !item.is_string())
      return fail(ErrorCode::kConfig, fmt::format("'{}' in it must be a text", name));
    if (key.type != ConfigType::kIntegerTable) continue;
    if (!item.is_number_integer())
      return fail(ErrorCode::kConfig, fmt::format("'{}' in it must be a whole number", name));
    if (auto ok = checked_integer(key, item.get<int64_t>()); !ok)
      return fail(ErrorCode::kConfig, fmt::format("'{}' in it {}", name, ok.error().message));
  }
  return value;
}

Result<Json> parse_list(std::string_view text) {
  Json out = Json::array();
  for (const auto item : split(text, ',')) {
    if (const auto word = trim(item); !word.empty()) out.push_back(std::string(word));
  }
  return out;
}

Result<Json> parse_table(const ConfigKey& key, std::string_view text) {
  Json out = Json::object();
  for (const auto item : split(text, ',')) {
    const auto pair = trim(item);
    if (pair.empty()) continue;
    const size_t equals = pair.find('=');
    if (equals == std::string_view::npos)
      return fail(ErrorCode::kConfig, "must be pairs NAME=VALUE with commas between them");
    const std::string name(trim(pair.substr(0, equals)));
    const auto value = trim(pair.substr(equals + 1));
    if (key.type == ConfigType::kTextTable) {
      out[name] = std::string(value);
    } else if (const auto integer = integer_of(value)) {
      out[name] = *integer;
    } else {
      return fail(ErrorCode::kConfig, fmt::format("'{}' in it must be a whole number", name));
    }
  }
  return checked_table(key, out);
}

Result<Json> parse_bool(std::string_view text) {
  const std::string word = to_lower_ascii(text);
  if (word == "true" || word == "1" || word == "yes" || word == "on") return Json(true);
  if (word == "false" || word == "0" || word == "no" || word == "off") return Json(false);
  return fail(ErrorCode::kConfig, fmt::format("must be true or false, not '{}'", text.substr(0, 80)));
}

}  // namespace

Result<Json> parse_config_text(const ConfigKey& key, std::string_view text) {
  if (!is_valid_utf8(text)) return fail(ErrorCode::kConfig, "is not valid UTF-8");
  switch (key.type) {
    case ConfigType::kBool: return parse_bool(trim(text));
    case ConfigType::kInteger: {
      const auto value = integer_of(trim(text));
      if (!value) return fail(ErrorCode::kConfig, fmt::format("must be a whole number, not '{}'", text.substr(0, 80)));
      return checked_integer(key, *value);
    }
    case ConfigType::kList: return parse_list(text);
    case ConfigType::kTextTable:
    case ConfigType::kIntegerTable: return parse_table(key, text);
    default: return checked_text(key, trim(text));
  }
}

Result<Json> check_config_value(const ConfigKey& key, const Json& value) {
  switch (key.type) {
    case ConfigType::kBool:
      if (value.is_boolean()) return value;
      return fail(ErrorCode::kConfig, "must be true or false", {{"reason", "value_boolean"}});
    case ConfigType::kInteger:
      if (!value.is_number_integer())
        return fail(ErrorCode::kConfig, "must be a whole number", {{"reason", "value_number"}});
      return checked_integer(key, value.get<int64_t>());
    case ConfigType::kList:
      if (!value.is_array()) return fail(ErrorCode::kConfig, "must be a list of texts");
      return checked_list(value);
    case ConfigType::kTextTable:
    case ConfigType::kIntegerTable:
      if (value.is_null()) return Json::object();
      if (!value.is_object()) return fail(ErrorCode::kConfig, "must be a table");
      return checked_table(key, value);
    case ConfigType::kUsd:
      if (value.is_number_integer()) return checked_usd(std::to_string(value.get<int64_t>()));
      if (value.is_number_float()) return checked_usd(decimal(value.get<double>()));
      [[fallthrough]];
    default:
      if (!value.is_string()) return fail(ErrorCode::kConfig, "must be a text in quotes");
      return checked_text(key, value.get<std::string>());
  }
}

}  // namespace steward
