// What the forms of providers' batches share: authorised requests about a batch, answers as JSON, answers line by line.
// No redirect is followed, and nothing of a key or a body is logged or told. From an io thread.
#pragma once
#include <functional>
#include <string>

#include "base/json.h"
#include "gateway/batches/provider_batches.h"
#include "net/http_client.h"

namespace steward::gateway {

using NamedHeaders = std::vector<std::pair<std::string, std::string>>;
using AnswerTaker = std::function<Task<Status>(LineAnswer)>;

inline constexpr size_t kMaxAboutBatch = size_t{64} << 20;      // of what is told of a batch or a file
inline constexpr size_t kMostWholeAnswers = size_t{256} << 20;  // of all answers in one JSON, which is held as a tree

struct BatchQuestion {
  std::string method = "GET";
  std::string path;  // after the base URL
  std::string body = {};
  std::string content_type = "application/json";
  NamedHeaders headers = {};  // the dialect's
  size_t max_bytes = kMaxAboutBatch;
};

class BatchAsking {
 public:
  BatchAsking(const ProviderOptions& provider, net::HttpClients& clients, Clock& clock, CancelToken cancel)
      : provider_(provider), clients_(clients), clock_(clock), cancel_(std::move(cancel)) {}

  // The answer's object (an empty one where there is no body). Whatever is no 2xx is an error that tells
  // "upstream_status".
  Task<Result<Json>> ask(BatchQuestion question) const;
  // Asks for something that gets a name (id_in()).
  Task<Result<std::string>> make(BatchQuestion question, const char* name = "id") const;
  // Each answer in JSON Lines, at most kMostBatchAnswer; what `read` can't read is passed over. Stops at the first
  // error that `take` tells.
  Task<Status> each_answer(BatchQuestion question, LineReader* read, AnswerTaker take) const;

 private:
  Result<net::ClientRequest> request_of(BatchQuestion question) const;

  ProviderOptions provider_;
  net::HttpClients& clients_;
  Clock& clock_;
  CancelToken cancel_;
};

// What came of a cancellation: ok too where it was refused because the batch has ended.
Task<Status> cancelled(ProviderBatches& batches, std::string id, Result<Json> told);

std::unique_ptr<ProviderBatches> openai_batches(BatchAsking asking);
std::unique_ptr<ProviderBatches> anthropic_batches(BatchAsking asking);
std::unique_ptr<ProviderBatches> gemini_batches(BatchAsking asking);

}  // namespace steward::gateway
