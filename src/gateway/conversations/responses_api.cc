#include "gateway/conversations/responses_api.h"

#include <charconv>

#include "gateway/peek.h"
#include "gateway/serve.h"
#include "net/sse.h"

namespace steward::gateway {
namespace {

Task<void> refuse_it(Services& services, net::Request& request, net::Responder& responder, Error error) {
  co_await refuse(services, Dialect::kResponses, request, responder, std::move(error));
}

Task<void> answer(net::Responder& responder, Json body) {
  (void)co_await responder.send(200, "application/json", dump(body));
}

// The number of the event after which a stream goes on; nullopt: garbage.
std::optional<size_t> first_event(const net::Request& request) {
  const auto found = request.query.find("starting_after");
  if (found == request.query.end() || found->second.empty()) return 0;
  int64_t number = 0;
  const std::string& text = found->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
  return static_cast<size_t>(number) + 1;
}

}  // namespace

ResponsesApi::ResponsesApi(Services& services, BlobDisk disk, net::IoThreads& threads)
    : services_(services),
      responses_(services, std::move(disk)),
      conversations_(services, responses_),
      turns_(services, responses_, conversations_),
      background_(services, responses_, turns_, threads) {}

Task<Result<std::shared_ptr<Turn>>> ResponsesApi::line(Caller caller, Json body, const net::Headers& headers) {
  co_return co_await turns_.prepare(std::move(caller), std::move(body), headers, nullptr, nullptr);
}

// Its id is the call's, so that an answer that is taken again after a kill is not kept twice. If what it went on from
// is gone, it is answered all the same - it was made, and is paid - and kept nowhere.
Task<Result<std::shared_ptr<Turn>>> ResponsesApi::answered_line(Caller caller, Json body, const net::Headers& headers,
                                                                const PostedCall& posted) {
  const MadeAnew again{.id = "resp_" + posted.call.substr(posted.call.find('_') + 1),
                       .created_at = posted.at / kSecondUs};
  const bool kept = (co_await responses_.find(caller, again.id)).has_value();
  auto turn = co_await turns_.prepare(caller, body, headers, &again, nullptr);
  if (!turn && body.is_object()) {
    for (const char* name : {"previous_response_id", "conversation"}) body.erase(name);
    body["store"] = false;
    turn = co_await turns_.prepare(std::move(caller), std::move(body), headers, &again, nullptr);
  }
  if (turn && kept) (*turn)->asked.answered = nullptr;
  co_return turn;
}

Task<void> ResponsesApi::create(Caller caller, net::Request& request, net::Responder& responder) {
  auto body = parse_json(request.body);
  if (!body) co_return co_await refuse_it(services_, request, responder, std::move(body.error()));
  if (peek(*body, "background") == true)
    co_return co_await create_background(std::move(caller), std::move(*body), request, responder);
  auto turn = co_await turns_.prepare(caller, std::move(*body), request.headers, nullptr, nullptr);
  if (!turn) co_return co_await refuse_it(services_, request, responder, std::move(turn.error()));
  const std::shared_ptr<Turn> held = *turn;
  co_await serve(services_, std::move(caller), std::move(held->asked), request, responder);
}

Task<void> ResponsesApi::count(Caller caller, net::Request& request, net::Responder& responder) {
  auto body = parse_json(request.body);
  if (!body) co_return co_await refuse_it(services_, request, responder, std::move(body.error()));
  auto turn = co_await turns_.prepare(caller, std::move(*body), request.headers, nullptr, nullptr);
  if (!turn) co_return co_await refuse_it(services_, request, responder, std::move(turn.error()));
  co_await serve_count(services_, std::move(caller), std::move((*turn)->asked), request, responder);
}

Task<void> ResponsesApi::create_background(Caller caller, Json body, net::Request& request, net::Responder& responder) {
  const Json asked = body;
  const bool streamed = peek(body, "stream") == true;
  body["stream"] = true;  // so that it can be followed, and is seen to be alive
  auto prepared = co_await turns_.prepare(caller, std::move(body), request.headers, nullptr, nullptr);
  if (!prepared) co_return co_await refuse_it(services_, request, responder, std::move(prepared.error()));
  const std::shared_ptr<Turn> turn = *prepared;
  turn->streamed = streamed;
  turn->request_body = asked;
  // Whoever may not use the model is told so now, not by a response that failed.
  if (auto ok = may_use(services_, caller, turn->request->model, "chat"); !ok)
    co_return co_await refuse_it(services_, request, responder, std::move(ok.error()));
  if (auto ok = co_await background_.queue(caller, turn, request.headers); !ok)
    co_return co_await refuse_it(services_, request, responder, std::move(ok.error()));
  Json queued = turns_.response_of(*turn, "queued", nullptr);
  auto run = background_.start(std::move(caller), turn);
  if (!run) co_return co_await refuse_it(services_, request, responder, std::move(run.error()));
  if (streamed) co_return co_await follow(std::move(*run), 0, request, responder);
  co_await answer(responder, std::move(queued));
}

Task<void> ResponsesApi::follow(std::shared_ptr<BackgroundRun> run, size_t from, net::Request& request,
                                net::Responder& responder) {
  if (!co_await responder.begin(200, "text/event-stream")) co_return;
  for (;;) {
    bool ended = false;
    auto events = run->events_from(from, ended);
    from += events.size();
    std::string bytes;
    for (auto& one : events) bytes += one;
    if (!bytes.empty() && !co_await responder.write(std::move(bytes))) co_return;
    if (ended && events.empty()) break;
    if (request.cancel.cancelled()) co_return;
    co_await run->wait(from, request.cancel);
  }
  (void)co_await responder.end();
}

Task<void> ResponsesApi::follow_stored(Caller caller, Id id, size_t from, net::Request& request,
                                       net::Responder& responder) {
  auto events = co_await responses_.events(std::move(caller), std::move(id));
  if (!events) co_return co_await refuse_it(services_, request, responder, std::move(events.error()));
  size_t at = 0;
  for (; from > 0 && at < events->size(); --from) {
    const size_t end = events->find("\n\n", at);
    at = end == std::string::npos ? events->size() : end + 2;
  }
  if (!co_await responder.begin(200, "text/event-stream")) co_return;
  if (!co_await responder.write(events->substr(at))) co_return;
  (void)co_await responder.end();
}

Task<void> ResponsesApi::retrieve(Caller caller, net::Request& request, net::Responder& responder) {
  const Id id = request.params["id"];
  auto found = co_await responses_.find(caller, id);
  if (!found) co_return co_await refuse_it(services_, request, responder, std::move(found.error()));
  const auto run = background_.find(id);
  const auto stream = request.query.find("stream");
  if (stream != request.query.end() && stream->second == "true") {
    const auto from = first_event(request);
    if (!from)
      co_return co_await refuse_it(
          services_, request, responder,
          Error(ErrorCode::kInvalidRequest, "'starting_after' must be the sequence_number of an event.",
                {{"param", "starting_after"}}));
    if (run && found->streamed) co_return co_await follow(run, *from, request, responder);
    co_return co_await follow_stored(std::move(caller), id, *from, request, responder);
  }
  if (run && found->status() == "queued") found->response["status"] = "in_progress";
  co_await answer(responder, std::move(found->response));
}

Task<void> ResponsesApi::erase(Caller caller, net::Request& request, net::Responder& responder) {
  const Id id = request.params["id"];
  if (auto found = co_await responses_.find(caller, id); !found)
    co_return co_await refuse_it(services_, request, responder, std::move(found.error()));
  if (const auto run = background_.find(id)) {
    run->cancel.cancel(CancelReason::kStopped);
    while (!run->done() && !request.cancel.cancelled()) co_await run->wait(SIZE_MAX, request.cancel);
  }
  if (auto ok = co_await responses_.erase(std::move(caller), id); !ok)
    co_return co_await refuse_it(services_, request, responder, std::move(ok.error()));
  co_await answer(responder, {{"id", id}, {"object", "response"}, {"deleted", true}});
}

Task<void> ResponsesApi::cancel(Caller caller, net::Request& request, net::Responder& responder) {
  const Id id = request.params["id"];
  auto found = co_await responses_.find(caller, id);
  if (!found) co_return co_await refuse_it(services_, request, responder, std::move(found.error()));
  if (!found->background)
    co_return co_await refuse_it(
        services_, request, responder,
        Error(ErrorCode::kInvalidRequest, "Only background responses can be cancelled.", {{"param", "response_id"}}));
  const auto run = background_.find(id);
  if (!run && found->status() == "queued") {  // promised by an earlier process and not taken up again yet
    found->response["status"] = "cancelled";
    if (auto ok = co_await responses_.put(caller, *found, {}, ""); !ok)
      co_return co_await refuse_it(services_, request, responder, std::move(ok.error()));
  }
  if (run) {
    run->cancel.cancel(CancelReason::kStopped);
    while (!run->done() && !request.cancel.cancelled()) co_await run->wait(SIZE_MAX, request.cancel);
    found = co_await responses_.find(std::move(caller), id);
    if (!found) co_return co_await refuse_it(services_, request, responder, std::move(found.error()));
  }
  co_await answer(responder, std::move(found->response));
}

Task<void> ResponsesApi::input_items(Caller caller, net::Request& request, net::Responder& responder) {
  auto found = co_await responses_.find(caller, request.params["id"]);
  if (!found) co_return co_await refuse_it(services_, request, responder, std::move(found.error()));
  Json items = Json::array();
  if (!found->previous.empty()) {
    auto before = co_await responses_.history(std::move(caller), found->previous);
    if (!before) co_return co_await refuse_it(services_, request, responder, std::move(before.error()));
    items = std::move(*before);
  }
  for (auto& item : found->input) items.push_back(std::move(item));
  auto page = page_of(items, request);
  if (!page) co_return co_await refuse_it(services_, request, responder, std::move(page.error()));
  co_await answer(responder, std::move(*page));
}

}  // namespace steward::gateway
