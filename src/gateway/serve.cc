#include "gateway/serve.h"

#include <algorithm>

#include "gateway/attempt.h"
#include "gateway/recollection.h"
#include "gateway/request_span.h"
#include "gateway/routed.h"

namespace steward::gateway {
namespace {

// The calls that were made at one request, by the number of the attempt; and those that are under way.
struct Calls {
  std::map<int, std::shared_ptr<Call>> made;
  std::map<int, const ModelAttempt*> under_way;

  void note(int number, const ModelAttempt& attempt) {
    if (attempt.call()) made[number] = attempt.call();
  }
  std::shared_ptr<Call> last() const { return made.empty() ? nullptr : made.rbegin()->second; }
};

// A ModelAttempt whose call is known beyond its end.
class NotedAttempt final : public routing::Attempt {
 public:
  NotedAttempt(std::shared_ptr<Calls> calls, Services& services, const Asked& asked, identity::Caller caller,
               routing::Turn turn)
      : calls_(std::move(calls)), number_(turn.number), inner_(services, asked, std::move(caller), std::move(turn)) {
    calls_->under_way[number_] = &inner_;
  }
  ~NotedAttempt() override { calls_->under_way.erase(number_); }

  Task<Status> start() override {
    auto status = co_await inner_.start();
    calls_->note(number_, inner_);
    co_return status;
  }
  Task<void> discard() override { return inner_.discard(); }
  routing::ProviderLimits limits() const override { return inner_.limits(); }
  ModelAttempt& inner() { return inner_; }

 private:
  std::shared_ptr<Calls> calls_;
  int number_;
  ModelAttempt inner_;
};

// One call's way through its plan.
class Serving {
 public:
  Serving(Services& services, identity::Caller caller, const Asked& asked, net::Request& request, Answer& answer,
          RequestSpan& span)
      : services_(services),
        caller_(std::move(caller)),
        asked_(asked),
        request_(request),
        answer_(answer),
        span_(span) {}

  Task<void> run(routing::Plan plan) {
    route_ = plan.route;
    if (!plan.skipped.empty()) skipped_ = plan.to_json()["skipped"];
    answer_.set_keep_alive(route_->keep_alive_us);
    if (plan.candidates.empty()) co_return co_await fail_with(plan.refusal());
    auto got = co_await routing::run_attempts(services_.router, std::move(plan), hooks(), services_.random);
    if (!got) {
      attempts_ = std::move(got.error().attempts);
      co_await record();
      co_return co_await fail_with(std::move(got.error().error));
    }
    attempts_ = std::move(got->attempts);
    tell();
    co_await record();
    auto& attempt = static_cast<NotedAttempt&>(*got->attempt).inner();
    // The race is over and with it the watch over the client: from here on its leaving, or the server's end, stops the
    // attempt itself, also while the provider says nothing.
    const size_t hook =
        request_.cancel.on_cancel([token = attempt.cancel()](CancelReason reason) mutable { token.cancel(reason); });
    auto broke = co_await attempt.deliver(answer_);
    request_.cancel.forget(hook);
    if (broke) {
      span_.failed(*broke);
      services_.router.broke(got->deployment, *broke);
    }
  }

 private:
  routing::AttemptHooks hooks() {
    routing::AttemptHooks out;
    out.make = [this](routing::Turn turn) {
      return std::make_unique<NotedAttempt>(calls_, services_, asked_, caller_, std::move(turn));
    };
    if (asked_.request.stream) out.on_silence = [this] { return tell_alive(); };
    out.client = request_.cancel;
    out.total_us = std::chrono::microseconds(services_.current()->call_deadline).count();
    return out;
  }

  // Once: from then on the stream keeps itself alive. What was reserved is on disk before; where it can't be, nothing
  // is said, so that the failure still has a status of its own.
  Task<void> tell_alive() {
    if (answer_.begun()) co_return;
    std::vector<std::shared_ptr<Call>> calls;
    for (const auto& [number, attempt] : calls_->under_way) {
      if (attempt->call() && attempt->call()->reservation().seq > 0) calls.push_back(attempt->call());
    }
    for (const auto& call : calls) {
      if (!co_await call->durable()) co_return;
    }
    if (!answer_.begun()) answer_.headers().set("x-steward-route", route_->name);
    co_await answer_.tell_alive();
  }

