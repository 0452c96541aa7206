// The words of a deployment's line: one table makes the parser, its errors, the tests of a condition and the docs.
#include <date/tz.h>

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "gateway/routing/durations.h"
#include "gateway/routing/route.h"

namespace steward::gateway::routing {
namespace {

using What = Condition::What;

constexpr int64_t kMaxWeight = 1'000'000;
constexpr std::string_view kDays[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
constexpr int kMinutesOfDay = 24 * 60;

// How the value behind the operator is read into a condition. False: it is not one.
using Read = bool (*)(std::string_view value, Condition& into);

bool read_values(std::string_view value, Condition& into) {
  for (const auto one : split(value, '|')) {
    if (one.empty()) return false;
    into.values.emplace_back(one);
  }
  return !into.values.empty();
}

bool read_yes(std::string_view value, Condition& into) {
  into.yes = value == "yes";
  return into.yes || value == "no";
}

bool read_tokens(std::string_view value, Condition& into) {
  int64_t scale = 1;
  if (value.ends_with('k') || value.ends_with('K')) scale = 1'000;
  if (value.ends_with('m') || value.ends_with('M')) scale = 1'000'000;
  if (scale > 1) value.remove_suffix(1);
  const auto [end, problem] = std::from_chars(value.data(), value.data() + value.size(), into.amount);
  if (problem != std::errc() || end != value.data() + value.size()) return false;
  if (into.amount < 0 || into.amount > 1'000'000'000) return false;
  into.amount *= scale;
  return true;
}

bool read_usd(std::string_view value, Condition& into) {
  const auto amount = parse_usd(value);
  if (!amount || *amount < 0) return false;
  into.amount = *amount;
  return true;
}

bool read_duration(std::string_view value, Condition& into) {
  const auto duration = parse_duration(value);
  into.amount = duration.value_or(0);
  return duration.has_value();
}

bool read_minute(std::string_view text, int& minute) {  // "08:00", to "24:00"
  if (text.size() != 5 || text[2] != ':') return false;
  const auto digit = [&](size_t at) { return text[at] >= '0' && text[at] <= '9' ? text[at] - '0' : -1'000; };
  const int hours = digit(0) * 10 + digit(1), minutes = digit(3) * 10 + digit(4);
  minute = hours * 60 + minutes;
  return hours >= 0 && minutes >= 0 && minutes < 60 && minute <= kMinutesOfDay;
}

bool read_hours(std::string_view value, Condition& into) {
  const size_t dash = value.find('-');
  return dash != std::string_view::npos && read_minute(value.substr(0, dash), into.from_minute) &&
         read_minute(value.substr(dash + 1), into.to_minute) && into.from_minute != into.to_minute;
}

std::optional<size_t> day_of(std::string_view text) {
  const auto found = std::ranges::find(kDays, to_lower_ascii(text));
  if (found == std::end(kDays)) return std::nullopt;
  return static_cast<size_t>(found - std::begin(kDays));
}

bool read_days(std::string_view value, Condition& into) {  // "mon-fri|sun"; "sat-mon" goes over the week's end
  for (const auto part : split(value, '|')) {
    const size_t dash = part.find('-');
    const auto first = day_of(part.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : day_of(part.substr(dash + 1));
    if (!first || !last) return false;
    for (size_t day = *first;; day = (day + 1) % 7) {
      into.days |= 1U << day;
      if (day == *last) break;
    }
  }
  return into.days != 0;
}

struct Word {
  std::string_view name;  // "tag." takes a name behind it
  std::string_view op;
  What what;
  Read read;
  std::string_view example, doc;
};

constexpr Word kWords[] = {
    {"key", "=", What::kKey, read_values, "key=ci|key_01J…", "The caller's key, by name or id; `|` between several."},
    {"tag.", "=", What::kTag, read_values, "tag.team=support|sales",
     "A tag of the key, or of the request (`x-steward-tags`)."},
    {"input", "<=", What::kInputAtMost, read_tokens, "input<=100k",
     "At most so many tokens of input, as estimated before the call."},
    {"input", ">=", What::kInputAtLeast, read_tokens, "input>=32k", "At least so many tokens of input."},
    {"tools", "=", What::kTools, read_yes, "tools=no", "Whether the call brings tools."},
    {"images", "=", What::kImages, read_yes, "images=yes", "Whether the call has images in it."},
    {"documents", "=", What::kDocuments, read_yes, "documents=no", "Whether the call has documents in it."},
    {"hours", "=", What::kHours, read_hours, "hours=22:00-06:00",
     "The time of day, from the first minute up to the last; over midnight too."},
    {"days", "=", What::kDays, read_days, "days=mon-fri|sun", "The day of the week."},
    {"cost", "<=", What::kCostAtMost, read_usd, "cost<=0.05",
     "The worst case of this call at this deployment, in US dollars. A deployment without a price is not asked."},
    {"deadline", "<=", What::kDeadlineAtMost, read_duration, "deadline<=5s",
     "The caller said that it waits at most so long (`x-steward-deadline`)."},
    {"deadline", ">=", What::kDeadlineAtLeast, read_duration, "deadline>=30s",
     "The caller waits at least so long, or did not say."},
};

std::vector<std::string> known_words() {
  std::vector<std::string> out = {"weight", "zone"};
  for (const auto& word : kWords) {
    std::string name(word.name);
    if (name.ends_with('.')) name += "NAME";
    if (std::ranges::find(out, name) == out.end()) out.push_back(std::move(name));
  }
  return out;
}

std::unexpected<Error> wrong_word(std::string_view text, std::string_view name) {
  for (const auto& word : kWords) {
    if (word.name == name || (word.name.ends_with('.') && name.starts_with(word.name)))
      return fail(ErrorCode::kInvalidRequest,
                  fmt::format("'{}' is not a condition: write it like '{}'", text, word.example));
  }
  const std::string near = nearest(name, known_words());
  return fail(ErrorCode::kInvalidRequest,
              fmt::format("there is no condition '{}'{}", name,
                          near.empty() ? fmt::format(" (known: {})", join(known_words(), ", "))
                                       : fmt::format("; did you mean '{}'?", near)));
}

struct Split {
  std::string_view name, op, value;
};

Split split_word(std::string_view text) {
  const size_t at = text.find_first_of("<>=");
  if (at == std::string_view::npos) return {text, "", ""};
  const size_t length = text[at] != '=' && at + 1 < text.size() && text[at + 1] == '=' ? 2 : 1;
  return {text.substr(0, at), text.substr(at, length), text.substr(at + length)};
}

Result<Condition> read_condition(std::string_view text) {
  const Split parts = split_word(text);
  for (const auto& word : kWords) {
    const bool tag = word.name.ends_with('.');
    const bool named =
        tag ? parts.name.starts_with(word.name) && parts.name.size() > word.name.size() : parts.name == word.name;
    if (!named || parts.op != word.op) continue;
    Condition out;
    out.what = word.what;
    out.text = std::string(text);
    if (tag) out.name = std::string(parts.name.substr(word.name.size()));
    if (word.read(parts.value, out)) return out;
  }
  return wrong_word(text, parts.name);
}

Status read_setting(std::string_view name, std::string_view value, Deployment& into) {
  if (name == "zone") {
    if (!is_time_zone(value))
      return fail(ErrorCode::kInvalidRequest,
                  fmt::format("there is no time zone '{}' (write it like Europe/Berlin)", value));
    into.zone = std::string(value);
    return {};
  }
  const auto [end, problem] = std::from_chars(value.data(), value.data() + value.size(), into.weight);
  if (problem == std::errc() && end == value.data() + value.size() && into.weight >= 0 && into.weight <= kMaxWeight)
    return {};
  return fail(ErrorCode::kInvalidRequest,
              fmt::format("a weight is a whole number from 0 to {}, not '{}'", kMaxWeight, value));
}

struct LocalTime {
  int minute = 0;
  unsigned day = 0;  // 0: Monday
};

LocalTime local_time(std::string_view zone, TimeUs now_us) {
  const auto* found = date::locate_zone(zone);  // checked when the route was read
  const auto local = found->to_local(date::sys_time<std::chrono::microseconds>(std::chrono::microseconds(now_us)));
  const auto day = date::floor<date::days>(local);
  return {static_cast<int>(std::chrono::duration_cast<std::chrono::minutes>(local - day).count()),
          date::weekday(day).iso_encoding() - 1};
}

std::optional<std::string> unless(bool holds, const Condition& condition, std::string found) {
  if (holds) return std::nullopt;
  return fmt::format("{}: {}", condition.text, found);
}

std::optional<std::string> unmet_yes(const Condition& condition, bool has, std::string_view what) {
  return unless(has == condition.yes, condition, fmt::format("the call has {}{}", has ? "" : "no ", what));
}

std::optional<std::string> unmet_time(const Condition& condition, const RouteFacts& facts, std::string_view zone) {
  const LocalTime local = local_time(zone, facts.now_us);
  if (condition.what == What::kDays)
    return unless((condition.days >> local.day & 1U) != 0, condition,
                  fmt::format("it is {} in {}", kDays[local.day], zone));
  const bool inside = condition.from_minute < condition.to_minute
                          ? local.minute >= condition.from_minute && local.minute < condition.to_minute
                          : local.minute >= condition.from_minute || local.minute < condition.to_minute;
  return unless(inside, condition, fmt::format("it is {:02}:{:02} in {}", local.minute / 60, local.minute % 60, zone));
}

std::optional<std::string> unmet_cost(const Condition& condition, const DeploymentFacts& deployment) {
  if (!deployment.cost_bound) return unless(deployment.local, condition, "it has no price");
  return unless(*deployment.cost_bound <= condition.amount, condition,
                fmt::format("this call may cost {}", to_usd_string(*deployment.cost_bound)));
}

}  // namespace

bool is_time_zone(std::string_view name) {
  try {
    return !name.empty() && date::locate_zone(name) != nullptr;
  } catch (const std::exception&) {
    return false;
  }
}

Result<Deployment> Deployment::parse(std::string_view line) {
  if (line.size() > kMaxDeploymentBytes)
    return fail(ErrorCode::kInvalidRequest,
                fmt::format("a deployment's line has at most {} bytes", kMaxDeploymentBytes));
  Deployment out;
  size_t words = 0;
  for (const auto raw : split(line, ' ')) {
    const auto word = trim(raw);
    if (word.empty()) continue;
    if (++words > kMaxConditionWords + 1)
      return fail(ErrorCode::kInvalidRequest,
                  fmt::format("a deployment has at most {} conditions", kMaxConditionWords));
    if (words == 1) {
      out.model = std::string(word);
      continue;
    }
    const Split parts = split_word(word);
    if (parts.op == "=" && (parts.name == "weight" || parts.name == "zone")) {
      if (auto ok = read_setting(parts.name, parts.value, out); !ok) return fail(std::move(ok.error()));
      continue;
    }
    auto condition = read_condition(word);
    if (!condition) return fail(std::move(condition.error()));
    out.conditions.push_back(std::move(*condition));
  }
  if (out.model.empty())
    return fail(ErrorCode::kInvalidRequest, "a deployment begins with its model, such as openai/gpt-4.1-mini");
  return out;
}

std::string Deployment::text() const {
  std::string out = model;
  if (weight != 1) out += fmt::format(" weight={}", weight);
  for (const auto& condition : conditions) out += " " + condition.text;
  if (!zone.empty()) out += " zone=" + zone;
  return out;
}

std::optional<std::string> unmet(const Condition& condition, const RouteFacts& facts, const DeploymentFacts& deployment,
                                 std::string_view zone) {
  const auto among = [&](const std::string& value) {
    return std::ranges::find(condition.values, value) != condition.values.end();
  };
  switch (condition.what) {
    case What::kKey:
      return unless(among(facts.key) || (!facts.key.empty() && among(facts.key_name)), condition,
                    facts.key.empty() ? "the call came without a key" : fmt::format("the key is '{}'", facts.key_name));
    case What::kTag: {
      const auto found = facts.tags.find(condition.name);
      if (found == facts.tags.end()) return unless(false, condition, "there is no such tag");
      return unless(among(found->second), condition, fmt::format("it is '{}'", found->second));
    }
    case What::kInputAtMost:
      return unless(facts.input_tokens <= condition.amount, condition,
                    fmt::format("about {} tokens", facts.input_tokens));
    case What::kInputAtLeast:
      return unless(facts.input_tokens >= condition.amount, condition,
                    fmt::format("about {} tokens", facts.input_tokens));
    case What::kTools: return unmet_yes(condition, facts.tools, "tools");
    case What::kImages: return unmet_yes(condition, facts.images, "images");
    case What::kDocuments: return unmet_yes(condition, facts.documents, "documents");
    case What::kHours:
    case What::kDays: return unmet_time(condition, facts, zone);
    case What::kCostAtMost: return unmet_cost(condition, deployment);
    case What::kDeadlineAtMost:
      return unless(
          facts.deadline_us > 0 && facts.deadline_us <= condition.amount, condition,
          facts.deadline_us == 0 ? "the caller set none" : "the caller waits " + duration_text(facts.deadline_us));
    case What::kDeadlineAtLeast:
      return unless(facts.deadline_us == 0 || facts.deadline_us >= condition.amount, condition,
                    "the caller waits " + duration_text(facts.deadline_us));
  }
  return std::nullopt;
}

std::string condition_docs() {
  std::string out = "| word | example | what must hold |\n| --- | --- | --- |\n";
  for (const auto& word : kWords) {
    std::string example;  // a bar would end the table's cell
    for (const char c : word.example) example += c == '|' ? std::string("\\|") : std::string(1, c);
    out += fmt::format("| `{}{}{}` | `{}` | {} |\n", word.name, word.name.ends_with('.') ? "NAME" : "", word.op,
                       example, word.doc);
  }
  out += "| `zone=` | `zone=Europe/Berlin` | The time zone of `hours` and `days`; else the route's `time_zone`. |\n";
  out += "| `weight=` | `weight=3` | Its share where `order = \"weighted\"`; 0: only when all others failed. |\n";
  return out;
}

}  // namespace steward::gateway::routing
