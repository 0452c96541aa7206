// The prices that come with the program: some two thousand rows by provider and model, each with its source and the day
// on which that was released, made by tools/prices.py (docs/prices.md). Rows are text until one is asked for, so that a
// start reads none of them.
//
// A model is looked up by its exact name at the provider first. Names vary: Gemini's begin with "models/", Bedrock's
// with a region, others end with a date or in "-latest", and a gateway's name its vendor. Where the exact name has no
// row, the rows of the same model under its other names are looked at, and the dearest of them is taken: never a
// cheaper one, and never another model's. A row of a gateway that is missing is its vendor's.
//
// Constant data; any thread.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/model_facts.h"
#include "ledger/price.h"

namespace steward::ledger {

struct ShippedModel {
  Price price;  // as it is at the time asked for: some cost less at night
  ModelFacts facts;
};

// `provider` as the table names it ("openai", "bedrock"), `model` as the provider does.
std::optional<ShippedModel> find_shipped(std::string_view provider, std::string_view model, TimeUs now);
// All, as "provider/model" →; of one provider, or (empty) of all.
std::vector<std::pair<std::string, Price>> shipped_prices(std::string_view provider, TimeUs now);

}  // namespace steward::ledger
