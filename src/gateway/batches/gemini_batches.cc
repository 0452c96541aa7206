// Gemini's form: an operation over inlined requests, whose answers come inlined too, in one JSON.
// https://ai.google.dev/api/batch-api
#include <fmt/format.h>

#include "gateway/batches/batch_asking.h"

namespace steward::gateway {
namespace {

class GeminiBatches final : public ProviderBatches {
 public:
  explicit GeminiBatches(BatchAsking asking) : asking_(std::move(asking)) {}

  Task<Result<std::string>> post(const UpstreamPath& path, const std::string&, std::vector<PostedLine> lines) override {
    std::string body = R"({"batch":{"display_name":"steward","input_config":{"requests":{"requests":[)";
    for (const PostedLine& line : lines) {
      if (&line != &lines.front()) body += ',';
      body += fmt::format(R"({{"request":{},"metadata":{{"key":{}}}}})", line.body, dump(line.id));
    }
    body += "]}}}}";
    const std::string model = path.path.substr(0, path.path.rfind(':'));  // "/models/M" of "/models/M:generateContent"
    co_return co_await asking_.make(
        {.method = "POST", .path = model + ":batchGenerateContent", .body = std::move(body)}, "name");  // "batches/…"
  }

  // With its end come the answers.
  Task<Result<BatchState>> look(const std::string& id) override {
    auto operation = co_await asking_.ask({.path = "/" + id, .max_bytes = kMostWholeAnswers});
    if (!operation) co_return fail(std::move(operation.error()));
    co_return read_gemini_batch(std::move(*operation));
  }

  Task<Status> each_answer(const std::string&, const BatchState& state, AnswerTaker take) override {
    const bool by_place = member_of(state.at, "by_place") == true;
    size_t place = 0;
    for (const Json& one : member_of(state.at, "answers")) {
      auto answer = read_gemini_answer(one, by_place ? std::optional(place) : std::nullopt);
      ++place;
      if (!answer) continue;
      if (auto ok = co_await take(std::move(*answer)); !ok) co_return ok;
    }
    co_return Status{};
  }

  Task<Status> cancel(const std::string& id) override {
    auto told = co_await asking_.ask({.method = "POST", .path = fmt::format("/{}:cancel", id), .body = "{}"});
    co_return co_await cancelled(*this, id, std::move(told));
  }

  Task<void> forget(const std::string& id, const BatchState&) override {
    (void)co_await asking_.ask({.method = "DELETE", .path = "/" + id});
  }

 private:
  BatchAsking asking_;
};

}  // namespace

std::unique_ptr<ProviderBatches> gemini_batches(BatchAsking asking) {
  return std::make_unique<GeminiBatches>(std::move(asking));
}

}  // namespace steward::gateway
