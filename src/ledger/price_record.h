// Prices, use and costs as members of the ledger's records. What version 0.1.0 wrote stands as it stood; everything
// since stands in a member "more", written only where there is something to say: old records read as they always did,
// and plain ones stay short. Members are called as those of the structs, in price.h's units.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "ledger/price.h"

namespace steward::ledger {

std::string more_of(const Price& price);     // {"reasoning":5,"tiers":[…],…}; empty: nothing
std::string more_of(const Usage& usage);     // {"cache_write_5m_tokens":5,…}; empty: nothing
std::string costs_text(const Costs& costs);  // {"input":5,"output":7}: those that aren't 0

// Reads them again. Keeps its parser's memory; one thread at a time.
class MoreReader {
 public:
  MoreReader();
  ~MoreReader();
  void price(Price& price, std::string_view more);
  void usage(Usage& usage, std::string_view more);
  Costs costs(std::string_view text);

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace steward::ledger
