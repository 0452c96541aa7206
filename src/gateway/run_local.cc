#include <algorithm>

#include "gateway/output_count.h"
#include "gateway/peek.h"
#include "gateway/run.h"
#include "gateway/stop_filter.h"
#include "gateway/tools.h"
#include "gateway/upstream.h"

namespace steward::gateway {
namespace {

constexpr int64_t kTemplateReserve = 8;  // tokens of the context kept for what the engine adds at the end of a prompt

// What the engine needn't or mustn't see: ours alone, or set anew below. Stop strings are looked for here, since the
// engine loses a tail that it held back when the answer ends by its length.
constexpr const char* kOurs[] = {"user",
                                 "metadata",
                                 "store",
                                 "service_tier",
                                 "safety_identifier",
                                 "prompt_cache_key",
                                 "n",
                                 "max_completion_tokens",
                                 "stream_options",
                                 "best_of",
                                 "stop"};

Json engine_body(const ModelRequest& asked) {
  Json body = asked.body;
  for (const char* name : kOurs) body.erase(name);
  body["stream"] = true;
  body["stream_options"] = {{"include_usage", true}};
  body["timings_per_token"] = true;  // exact counts at every chunk, for a call that ends early
  body["cache_prompt"] = true;
  if (asked.kind == CallKind::kCompletion && body.contains("logprobs") && body["logprobs"] == 0) body["logprobs"] = 1;
  // The engine constrains nothing for an empty schema: "some JSON object" is said in full.
  if (peek_text(peek(body, "response_format"), "type") == "json_object") {
    body["response_format"] = {{"type", "json_schema"},
                               {"json_schema", {{"name", "object"}, {"schema", {{"type", "object"}}}}}};
  }
  // The engine takes 32 bits, and -1 as "any": folded, so that each seed is one.
  if (const Json& seed = peek(body, "seed"); seed.is_number_integer()) {
    const auto bits = static_cast<uint64_t>(seed.get<int64_t>());
    body["seed"] = static_cast<int64_t>((bits ^ (bits >> 31)) & 0x7fff'ffff);
  }
  return body;
}

// Completions' log probabilities in OpenAI's old form, out of the engine's chat form.
Json old_logprobs(const Json& logprobs, size_t& offset) {
  if (!logprobs.is_object() || !logprobs.contains("content") || !logprobs["content"].is_array()) return nullptr;
  Json out = {{"tokens", Json::array()},
              {"token_logprobs", Json::array()},
              {"top_logprobs", Json::array()},
              {"text_offset", Json::array()}};
  for (const auto& one : logprobs["content"]) {
    const std::string token = one.value("token", "");
    out["tokens"].push_back(token);
    out["token_logprobs"].push_back(one.value("logprob", 0.0));
    Json top = Json::object();
    for (const auto& t : one.value("top_logprobs", Json::array())) top[t.value("token", "")] = t.value("logprob", 0.0);
    out["top_logprobs"].push_back(std::move(top));
    out["text_offset"].push_back(offset);
    offset += token.size();
  }
  return out;
}

// One choice of an engine's chunk through the stop filter. False: nothing is left of it to send.
bool filter_choice(Json& choice, CallKind kind, StopFilter& stops) {
  Json& holder = kind == CallKind::kChat ? choice["delta"] : choice;
  const char* name = kind == CallKind::kChat ? "content" : "text";
  if (!peek(choice, "finish_reason").is_null()) return true;
  const Json& text = peek(holder, name);
  if (!text.is_string() || text.get_ref<const std::string&>().empty()) return true;
  std::string out = stops.feed(text.get_ref<const std::string&>());
  const bool empty = out.empty();
  holder[name] = std::move(out);
  return !empty || (!stops.stopped() && peek(choice, "logprobs").is_object());
}

bool engine_broke(const Error& error) {
  return error.code == ErrorCode::kUpstreamUnreachable || error.code == ErrorCode::kEngineFailed ||
         error.code == ErrorCode::kUpstreamTimeout;
}

Json one_choice(CallKind kind, size_t index, Json text, Json finish_reason) {
  Json choice = {{"index", index}, {"finish_reason", std::move(finish_reason)}, {"logprobs", nullptr}};
  if (kind == CallKind::kCompletion)
    choice["text"] = text.is_null() ? Json("") : std::move(text);
  else
    choice["delta"] = text.is_null()     ? Json::object()
                      : text.is_object() ? std::move(text)
                                         : Json{{"content", std::move(text)}};
  return {{"choices", Json::array({std::move(choice)})}};
}

// Chat log probabilities without the engine's own extra ("id").
void tidy_logprobs(Json& logprobs) {
  if (!logprobs.is_object() || !logprobs.contains("content") || !logprobs["content"].is_array()) return;
  for (auto& one : logprobs["content"]) {
    one.erase("id");
    if (!one.contains("top_logprobs")) one["top_logprobs"] = Json::array();
    for (auto& t : one["top_logprobs"]) t.erase("id");
  }
  if (!logprobs.contains("refusal")) logprobs["refusal"] = nullptr;
}

}  // namespace

Task<Status> LocalRun::prepare() {
  if (auto ok = check_for_local(asked_); !ok) co_return ok;
  if (auto ok = co_await renew(); !ok) co_return ok;
  const engine::LocalModel model = lease_->model();
  if (model.kind != engine::ModelKind::kChat) {
    co_return fail(ErrorCode::kInvalidRequest,
                   fmt::format("'{}' makes embeddings, not text: use /v1/embeddings.", model.name),
                   {{"param", "model"}});
  }
  Json body = engine_body(asked_);
  if (asked_.body.value("tool_choice", Json()) == "none") body.erase("tools"), body.erase("tool_choice");
  if (asked_.has_tools && peek(asked_.body, "logprobs") == true) {
    co_return fail(ErrorCode::kUnsupportedField,
                   "'logprobs' can't be told beside 'tools' by a local model: leave one out.", {{"param", "logprobs"}});
  }
  if (asked_.has_tools && !template_knows_tools(model.chat_template)) {
    if (!asked_.body.value("response_format", Json()).is_null() &&
        asked_.body["response_format"].value("type", "") != "text") {
      co_return fail(ErrorCode::kUnsupportedField,
                     "This model can't be given tools and a response format at once: its tools are answered in a "
                     "format of their own.",
                     {{"param", "response_format"}});
    }
    described_tools_ = true;
    body = with_described_tools(std::move(body));
  }
  if (asked_.kind == CallKind::kChat) {
    bodies_.push_back(std::move(body));
  } else {
    for (const auto& prompt : asked_.prompts) {
      bodies_.push_back(body);
      bodies_.back()["prompt"] = prompt;
    }
  }
  if (auto ok = co_await count(); !ok) co_return ok;
  const int64_t longest = *std::ranges::max_element(counts_);
  output_cap_ = model.context_tokens - longest - kTemplateReserve;
  if (output_cap_ <= 0) {
    co_return fail(ErrorCode::kContextTooLong,
                   fmt::format("The input is {} tokens, and '{}' reads at most {} with its answer.", longest,
                               model.name, model.context_tokens),
                   {{"param", asked_.kind == CallKind::kChat ? "messages" : "prompt"}});
  }
  co_return Status{};
}

Task<Result<int64_t>> LocalRun::count_one(const Json& body) {
  if (asked_.kind == CallKind::kChat) co_return co_await services_.engine.count_chat_tokens(lease_, body);
  if (body["prompt"].is_array()) co_return static_cast<int64_t>(body["prompt"].size());
  co_return co_await services_.engine.count_tokens(lease_, body["prompt"].get<std::string>());
}

// Counting asks the engine too: should its process have died while it was idle, it is started again and asked once
// more.
Task<Status> LocalRun::count() {
  for (const auto& body : bodies_) {
    auto count = co_await count_one(body);
    if (!count && engine_broke(count.error()) && services_.current()->engine_retries > 0) {
      services_.engine.report_failure(*lease_);
      if (auto ok = co_await renew(); !ok) co_return ok;
      count = co_await count_one(body);
    }
    if (!count) co_return fail(std::move(count.error()));
    counts_.push_back(*count);
    input_tokens_ += *count;
  }
  co_return Status{};
}

Task<Status> LocalRun::renew() {
  auto lease = co_await services_.engine.acquire(target_.upstream_model,
                                                 Deadline::in(services_.current()->call_deadline), request_.cancel);
  if (!lease) co_return fail(std::move(lease.error()));
  lease_ = std::move(*lease);
  co_return Status{};
}

Json LocalRun::body_of(size_t index) const {
  Json body = bodies_[index / static_cast<size_t>(asked_.n)];
  body["max_tokens"] = output_tokens_;
  const auto copy = static_cast<int64_t>(index % static_cast<size_t>(asked_.n));
  if (copy > 0 && body.contains("seed") && body["seed"].is_number_integer())
    body["seed"] = body["seed"].get<int64_t>() + copy;  // choices of one seed differ, and come again
  return body;
}

Task<Ended> LocalRun::run(Call& call, Answer& answer) {
  output_tokens_ = call.reservation().output_tokens;
  const auto choices = static_cast<size_t>(asked_.choices());
  Ended ended;
  for (size_t index = 0; index < choices; ++index) {
    Counted counted;
    Status status;
    for (int tries = 0;; ++tries) {
      counted = {};
      status = co_await choice(call, answer, index, counted);
      if (status || !engine_broke(status.error())) break;
      services_.engine.report_failure(*lease_);
      status = fail(ErrorCode::kEngineFailed,
                    "The local model's process failed while it answered; it is being started again.");
      if (tries >= services_.current()->engine_retries || answer.begun() || index > 0) break;
      answer.reset();
      if (auto renewed = co_await renew(); !renewed) {
        status = fail(std::move(renewed.error()));
        break;
      }
    }
    // The prompt is paid once for its n choices; not at all where the engine never came to read it.
    const bool read_it =
        status || counted.prompt > 0 || counted.completion > 0 || status.error().code == ErrorCode::kCancelled;
    if (read_it && index % static_cast<size_t>(asked_.n) == 0) {
      ended.usage.prompt_tokens += std::max(counted.prompt, counts_[index / static_cast<size_t>(asked_.n)]);
      ended.usage.cached_tokens += counted.cached;
    }
    ended.usage.completion_tokens += counted.completion;
    if (!status) {
      ended.outcome = outcome_of(status.error());
      ended.error = std::move(status.error());
      break;
    }
  }
  ended.usage.prompt_tokens = std::min(ended.usage.prompt_tokens, input_tokens_);
  ended.usage.cached_tokens = std::min(ended.usage.cached_tokens, ended.usage.prompt_tokens);
  co_return ended;
}

Task<Status> LocalRun::choice(Call& call, Answer& answer, size_t index, Counted& counted) {
  const Upstream upstream{.base_url = "http://localhost/v1",
                          .unix_socket = lease_->socket(),
                          .deadlines = {.total = services_.current()->call_deadline}};
  auto stream = co_await EventStream::open(
      services_.clients.here(), upstream_request(upstream, path(), dump(body_of(index)), request_.cancel), true);
  if (!stream) co_return fail(std::move(stream.error()));
  if (described_tools_) co_return co_await described_events(call, answer, index, std::move(*stream), counted);
  co_return co_await events(call, answer, index, std::move(*stream), counted);
}

// What the engine tells of its counts, at any chunk.
void LocalRun::Counted::take(const Json& event) {
  if (const Json& t = peek(event, "timings"); t.is_object()) {
    cached = peek_integer(t, "cache_n");
    prompt = cached + peek_integer(t, "prompt_n");
    completion = std::max(completion, peek_integer(t, "predicted_n"));
  }
  if (auto usage = read_usage(event))
    prompt = usage->prompt_tokens, cached = usage->cached_tokens, completion = usage->completion_tokens;
}

Task<Status> LocalRun::events(Call& call, Answer& answer, size_t index, std::unique_ptr<EventStream> stream,
                              Counted& counted) {
  StopFilter stops(stops_of(asked_.body));
  size_t offset = 0;
  while (!stops.stopped()) {
    auto event = co_await stream->next();
    if (!event) co_return fail(std::move(event.error()));
    if (!*event) co_return Status{};
    Json& json = **event;
    call.first_byte();
    counted.take(json);
    const auto choices = json.find("choices");
    if (choices == json.end() || !choices->is_array() || choices->empty()) continue;
    Json& one = (*choices)[0];
    if (!one.is_object()) continue;
    one["index"] = index;
    if (asked_.kind == CallKind::kCompletion && one.contains("logprobs"))
      one["logprobs"] = old_logprobs(one["logprobs"], offset);
    if (asked_.kind == CallKind::kChat && one.contains("logprobs")) tidy_logprobs(one["logprobs"]);
    if (!filter_choice(one, asked_.kind, stops)) continue;
    if (!peek(one, "finish_reason").is_null() && stops.holding()) {
      if (auto ok = co_await answer.chunk(one_choice(asked_.kind, index, stops.flush(), nullptr)); !ok) co_return ok;
    }
    for (const char* name : {"timings", "usage", "__verbose"}) json.erase(name);
    if (auto ok = co_await answer.chunk(std::move(json)); !ok) co_return ok;
  }
  stream.reset();  // a stop string came: what the engine still makes is nobody's
  co_return co_await answer.chunk(one_choice(asked_.kind, index, nullptr, "stop"));
}

// The constrained answer is only known to be a text or a call once it is whole.
Task<Status> LocalRun::described_events(Call& call, Answer& answer, size_t index, std::unique_ptr<EventStream> stream,
                                        Counted& counted) {
  std::string whole, finish = "stop";
  for (;;) {
    auto event = co_await stream->next();
    if (!event) co_return fail(std::move(event.error()));
    if (!*event) break;
    call.first_byte();
    counted.take(**event);
    for (const auto& one : peek(**event, "choices")) {
      whole += peek_text(peek(one, "delta"), "content");
      if (auto reason = peek_text(one, "finish_reason"); !reason.empty()) finish = std::move(reason);
    }
    if (request_.cancel.cancelled()) co_return fail(ErrorCode::kCancelled);
  }
  ToolAnswer read = read_tool_answer(whole, finish, "call_" + services_.ids.make("tool").substr(5));
  StopFilter stops(stops_of(asked_.body));
  if (const std::string text = peek_text(read.delta, "content"); !text.empty()) {
    std::string kept = stops.feed(text);
    read.delta["content"] = kept + stops.flush();
    if (stops.stopped()) read.finish_reason = "stop";
  }
  if (auto ok = co_await answer.chunk(one_choice(asked_.kind, index, std::move(read.delta), nullptr)); !ok)
    co_return ok;
  co_return co_await answer.chunk(one_choice(asked_.kind, index, nullptr, read.finish_reason));
}

}  // namespace steward::gateway
