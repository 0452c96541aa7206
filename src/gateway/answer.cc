#include "gateway/answer.h"

#include <boost/asio/redirect_error.hpp>

#include "base/crash_point.h"
#include "net/sse.h"

namespace steward::gateway {
namespace {

using namespace std::chrono_literals;
constexpr auto kKeepAlive =
    15s;  // a silent stream says a comment this often, so that nothing between us and the client gives up
constexpr auto kWriteTurn = 1ms;  // how often a writer looks whether the other one is done

std::string answer_id(const Call& call, CallKind kind) {
  return (kind == CallKind::kChat ? "chatcmpl-" : "cmpl-") + call.id().substr(5);
}

class StreamAnswer final : public Answer {
 public:
  StreamAnswer(Call& call, const ModelRequest& asked, net::Request& request, net::Responder& responder)
      : call_(call),
        asked_(asked),
        request_(request),
        responder_(responder),
        created_(now_seconds()),
        writing_(std::make_shared<bool>(false)) {}
  ~StreamAnswer() override { alive_->cancel(CancelReason::kStopped); }

  bool begun() const override { return responder_.begun(); }

  Task<Status> chunk(Json chunk) override {
    if (!responder_.begun()) {
      if (auto ok = co_await begin(); !ok) co_return ok;
    }
    dress(chunk);
    auto written = co_await write(net::sse_data(dump(chunk)));
    crash_point("upstream_streaming");
    co_return written;
  }

  Task<void> finish(const ledger::Usage& usage) override {
    if (!responder_.begun()) {
      if (auto ok = co_await begin(); !ok) co_return;
    }
    std::string end;
    if (asked_.include_usage) {
      Json last = {{"choices", Json::array()}, {"usage", usage_json(usage)}, {"steward", call_.report()}};
      dress(last);
      end += net::sse_data(dump(last));
    } else {
      end += net::sse_comment(dump(call_.report()));
    }
    if (co_await write(end + net::sse_data("[DONE]"))) co_await responder_.end();
  }

  Task<void> fail_with(Error error) override {
    if (!responder_.begun()) {
      call_.set_headers(responder_.headers(), false);
      co_return co_await write_openai_error(request_, responder_, std::move(error));
    }
    // The status line is out: the error is told in the stream, which then ends without [DONE].
    if (co_await write(net::sse_data(dump(openai_error(error))))) co_await responder_.end();
  }

  void reset() override {}
  Task<void> release() override {
    alive_->cancel(CancelReason::kStopped);
    co_await wait_turn(writing_);  // a keep-alive may be on its way out
  }

 private:
  static int64_t now_seconds() {
    return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
  }

  Task<Status> begin() {
    if (auto ok = co_await call_.durable(); !ok) co_return ok;
    call_.set_headers(responder_.headers(), false);
    responder_.headers().set("cache-control", "no-store");
    if (auto ok = co_await responder_.begin(200, "text/event-stream"); !ok) co_return ok;
    asio::co_spawn(co_await asio::this_coro::executor, keep_alive(responder_, alive_, writing_, last_write_),
                   asio::detached);
    co_return Status{};
  }

  // Our id, model and time; only what the client asked for.
  void dress(Json& chunk) const {
    chunk["id"] = answer_id(call_, asked_.kind);
    chunk["object"] = asked_.kind == CallKind::kChat ? "chat.completion.chunk" : "text_completion";
    chunk["created"] = created_;
    chunk["model"] = asked_.model;
  }

  Task<Status> write(std::string bytes) {
    co_await wait_turn(writing_);
    *writing_ = true;
    auto written = co_await responder_.write(std::move(bytes));
    *writing_ = false;
    *last_write_ = std::chrono::steady_clock::now();
    co_return written;
  }

