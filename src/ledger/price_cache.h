// The rows of the shipped table that calls ask for again and again, read once: a row is text until then. Kept for the
// hour, since some rates change by it. Any thread.
#pragma once
#include <map>
#include <memory>
#include <mutex>

#include "ledger/price_table.h"

namespace steward::ledger {

class ShippedCache {
 public:
  // Null: the table doesn't have it.
  std::shared_ptr<const ShippedModel> find(std::string_view provider, std::string_view model, TimeUs now);

 private:
  std::mutex mutex_;
  TimeUs hour_ = -1;
  std::map<std::string, std::shared_ptr<const ShippedModel>, std::less<>> rows_;
};

}  // namespace steward::ledger
