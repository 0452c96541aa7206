#include "gateway/local_run.h"

#include <algorithm>

#include "gateway/output_count.h"
#include "gateway/peek.h"
#include "gateway/tools.h"

namespace steward::gateway {
namespace {

constexpr int64_t kTemplateReserve = 8;  // tokens of the context kept for what the engine adds at the end of a prompt

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
bool filter_choice(Json& choice, LocalKind kind, StopFilter& stops) {
  Json& holder = kind == LocalKind::kChat ? choice["delta"] : choice;
  const char* name = kind == LocalKind::kChat ? "content" : "text";
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

Json one_choice(LocalKind kind, size_t index, Json text, Json finish_reason) {
  Json choice = {{"index", index}, {"finish_reason", std::move(finish_reason)}, {"logprobs", nullptr}};
  if (kind == LocalKind::kCompletion)
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

Task<Result<Bound>> LocalRun::prepare() {
  if (auto ok = co_await renew(); !ok) co_return fail(std::move(ok.error()));
  const engine::LocalModel model = lease_->model();
  if (model.kind != engine::ModelKind::kChat) {
    co_return fail(ErrorCode::kInvalidRequest,
                   fmt::format("'{}' makes embeddings, not text: use /v1/embeddings.", model.name),
                   {{"param", "model"}});
  }
  for (Json& body : ask_.bodies) {
    if (auto ok = describe_tools(body); !ok) co_return fail(std::move(ok.error()));
  }
  if (auto ok = co_await count(); !ok) co_return fail(std::move(ok.error()));
  const int64_t longest = *std::ranges::max_element(counts_);
  const int64_t cap = model.context_tokens - longest - kTemplateReserve;
  if (cap <= 0) {
    co_return fail(ErrorCode::kContextTooLong,
                   fmt::format("The input is {} tokens, and '{}' reads at most {} with its answer.", longest,
                               model.name, model.context_tokens),
                   {{"param", ask_.input_name}});
  }
  co_return Bound{
      .input_tokens = input_tokens_, .choices = ask_.choices(), .requested_output = ask_.max_output, .output_cap = cap};
}

// Tools go as they are where the model's template knows tools; else they are described, if that can be.
Status LocalRun::describe_tools(Json& body) {
  if (!ask_.has_tools) return {};
  if (peek(body, "logprobs") == true) {
    return fail(ErrorCode::kUnsupportedField,
                fmt::format("'{}' can't be told beside 'tools' by a local model: leave one out.", ask_.logprobs_name),
                {{"param", ask_.logprobs_name}});
  }
  if (template_knows_tools(lease_->model().chat_template)) return {};
  if (const std::string type = peek_text(peek(body, "response_format"), "type"); !type.empty() && type != "text") {
    return fail(ErrorCode::kUnsupportedField,
                "This model can't be given tools and a response format at once: its tools are answered in a "
                "format of their own.",
                {{"param", ask_.format_name}});
  }
  described_tools_ = true;
  body = with_described_tools(std::move(body));
  return {};
}

Task<Result<int64_t>> LocalRun::count_one(const Json& body) {
  if (ask_.kind == LocalKind::kChat) co_return co_await services_.engine.count_chat_tokens(lease_, body);
  if (body["prompt"].is_array()) co_return static_cast<int64_t>(body["prompt"].size());
  co_return co_await services_.engine.count_tokens(lease_, body["prompt"].get<std::string>());
}

// Counting asks the engine too: should its process have died while it was idle, it is started again and asked once
// more.
Task<Status> LocalRun::count() {
  for (const auto& body : ask_.bodies) {
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
  auto lease = co_await services_.engine.acquire(model_, Deadline::in(services_.current()->call_deadline), cancel_);
  if (!lease) co_return fail(std::move(lease.error()));
  lease_ = std::move(*lease);
  co_return Status{};
}

Json LocalRun::body_of(size_t index) const {
  Json body = ask_.bodies[index / static_cast<size_t>(ask_.n)];
  body["max_tokens"] = output_tokens_;
  const auto copy = static_cast<int64_t>(index % static_cast<size_t>(ask_.n));
  if (copy > 0 && body.contains("seed") && body["seed"].is_number_integer())
    body["seed"] = body["seed"].get<int64_t>() + copy;  // choices of one seed differ, and come again
  return body;
}

void LocalRun::begin(int64_t output_tokens) {
  output_tokens_ = output_tokens;
  index_ = 0;
  stream_.reset();
  used_ = {};
  counted_ = {};
  ready_.clear();
}

Task<bool> LocalRun::again(Error& error, bool nothing_sent) {
  stream_.reset();
  if (!engine_broke(error)) co_return false;
  services_.engine.report_failure(*lease_);
  error =
      Error(ErrorCode::kEngineFailed, "The local model's process failed while it answered; it is being started again.");
  if (!nothing_sent || tries_++ >= services_.current()->engine_retries) co_return false;
  if (auto renewed = co_await renew(); !renewed) {
    error = std::move(renewed.error());
    co_return false;
  }
  begin(output_tokens_);
  co_return true;
}

// With what the choice under way has used by now: its prompt is paid once for its n choices, and not at all where the
// engine never came to read it.
ledger::Usage LocalRun::used() const {
  ledger::Usage out = used_;
  const bool read_it = counted_.prompt > 0 || counted_.completion > 0 || cancel_.cancelled();
  if (index_ < static_cast<size_t>(ask_.choices()) && read_it && index_ % static_cast<size_t>(ask_.n) == 0) {
    out.prompt_tokens += std::max(counted_.prompt, counts_[index_ / static_cast<size_t>(ask_.n)]);
    out.cached_tokens += counted_.cached;
  }
  out.completion_tokens += counted_.completion;
  out.prompt_tokens = std::min(out.prompt_tokens, input_tokens_);
  out.cached_tokens = std::min(out.cached_tokens, out.prompt_tokens);
  return out;
}

void LocalRun::end_choice() {
  counted_.prompt = std::max<int64_t>(counted_.prompt, 1);  // it was read
  used_ = used();
  counted_ = {};
  stream_.reset();
  ++index_;
}

Task<Status> LocalRun::open_choice() {
  const Upstream upstream{.base_url = "http://localhost/v1",
                          .unix_socket = lease_->socket(),
                          .deadlines = {.total = services_.current()->call_deadline}};
  net::ClientRequest request = upstream_request(
      upstream, ask_.kind == LocalKind::kChat ? "/chat/completions" : "/completions", dump(body_of(index_)), cancel_);
  request.headers.add("Accept", "text/event-stream");
  auto stream = co_await EventStream::open(services_.clients.here(), std::move(request),
                                           [](int status, std::string_view body, const net::Headers& headers) {
                                             return upstream_refusal(status, body, headers, true);
                                           });
  if (!stream) co_return fail(std::move(stream.error()));
  stream_ = std::move(*stream);
  watch_ = {};
  stops_ = StopFilter(ask_.stops);
  offset_ = 0;
  co_return Status{};
}

Task<Result<std::optional<Json>>> LocalRun::next() {
  for (;;) {
    if (!ready_.empty()) {
      Json chunk = std::move(ready_.front());
      ready_.pop_front();
      co_return std::optional<Json>(std::move(chunk));
    }
    if (index_ >= static_cast<size_t>(ask_.choices())) co_return std::optional<Json>();
    Status ok;
    if (!stream_)
      ok = co_await open_choice();
    else if (described_tools_)
      ok = co_await take_described();
    else
      ok = co_await take_event();
    if (!ok) co_return fail(std::move(ok.error()));
  }
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

Task<Status> LocalRun::take_event() {
  auto event = co_await stream_->next(watch_.finished());
  if (!event) co_return fail(std::move(event.error()));
  if (!*event) {
    if (auto ok = watch_.end(); !ok) co_return ok;
    end_choice();
    co_return Status{};
  }
  if (auto ok = watch_.take(**event); !ok) co_return ok;
  counted_.take((*event)->data);
  take_chunk(std::move((*event)->data));
  if (stops_.stopped()) {  // what the engine still makes is nobody's
    ready_.push_back(one_choice(ask_.kind, index_, nullptr, "stop"));
    end_choice();
  }
  co_return Status{};
}

void LocalRun::take_chunk(Json chunk) {
  const auto choices = chunk.find("choices");
  if (choices == chunk.end() || !choices->is_array() || choices->empty()) return;
  Json& one = (*choices)[0];
  if (!one.is_object()) return;
  one["index"] = index_;
  if (ask_.kind == LocalKind::kCompletion && one.contains("logprobs"))
    one["logprobs"] = old_logprobs(one["logprobs"], offset_);
  if (ask_.kind == LocalKind::kChat && one.contains("logprobs")) tidy_logprobs(one["logprobs"]);
  if (!filter_choice(one, ask_.kind, stops_)) return;
  if (!peek(one, "finish_reason").is_null() && stops_.holding())
    ready_.push_back(one_choice(ask_.kind, index_, stops_.flush(), nullptr));
  for (const char* name : {"timings", "usage", "__verbose"}) chunk.erase(name);
  ready_.push_back(std::move(chunk));
}

// The constrained answer is only known to be a text or a call once it is whole.
Task<Status> LocalRun::take_described() {
  std::string whole, finish = "stop";
  for (;;) {
    auto event = co_await stream_->next(watch_.finished());
    if (!event) co_return fail(std::move(event.error()));
    if (!*event) break;
    if (auto ok = watch_.take(**event); !ok) co_return ok;
    counted_.take((*event)->data);
    for (const auto& one : peek((*event)->data, "choices")) {
      whole += peek_text(peek(one, "delta"), "content");
      if (auto reason = peek_text(one, "finish_reason"); !reason.empty()) finish = std::move(reason);
    }
    if (cancel_.cancelled()) co_return fail(ErrorCode::kCancelled);
  }
  if (auto ok = watch_.end(); !ok) co_return ok;
  ToolAnswer read = read_tool_answer(whole, finish, "call_" + services_.ids.make("tool").substr(5));
  StopFilter stops(ask_.stops);
  if (const std::string text = peek_text(read.delta, "content"); !text.empty()) {
    std::string kept = stops.feed(text);
    read.delta["content"] = kept + stops.flush();
    if (stops.stopped()) read.finish_reason = "stop";
  }
  ready_.push_back(one_choice(ask_.kind, index_, std::move(read.delta), nullptr));
  ready_.push_back(one_choice(ask_.kind, index_, nullptr, read.finish_reason));
  end_choice();
  co_return Status{};
}

}  // namespace steward::gateway
