// The ledger's records as they stand in journals: what version 0.1.0 wrote reads as it did, and is written the same
// again; what is new travels whole.
#include "ledger/records.h"
#include "base/json.h"

#include <gtest/gtest.h>

namespace steward::ledger {
namespace {

journal::Record record(std::string stream, std::string body) {
  journal::Record record;
  record.stream = std::move(stream);
  record.body = std::move(body);
  record.time = 1'764'000'000'000'000;
  return record;
}

// Bodies as version 0.1.0 wrote them.
constexpr const char* kReserved =
    R"({"reserved_nano":74075,"input_bound":40,"n":2,"output":60,"expires_at_us":1764003600000000,"local":true,"limited":false,"key":"key_a","owner":"usr_a","team":"team_a","model":"m\"\\é","provider":"p","endpoint":"chat","price":{"input":1000000,"output":1234567,"cached_input":0,"request":0},"budgets":[["bud_12",1763942400000000],["bud_13",0]]})";
constexpr const char* kUnpriced =
    R"({"reserved_nano":0,"input_bound":4,"n":1,"output":16,"expires_at_us":0,"local":false,"limited":true,"key":"","owner":"usr_a","team":"","model":"m","provider":"p","endpoint":"embeddings","price":null,"budgets":[]})";
constexpr const char* kSettled =
    R"({"outcome":"upstream_failed","cost_nano":1500,"overrun_nano":3,"reserved_nano":1497,"usage":{"prompt":12,"cached":3,"completion":5,"reasoning":2,"estimated":true},"duration_us":812345,"first_token_us":0,"error":"upstream_unreachable"})";
constexpr const char* kPrice =
    R"({"model":"openai/gpt-x","input":400000,"output":1600000,"cached_input":100000,"request":5,"source":"owner","from_us":1764000000000000})";

TEST(Records, ACallInAProvidersBatchIsToldApart) {
  CallReader reader;
  CallReserved call = reader.reserved(record("call/call_1", kReserved));
  EXPECT_FALSE(call.posted);
  call.posted = true;
  EXPECT_TRUE(reader.reserved(record("call/call_1", encode(call))).posted);
}

TEST(Records, OfTheFirstReleaseReadAndAreWrittenTheSame) {
  CallReader reader;
  for (const char* body : {kReserved, kUnpriced}) EXPECT_EQ(encode(reader.reserved(record("call/call_1", body))), body);
  const CallSettled settled = reader.settled(record("call/call_1", kSettled));
  EXPECT_EQ(encode(settled), kSettled);
  EXPECT_EQ(settled.costs, Costs()) << "told as one sum then";
  EXPECT_EQ(settled.usage.requests, 1);
  const PriceSet price = decode_price_set(record("price/ten_a", kPrice));
  EXPECT_FALSE(price.price.shipped);
  EXPECT_EQ(parse_own(encode(price)), parse_own(kPrice));
}

TEST(Records, CarryWhatIsNew) {
  CallReserved reserved;
  reserved.call = "call_1";
  reserved.price = Price{.input = 1, .output = 2};
  reserved.price->reasoning = 3;
  reserved.price->tools = {{"web \"search\"", 4}};
  reserved.price->tiers = {{.service = ServiceLevel::kBatch, .above_tokens = 5, .rates = {.input = 6, .output = 7}}};
  reserved.price->shipped = true;
  CallReader reader;
  const CallReserved again = reader.reserved(record("call/call_1", encode(reserved)));
  EXPECT_EQ(again.price->rates(), reserved.price->rates());
  EXPECT_EQ(again.price->tools, reserved.price->tools);
  EXPECT_EQ(again.price->tiers, reserved.price->tiers);
  EXPECT_TRUE(again.price->shipped);

  CallSettled settled{.call = "call_1", .at = 1'764'000'000'000'000};
  settled.usage = {.prompt_tokens = 9, .cache_write_1h_tokens = 4, .tool_calls = {{"web_search", 2}}};
  settled.usage.service = ServiceLevel::kFlex;
  settled.usage.region = "us";
  settled.usage.told_cost = 0;
  settled.costs = {.input = 5, .other = 2};
  settled.cost = 7;
  settled.attempts = R"([{"deployment":"a","why":"timeout"}])";
  settled.unpriced = true;
  const CallSettled read = reader.settled(record("call/call_1", encode(settled)));
  EXPECT_TRUE(read.unpriced);
  EXPECT_EQ(read.usage.cache_write_1h_tokens, 4);
  EXPECT_EQ(read.usage.tool_calls, settled.usage.tool_calls);
  EXPECT_EQ(read.usage.service, ServiceLevel::kFlex);
  EXPECT_EQ(read.usage.region, "us");
  EXPECT_EQ(read.usage.told_cost, NanoUsd{0});
  EXPECT_EQ(read.costs, settled.costs);
  EXPECT_EQ(read.attempts, settled.attempts);
}

}  // namespace
}  // namespace steward::ledger
