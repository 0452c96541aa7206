#include "cli/lookup.h"

#include <charconv>

#include "base/text.h"

namespace steward::cli {
namespace {

Result<Id> only_one(const std::vector<Id>& found, const std::string& word, std::string_view what,
                    std::string_view hint) {
  if (found.size() == 1) return found.front();
  if (found.empty()) return fail(ErrorCode::kNotFound, fmt::format("There is no {} '{}'. {}", what, word, hint));
  return fail(ErrorCode::kInvalidRequest,
              fmt::format("'{}' fits {} of them: give the id. {}", word, found.size(), hint));
}

}  // namespace

Result<Id> find_key_id(Client& client, const std::string& word) {
  if (is_id(word, "key")) return word;
  auto keys = client.list("/admin/v1/keys");
  if (!keys) return fail(keys.error());
  std::vector<Id> live, gone;
  for (const auto& key : *keys) {
    std::string visible = key["visible"];
    visible = visible.substr(0, visible.find("…"));
    const bool fits = key["name"] == word || (word.starts_with("sk-steward-") && word.starts_with(visible));
    if (fits) (key["status"] == "active" ? live : gone).push_back(key["id"]);
  }
  return only_one(live.empty() ? gone : live, word, "key", "'steward keys list --all' shows them.");
}

Result<Id> find_scope(Client& client, const std::string& word) {
  for (const std::string_view prefix : {"key", "usr", "team", "ten", "svc"}) {
    if (is_id(word, prefix)) return word;
  }
  if (word == "all") {
    auto status = client.get("/admin/v1/status");
    if (!status) return fail(status.error());
    return (*status)["tenant"].get<std::string>();
  }
  auto principals = client.list("/admin/v1/principals");
  if (!principals) return fail(principals.error());
  std::vector<Id> found;
  for (const auto& principal : *principals) {
    if (principal["name"] == word) found.push_back(principal["id"]);
  }
  if (!found.empty())
    return only_one(found, word, "person or team", "'steward keys list' and GET /admin/v1/principals tell ids.");
  return find_key_id(client, word);
}

Result<DurationUs> parse_span(std::string_view text) {
  int64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, static_cast<size_t>(text.data() + text.size() - end));
  const int64_t seconds = unit == "s" || (unit.empty() && number == 0) ? 1
                          : unit == "m"                                ? 60
                          : unit == "h"                                ? 3600
                          : unit == "d"                                ? 86400
                          : unit == "w"                                ? 604800
                                                                       : 0;
  if (problem != std::errc() || seconds == 0 || number < 0 || number > 100'000) {
    return fail(ErrorCode::kConfig, fmt::format("'{}' is no span of time: say 90s, 10m, 24h, 7d or 2w.", text));
  }
  return number * seconds * kSecondUs;
}

Result<TimeUs> parse_when(std::string_view text, TimeUs now) {
  if (text == "never") return 0;
  if (auto span = parse_span(text)) return now + *span;
  auto time = parse_rfc3339(text.size() == 10 ? std::string(text) + "T00:00:00Z" : std::string(text));
  if (!time)
    return fail(ErrorCode::kConfig,
                fmt::format("'{}' is no moment: say 30d, 2026-12-31, 2026-12-31T12:00:00Z or never.", text));
  return *time;
}

}  // namespace steward::cli
