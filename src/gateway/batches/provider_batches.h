// A provider's own batches: calls handed over together, answered within a day at its batch price. One small class a
// form (OpenAI's, Anthropic's, Gemini's); it says how a batch is posted, looked at, read, cancelled and taken away, and
// knows neither ledger nor journal. What the provider says is read in batch_lines.h. A provider is asked from an io
// thread.
//
//   post() → look() until it has ended → each_answer() → forget()
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gateway/batches/batch_lines.h"
#include "gateway/dialects/dialect.h"
#include "gateway/gateway.h"

namespace steward::gateway {

inline constexpr size_t kMostPostedAnswers = 1'000;            // of one batch at a provider
inline constexpr size_t kMostPostedBytes = size_t{16} << 20;   // of their bodies: Gemini takes 20 MB in one request
inline constexpr size_t kMostBatchAnswer = size_t{512} << 20;  // of all answers of one batch

struct PostedLine {
  std::string id;    // "line-12", unique in its batch
  std::string body;  // JSON, as the provider's dialect wrote it for a live call that is not streamed
};

class ProviderBatches {
 public:
  virtual ~ProviderBatches() = default;
  // The provider's id of the batch. `path`, `model`: where and with what each line would be asked live; `lines` in the
  // order of their numbers. A refusal's details tell "upstream_status"; 404, 405 and 501 mean that there are no batches
  // at this address.
  virtual Task<Result<std::string>> post(const UpstreamPath& path, const std::string& model,
                                         std::vector<PostedLine> lines) = 0;
  virtual Task<Result<BatchState>> look(const std::string& id) = 0;
  // Each line's answer, in whatever order they come. Stops at the first error that `take` tells.
  virtual Task<Status> each_answer(const std::string& id, const BatchState& state,
                                   std::function<Task<Status>(LineAnswer)> take) = 0;
  virtual Task<Status> cancel(const std::string& id) = 0;  // ok also where it had ended
  // Takes the files of an ended batch away from the provider. What can't be taken away is left: it goes in its time.
  virtual Task<void> forget(const std::string& id, const BatchState& state) = 0;
};

// Null: the provider has none (its row of base/providers.def says so).
std::unique_ptr<ProviderBatches> batches_of(const ProviderOptions& provider, net::HttpClients& clients, Clock& clock,
                                            CancelToken cancel);

}  // namespace steward::gateway
