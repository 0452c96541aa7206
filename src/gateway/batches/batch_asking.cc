#include "gateway/batches/batch_asking.h"

#include "base/json_bounded.h"
#include "gateway/providers/auth.h"
#include "gateway/upstream.h"

namespace steward::gateway {
namespace {

constexpr std::chrono::minutes kLongest{5};  // of one request: a posting of 16 MB, a reading of all answers
constexpr size_t kMaxRefusalBytes = size_t{64} << 10;

bool is_good(int status) { return status >= 200 && status < 300; }

std::string name_of(const BatchQuestion& question) { return question.method + " " + question.path; }

Error refusal(const std::string& asked, int status, std::string_view body, const net::Headers& headers) {
  Error error = upstream_refusal(status, body, headers, false);
  error.message = fmt::format("The provider answered {} to {}: {}", status, asked, reason_of(body));
  if (status >= 300 && status < 400)
    error.message = fmt::format(
        "The provider answered {} to {}, a redirect, which is not followed: set its base_url to the address where it "
        "leads.",
        status, asked);
  return error;
}

// Of a stream that is no good answer.
Task<Error> read_refusal(std::string asked, net::ClientStream& stream) {
  std::string body;
  while (body.size() < kMaxRefusalBytes) {
    auto bytes = co_await stream.read();
    if (!bytes || !*bytes) break;
    body += **bytes;
  }
  co_return refusal(asked, stream.status(), body, stream.headers());
}

}  // namespace

Result<net::ClientRequest> BatchAsking::request_of(BatchQuestion question) const {
  net::ClientRequest request{.method = std::move(question.method),
                             .url = provider_.base_url + question.path,
                             .body = std::move(question.body),
                             .max_response_bytes = question.max_bytes,
                             .cancel = cancel_};
  request.deadlines = {
      .connect = provider_.deadlines.connect, .first_byte = kLongest, .between_bytes = kLongest, .total = kLongest};
  request.guard = provider_.guard;
  if (!request.body.empty()) request.headers.add("Content-Type", question.content_type);
  for (const auto& [name, value] : question.headers) request.headers.add(name, value);
  if (auto ok =
          authorize(request, provider_.profile, {.key = provider_.key, .region = provider_.region}, clock_.now_us());
      !ok)
    return fail(std::move(ok.error()));
  return request;
}

Task<Result<Json>> BatchAsking::ask(BatchQuestion question) const {
  const std::string asked = name_of(question);
  auto request = request_of(std::move(question));
  if (!request) co_return fail(std::move(request.error()));
  auto answer = co_await clients_.here().fetch(std::move(*request));
  if (!answer) co_return fail(std::move(answer.error()));
  if (!is_good(answer->status)) co_return fail(refusal(asked, answer->status, answer->body, answer->headers));
  if (answer->body.empty()) co_return Json::object();
  auto json = parse_json(answer->body, {.max_depth = kMaxForeignDepth, .allow_duplicate_keys = true});
  if (json && json->is_object()) co_return std::move(*json);
  co_return fail(ErrorCode::kUpstreamError, fmt::format("The provider answered {} with no JSON object.", asked));
}

Task<Result<std::string>> BatchAsking::make(BatchQuestion question, const char* name) const {
  const std::string asked = name_of(question);
  auto made = co_await ask(std::move(question));
  if (!made) co_return fail(std::move(made.error()));
  if (std::string id = id_in(*made, name); !id.empty()) co_return id;
  co_return fail(ErrorCode::kUpstreamError,
                 fmt::format("The provider took {} and gave it no name that can be used.", asked));
}

Task<Status> BatchAsking::each_answer(BatchQuestion question, LineReader* read, AnswerTaker take) const {
  const std::string asked = name_of(question);
  question.max_bytes = kMostBatchAnswer;
  auto request = request_of(std::move(question));
  if (!request) co_return fail(std::move(request.error()));
  auto stream = co_await clients_.here().open(std::move(*request));
  if (!stream) co_return fail(std::move(stream.error()));
  if (!is_good((*stream)->status())) co_return fail(co_await read_refusal(asked, **stream));
  JsonLines lines(kMaxAnswerBytes);
  for (bool more = true; more;) {
    auto bytes = co_await (*stream)->read();
    if (!bytes) co_return fail(std::move(bytes.error()));
    more = bytes->has_value();
    if (more)
      lines.add(**bytes);
    else
      lines.end();
    while (auto line = lines.next()) {
      auto answer = read(*line);
      if (!answer) continue;
      if (auto ok = co_await take(std::move(*answer)); !ok) co_return ok;
    }
  }
  co_return Status{};
}

Task<Status> cancelled(ProviderBatches& batches, std::string id, Result<Json> told) {
  if (told) co_return Status{};
  auto state = co_await batches.look(id);
  if (state && state->ended) co_return Status{};
  co_return fail(std::move(told.error()));
}

std::unique_ptr<ProviderBatches> batches_of(const ProviderOptions& provider, net::HttpClients& clients, Clock& clock,
                                            CancelToken cancel) {
  BatchAsking asking(provider, clients, clock, std::move(cancel));
  switch (provider.profile.quirks.batches) {
    case Batches::kOpenAi: return openai_batches(std::move(asking));
    case Batches::kAnthropic: return anthropic_batches(std::move(asking));
    case Batches::kGemini: return gemini_batches(std::move(asking));
    case Batches::kNone: break;
  }
  return nullptr;
}

}  // namespace steward::gateway
