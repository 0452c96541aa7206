// freeze_home HOME: makes the small home of tests/frozen/VERSION, once per release, from fixed time and randomness. It
// holds what a reader of every later release must bear: several streams and versions, sources, labels, non-ASCII text,
// an erasure. Only journal.db is kept.
#include <fmt/format.h>

#include "base/clock.h"
#include "journal/journal.h"

using namespace steward;
using namespace steward::journal;

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: freeze_home HOME\n");
    return 2;
  }
  const Id tenant = "ten_01JDKX0Z8N5Y3W6Q4R2T1V0B9C";
  ManualClock clock;
  SeededRandom random(1);
  auto journal = make_sqlite_journal({.home = argv[1]}, clock, random, Log());
  if (!journal->start()) return 1;
  std::vector<Id> ids;
  for (int n = 1; n <= 12; ++n) {
    clock.advance_us(kSecondUs);
    Draft draft{.stream = fmt::format("note/{}", n % 3),
                .kind = "note.said",
                .body = fmt::format(R"({{"text":"note {}{}"}})", n, n == 7 ? " grüße 你好" : "")};
    draft.actor = "usr_01JDKX0Z8N5Y3W6Q4R2T1V0B9C";
    draft.label = n % 2 ? "owner" : "outside";
    if (n == 5) draft.sources = {ids[0], ids[1]}, draft.cause = ids[0];
    auto appended = journal->append_blocking(tenant, {draft}, Wait::kDurable);
    if (!appended) return 1;
    ids.push_back(appended->records[0].id);
  }
  const bool erased = journal->erase_blocking(tenant, {.ids = {ids[2]}, .reason = "frozen"}).has_value() &&
                      journal->purge().has_value();
  journal->stop();
  return erased ? 0 : 1;
}
