// make_home [--records N] [--tenant ID] HOME: fills a home with so many records (1,000,000 by default), through the journal itself, for the start
// benchmark. Kinds are of no view: what is measured is how a server opens a long journal, not how it folds one. A home that exists is
// continued; with --tenant its records go to that tenant's chain.
#include <fmt/format.h>

#include <cstdlib>

#include "base/clock.h"
#include "journal/journal.h"

using namespace steward;
using namespace steward::journal;

int main(int argc, char** argv) {
  constexpr int64_t kBatch = 5'000;
  int64_t records = 1'000'000;
  Id tenant = "ten_01JDKX0Z8N5Y3W6Q4R2T1V0B9C";
  std::string home;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--records" && i + 1 < argc) records = std::atoll(argv[++i]);
    else if (argument == "--tenant" && i + 1 < argc) tenant = argv[++i];
    else home = argument;
  }
  if (home.empty() || records < 1) {
    fmt::print(stderr, "usage: make_home [--records N] [--tenant ID] HOME\n");
    return 2;
  }
  SystemClock clock;
  SystemRandom random;
  auto journal = make_sqlite_journal({.home = home}, clock, random, Log());
  auto status = journal->start();
  for (int64_t n = 0; status && n < records;) {
    std::vector<Draft> drafts;
    for (int64_t i = 0; i < kBatch && n < records; ++i, ++n) {
      drafts.push_back({.stream = fmt::format("note/{}", n / 4), .kind = "note.written", .body = fmt::format(R"({{"n":{},"text":"a line of some length, as a message has"}})", n)});
    }
    if (auto appended = journal->append_blocking(tenant, std::move(drafts), n == records ? Wait::kDurable : Wait::kWritten); !appended) {
      status = std::unexpected(appended.error());
    }
  }
  journal->stop();
  if (!status) fmt::print(stderr, "{}\n", status.error().message);
  return status ? 0 : 1;
}
