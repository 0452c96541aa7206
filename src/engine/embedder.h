// Texts into vectors: NFKC, white space collapsed, the prefix of the e5 family, windows over what one pass takes,
// averaged by their length.
//
// Over 512 tokens the embedder's process would answer with an error, so a text that may be longer is counted first and
// cut at token borders. A text's tokens are never more than its bytes, so short ones need no counting.
#pragma once
#include "engine/asking.h"
#include "engine/supervisor.h"

namespace steward::engine {

inline constexpr size_t kMaxInputs = 2048;             // of one call, as OpenAI's API has it
inline constexpr int64_t kMaxInputTokens = 200'000;    // of one text: some hundred windows
inline constexpr size_t kMaxInputBytes = 1024 * 1024;  // of one text

class Embedder {
 public:
  Embedder(Supervisor& supervisor, net::HttpClients& clients) : supervisor_(supervisor), clients_(clients) {}
  Task<Result<Embeddings>> embed(std::string model, std::vector<std::string> inputs, InputType type, Deadline deadline,
                                 CancelToken cancel);
  Task<Result<int64_t>> count(std::string model, std::vector<std::string> inputs, InputType type, Deadline deadline);

 private:
  struct Pass {  // one window of one text
    size_t input;
    Json content;  // a text or its tokens
    int64_t weight;
  };
  Result<std::vector<std::string>> prepare(const std::string& model, const std::vector<std::string>& inputs,
                                           InputType type) const;
  Task<Result<std::vector<int64_t>>> tokens(std::shared_ptr<Lease> lease, std::string text, Deadline deadline,
                                            CancelToken cancel);
  Task<Result<std::vector<Pass>>> passes(std::shared_ptr<Lease> lease, std::vector<std::string> texts,
                                         Deadline deadline, CancelToken cancel);
  Task<Status> run(std::shared_ptr<Lease> lease, std::vector<Pass> passes, Embeddings& out, Deadline deadline,
                   CancelToken cancel);
  Task<Result<Embeddings>> embed_once(std::shared_ptr<Lease> lease, std::vector<std::string> texts, Deadline deadline,
                                      CancelToken cancel);

  Supervisor& supervisor_;
  net::HttpClients& clients_;
};

// The windows of a text given by its tokens: [first] prefix part [last], each at most `window` long. `tokens` begins
// with the model's first token and the prefix's, and ends with its last. Pure.
std::vector<std::vector<int64_t>> cut_windows(const std::vector<int64_t>& tokens, size_t prefix, int64_t window);
void normalise(std::vector<float>& vector);  // to length 1; a zero vector stays

}  // namespace steward::engine
