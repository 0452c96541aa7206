// Anthropic's form: a Message Batch of requests; its answers are JSON Lines, in any order.
// https://docs.anthropic.com/en/api/creating-message-batches
#include <fmt/format.h>

#include "gateway/batches/batch_asking.h"

namespace steward::gateway {
namespace {

constexpr std::string_view kPath = "/messages/batches";

class AnthropicBatches final : public ProviderBatches {
 public:
  explicit AnthropicBatches(BatchAsking asking) : asking_(std::move(asking)) {}

  Task<Result<std::string>> post(const UpstreamPath& path, const std::string&, std::vector<PostedLine> lines) override {
    std::string body = R"({"requests":[)";
    for (const PostedLine& line : lines) {
      if (&line != &lines.front()) body += ',';
      body += fmt::format(R"({{"custom_id":{},"params":{}}})", dump(line.id), line.body);
    }
    body += "]}";
    co_return co_await asking_.make(
        {.method = "POST", .path = std::string(kPath), .body = std::move(body), .headers = path.headers});
  }

  Task<Result<BatchState>> look(const std::string& id) override {
    auto batch = co_await asking_.ask({.path = path_of(id)});
    if (!batch) co_return fail(std::move(batch.error()));
    co_return read_anthropic_batch(*batch);
  }

  // At the address that we know, whatever `results_url` says: the key goes nowhere else.
  Task<Status> each_answer(const std::string& id, const BatchState&, AnswerTaker take) override {
    co_return co_await asking_.each_answer({.path = path_of(id) + "/results"}, read_anthropic_line, std::move(take));
  }

  Task<Status> cancel(const std::string& id) override {
    auto told = co_await asking_.ask({.method = "POST", .path = path_of(id) + "/cancel"});
    co_return co_await cancelled(*this, id, std::move(told));
  }

  Task<void> forget(const std::string& id, const BatchState&) override {
    (void)co_await asking_.ask({.method = "DELETE", .path = path_of(id)});
  }

 private:
  static std::string path_of(const std::string& id) { return fmt::format("{}/{}", kPath, id); }

  BatchAsking asking_;
};

}  // namespace

std::unique_ptr<ProviderBatches> anthropic_batches(BatchAsking asking) {
  return std::make_unique<AnthropicBatches>(std::move(asking));
}

}  // namespace steward::gateway
