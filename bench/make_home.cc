// make_home [--records N] --tenant ID HOME: fills a home with the records of N/2 model calls (1,000,000 records by
// default), each reserved and settled as the ledger writes them, through the journal itself, for the start benchmark. A
// home that exists is continued.
#include <fmt/format.h>

#include <cstdlib>

#include "base/clock.h"
#include "journal/journal.h"
#include "ledger/records.h"

using namespace steward;
using namespace steward::journal;

namespace {

constexpr int kKeys = 100, kModels = 5;

// One call a second, each by the next key, to the next model; two records.
void add_call(std::vector<Draft>& drafts, IdMaker& ids, const Id& record, int64_t number, TimeUs first_us) {
  const TimeUs at = first_us + number * kSecondUs;
  const Id call = ids.make("call");
  const ledger::Price price{.input = 150'000, .output = 600'000, .cached_input = 75'000, .source = "owner"};
  ledger::CallReserved reserved;
  reserved.call = call;
  reserved.at = at;
  reserved.key = fmt::format("key_{:026}", number % kKeys);
  reserved.owner = fmt::format("usr_{:026}", number % 10);
  reserved.model = fmt::format("model-{}", number % kModels);
  reserved.provider = "somewhere";
  reserved.endpoint = "chat";
  reserved.price = price;
  reserved.input_bound = 1'000;
  reserved.output = 500;
  reserved.reserved = 450'000;
  reserved.expires_at = at + 600 * kSecondUs;
  ledger::CallSettled settled;
  settled.call = call;
  settled.at = at + kSecondUs;
  settled.usage = {.prompt_tokens = 800, .cached_tokens = 200, .completion_tokens = 300};
  settled.cost = ledger::cost_of(price, settled.usage);
  settled.reserved = reserved.reserved;
  settled.duration_us = kSecondUs;
  drafts.push_back({.stream = "call/" + call,
                    .kind = "call.reserved",
                    .body = encode(reserved),
                    .id = record,
                    .time = at,
                    .actor = reserved.key,
                    .on_behalf_of = reserved.owner});
  drafts.push_back({.stream = "call/" + call,
                    .kind = "call.settled",
                    .body = encode(settled),
                    .time = settled.at,
                    .actor = reserved.key,
                    .on_behalf_of = reserved.owner,
                    .cause = record});
}

}  // namespace

int main(int argc, char** argv) {
  constexpr int64_t kBatch = 5'000;
  int64_t records = 1'000'000;
  Id tenant;
  std::string home;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--records" && i + 1 < argc)
      records = std::atoll(argv[++i]);
    else if (argument == "--tenant" && i + 1 < argc)
      tenant = argv[++i];
    else
      home = argument;
  }
  if (home.empty() || tenant.empty() || records < 2) {
    fmt::print(stderr, "usage: make_home [--records N] --tenant ID HOME\n");
    return 2;
  }
  SystemClock clock;
  SystemRandom random;
  IdMaker ids(clock, random);
  const TimeUs first_us = clock.now_us() - records / 2 * kSecondUs;
  auto journal = make_sqlite_journal({.home = home}, clock, random, Log());
  auto status = journal->start();
  for (int64_t n = 0; status && n < records;) {
    std::vector<Draft> drafts;
    for (int64_t i = 0; i < kBatch && n < records; i += 2, n += 2)
      add_call(drafts, ids, ids.make("rec"), n / 2, first_us);
    if (auto appended =
            journal->append_blocking(tenant, std::move(drafts), n >= records ? Wait::kDurable : Wait::kWritten);
        !appended) {
      status = std::unexpected(appended.error());
    }
  }
  journal->stop();
  if (!status) fmt::print(stderr, "{}\n", status.error().message);
  return status ? 0 : 1;
}
