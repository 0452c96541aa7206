#include "gateway/run.h"
#include "gateway/tools.h"
#include "gateway/upstream.h"

namespace steward::gateway {
namespace {

constexpr int64_t kTemplateReserve = 8;  // tokens of the context kept for what the engine adds at the end of a prompt

// What the engine needn't or mustn't see: ours alone, or set anew below.
constexpr const char* kOurs[] = {"user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key", "n", "max_completion_tokens", "stream_options", "best_of"};

Json engine_body(const ModelRequest& asked) {
  Json body = asked.body;
  for (const char* name : kOurs) body.erase(name);
  body["stream"] = true;
  body["stream_options"] = {{"include_usage", true}};
  body["timings_per_token"] = true;  // exact counts at every chunk, for a call that ends early
  body["cache_prompt"] = true;
  if (asked.kind == CallKind::kCompletion && body.contains("logprobs") && body["logprobs"] == 0) body["logprobs"] = 1;
  return body;
}

// Completions' log probabilities in OpenAI's old form, out of the engine's chat form.
Json old_logprobs(const Json& logprobs, size_t& offset) {
  if (!logprobs.is_object() || !logprobs.contains("content") || !logprobs["content"].is_array()) return nullptr;
  Json out = {{"tokens", Json::array()}, {"token_logprobs", Json::array()}, {"top_logprobs", Json::array()}, {"text_offset", Json::array()}};
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
    co_return fail(ErrorCode::kInvalidRequest, fmt::format("'{}' makes embeddings, not text: use /v1/embeddings.", model.name), {{"param", "model"}});
  }
  Json body = engine_body(asked_);
  if (asked_.body.value("tool_choice", Json()) == "none") body.erase("tools"), body.erase("tool_choice");
  if (asked_.has_tools && !template_knows_tools(model.chat_template)) {
    if (!asked_.body.value("response_format", Json()).is_null() && asked_.body["response_format"].value("type", "") != "text") {
      co_return fail(ErrorCode::kUnsupportedField, "This model can't be given tools and a response format at once: its tools are answered in a format of their own.", {{"param", "response_format"}});
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
  int64_t longest = 0;
  for (const auto& one : bodies_) {
    Result<int64_t> count = 0;
    if (asked_.kind == CallKind::kChat) count = co_await services_.engine.count_chat_tokens(lease_, one);
    else if (one["prompt"].is_array()) count = static_cast<int64_t>(one["prompt"].size());
    else count = co_await services_.engine.count_tokens(lease_, one["prompt"].get<std::string>());
    if (!count) co_return fail(std::move(count.error()));
    counts_.push_back(*count);
    input_tokens_ += *count;
    longest = std::max(longest, *count);
  }
  output_cap_ = model.context_tokens - longest - kTemplateReserve;
  if (output_cap_ <= 0) {
    co_return fail(ErrorCode::kContextTooLong, fmt::format("The input is {} tokens, and '{}' reads at most {} with its answer.", longest, model.name, model.context_tokens), {{"param", asked_.kind == CallKind::kChat ? "messages" : "prompt"}});
  }
  co_return Status{};
}

Task<Status> LocalRun::renew() {
  auto lease = co_await services_.engine.acquire(target_.upstream_model, Deadline::in(services_.current()->call_deadline), request_.cancel);
  if (!lease) co_return fail(std::move(lease.error()));
  lease_ = std::move(*lease);
  co_return Status{};
}

Json LocalRun::body_of(size_t index) const {
  Json body = bodies_[index / static_cast<size_t>(asked_.n)];
  body["max_tokens"] = output_tokens_;
  const auto copy = static_cast<int64_t>(index % static_cast<size_t>(asked_.n));
  if (copy > 0 && body.contains("seed") && body["seed"].is_number_integer()) body["seed"] = body["seed"].get<int64_t>() + copy;  // choices of one seed differ, and come again
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
      const bool broke = !status && (status.error().code == ErrorCode::kUpstreamUnreachable || status.error().code == ErrorCode::kEngineFailed || status.error().code == ErrorCode::kUpstreamTimeout);
      if (!broke) break;
      services_.engine.report_failure(*lease_);
      status = fail(ErrorCode::kEngineFailed, "The local model's process failed while it answered; it is being started again.");
      if (tries >= services_.current()->engine_retries || answer.begun() || index > 0) break;
      answer.reset();
      if (auto renewed = co_await renew(); !renewed) {
        status = fail(std::move(renewed.error()));
        break;
      }
    }
    if (index % static_cast<size_t>(asked_.n) == 0) {  // the prompt is paid once for its n choices
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
  const Upstream upstream{.base_url = "http://localhost/v1", .unix_socket = lease_->socket(), .deadlines = {.total = services_.current()->call_deadline}};
  auto stream = co_await EventStream::open(services_.clients.here(), upstream_request(upstream, path(), dump(body_of(index)), request_.cancel), true);
  if (!stream) co_return fail(std::move(stream.error()));
  co_return co_await events(call, answer, index, std::move(*stream), counted);
}

Task<Status> LocalRun::events(Call& call, Answer& answer, size_t index, std::unique_ptr<EventStream> stream, Counted& counted) {
  std::string whole, finish = "stop";  // of an answer that is read back into tool calls
  size_t offset = 0;
  for (;;) {
    auto event = co_await stream->next();
    if (!event) co_return fail(std::move(event.error()));
    if (!*event) break;
    Json& json = **event;
    call.first_byte();
    if (const auto t = json.find("timings"); t != json.end() && t->is_object()) {
      counted.cached = t->value("cache_n", int64_t{0});
      counted.prompt = counted.cached + t->value("prompt_n", int64_t{0});
      counted.completion = std::max(counted.completion, t->value("predicted_n", int64_t{0}));
    }
    if (auto usage = read_usage(json)) counted = {usage->prompt_tokens, usage->cached_tokens, usage->completion_tokens};
    const auto choices = json.find("choices");
    if (choices == json.end() || !choices->is_array() || choices->empty()) continue;
    for (auto& one : *choices) {
      one["index"] = index;
      if (asked_.kind == CallKind::kCompletion && one.contains("logprobs")) one["logprobs"] = old_logprobs(one["logprobs"], offset);
      if (asked_.kind == CallKind::kChat && one.contains("logprobs")) tidy_logprobs(one["logprobs"]);
      if (!described_tools_) continue;
      const Json delta = one.value("delta", Json::object());
      if (delta.value("content", Json()).is_string()) whole += delta["content"].get<std::string>();
      if (one.value("finish_reason", Json()).is_string()) finish = one["finish_reason"];
    }
    if (described_tools_) continue;
    for (const char* name : {"timings", "usage", "__verbose"}) json.erase(name);
    if (auto ok = co_await answer.chunk(std::move(json)); !ok) co_return ok;
  }
  if (!described_tools_) co_return Status{};
  ToolAnswer read = read_tool_answer(whole, finish, "call_" + services_.ids.make("tool").substr(5));
  const auto one_choice = [&](Json delta, Json reason) { return Json{{"choices", Json::array({{{"index", index}, {"delta", std::move(delta)}, {"finish_reason", std::move(reason)}, {"logprobs", nullptr}}})}}; };
  if (auto ok = co_await answer.chunk(one_choice(std::move(read.delta), nullptr)); !ok) co_return ok;
  co_return co_await answer.chunk(one_choice(Json::object(), read.finish_reason));
}

}  // namespace steward::gateway
