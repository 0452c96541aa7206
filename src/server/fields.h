// Reads the fields of a request's JSON object: each with its type, and at the end no field left that nobody asked for.
// The first problem is kept and told by finish(); reading goes on with empty values, so that a handler reads straight
// through.
#pragma once
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"

namespace steward::server {

class Fields {
 public:
  explicit Fields(const Json& body);
  std::optional<std::string> text(std::string_view name);
  std::optional<int64_t> integer(std::string_view name, int64_t least, int64_t most);
  std::optional<double> number(std::string_view name, double least, double most);
  std::optional<bool> boolean(std::string_view name);
  std::optional<std::vector<std::string>> texts(std::string_view name);
  std::optional<std::map<std::string, std::string>> text_table(std::string_view name);
  std::optional<TimeUs> time(std::string_view name);  // RFC 3339; null is 0
  const Json* object(std::string_view name);          // or null if it isn't given
  const Json* any(std::string_view name);             // of whatever type; null if it isn't given
  std::string need_text(std::string_view name);       // a problem if it is missing or empty
  // `details`: what programs want of it, a stable "reason" before all; "field_wrong" unless told.
  void problem(std::string_view name, std::string sentence, Json details = Json::object());
  Status finish();

 private:
  const Json* find(std::string_view name);

  const Json& body_;
  std::set<std::string, std::less<>> asked_;
  std::optional<Error> problem_;
};

}  // namespace steward::server