  // Who was asked, in the answer's head; and for its end, should the head be out.
  void tell() {
    const std::string told = routing::attempts_header(attempts_);
    span_.set("steward.route", route_->name);
    span_.set("steward.attempts", static_cast<int64_t>(attempts_.size()));
    if (auto call = calls_->last()) call->note_route(route_->name, told);
    if (answer_.begun()) return;
    answer_.headers().set("x-steward-route", route_->name);
    if (!told.empty()) answer_.headers().set("x-steward-attempts", told);
  }

  Task<void> fail_with(Error error) {
    tell();
    span_.failed(error);
    if (error.code == ErrorCode::kCancelled) co_return;
    const auto call = calls_->last();
    if (!call) services_.meters.refused(asked_.endpoint, info(error.code).name);
    co_await answer_.fail_with(call.get(), std::move(error));
  }

  // Where there was something to decide, the decision is a record beside the call's own.
  Task<void> record() {
    const auto call = calls_->last();
    if (!call || call->reservation().seq == 0 || (!route_->offered && attempts_.size() < 2)) co_return;
    Json attempts = Json::array();
    for (const auto& one : attempts_) {
      Json row = routing::to_json(one);
      if (const auto made = calls_->made.find(one.number); made != calls_->made.end()) row["call"] = made->second->id();
      attempts.push_back(std::move(row));
    }
    journal::Draft draft;
    draft.stream = "routed/" + call->id();  // its own: a settlement is the second record of the call's
    draft.kind = "call.routed";
    draft.body = dump(Json{{"route", route_->name}, {"attempts", std::move(attempts)}, {"skipped", skipped_}});
    draft.actor = caller_.key ? caller_.key->id : caller_.principal;
    std::vector<journal::Draft> drafts;
    drafts.push_back(std::move(draft));
    if (auto kept = co_await services_.journal.append(caller_.tenant, std::move(drafts)); !kept)
      services_.log.warn("a call's way could not be recorded",
                         {{"call", call->id()}, {"code", info(kept.error().code).name}});
  }

  Services& services_;
  identity::Caller caller_;
  const Asked& asked_;
  net::Request& request_;
  Answer& answer_;
  RequestSpan& span_;
  std::shared_ptr<const routing::Route> route_;
  Json skipped_ = Json::array();
  std::shared_ptr<Calls> calls_ = std::make_shared<Calls>();
  std::vector<routing::AttemptRecord> attempts_;
};

}  // namespace

Status may_use(Services& services, const identity::Caller& caller, std::string_view model, std::string_view endpoint) {
  return services.identity.may(
      caller, identity::Verb::kUseModel,
      {.tenant = caller.tenant, .model = std::string(model), .endpoint = std::string(endpoint)});
}

Task<void> refuse(Services& services, Dialect dialect, net::Request& request, net::Responder& responder, Error error) {
  services.meters.refused(std::string(to_text(dialect)), info(error.code).name);
  co_await write_error(ingress_of(dialect), request, responder, std::move(error));
}

Task<void> serve(Services& services, identity::Caller caller, Asked asked, net::Request& request,
                 net::Responder& responder) {
  RequestSpan span(services, request, caller, asked.endpoint, asked.request.model);
  asked.trace = span.below();
  if (auto ok = may_use(services, caller, asked.request.model, "chat"); !ok) {
    span.failed(ok.error());
    co_return co_await refuse(services, asked.request.from, request, responder, std::move(ok.error()));
  }
  if (auto ok = co_await recollect(services, caller, asked.request, request, responder); !ok) {
    span.failed(ok.error());
    co_return co_await refuse(services, asked.request.from, request, responder, std::move(ok.error()));
  }
  auto routed = co_await route_call(services, caller, asked.request, request.headers, Json());
  if (!routed) {
    span.failed(routed.error());
    co_return co_await refuse(services, asked.request.from, request, responder, std::move(routed.error()));
  }
  Answer answer(services, asked, request, responder);
  Serving serving(services, std::move(caller), asked, request, answer, span);
  co_await serving.run(std::move(routed->plan));
  co_await answer.release();
}

}  // namespace steward::gateway
