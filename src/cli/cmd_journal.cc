// steward journal: verify, rebuild, export and copy.
#include <charconv>

#include "base/crypto.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/journal_place.h"
#include "cli/table.h"
#include "journal/audit.h"
#include "journal/copy.h"

namespace steward::cli {
namespace {

struct JournalOptions {
  bool json = false, without_bodies = false;
  std::vector<std::string> witnesses;
  std::optional<std::string> tenant, output, journal;
  std::string from, to;
  std::optional<int64_t> after;
};

Json head_json(const journal::Head& head) {
  return {{"tenant", head.tenant}, {"seq", head.seq}, {"digest", to_hex(head.digest)}};
}

// TENANT:SEQ:DIGEST, as verify prints it.
Result<journal::Head> witness_of(const std::string& text) {
  const size_t first = text.find(':'), second = text.find(':', first + 1);
  journal::Head head;
  if (second != std::string::npos) {
    head.tenant = text.substr(0, first);
    const auto digest = from_hex(std::string_view(text).substr(second + 1));
    const auto [end, problem] = std::from_chars(text.data() + first + 1, text.data() + second, head.seq);
    if (digest && problem == std::errc() && end == text.data() + second) {
      head.digest = *digest;
      return head;
    }
  }
  return fail(ErrorCode::kConfig,
              fmt::format("--witness takes TENANT:SEQ:DIGEST, as 'steward journal verify' prints it, not '{}'.", text));
}

int verify(const JournalOptions& options, const Context& context) {
  std::vector<journal::Head> witnesses;
  for (const auto& text : options.witnesses) {
    auto head = witness_of(text);
    if (!head) return context.failed(head.error());
    witnesses.push_back(*head);
  }
  const auto place = journal_place(context, options.journal);
  if (!place) return context.failed(place.error());
  auto report = journal::verify_journal(*place, witnesses);
  if (!report) return context.failed(report.error());
  if (options.json) {
    Json out = {{"ok", report->ok}, {"records", report->records}, {"erased", report->erased}, {"heads", Json::array()}};
    for (const auto& head : report->heads) out["heads"].push_back(head_json(head));
    if (!report->ok) out.update({{"problem", report->problem}, {"tenant", report->tenant}, {"seq", report->seq}});
    context.line(out.dump(2));
    return report->ok ? kDone : kFailed;
  }
  if (!report->ok) {
    return context.failed(Error(ErrorCode::kCorrupt, fmt::format("The chain is broken at record {} of {}: {}",
                                                                 report->seq, report->tenant, report->problem)));
  }
  context.line(fmt::format("The chain holds: {} records, {} of them erased.",
                           thousands(static_cast<int64_t>(report->records)),
                           thousands(static_cast<int64_t>(report->erased))));
  for (const auto& head : report->heads)
    context.line(fmt::format("head {}:{}:{}", head.tenant, head.seq, to_hex(head.digest)));
  context.line(context.dim("Keep the heads elsewhere; --witness HEAD then proves that nothing was cut off since."));
  return kDone;
}

int export_records(const JournalOptions& options, const Context& context) {
  const auto place = journal_place(context, options.journal);
  if (!place) return context.failed(place.error());
  FILE* out = context.out;
  if (options.output) {
    out = std::fopen(options.output->c_str(), "we");
    if (out == nullptr) return context.failed(Error(ErrorCode::kIo, fmt::format("Can't write {}.", *options.output)));
  }
  const journal::ExportOptions what{.tenant = options.tenant.value_or(""),
                                    .after = static_cast<journal::Seq>(options.after.value_or(0)),
                                    .bodies = !options.without_bodies};
  const auto done = journal::export_journal(*place, what, [&](std::string_view line) -> Status {
    const bool good = std::fwrite(line.data(), 1, line.size(), out) == line.size() && std::fputc('\n', out) != EOF;
    if (!good) return fail(ErrorCode::kIo, "The lines can't be written.");
    return {};
  });
  const bool flushed = std::fflush(out) == 0;
  if (out != context.out) std::fclose(out);
  if (!done) return context.failed(done.error());
  return flushed ? kDone : context.failed(Error(ErrorCode::kIo, "The lines can't be written."));
}

int copy(const JournalOptions& options, const Context& context) {
  const auto from = journal_place(context, options.from), to = journal_place(context, options.to);
  if (!from) return context.failed(from.error());
  if (!to) return context.failed(to.error());
  uint64_t tenths = 0;
  const auto progress = [&](uint64_t copied, uint64_t of) {
    if (options.json || of == 0 || copied * 10 / of == tenths) return;
    tenths = copied * 10 / of;
    std::fprintf(context.err, "%llu of %llu records\n", static_cast<unsigned long long>(copied),
                 static_cast<unsigned long long>(of));
  };
  const auto done = journal::copy_journal(*from, *to, progress);
  if (!done) return context.failed(done.error());
  if (options.json) {
    Json out = {{"object", "journal_copy"},
                {"records", done->records},
                {"found", done->found},
                {"blobs", done->blobs},
                {"heads", Json::array()}};
    for (const auto& head : done->heads) out["heads"].push_back(head_json(head));
    context.line(out.dump(2));
    return kDone;
  }
  context.line(fmt::format("{} records copied, {} were there already; the whole chain holds.",
                           thousands(static_cast<int64_t>(done->records)),
                           thousands(static_cast<int64_t>(done->found))));
  for (const auto& head : done->heads)
    context.line(fmt::format("head {}:{}:{}", head.tenant, head.seq, to_hex(head.digest)));
  context.line(
      context.dim("The source is as it was. Point journal.url at the target (or away from PostgreSQL), and keep "
                  "only one of the two in use."));
  return kDone;
}

int rebuild(const JournalOptions& options, const Context& context) {
  auto client = Client::connect(context);
  if (!client) return context.failed(client.error());
  auto done = (*client)->post("/admin/v1/journal/rebuild", Json::object());
  if (!done) return context.failed(done.error());
  if (options.json) {
    context.line(done->dump(2));
  } else {
    context.line(
        fmt::format("Every view was folded anew from {} records.", thousands(done->value("records", int64_t{0}))));
  }
  return kDone;
}

}  // namespace

void add_journal(Command& program, const Context& context) {
  auto options = std::make_shared<JournalOptions>();
  Command journal_command = program.sub("journal", "Verify, rebuild and export the journal.");
  journal_command.describe("Verify and export read beside a running server.");
  journal_command.needs_sub();
  Command verify_command = journal_command.sub("verify", "Check the whole chain of digests.");
  verify_command.examples("steward journal verify   # says which record breaks the chain, if one does");
  verify_command
      .option("--journal", options->journal, "Another than the configured one: postgres://…, or a home", "WHERE")
      .option("--witness", options->witnesses,
              "A head kept from an earlier verify: it must still be in the chain; repeat for more", "TENANT:SEQ:DIGEST")
      .flag("--json", options->json, "Print JSON")
      .run([options, &context] { return verify(*options, context); });
  Command rebuild_command =
      journal_command.sub("rebuild", "Fold every view from nothing; the old tables serve meanwhile.");
  rebuild_command.examples("steward journal rebuild   # then steward journal verify");
  rebuild_command.flag("--json", options->json, "Print JSON").run([options, &context] {
    return rebuild(*options, context);
  });
  Command copy_command = journal_command.sub("copy", "Copy the whole journal to another store, and verify it there.");
  copy_command
      .describe(
          "FROM and TO are 'home' (journal.db of this home), the folder of another home, or a postgres:// address. "
          "Records\n"
          "keep their ids, order and digests. No server may run on either end. The target must be empty, or hold the\n"
          "beginning of the same history: a copy that was cut off goes on. Exit code 1 if anything is refused or does "
          "not verify.")
      .argument("FROM", options->from, "The source, which stays as it is")
      .argument("TO", options->to, "The target")
      .flag("--json", options->json, "Print JSON")
      .examples(
          "steward journal copy home postgres://steward@db.example/steward\n"
          "steward journal copy postgres://steward@db.example/steward home")
      .run([options, &context] { return copy(*options, context); });
  Command export_command =
      journal_command.sub("export", "Print every record as a JSON line, with all that the chain needs.");
  export_command
      .option("--journal", options->journal, "Another than the configured one: postgres://…, or a home", "WHERE")
      .option("--tenant", options->tenant, "Only this organisation", "ID")
      .option("--after", options->after, "Only records after this seq")
      .option("-o,--output", options->output, "Write to this file", "FILE")
      .flag("--without-bodies", options->without_bodies, "Leave the bodies out; the lines still chain")
      .examples("steward journal export > journal.jsonl\nsteward journal export --without-bodies --after 1000")
      .run([options, &context] { return export_records(*options, context); });
}

}  // namespace steward::cli
