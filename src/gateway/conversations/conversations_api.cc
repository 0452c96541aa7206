#include "gateway/conversations/responses_api.h"
#include "gateway/peek.h"
#include "gateway/serve.h"

namespace steward::gateway {
namespace {

Result<Json> object_of(const net::Request& request) {
  if (request.body.empty()) return Json::object();
  auto body = parse_json(request.body);
  if (body && !body->is_object()) return fail(ErrorCode::kInvalidRequest, "The body must be a JSON object.");
  return body;
}

Task<void> tell(Services& services, net::Request& request, net::Responder& responder, Result<Json> answer) {
  if (!answer) co_return co_await refuse(services, Dialect::kResponses, request, responder, std::move(answer.error()));
  (void)co_await responder.send(200, "application/json", dump(*answer));
}

Status may_keep(const identity::Caller& caller) {
  if (!caller.key || caller.key->spec.content_days != identity::kNoContent) return {};
  return fail(ErrorCode::kUnsupportedField, "A conversation can't be kept: of this key's calls no content is.",
              {{"param", "conversation"}});
}

}  // namespace

Task<void> ResponsesApi::list_items(Caller caller, net::Request& request, net::Responder& responder) {
  auto items = co_await conversations_.items(std::move(caller), request.params["id"]);
  if (items) items = page_of(*items, request);
  co_await tell(services_, request, responder, std::move(items));
}

Task<void> ResponsesApi::add_items(Caller caller, net::Request& request, net::Responder& responder) {
  auto body = object_of(request);
  if (auto ok = may_keep(caller); body && !ok) body = fail(std::move(ok.error()));
  if (body) body = co_await conversations_.add(std::move(caller), request.params["id"], peek(*body, "items"));
  if (body) {
    Json list = {{"object", "list"}, {"has_more", false}};
    list["first_id"] = peek(body->front(), "id");
    list["last_id"] = peek(body->back(), "id");
    list["data"] = std::move(*body);
    body = std::move(list);
  }
  co_await tell(services_, request, responder, std::move(body));
}

Task<void> ResponsesApi::retrieve_item(Caller caller, net::Request& request, net::Responder& responder) {
  co_await tell(services_, request, responder,
                co_await conversations_.item(std::move(caller), request.params["id"], request.params["item"]));
}

Task<void> ResponsesApi::erase_item(Caller caller, net::Request& request, net::Responder& responder) {
  const Id id = request.params["id"];
  Result<Json> answer = Json();
  if (auto ok = co_await conversations_.erase_item(caller, id, request.params["item"]); !ok)
    answer = fail(std::move(ok.error()));
  if (answer) answer = co_await conversations_.find(std::move(caller), id);
  co_await tell(services_, request, responder, std::move(answer));
}

}  // namespace steward::gateway
