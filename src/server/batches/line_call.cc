#include "server/batches/line_call.h"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/json.h"
#include "server/kept.h"

namespace steward::server {
namespace {

constexpr std::chrono::seconds kFirstWait{1}, kLongestWait{60};

class Caught final : public net::Responder {
 public:
  net::Headers& headers() override { return headers_; }
  Task<Status> send(int status, std::string, std::string body) override {
    status_ = status;
    body_ = std::move(body);
    begun_ = true;
    co_return Status{};
  }
  Task<Status> begin(int status, std::string) override {
    status_ = status;
    begun_ = true;
    co_return Status{};
  }
  Task<Status> write(std::string chunk) override {
    body_ += chunk;
    co_return Status{};
  }
  Task<Status> end() override { co_return Status{}; }
  bool begun() const override { return begun_; }

  int status() const { return status_; }
  const std::string& body() const { return body_; }

 private:
  net::Headers headers_;
  int status_ = 500;
  std::string body_;
  bool begun_ = false;
};

}  // namespace

Task<Answered> ask_once(Core& core, const Endpoint& endpoint, identity::Caller caller, Question question) {
  net::Request request;
  request.method = "POST";
  request.path = std::move(question.url);
  request.headers.set("content-type", "application/json");
  request.body = std::move(question.body);
  request.remote = "batch";
  request.request_id = question.request_id;
  request.received_us = question.now;
  request.cancel = std::move(question.cancel);
  Caught caught;
  co_await run_kept(core, endpoint, std::move(caller), request, caught);
  co_return Answered{caught.status(), question.request_id, caught.body()};
}

bool passes(const Answered& answer) {
  if (answer.status == 503) return true;
  if (answer.status != 429) return false;
  const Json body = read_own(answer.body);
  const Json error = body.is_object() ? body.value("error", Json()) : Json();
  return !error.is_object() || error.value("code", Json()) != "budget_exceeded";
}

std::chrono::seconds wait_before(int again) { return std::min(kFirstWait * (1 << again), kLongestWait); }

Task<Answered> ask(Core& core, const Endpoint& endpoint, identity::Caller caller, Question question) {
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
  for (int again = 0;; ++again) {
    Answered answer = co_await ask_once(core, endpoint, caller, question);
    if (!passes(answer) || again >= kMostAgain || question.cancel.cancelled()) co_return answer;
    timer.expires_after(wait_before(again));
    co_await timer.async_wait(boost::asio::use_awaitable);
  }
}

Result<identity::Caller> caller_of(Core& core, const Id& tenant, const BatchOrder& order) {
  identity::Caller caller = caller_of_posted(core, tenant, order);
  if (order.key.empty()) return caller;
  const TimeUs expires = caller.key ? caller.key->spec.expires_at : 0;
  if (!caller.key || caller.key->revoked || (expires > 0 && expires <= core.clock.now_us()))
    return fail(ErrorCode::kKeyRevoked, "The key that asked for this batch is not good any more.");
  if (caller.key->spec.content_days == identity::kNoContent)
    return fail(ErrorCode::kForbidden, "The key keeps no content any more, and a batch's answers are content.");
  return caller;
}

identity::Caller caller_of_posted(Core& core, const Id& tenant, const BatchOrder& order) {
  identity::Caller caller;
  if (order.key.empty()) {
    caller = core.owner();
  } else {
    const auto snapshot = core.identity->snapshot();
    const auto key = snapshot->keys.find(order.key);
    caller = {.tenant = tenant,
              .principal = order.owner,
              .key = key == snapshot->keys.end() ? nullptr : key->second,
              .admin = false};
  }
  caller.in_batch = true;
  return caller;
}

}  // namespace steward::server
