// Laws over random histories (appends of many streams and tenants, refused batches, erasures, reopened homes):
// replay equals live, numbers are gapless, the chain verifies, what is erased leaves nothing.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <future>

#include "base/file.h"
#include "base/json.h"
#include "journal/audit.h"
#include "journal/testing.h"
#include "journal/view_set.h"

namespace steward::journal {
namespace {

// Each case opens homes and syncs files: fewer of them, unless the caller says how many (RC_PARAMS).
const int kFewerCases = ::setenv("RC_PARAMS", "max_success=25", 0);

struct WordsView final : View {
  std::string_view name() const override { return "words"; }
  int version() const override { return 1; }
  void create(Db& db) override {
    db.execute(
        "CREATE TABLE words_streams(tenant TEXT, stream TEXT, records INTEGER, last TEXT, PRIMARY KEY(tenant, stream)) "
        "WITHOUT ROWID;"
        "CREATE TABLE words_texts(tenant TEXT, seq INTEGER, text TEXT); CREATE INDEX words_by_text ON "
        "words_texts(text)");
  }
  void apply(Db& db, const Record& r) override {
    if (r.kind == "record.erased") {
      for (const auto& seq : parse_own(r.body).at("seqs")) {
        db.prepare("DELETE FROM words_texts WHERE tenant=? AND seq=?")
            .bind(1, r.tenant)
            .bind(2, seq.get<int64_t>())
            .run();
      }
      return;
    }
    db.prepare("INSERT INTO words_streams VALUES(?1,?2,1,?3) ON CONFLICT DO UPDATE SET records=records+1, last=?3")
        .bind(1, r.tenant)
        .bind(2, r.stream)
        .bind(3, r.id)
        .run();
    if (!r.erased)
      db.prepare("INSERT INTO words_texts VALUES(?,?,?)").bind(1, r.tenant).bind(2, r.seq).bind(3, r.body).run();
  }
};

std::vector<std::string> tables(Views& views) {
  std::vector<std::string> out;
  views.query_blocking([&](Db& db) { out = dump_tables(db, "words"); });
  return out;
}

struct History {
  TestHome home;
  WordsView view;
  std::vector<std::pair<Id, Id>> alive;  // tenant, record
  std::map<Id, Seq> expected;
  int written = 0;
  std::set<std::string> erased_words;
  std::map<Id, std::string> word_of;

  void open() {
    home.views().add(view);
    home.start();
  }
  void append() {
    const Id tenant = *rc::gen::element<Id>("ten_a", "ten_b");
    std::vector<Draft> drafts;
    for (int i = *rc::gen::inRange(1, 5); i > 0; --i) {
      const std::string word = fmt::format("canary-{}-end", ++written);
      Draft draft{
          .stream = fmt::format("note/{}", *rc::gen::inRange(0, 4)), .kind = "note.said", .body = Json(word).dump()};
      if (!alive.empty() && *rc::gen::inRange(0, 3) == 0) {
        const auto& [source_tenant, source] =
            alive[static_cast<size_t>(*rc::gen::inRange(0, static_cast<int>(alive.size())))];
        if (source_tenant == tenant) draft.sources = {source};
      }
      drafts.push_back(std::move(draft));
    }
    const bool refused = *rc::gen::inRange(0, 5) == 0;
    if (refused) drafts.back().expected_version = 1'000'000;
    auto appended = home.append(tenant, drafts);
    RC_ASSERT(appended.has_value() != refused);
    if (!appended) return;
    for (const auto& record : appended->records) {
      RC_ASSERT(record.seq == ++expected[tenant]);
      alive.emplace_back(tenant, record.id);
      word_of[record.id] = record.body.substr(1, record.body.size() - 2);
    }
  }
  void erase() {
    if (alive.empty()) return;
    const auto [tenant, id] = alive[static_cast<size_t>(*rc::gen::inRange(0, static_cast<int>(alive.size())))];
    auto erased = home.journal().erase_blocking(tenant, {.ids = {id}, .reason = "law"});
    RC_ASSERT(erased.has_value());
    if (erased->records.empty()) return;
    ++expected[tenant];
    for (const auto& gone : parse_own(erased->records[0].body).at("ids"))
      erased_words.insert(word_of.at(gone.get<Id>()));
  }
  void reopen() {
    home.reopen();
    open();
  }
};

RC_GTEST_PROP(Laws, ReplayEqualsLiveAndErasedLeavesNothing, ()) {
  History history;
  history.open();
  for (int steps = *rc::gen::inRange(1, 25); steps > 0; --steps) {
    switch (*rc::gen::inRange(0, 8)) {
      case 0: history.erase(); break;
      case 1: history.reopen(); break;
      default: history.append();
    }
  }
  auto& home = history.home;
  home.wait_applied();
  const auto live = tables(home.views());
  std::promise<bool> rebuilt;
  home.views().rebuild([&](Status status) { rebuilt.set_value(status.has_value()); });
  RC_ASSERT(rebuilt.get_future().get());
  RC_ASSERT(tables(home.views()) == live);
  RC_ASSERT(home.journal().purge().has_value());
  home.stop();
  const auto report = verify_journal(home.path());
  RC_ASSERT(report.has_value());
  if (!report->ok) RC_FAIL(report->problem);
  uint64_t total = 0;
  for (const auto& [tenant, seq] : history.expected) total += seq;
  RC_ASSERT(report->records == total);
  RC_ASSERT(report->erased == history.erased_words.size());
  for (const auto& file : std::filesystem::recursive_directory_iterator(home.path())) {
    if (!file.is_regular_file()) continue;
    const std::string bytes = read_file(file.path()).value();
    for (const auto& word : history.erased_words) {
      if (bytes.find(word) != std::string::npos) RC_FAIL(word + " is still in " + file.path().filename().string());
    }
  }
}

}  // namespace
}  // namespace steward::journal
