// What is written down of a batch as it goes on: its state, its lines' answers, what of it is with a provider.
#pragma once
#include <set>

#include "gateway/batched.h"
#include "server/batches/batch_view.h"
#include "server/batches/line_call.h"

namespace steward::server {

struct SentLine {
  size_t line = 0;
  gateway::PostedCall call;
};

// Lines that are in one batch at a provider.
struct Sent {
  Id record;
  std::string provider, batch;  // as configured here; the provider's id
  TimeUs at = 0;
  std::vector<SentLine> lines;
};

class BatchKeeping {
 public:
  BatchKeeping(Core& core, Id tenant, Id batch) : core_(core), tenant_(std::move(tenant)), id_(std::move(batch)) {}

  // The batch was read, of so many lines.
  void begin(BatchOrder order, size_t lines) { order_ = std::move(order), total_ = lines; }
  const BatchOrder& order() const { return order_; }
  const Id& tenant() const { return tenant_; }
  const Id& id() const { return id_; }
  size_t total() const { return total_; }
  TimeUs until_of_content() const;  // 0: for as long as nobody erases it

  // Written, from an io thread.
  Task<Status> change(std::string status, Json more = Json::object());
  Task<Status> keep(size_t line, Answered answer);
  Task<Status> sent(std::string provider, std::string batch, const std::vector<SentLine>& lines);
  Task<Status> taken(Id sent);  // every answer that a provider's batch has is kept

  // Read, from a thread that may wait.
  Result<BatchRow> row() const;
  std::vector<std::pair<int64_t, Id>> answers() const;
  Result<std::vector<Sent>> sent(bool open_alone) const;  // `open_alone`: those whose answers are still to be taken

 private:
  Task<Status> append(journal::Draft draft, journal::Wait wait = journal::Wait::kWritten);
  journal::Draft draft(std::string_view kind, const Json& body) const;

  Core& core_;
  Id tenant_, id_;
  BatchOrder order_;
  size_t total_ = 0;
};

}  // namespace steward::server
