#include "server/batches/line_asked.h"

#include "gateway/conversations/responses_api.h"

namespace steward::server {
namespace {

template <class T>
const T& call_of(const T& asked) {
  return asked;
}
const gateway::Asked& call_of(const std::shared_ptr<gateway::Turn>& turn) { return turn->asked; }

template <class T>
Result<LineAsked> as_line(Result<T> read) {
  if (!read) return fail(std::move(read.error()));
  return LineAsked(std::move(*read));
}

}  // namespace

Task<Result<LineAsked>> read_line_call(Core& core, identity::Caller caller, const net::Request& request,
                                       const gateway::PostedCall* posted) {
  const gateway::Dialect dialect = gateway::dialect_of_path(request.path);
  const bool vectors = request.path == "/v1/embeddings", text = request.path == "/v1/completions";
  if (!vectors && !text && dialect != gateway::Dialect::kResponses)
    co_return as_line(gateway::read_call(dialect, request));
  auto body = parse_json(request.body);
  if (!body) co_return fail(std::move(body.error()));
  if (vectors) co_return as_line(gateway::read_embedding(std::move(*body)));
  if (text) co_return as_line(gateway::read_completion(std::move(*body)));
  auto turn =
      posted ? co_await core.responses->answered_line(std::move(caller), std::move(*body), request.headers, *posted)
             : co_await core.responses->line(std::move(caller), std::move(*body), request.headers);
  co_return as_line(std::move(turn));
}

Task<Result<std::optional<gateway::Posting>>> post_line(gateway::Services& services, identity::Caller caller,
                                                        const LineAsked& asked, const net::Headers& headers,
                                                        DurationUs longest) {
  return std::visit(
      [&](const auto& one) { return gateway::post_call(services, std::move(caller), call_of(one), headers, longest); },
      asked);
}

Task<void> answer_line(gateway::Services& services, identity::Caller caller, const LineAsked& asked,
                       gateway::PostedCall posted, gateway::LineAnswer answer, net::Request& request,
                       net::Responder& responder) {
  return std::visit(
      [&](const auto& one) {
        return gateway::answer_posted(services, std::move(caller), call_of(one), std::move(posted), std::move(answer),
                                      request, responder);
      },
      asked);
}

}  // namespace steward::server
