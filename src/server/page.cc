#include "server/page.h"

#include <charconv>

namespace steward::server {

std::string query_text(const net::Request& request, std::string_view name) {
  const auto found = request.query.find(std::string(name));
  return found == request.query.end() ? "" : found->second;
}

Result<int64_t> query_integer(const net::Request& request, std::string_view name, int64_t fallback, int64_t least,
                              int64_t most) {
  const std::string text = query_text(request, name);
  if (text.empty()) return fallback;
  int64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size() || value < least || value > most) {
    return fail(ErrorCode::kInvalidRequest,
                fmt::format("'{}' must be a whole number from {} to {}.", name, least, most), {{"param", name}});
  }
  return value;
}

Result<TimeUs> query_time(const net::Request& request, std::string_view name) {
  const std::string text = query_text(request, name);
  if (text.empty()) return 0;
  auto time = parse_rfc3339(text.size() == 10 ? text + "T00:00:00Z" : text);
  if (!time)
    return fail(ErrorCode::kInvalidRequest,
                fmt::format("'{}' must be a day (2026-11-25) or a time (2026-11-25T00:00:00Z).", name),
                {{"param", name}});
  return *time;
}

Result<PageQuery> page_query(const net::Request& request) {
  auto limit = query_integer(request, "limit", 100, 1, 1000);
  if (!limit) return fail(limit.error());
  return PageQuery{static_cast<size_t>(*limit), query_text(request, "cursor")};
}

Reply page_of(const std::vector<std::pair<std::string, Json>>& rows, const PageQuery& query) {
  Json data = Json::array();
  std::string last;
  bool more = false;
  for (const auto& [id, row] : rows) {
    if (!query.cursor.empty() && id <= query.cursor) continue;
    if (data.size() == query.limit) {
      more = true;
      break;
    }
    data.push_back(row);
    last = id;
  }
  return Reply{200,
               {{"object", "list"}, {"data", std::move(data)}, {"next_cursor", more ? Json(last) : Json(nullptr)}}};
}

}  // namespace steward::server
