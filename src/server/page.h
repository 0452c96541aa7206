// Pages of a list: `limit` (1 to 1000, 100 if not said) and `cursor` (the id of the last one seen). Items come in the
// order of their ids.
#pragma once
#include <string>
#include <vector>

#include "base/json.h"
#include "net/http_server.h"
#include "server/endpoint.h"

namespace steward::server {

struct PageQuery {
  size_t limit = 100;
  std::string cursor;
};
Result<PageQuery> page_query(const net::Request& request);

// `rows` as (id, JSON), sorted by id.
Reply page_of(const std::vector<std::pair<std::string, Json>>& rows, const PageQuery& query);

std::string query_text(const net::Request& request, std::string_view name);  // or empty
Result<int64_t> query_integer(const net::Request& request, std::string_view name, int64_t fallback, int64_t least,
                              int64_t most);
Result<TimeUs> query_time(const net::Request& request, std::string_view name);  // 0 if it isn't given

}  // namespace steward::server
