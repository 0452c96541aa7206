// Looking at the whole chain from outside: verify, and export as JSON lines. Both open their own read-only connection
// and may run beside the server; neither holds more than a page of records in memory. Any thread that may block.
//
// What verify finds: a changed body, header or order; a missing record; a tail cut off against the head row; a record
// whose content is gone without a `record.erased` that names it; indexes that disagree with the table. What it can't
// find alone is a tail cut off together with its head row: for that, hand the head (tenant, seq, digest) to an outside
// witness and give it back to verify.
#pragma once
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "journal/location.h"
#include "journal/record.h"

namespace steward::journal {

struct Head {
  Id tenant;
  Seq seq = 0;
  std::string digest;  // 32 raw bytes
};

struct VerifyReport {
  bool ok = true;
  uint64_t records = 0;
  uint64_t erased = 0;
  std::vector<Head> heads;
  // The first bad record, if one is.
  Id tenant;
  Seq seq = 0;
  std::string problem;
};

// `witnessed`: heads kept elsewhere; each must still be in the chain.
Result<VerifyReport> verify_journal(const Location& location, const std::vector<Head>& witnessed = {});

struct ExportOptions {
  Id tenant;  // empty: all
  Seq after = 0;
  bool bodies = true;  // with body and salt; without, the lines still chain by body_digest
};
// One line (without its end) after another to `sink`, whose error ends the export. The body is a JSON string of the
// stored text, so that its bytes, which the digest covers, come through any reader; null once erased. Salt and digests
// are hexadecimal, the time is in microseconds. Stored form: nothing is lifted to newer schemas.
Status export_journal(const Location& location, const ExportOptions& options,
                      const std::function<Status(std::string_view line)>& sink);

std::string to_export_line(const Record& record, bool with_body);
Result<Record> parse_export_line(std::string_view line);  // of outside bytes: any line is answered, none is trusted

// Checks a chain handed record by record, as read from a journal or from an exported file.
class ChainChecker {
 public:
  ChainChecker();
  ~ChainChecker();
  // Empty, or what is wrong with this record.
  std::string check(const Record& record, bool with_body);
  // After the last, if bodies came: the first erased record that no `record.erased` names. 0: none.
  Seq first_unexplained(const Id& tenant) const;
  Head head(const Id& tenant) const;  // seq 0 if no record of it came

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace steward::journal
