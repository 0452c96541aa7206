// OpenAI's form: a file of lines, a batch of that file, a file of answers and one of errors.
// https://platform.openai.com/docs/api-reference/batch
#include <fmt/format.h>

#include "gateway/batches/batch_asking.h"

namespace steward::gateway {
namespace {

constexpr std::string_view kBoundary = "steward-batch-5b1d0c3e9f7a4826";
constexpr std::string_view kVersion = "/v1";  // of a line's url and the batch's endpoint, whatever the base URL has

std::string line_of(const PostedLine& line, const std::string& path) {
  return fmt::format(R"({{"custom_id":{},"method":"POST","url":{},"body":{}}})", dump(line.id),
                     dump(std::string(kVersion) + path), line.body) +
         "\n";
}

// multipart/form-data (RFC 7578). No line begins with the boundary: each begins with a bracket, and JSON escapes line
// ends.
std::string form_of(const std::string& lines) {
  std::string out = fmt::format("--{}\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n", kBoundary);
  out += fmt::format("--{}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"lines.jsonl\"\r\n", kBoundary);
  out += "Content-Type: application/jsonl\r\n\r\n";
  out += lines;
  out += fmt::format("\r\n--{}--\r\n", kBoundary);
  return out;
}

class OpenAiBatches final : public ProviderBatches {
 public:
  explicit OpenAiBatches(BatchAsking asking) : asking_(std::move(asking)) {}

  Task<Result<std::string>> post(const UpstreamPath& path, const std::string&, std::vector<PostedLine> lines) override {
    std::string sent;
    for (const PostedLine& line : lines) sent += line_of(line, path.path);
    auto file = co_await asking_.make({.method = "POST",
                                       .path = "/files",
                                       .body = form_of(sent),
                                       .content_type = fmt::format("multipart/form-data; boundary={}", kBoundary)});
    if (!file) co_return fail(std::move(file.error()));
    const Json order = {
        {"input_file_id", *file}, {"endpoint", std::string(kVersion) + path.path}, {"completion_window", "24h"}};
    auto batch = co_await asking_.make({.method = "POST", .path = "/batches", .body = dump(order)});
    if (!batch) co_await remove(*file);
    co_return batch;
  }

  Task<Result<BatchState>> look(const std::string& id) override {
    auto batch = co_await asking_.ask({.path = "/batches/" + id});
    if (!batch) co_return fail(std::move(batch.error()));
    co_return read_openai_batch(*batch);
  }

  Task<Status> each_answer(const std::string&, const BatchState& state, AnswerTaker take) override {
    for (const char* name : {"output_file_id", "error_file_id"}) {
      const std::string file = text_of(state.at, name);
      if (file.empty()) continue;
      auto read = co_await asking_.each_answer({.path = "/files/" + file + "/content"}, read_openai_line, take);
      if (!read) co_return read;
    }
    co_return Status{};
  }

  Task<Status> cancel(const std::string& id) override {
    auto told = co_await asking_.ask({.method = "POST", .path = "/batches/" + id + "/cancel"});
    co_return co_await cancelled(*this, id, std::move(told));
  }

  Task<void> forget(const std::string&, const BatchState& state) override {
    for (const char* name : {"input_file_id", "output_file_id", "error_file_id"})
      co_await remove(text_of(state.at, name));
  }

 private:
  Task<void> remove(const std::string& file) {
    if (!file.empty()) (void)co_await asking_.ask({.method = "DELETE", .path = "/files/" + file});
  }

  BatchAsking asking_;
};

}  // namespace

std::unique_ptr<ProviderBatches> openai_batches(BatchAsking asking) {
  return std::make_unique<OpenAiBatches>(std::move(asking));
}

}  // namespace steward::gateway