  static Task<void> wait_turn(std::shared_ptr<bool> writing) {
    while (*writing) {
      asio::steady_timer timer(co_await asio::this_coro::executor, kWriteTurn);
      boost::system::error_code ignored;
      co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
  }

  using Time = std::chrono::steady_clock::time_point;
  // Owned by the answer through `alive`: ends at the next look after the answer is gone. The responder is touched only
  // while it lives.
  static Task<void> keep_alive(net::Responder& responder, std::shared_ptr<CancelToken> alive,
                               std::shared_ptr<bool> writing, std::shared_ptr<Time> last) {
    auto executor = co_await asio::this_coro::executor;
    auto timer = std::make_shared<asio::steady_timer>(executor);
    alive->on_cancel([timer](CancelReason) { timer->cancel(); });
    while (!alive->cancelled()) {
      timer->expires_at(*last + kKeepAlive);
      boost::system::error_code error;
      co_await timer->async_wait(asio::redirect_error(asio::use_awaitable, error));
      if (alive->cancelled()) co_return;
      if (*writing || std::chrono::steady_clock::now() < *last + kKeepAlive) continue;
      *writing = true;
      const bool ok = (co_await responder.write(net::sse_comment("keep-alive"))).has_value();
      *writing = false;
      *last = std::chrono::steady_clock::now();
      if (!ok) co_return;
    }
  }

  Call& call_;
  const ModelRequest& asked_;
  net::Request& request_;
  net::Responder& responder_;
  int64_t created_;
  std::shared_ptr<CancelToken> alive_ = std::make_shared<CancelToken>();
  std::shared_ptr<bool> writing_;
  std::shared_ptr<Time> last_write_ = std::make_shared<Time>(std::chrono::steady_clock::now());
};

class WholeAnswer final : public Answer {
 public:
  WholeAnswer(Call& call, const ModelRequest& asked, net::Request& request, net::Responder& responder)
      : call_(call), asked_(asked), request_(request), responder_(responder), gatherer_(asked.kind) {}

  bool begun() const override { return false; }  // a retry gathers anew
  Task<Status> chunk(Json chunk) override {
    gatherer_.add(chunk);
    co_return request_.cancel.cancelled() ? Status(fail(ErrorCode::kCancelled)) : Status();
  }
  Task<void> finish(const ledger::Usage& usage) override {
    if (auto ok = co_await call_.durable(); !ok) co_return co_await fail_with(std::move(ok.error()));
    Json body = {
        {"id", answer_id(call_, asked_.kind)},
        {"object", asked_.kind == CallKind::kChat ? "chat.completion" : "text_completion"},
        {"created",
         std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count()},
        {"model", asked_.model},
        {"choices", gatherer_.choices()},
        {"usage", usage_json(usage)}};
    for (const auto& [name, value] : gatherer_.extras().items()) body[name] = value;
    if (call_.target().local()) echo(body);
    call_.set_headers(responder_.headers(), true);
    co_await responder_.send(200, "application/json", dump(body));
  }
  Task<void> fail_with(Error error) override {
    call_.set_headers(responder_.headers(), call_.settled());
    co_await write_openai_error(request_, responder_, std::move(error));
  }
  void reset() override { gatherer_ = Gatherer(asked_.kind); }

  Task<void> release() override { co_return; }

 private:
  // What OpenAI says back of a request, for a model that is asked here.
  void echo(Json& body) const {
    if (const auto it = asked_.body.find("metadata"); it != asked_.body.end() && it->is_object())
      body["metadata"] = *it;
    if (asked_.body.contains("service_tier")) body["service_tier"] = "default";
  }

  Call& call_;
  const ModelRequest& asked_;
  net::Request& request_;
  net::Responder& responder_;
  Gatherer gatherer_;
};

}  // namespace

std::unique_ptr<Answer> make_stream_answer(Call& call, const ModelRequest& asked, net::Request& request,
                                           net::Responder& responder) {
  return std::make_unique<StreamAnswer>(call, asked, request, responder);
}

std::unique_ptr<Answer> make_whole_answer(Call& call, const ModelRequest& asked, net::Request& request,
                                          net::Responder& responder) {
  return std::make_unique<WholeAnswer>(call, asked, request, responder);
}

}  // namespace steward::gateway
