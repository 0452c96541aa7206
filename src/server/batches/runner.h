// What runs a batch: the job `batch.run`, on the bulk lane, so that it yields to everybody who waits for an answer.
//
// Each line is a call of its own - key, budgets, limits, routes, metering, what is kept of its content - and its answer
// is a record before the line counts as done. What a provider takes as a batch of its own goes there (posted.h), at its
// batch price, and the job `batch.look` comes back for the answers; the rest is asked live, through the same handlers
// as any call. After a kill the job goes on with the lines that have no answer; a call that was asked live then is
// charged at its bound, as every call, and asked again. When every line has its answer, or the day is over, or somebody
// cancelled, the answers become files.
#pragma once
#include <map>
#include <set>
#include <string>

#include "server/batches/files.h"

namespace steward::server {

inline constexpr size_t kMaxBatchLines = 50'000;
inline constexpr size_t kMaxLineBytes = size_t{8} << 20;
inline constexpr size_t kLinesAtOnce = 4;
inline constexpr DurationUs kBatchWindowUs = 24 * 3600 * kSecondUs;
inline constexpr size_t kMaxBatchErrors = 100;  // told of a file that is no batch

struct BatchLine {
  std::string custom_id;
  std::string url;
  Json body;
};

// Every line of a batch's input, or what is wrong with the file: [{"code", "message", "line", "param"}].
struct BatchInput {
  std::vector<BatchLine> lines;
  Json problems = Json::array();
};
BatchInput read_batch_input(std::string_view bytes, const std::string& endpoint);

inline constexpr std::string_view kBatchRunJob = "batch.run", kBatchLookJob = "batch.look";

// A batch as it was asked for.
struct BatchOrder {
  Id id, owner, key, input_file, actor;
  std::string endpoint, input_blob;
  Json metadata;
  TimeUs created_at = 0;
};
Result<BatchOrder> read_order(const journal::Record& record);
Json batch_json(const BatchOrder& order, const BatchRow& row);
bool has_ended(std::string_view status);

// The addresses that a batch may be for, with what answers them.
using BatchTargets = std::map<std::string, Endpoint>;
void register_batch_job(Core& core);
BatchTargets batch_targets(Core& core);

}  // namespace steward::server
