#include "server/fields.h"

#include "base/text.h"

namespace steward::server {
namespace {
constexpr size_t kMaxTextBytes = 4096;  // names, ids, addresses: nothing an administrator sets is longer
}

Fields::Fields(const Json& body) : body_(body) {
  if (!body_.is_object()) problem_ = Error(ErrorCode::kInvalidRequest, "The body must be a JSON object.");
}

const Json* Fields::find(std::string_view name) {
  asked_.emplace(name);
  if (!body_.is_object()) return nullptr;
  const auto found = body_.find(name);
  return found == body_.end() || found->is_null() ? nullptr : &*found;
}

void Fields::problem(std::string_view name, std::string sentence, Json details) {
  if (problem_) return;
  details["param"] = name;
  if (!details.contains("reason")) details["reason"] = "field_wrong";
  problem_ = Error(ErrorCode::kInvalidRequest, fmt::format("'{}' {}.", name, sentence), std::move(details));
}

std::optional<std::string> Fields::text(std::string_view name) {
  const Json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) return problem(name, "must be a text"), std::nullopt;
  auto out = value->get<std::string>();
  if (out.size() > kMaxTextBytes)
    return problem(name, fmt::format("is longer than {} bytes", kMaxTextBytes)), std::nullopt;
  if (out.find('\0') != std::string::npos) return problem(name, "holds a NUL character"), std::nullopt;
  return out;
}

std::string Fields::need_text(std::string_view name) {
  auto value = text(name);
  if (!value || trim(*value).empty())
    problem(name, "is needed: a text that is not empty", {{"reason", "field_missing"}});
  return value.value_or("");
}

std::optional<int64_t> Fields::integer(std::string_view name, int64_t least, int64_t most) {
  const Json* value = find(name);
  if (value == nullptr) return std::nullopt;
  const bool whole = value->is_number_integer() &&
                     !(value->is_number_unsigned() && value->get<uint64_t>() > static_cast<uint64_t>(INT64_MAX));
  if (!whole || value->get<int64_t>() < least || value->get<int64_t>() > most) {
    return problem(name, fmt::format("must be a whole number from {} to {}", least, most),
                   {{"reason", "field_range"}, {"least", least}, {"most", most}}),
           std::nullopt;
  }
  return value->get<int64_t>();
}

std::optional<double> Fields::number(std::string_view name, double least, double most) {
  const Json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number() || !(value->get<double>() >= least && value->get<double>() <= most)) {
    return problem(name, fmt::format("must be a number from {} to {}", least, most),
                   {{"reason", "field_range"}, {"least", least}, {"most", most}}),
           std::nullopt;
  }
  return value->get<double>();
}

std::optional<bool> Fields::boolean(std::string_view name) {
  const Json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) return problem(name, "must be true or false"), std::nullopt;
  return value->get<bool>();
}

std::optional<std::vector<std::string>> Fields::texts(std::string_view name) {
  const Json* value = find(name);
  if (value == nullptr) return std::nullopt;
  const auto is_text = [](const Json& item) {
    return item.is_string() && item.get_ref<const std::string&>().size() <= kMaxTextBytes;
  };
  if (!value->is_array() || value->size() > 1000 || !std::ranges::all_of(*value, is_text))
    return problem(name, "must be a list of texts"), std::nullopt;
  return value->get<std::vector<std::string>>();
}

std::optional<std::map<std::string, std::string>> Fields::text_table(std::string_view name) {
  const Json* value = find(name);
  if (value == nullptr) return std::nullopt;
  const bool good = value->is_object() && value->size() <= 100 &&
                    std::ranges::all_of(*value, [](const Json& item) { return item.is_string(); });
  if (!good) return problem(name, "must be an object whose values are texts"), std::nullopt;
  return value->get<std::map<std::string, std::string>>();
}

std::optional<TimeUs> Fields::time(std::string_view name) {
  if (body_.is_object() && body_.contains(name) && body_[std::string(name)].is_null()) {
    asked_.emplace(name);
    return 0;
  }
  const auto given = text(name);
  if (!given) return std::nullopt;
  auto time = parse_rfc3339(*given);
  if (!time) return problem(name, "must be a time such as 2026-12-31T00:00:00Z"), std::nullopt;
  return *time;
}

const Json* Fields::object(std::string_view name) {
  const Json* value = find(name);
  if (value != nullptr && !value->is_object()) return problem(name, "must be an object"), nullptr;
  return value;
}

const Json* Fields::any(std::string_view name) { return find(name); }

Status Fields::finish() {
  if (body_.is_object() && !problem_) {
    for (const auto& [name, value] : body_.items()) {
      if (asked_.contains(name)) continue;
      const std::string near = nearest(name, {asked_.begin(), asked_.end()});
      problem_ = Error(ErrorCode::kInvalidRequest,
                       fmt::format("There is no field '{}'{}", name.substr(0, 80),
                                   near.empty() ? "." : fmt::format("; did you mean '{}'?", near)),
                       {{"param", name}});
      break;
    }
  }
  if (problem_) return std::unexpected(*problem_);
  return {};
}

}  // namespace steward::server
