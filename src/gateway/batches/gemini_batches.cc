// Gemini's form: an operation over inlined requests, whose answers come inlined too, in one JSON; of embeddings a
// request for each text. https://ai.google.dev/api/batch-api
#include <fmt/format.h>

#include "gateway/batches/batch_asking.h"

namespace steward::gateway {
namespace {

std::string request_of(const std::string& body, const std::string& id) {
  return fmt::format(R"({{"request":{},"metadata":{{"key":{}}}}})", body, dump(id));
}

// Of a line in the form of batchEmbedContents: each of its texts is a request there.
std::string texts_of(const PostedLine& line) {
  const Json body = read_own(line.body);
  const Json& requests = member_of(body, "requests");
  std::string out;
  for (size_t text = 0; text < requests.size(); ++text) {
    if (text > 0) out += ',';
    out += request_of(dump(requests[text]), gemini_text_id(line.id, text, requests.size()));
  }
  return out;
}

class GeminiBatches final : public ProviderBatches {
 public:
  explicit GeminiBatches(BatchAsking asking) : asking_(std::move(asking)) {}

  Task<Result<std::string>> post(const UpstreamPath& path, const std::string&, std::vector<PostedLine> lines) override {
    std::string body = R"({"batch":{"display_name":"steward","input_config":{"requests":{"requests":[)";
    const size_t at = path.path.rfind(':');  // of "/models/M:generateContent"
    const bool vectors = path.path.substr(at) == ":batchEmbedContents";
    for (const PostedLine& line : lines) {
      if (&line != &lines.front()) body += ',';
      body += vectors ? texts_of(line) : request_of(line.body, line.id);
    }
    body += "]}}}}";
    const char* method = vectors ? ":asyncBatchEmbedContent" : ":batchGenerateContent";
    co_return co_await asking_.make(
        {.method = "POST", .path = path.path.substr(0, at) + method, .body = std::move(body)}, "name");  // "batches/…"
  }

  // With its end come the answers.
  Task<Result<BatchState>> look(const std::string& id) override {
    auto operation = co_await asking_.ask({.path = "/" + id, .max_bytes = kMostWholeAnswers});
    if (!operation) co_return fail(std::move(operation.error()));
    co_return read_gemini_batch(std::move(*operation));
  }

  Task<Status> each_answer(const std::string&, const BatchState& state, AnswerTaker take) override {
    const bool vectors = member_of(state.at, "vectors") == true;  // several may be of one line, so places say nothing
    const bool by_place = !vectors && member_of(state.at, "by_place") == true;
    GeminiVectorLines texts;
    size_t next = 0;
    for (const Json& one : member_of(state.at, "answers")) {
      const auto place = by_place ? std::optional(next) : std::nullopt;
      auto answer = vectors ? texts.add(one) : read_gemini_answer(one, place);
      ++next;
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
