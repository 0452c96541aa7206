// Fuzzes what reads journals from outside bytes: an exported line, the body of `record.erased`, a line of erasures.log,
// the list of sources. What is taken must survive being written and read again, and check against the chain without a
// crash.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "journal/audit.h"
#include "journal/erasure.h"
#include "journal/schema.h"

namespace {

void check_line(std::string_view line) {
  auto record = steward::journal::parse_export_line(line);
  if (!record) return;
  steward::journal::ChainChecker checker;
  (void)checker.check(*record, true);
  (void)checker.first_unexplained(record->tenant);
  const bool with_body = record->erased || !record->salt.empty();
  const std::string written = steward::journal::to_export_line(*record, with_body);
  auto again = steward::journal::parse_export_line(written);
  if (!again || again->seq != record->seq || again->stream != record->stream || again->digest != record->digest ||
      again->version != record->version || again->schema != record->schema || again->time != record->time)
    std::abort();
  if (!record->erased && !record->salt.empty() && again->body != record->body) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_line(text);
  steward::journal::Record erased;
  erased.kind = steward::journal::kErasedKind;
  erased.body = text;
  (void)steward::journal::erased_seqs(erased);
  const auto sources = steward::journal::split_sources(text);
  if (steward::journal::split_sources(steward::journal::join_sources(sources)).size() > sources.size()) std::abort();
  return 0;
}
