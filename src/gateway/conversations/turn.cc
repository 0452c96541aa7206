#include "gateway/conversations/turn.h"

#include <algorithm>

#include "gateway/dialects/responses/output.h"
#include "gateway/peek.h"

namespace steward::gateway {
namespace {

std::string conversation_of(const Json& body) {
  const Json& given = peek(body, "conversation");
  return given.is_string() ? given.get<std::string>() : peek_text(given, "id");
}

// Ids that were given here mean nothing to a provider; those of what a model made may.
Json as_input(Json items) {
  for (auto& item : items) {
    const std::string type = peek_text(item, "type");
    const bool made = (type == "message" && peek_text(item, "role") == "assistant") ||
                      (type != "message" && !type.ends_with("_output"));
    if (made || !item.is_object()) continue;
    item.erase("id");
    item.erase("status");
  }
  return items;
}

void append(Json& into, const Json& more) {
  if (more.is_string()) into.push_back({{"role", "user"}, {"content", more}});
  if (!more.is_array()) return;
  for (const auto& item : more) into.push_back(item);
}

// A reference to an item that stands in the history asks for nothing that isn't there.
void drop_known_references(Json& input, const Json& history) {
  Json kept = Json::array();
  for (auto& item : input) {
    const auto is_it = [&](const Json& one) { return peek_text(one, "id") == peek_text(item, "id"); };
    const bool reference = peek_text(item, "type") == "item_reference";
    if (!reference || std::ranges::none_of(history, is_it)) kept.push_back(std::move(item));
  }
  input = std::move(kept);
}

}  // namespace

void Memory::keep(const Id& id, Json said) {
  if (said_.size() >= kMaxResponses) said_.erase(said_.begin());
  said_.emplace_back(id, std::move(said));
}

const Json* Memory::find(const Id& id) const {
  const auto found = std::ranges::find(said_, id, &std::pair<Id, Json>::first);
  return found == said_.end() ? nullptr : &found->second;
}

Status Turns::check_store(const identity::Caller& caller, const net::Headers& headers, const Json& body,
                          Turn& turn) const {
  const auto asked = peek_boolean(body, "store");
  turn.background = peek(body, "background") == true;
  turn.streamed = peek(body, "stream") == true;
  turn.previous = peek_text(body, "previous_response_id");
  turn.conversation = conversation_of(body);
  turn.store = asked.value_or(true);
  if (!turn.previous.empty() && !turn.conversation.empty())
    return fail(ErrorCode::kInvalidRequest, "Give 'previous_response_id' or 'conversation', not both.",
                {{"param", "conversation"}});
  if (turn.background && asked == false)
    return fail(ErrorCode::kInvalidRequest,
                "A background response is stored until it is asked for: 'store' can't be false.", {{"param", "store"}});
  const bool keeps_nothing = caller.key && caller.key->spec.content_days == identity::kNoContent;
  if (!keeps_nothing) return {};
  const auto dropped = read_drop_list(headers.get("x-steward-drop"));
  const auto may_drop = [&](const std::string& one) { return one == "store" || one == "unsupported"; };
  const bool insists =
      turn.background || !turn.conversation.empty() || (asked == true && std::ranges::none_of(dropped, may_drop));
  if (insists) {
    const char* name = turn.background ? "background" : turn.conversation.empty() ? "store" : "conversation";
    return fail(ErrorCode::kUnsupportedField,
                fmt::format("'{}' can't be honoured: of this key's calls no content is kept.", name),
                {{"param", name}});
  }
  turn.store = false;  // as OpenAI does for organisations that keep no data
  return {};
}

Task<Status> Turns::find_history(identity::Caller caller, std::shared_ptr<Turn> turn, const Memory* memory) {
  turn->history = Json::array();
  if (!turn->conversation.empty()) {
    auto items = co_await conversations_.items(caller, turn->conversation);
    if (!items) co_return fail(std::move(items.error()));
    turn->history = std::move(*items);
  } else if (!turn->previous.empty()) {
    if (const Json* said = memory ? memory->find(turn->previous) : nullptr) {
      turn->history = *said;
      co_return Status{};
    }
    auto items = co_await responses_.history(caller, turn->previous);
    if (!items) co_return fail(std::move(items.error()));
    turn->history = std::move(*items);
  }
  co_return Status{};
}

Task<Result<std::shared_ptr<Turn>>> Turns::prepare(identity::Caller caller, Json body, net::Headers headers,
                                                   const MadeAnew* again, Memory* memory) {
  if (!body.is_object()) co_return fail(ErrorCode::kInvalidRequest, "The body must be a JSON object.");
  auto turn = std::make_shared<Turn>();
  turn->id = again ? again->id : services_.ids.make("resp");
  turn->created_at = again ? again->created_at : services_.clock.now_us() / kSecondUs;
  if (auto ok = check_store(caller, headers, body, *turn); !ok) co_return fail(std::move(ok.error()));
  turn->input = items_with_ids(services_, peek(body, "input"));
  if (auto ok = co_await find_history(caller, turn, memory); !ok) co_return fail(std::move(ok.error()));
  turn->request_body = body;
  if (!turn->history.empty()) {
    Json input = as_input(turn->history);
    append(input, peek(body, "input"));
    drop_known_references(input, turn->history);
    body["input"] = std::move(input);
  }
  for (const char* name : {"previous_response_id", "conversation", "background", "generate"}) body.erase(name);
  body["store"] = false;
  turn->asked = {.ingress = &responses_ingress(),
                 .endpoint = "responses",
                 .may_drop = read_drop_list(headers.get("x-steward-drop"))};
  auto request = responses_ingress().read_request(std::move(body), {.model = {}, .stream = false, .headers = &headers});
  if (!request) co_return fail(std::move(request.error()));
  Json echo = {{"id", turn->id}, {"created_at", turn->created_at}, {"store", turn->store}};
  if (!turn->previous.empty()) echo["previous_response_id"] = turn->previous;
  if (!turn->conversation.empty()) echo["conversation"] = {{"id", turn->conversation}};
  if (turn->background) echo["background"] = true;
  request->own["echo"] = std::move(echo);
  turn->request = std::make_shared<const Request>(*request);
  turn->asked.request = std::move(*request);
  if (turn->store || !turn->conversation.empty() || memory) {
    turn->asked.answered = [this, caller, held = std::weak_ptr(turn), memory](
                               const WholeAnswer& answer, const Call& call, const ledger::Usage& usage) {
      return answered(caller, held.lock(), memory, answer, call.id(), usage);
    };
  }
  co_return turn;
}

Task<Status> Turns::answered(identity::Caller caller, std::shared_ptr<Turn> turn, Memory* memory,
                             const WholeAnswer& answer, Id call, ledger::Usage usage) {
  if (!turn) co_return fail(ErrorCode::kInternal);
  const AnswerContext context{.call = call, .model = turn->request->model, .now = turn->created_at};
  turn->response = responses_ingress().write_answer(answer, *turn->request, context, usage, Json::object());
  if (memory) {
    Json said = turn->history;
    append(said, turn->input);
    append(said, turn->response["output"]);
    memory->keep(turn->id, std::move(said));
  }
  co_return co_await store(std::move(caller), std::move(turn), std::move(call));
}

Task<Status> Turns::store(identity::Caller caller, std::shared_ptr<Turn> turn, Id call) {
  std::vector<journal::Draft> also;
  if (!turn->conversation.empty() && peek_text(turn->response, "status") != "failed") {
    Json said = turn->input;
    append(said, turn->response["output"]);
    auto drafts = co_await conversations_.drafts_of(caller, turn->conversation, items_with_ids(services_, said));
    if (!drafts) co_return fail(std::move(drafts.error()));
    also = std::move(*drafts);
  }
  if (!turn->store) {
    if (also.empty()) co_return Status{};
    auto done = co_await services_.journal.append(caller.tenant, std::move(also), journal::Wait::kDurable);
    co_return done ? Status{} : Status(fail(std::move(done.error())));
  }
  StoredResponse stored{.id = turn->id, .owner = caller.principal};
  stored.response = turn->response;
  stored.input = turn->input;
  stored.previous = turn->previous;
  stored.conversation = turn->conversation;
  stored.background = turn->background;
  stored.streamed = turn->streamed;
  co_return co_await responses_.put(std::move(caller), std::move(stored), std::move(also), std::move(call));
}

Json Turns::response_of(const Turn& turn, std::string_view status, const Error* error) const {
  const AnswerContext context{.call = turn.id, .model = turn.request->model, .now = turn.created_at};
  responses::ResponseState state{.status = status};
  if (error != nullptr) state.error = *error;
  return responses::response_json(*turn.request, context, std::move(state), Json());
}

}  // namespace steward::gateway
