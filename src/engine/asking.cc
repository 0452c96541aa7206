#include "engine/asking.h"

#include "base/json_bounded.h"

namespace steward::engine {

Task<Result<Json>> ask(net::HttpClients& clients, std::shared_ptr<Lease> lease, std::string path, Json body,
                       Deadline deadline, CancelToken cancel) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline.left());
  net::ClientRequest request;
  request.method = "POST";
  request.url = "http://localhost" + path;
  request.unix_socket = lease->socket();
  request.headers.set("content-type", "application/json");
  request.body = dump(body);
  request.deadlines = {std::chrono::milliseconds(2000), left, left, left};
  request.cancel = std::move(cancel);
  auto answer = co_await clients.here().fetch(std::move(request));
  if (!answer) {
    const bool ours =
        answer.error().code == ErrorCode::kCancelled || answer.error().code == ErrorCode::kUpstreamTimeout;
    co_return ours ? fail(answer.error()) : fail(ErrorCode::kEngineFailed, "The local model's process did not answer.");
  }
  Json parsed = parse_bounded(answer->body);
  if (answer->status >= 400) {
    std::string words = "The local model's process refused the input.";
    const auto pointed = "/error/message"_json_pointer;
    if (parsed.is_object() && parsed.contains(pointed) && parsed[pointed].is_string())
      words = parsed[pointed].get<std::string>();
    co_return fail(answer->status < 500 ? ErrorCode::kInvalidRequest : ErrorCode::kEngineFailed, words);
  }
  if (parsed.is_discarded())
    co_return fail(ErrorCode::kEngineFailed, "The local model's process answered with something that is no JSON.");
  co_return parsed;
}

}  // namespace steward::engine
