#include "gateway/completions/answer.h"

#include <algorithm>

#include "gateway/peek.h"
#include "net/sse.h"

namespace steward::gateway {
namespace {

constexpr std::chrono::seconds kKeepAlive{15};

// Log probabilities come in arrays to be joined: {tokens, token_logprobs, top_logprobs, text_offset}.
void append_logprobs(Json& all, const Json& more) {
  if (!more.is_object()) return;
  if (!all.is_object()) all = Json::object();
  for (const auto& [name, value] : more.items()) {
    if (!value.is_array() || !all.contains(name) || !all[name].is_array()) {
      if (!value.is_null() || !all.contains(name)) all[name] = value;
      continue;
    }
    for (const auto& one : value) all[name].push_back(one);
  }
}

}  // namespace

void TextGatherer::add(const Json& chunk) {
  static constexpr std::string_view kOwn[] = {"id", "object", "created", "model", "choices", "usage"};  // said anew
  if (!chunk.is_object()) return;
  for (const auto& [name, value] : chunk.items()) {
    if (!value.is_null() && std::ranges::find(kOwn, name) == std::end(kOwn)) extras_[name] = value;
  }
  for (const auto& one : peek(chunk, "choices")) {
    if (!one.is_object()) continue;
    Choice& choice = choices_[peek_integer(one, "index")];
    choice.text += peek_text(one, "text");
    append_logprobs(choice.logprobs, peek(one, "logprobs"));
    if (const Json& reason = peek(one, "finish_reason"); reason.is_string()) choice.finish_reason = reason;
  }
}

Json TextGatherer::choices() const {
  Json out = Json::array();
  for (const auto& [index, choice] : choices_) {
    out.push_back({{"index", index},
                   {"finish_reason", choice.finish_reason.is_null() ? Json("stop") : choice.finish_reason},
                   {"logprobs", choice.logprobs},
                   {"text", choice.text}});
  }
  return out;
}

Task<Status> TextAnswer::begin() {
  if (auto ok = co_await call_.durable(); !ok) co_return ok;
  call_.set_headers(responder_.headers(), false);
  out_.set_sign_of_life(kKeepAlive, net::sse_comment("keep-alive"));
  co_return co_await out_.begin();
}

Task<Status> TextAnswer::chunk(Json chunk) {
  if (!asked_.stream) {
    gathered_.add(chunk);
    co_return request_.cancel.cancelled() ? Status(fail(ErrorCode::kCancelled)) : Status();
  }
  if (!responder_.begun()) {
    if (auto ok = co_await begin(); !ok) co_return ok;
  }
  dress(chunk);
  co_return co_await out_.write(net::sse_data(dump(chunk)));
}

// Our id, model and time.
void TextAnswer::dress(Json& chunk) const {
  chunk["id"] = "cmpl-" + call_.id().substr(5);
  chunk["object"] = "text_completion";
  chunk["created"] = created_;
  chunk["model"] = asked_.model;
}

Task<void> TextAnswer::finish(const ledger::Usage& usage) {
  if (asked_.stream) {
    if (!responder_.begun()) {
      if (auto ok = co_await begin(); !ok) co_return;
    }
    std::string end = net::sse_comment(dump(call_.report()));
    if (asked_.include_usage) {
      Json last = {{"choices", Json::array()}, {"usage", usage_json(usage)}, {"steward", call_.report()}};
      dress(last);
      end = net::sse_data(dump(last));
    }
    if (co_await out_.write(end + net::sse_data("[DONE]"))) co_await out_.end();
    co_return;
  }
  if (auto ok = co_await call_.durable(); !ok) co_return co_await fail_with(std::move(ok.error()));
  Json body = {{"choices", gathered_.choices()}, {"usage", usage_json(usage)}};
  dress(body);
  for (const auto& [name, value] : gathered_.extras().items()) body[name] = value;
  call_.set_headers(responder_.headers(), true);
  (void)co_await responder_.send(200, "application/json", dump(body));
}

Task<void> TextAnswer::fail_with(Error error) {
  if (!responder_.begun()) {
    call_.set_headers(responder_.headers(), call_.settled() && !asked_.stream);
    co_return co_await write_openai_error(request_, responder_, std::move(error));
  }
  // The status line is out: the error is told in the stream, which then ends without [DONE].
  if (co_await out_.write(net::sse_data(dump(openai_error(error))))) co_await out_.end();
}

}  // namespace steward::gateway
