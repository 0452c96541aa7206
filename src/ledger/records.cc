#include "ledger/records.h"

#include <simdjson.h>

#include "base/json.h"
#include "ledger/period.h"
#include "ledger/price_record.h"

namespace steward::ledger {
namespace {

constexpr std::pair<Outcome, std::string_view> kOutcomes[] = {{Outcome::kFinished, "finished"},
                                                              {Outcome::kClientGone, "client_gone"},
                                                              {Outcome::kUpstreamFailed, "upstream_failed"},
                                                              {Outcome::kDeadline, "deadline"},
                                                              {Outcome::kCut, "cut"},
                                                              {Outcome::kRefusedUpstream, "refused_upstream"},
                                                              {Outcome::kInDoubt, "in_doubt"}};

// Ids and numbers are written as they are; text that others chose goes through the JSON library unless it is plain.
void add_text(std::string& out, std::string_view field, std::string_view text) {
  const bool plain =
      std::ranges::all_of(text, [](unsigned char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; });
  if (plain)
    fmt::format_to(std::back_inserter(out), ",\"{}\":\"{}\"", field, text);
  else
    fmt::format_to(std::back_inserter(out), ",\"{}\":{}", field, dump(Json(std::string(text))));
}

void add_more(std::string& out, std::string_view more) {
  if (!more.empty()) fmt::format_to(std::back_inserter(out), ",\"more\":{}", more);
}

void add_price(std::string& out, const Price& price) {
  fmt::format_to(std::back_inserter(out), ",\"price\":{{\"input\":{},\"output\":{},\"cached_input\":{},\"request\":{}",
                 price.input, price.output, price.cached_input, price.request);
  add_more(out, more_of(price));
  out += '}';
}

Id id_of(const journal::Record& record) { return record.stream.substr(record.stream.find('/') + 1); }

}  // namespace

std::string_view to_text(Outcome outcome) {
  for (const auto& [known, text] : kOutcomes) {
    if (known == outcome) return text;
  }
  return "finished";
}

Outcome outcome_from_text(std::string_view text) {
  for (const auto& [outcome, known] : kOutcomes) {
    if (known == text) return outcome;
  }
  return Outcome::kFinished;
}

bool has_failed(Outcome outcome) {
  return outcome == Outcome::kUpstreamFailed || outcome == Outcome::kDeadline || outcome == Outcome::kRefusedUpstream ||
         outcome == Outcome::kInDoubt;
}

std::string encode(const CallReserved& call) {
  std::string out;
  out.reserve(512);
  fmt::format_to(std::back_inserter(out),
                 "{{\"reserved_nano\":{},\"input_bound\":{},\"n\":{},\"output\":{},\"expires_at_us\":{}", call.reserved,
                 call.input_bound, call.n, call.output, call.expires_at);
  out += call.local ? ",\"local\":true" : ",\"local\":false";
  out += call.limited ? ",\"limited\":true" : ",\"limited\":false";
  if (call.posted) out += ",\"posted\":true";
  add_text(out, "key", call.key);
  add_text(out, "owner", call.owner);
  add_text(out, "team", call.team);
  add_text(out, "model", call.model);
  add_text(out, "provider", call.provider);
  add_text(out, "endpoint", call.endpoint);
  if (call.price)
    add_price(out, *call.price);
  else
    out += ",\"price\":null";
  out += ",\"budgets\":[";
  for (size_t i = 0; i < call.budgets.size(); ++i) {
    fmt::format_to(std::back_inserter(out), "{}[\"{}\",{}]", i == 0 ? "" : ",", call.budgets[i].first,
                   call.budgets[i].second);
  }
  out += "]}";
  return out;
}

std::string encode(const CallSettled& call) {
  std::string out;
  out.reserve(320);
  fmt::format_to(std::back_inserter(out),
                 "{{\"outcome\":\"{}\",\"cost_nano\":{},\"overrun_nano\":{},\"reserved_nano\":{}",
                 to_text(call.outcome), call.cost, call.overrun, call.reserved);
  fmt::format_to(std::back_inserter(out),
                 ",\"usage\":{{\"prompt\":{},\"cached\":{},\"completion\":{},\"reasoning\":{},\"estimated\":{}",
                 call.usage.prompt_tokens, call.usage.cached_tokens, call.usage.completion_tokens,
                 call.usage.reasoning_tokens, call.usage.estimated);
  add_more(out, more_of(call.usage));
  out += '}';
  fmt::format_to(std::back_inserter(out), ",\"duration_us\":{},\"first_token_us\":{}", call.duration_us,
                 call.first_token_us);
  add_text(out, "error", call.error);
  if (call.costs != Costs()) fmt::format_to(std::back_inserter(out), ",\"costs\":{}", costs_text(call.costs));
  if (!call.attempts.empty()) add_text(out, "attempts", call.attempts);
  if (call.unpriced) out += ",\"unpriced\":true";
  out += '}';
  return out;
}

std::string encode(const BudgetSet& budget) {
  return dump(Json{{"name", budget.spec.name},
                   {"scope", budget.spec.scope},
                   {"limit_nano", budget.spec.limit},
                   {"period", to_text(budget.spec.period)},
                   {"time_zone", budget.spec.time_zone},
                   {"period_start_us", budget.period_start}});
}

std::string encode(const PriceSet& price) {
  Json body{{"model", price.model_key},       {"input", price.price.input},
            {"output", price.price.output},   {"cached_input", price.price.cached_input},
            {"request", price.price.request}, {"source", price.price.source},
            {"from_us", price.price.from}};
  if (const std::string more = more_of(price.price); !more.empty()) body["more"] = parse_own(more);
  return dump(body);
}

BudgetSet decode_budget_set(const journal::Record& record) {
  const Json body = parse_own(record.body);
  BudgetSet set;
  set.budget = id_of(record);
  set.spec.name = body.at("name").get<std::string>();
  set.spec.scope = body.at("scope").get<std::string>();
  set.spec.limit = body.at("limit_nano").get<NanoUsd>();
  set.spec.period = period_from_text(body.at("period").get<std::string>());
  set.spec.time_zone = body.at("time_zone").get<std::string>();
  set.period_start = body.at("period_start_us").get<TimeUs>();
  return set;
}

PriceSet decode_price_set(const journal::Record& record) {
  const Json body = parse_own(record.body);
  PriceSet set;
  set.model_key = body.at("model").get<std::string>();
  set.price.input = body.at("input").get<PicoUsd>();
  set.price.output = body.at("output").get<PicoUsd>();
  set.price.cached_input = body.at("cached_input").get<PicoUsd>();
  set.price.request = body.at("request").get<PicoUsd>();
  set.price.source = body.at("source").get<std::string>();
  set.price.from = body.at("from_us").get<TimeUs>();
  if (body.contains("more")) MoreReader().price(set.price, dump(body["more"]));
  return set;
}

struct CallReader::Parser {
  MoreReader more;
  simdjson::ondemand::parser parser;
  simdjson::padded_string padded;
  simdjson::ondemand::document document;
  simdjson::ondemand::object open(const std::string& body) {
    padded = simdjson::padded_string(body);
    document = parser.iterate(padded);
    return document.get_object();
  }
};

namespace {
using simdjson::ondemand::object;

std::string text(object& from, std::string_view field) { return std::string(std::string_view(from[field])); }
int64_t number(object& from, std::string_view field) { return from[field]; }
bool flag(object& from, std::string_view field) { return from[field]; }

// A member that may be absent, as it stands.
std::string_view raw(object& from, std::string_view field) {
  object found;
  if (from[field].get_object().get(found) != simdjson::SUCCESS) return {};
  return std::string_view(found.raw_json());
}

std::optional<Price> read_price(object& from, MoreReader& more) {
  auto value = from["price"];
  if (value.is_null()) return std::nullopt;
  object json = value.get_object();
  Price price;
  price.input = number(json, "input");
  price.output = number(json, "output");
  price.cached_input = number(json, "cached_input");
  price.request = number(json, "request");
  more.price(price, raw(json, "more"));
  return price;
}

std::vector<std::pair<Id, TimeUs>> read_budgets(object& from) {
  std::vector<std::pair<Id, TimeUs>> budgets;
  simdjson::ondemand::array all = from["budgets"].get_array();
  for (auto each : all) {
    simdjson::ondemand::array pair = each.get_array();
    auto it = pair.begin().value();
    Id id(std::string_view((*it).get_string()));
    ++it;
    budgets.emplace_back(std::move(id), int64_t((*it).get_int64()));
    ++it;
  }
  return budgets;
}
}  // namespace

CallReader::CallReader() : parser_(std::make_unique<Parser>()) {}
CallReader::~CallReader() = default;

CallReserved CallReader::reserved(const journal::Record& record) {
  object body = parser_->open(record.body);
  CallReserved call;
  call.call = id_of(record);
  call.at = record.time;
  call.reserved = number(body, "reserved_nano");
  call.input_bound = number(body, "input_bound");
  call.n = number(body, "n");
  call.output = number(body, "output");
  call.expires_at = number(body, "expires_at_us");
  call.local = flag(body, "local");
  call.limited = flag(body, "limited");
  call.key = text(body, "key");
  call.owner = text(body, "owner");
  call.team = text(body, "team");
  call.model = text(body, "model");
  call.provider = text(body, "provider");
  call.endpoint = text(body, "endpoint");
  call.price = read_price(body, parser_->more);
  call.budgets = read_budgets(body);
  if (auto posted = body["posted"]; !posted.error()) call.posted = bool(posted);  // told where it is so
  return call;
}

CallSettled CallReader::settled(const journal::Record& record) {
  object body = parser_->open(record.body);
  CallSettled call;
  call.call = id_of(record);
  call.at = record.time;
  call.outcome = outcome_from_text(std::string_view(body["outcome"]));
  call.cost = number(body, "cost_nano");
  call.overrun = number(body, "overrun_nano");
  call.reserved = number(body, "reserved_nano");
  object usage = body["usage"].get_object();
  call.usage.prompt_tokens = number(usage, "prompt");
  call.usage.cached_tokens = number(usage, "cached");
  call.usage.completion_tokens = number(usage, "completion");
  call.usage.reasoning_tokens = number(usage, "reasoning");
  call.usage.estimated = flag(usage, "estimated");
  parser_->more.usage(call.usage, raw(usage, "more"));
  call.duration_us = number(body, "duration_us");
  call.first_token_us = number(body, "first_token_us");
  call.error = text(body, "error");
  if (const auto costs = raw(body, "costs"); !costs.empty()) call.costs = parser_->more.costs(costs);
  if (auto attempts = body["attempts"]; !attempts.error()) call.attempts = std::string(std::string_view(attempts));
  if (auto unpriced = body["unpriced"]; !unpriced.error()) call.unpriced = bool(unpriced);  // told where it is so
  return call;
}

}  // namespace steward::ledger
