#include <algorithm>

#include "base/json_bounded.h"
#include "base/text.h"
#include "gateway/dialects/gemini/gemini.h"
#include "gateway/peek.h"

namespace steward::gateway::gemini {
namespace {

// "minItems" may come as "3": int64 in proto JSON.
Json number_of(const Json& value) {
  if (!value.is_string()) return value;
  const Json parsed = parse_bounded(value.get_ref<const std::string&>());
  return parsed.is_number() ? parsed : value;
}

bool is_count(std::string_view name) {
  static constexpr std::string_view kCounts[] = {"minItems",  "maxItems",      "minLength",
                                                 "maxLength", "minProperties", "maxProperties"};
  return std::ranges::find(kCounts, name) != std::end(kCounts);
}

}  // namespace

Json json_schema_of(const Json& schema) {
  if (!schema.is_object()) return schema;
  Json out = Json::object();
  for (const auto& [name, value] : schema.items()) {
    if (name == "type" && value.is_string()) {
      out["type"] = to_lower_ascii(value.get<std::string>());
    } else if (name == "properties" && value.is_object()) {
      out["properties"] = Json::object();
      for (const auto& [property, inner] : value.items()) out["properties"][property] = json_schema_of(inner);
    } else if (name == "items") {
      out["items"] = json_schema_of(value);
    } else if (name == "anyOf" && value.is_array()) {
      out["anyOf"] = Json::array();
      for (const auto& one : value) out["anyOf"].push_back(json_schema_of(one));
    } else if (name == "example") {
      out["examples"] = Json::array({value});
    } else if (is_count(name)) {
      out[name] = number_of(value);
    } else if (name != "nullable" && name != "propertyOrdering") {  // the order is the members' own
      out[name] = value;
    }
  }
  if (peek(schema, "nullable") != true) return out;
  if (out.contains("type") && out["type"].is_string())
    out["type"] = Json::array({out["type"], "null"});
  else if (out.contains("anyOf"))
    out["anyOf"].push_back({{"type", "null"}});
  if (out.contains("enum") && out["enum"].is_array()) out["enum"].push_back(nullptr);
  return out;
}

}  // namespace steward::gateway::gemini
