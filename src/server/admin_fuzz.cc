// The administration's bodies and queries: refused by name, or read. A price is the same after it was shown and set
// again, a route's settings are whole, and pages that follow one another's cursors hold every row once.
#include <cstdlib>

#include "ledger/pricing.h"
#include "net/target.h"
#include "server/fields.h"
#include "server/page.h"
#include "server/price_json.h"
#include "server/route_options.h"

namespace {

using namespace steward;
using namespace steward::server;

constexpr TimeUs kNow = 1'764'000'000'000'000;

void hold(bool law) {
  if (!law) std::abort();
}

void prices(const Json& body) {
  Fields fields(body);
  (void)fields.text("model");
  const ledger::Price price = read_price(fields, kNow);
  if (!fields.finish() || !ledger::check_price(price)) return;
  const Json shown = price_json("p/m", price);
  Json said = Json::object();
  for (const auto& [name, value] : shown.items()) {
    if (name.ends_with("_pico") || name == "tiers" || name == "regions" || name == "tools_usd" || name == "from")
      said[name] = value;
  }
  Fields again(said);
  const ledger::Price back = read_price(again, kNow);
  hold(again.finish().has_value());
  hold(back.rates() == price.rates() && back.tiers == price.tiers && back.request == price.request &&
       back.regions == price.regions && back.tools == price.tools && back.from == price.from);
}

void routes(const Json& body) {
  if (!body.is_object()) return;
  const auto settings = route_settings("fast", body);
  if (settings) hold(settings->contains("routes.fast.deployments") && settings->contains("routes.fast.order"));
}

void pages(std::string_view target) {
  const auto parsed = net::parse_target(target);
  if (!parsed) return;
  net::Request request;
  request.query = parsed->query;
  (void)query_time(request, "since");
  auto query = page_query(request);
  if (!query) return;
  hold(query->limit >= 1 && query->limit <= 1000);
  std::vector<std::pair<std::string, Json>> rows;
  for (int i = 0; i < 40; ++i) rows.emplace_back(fmt::format("key_{:02}", i), i);
  const auto from = static_cast<size_t>(std::ranges::count_if(
      rows, [&](const auto& row) { return !query->cursor.empty() && row.first <= query->cursor; }));
  size_t next = from;
  for (;;) {
    const Reply page = page_of(rows, *query);
    for (const auto& row : page.body["data"]) hold(row == next++);
    if (page.body["next_cursor"].is_null()) break;
    query->cursor = page.body["next_cursor"].get<std::string>();
  }
  hold(next == rows.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  pages(text);
  const auto body = parse_json(text);
  if (!body) return 0;
  prices(*body);
  routes(*body);
  return 0;
}
