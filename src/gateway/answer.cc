#include "gateway/answer.h"

namespace steward::gateway {

Answer::Answer(Services& services, const Asked& asked, net::Request& request, net::Responder& responder)
    : asked_(asked),
      request_(request),
      responder_(responder),
      created_(services.clock.now_us() / kSecondUs),
      out_(responder, asked.json_array ? StreamOut::Form::kJsonArray : StreamOut::Form::kEvents) {
  if (asked.request.from == Dialect::kMessages) responder.headers().set("request-id", request.request_id);
}

AnswerContext Answer::context(const Call* call) const {
  return {.call = call != nullptr ? call->id() : request_.request_id, .model = asked_.request.model, .now = created_};
}

Task<void> Answer::tell_alive() {
  // As the dialect has it before an answer begins: not every client takes comments.
  const std::string sign = asked_.ingress->writer(asked_.request, context(nullptr))->keep_alive();
  out_.set_sign_of_life(std::chrono::microseconds(keep_alive_us_), sign);
  if (!out_.begun()) (void)co_await out_.begin();
  (void)co_await out_.write(sign);
}

Task<Status> Answer::open(Call& call) {
  if (auto ok = co_await call.durable(); !ok) co_return ok;
  writer_ = asked_.ingress->writer(asked_.request, context(&call));
  out_.set_sign_of_life(std::chrono::microseconds(keep_alive_us_), writer_->keep_alive());
  if (out_.begun()) co_return Status{};
  call.set_headers(responder_.headers(), false);
  co_return co_await out_.begin();
}

Task<Status> Answer::take(const Deltas& deltas) {
  std::string bytes;
  for (const Delta& delta : deltas) bytes += writer_->delta(delta);
  co_return co_await out_.write(std::move(bytes));
}

Task<void> Answer::finish(Call& call, const ledger::Usage& usage) {
  if (co_await out_.write(writer_->finish(usage, call.report()))) co_await out_.end();
}

Task<void> Answer::finish_whole(Call& call, const WholeAnswer& answer, const ledger::Usage& usage) {
  if (auto ok = co_await call.durable(); !ok) co_return co_await fail_with(&call, std::move(ok.error()));
  call.set_headers(responder_.headers(), true);
  const Json body = asked_.ingress->write_answer(answer, asked_.request, context(&call), usage, call.report());
  (void)co_await responder_.send(200, "application/json", dump(body));
}

Task<void> Answer::fail_with(Call* call, Error error) {
  if (!responder_.begun()) {
    if (call != nullptr) call->set_headers(responder_.headers(), call->settled() && !asked_.request.stream);
    co_return co_await write_error(*asked_.ingress, request_, responder_, std::move(error));
  }
  // The status line is out: the error is told in the stream.
  if (!writer_) writer_ = asked_.ingress->writer(asked_.request, context(call));
  if (co_await out_.write(writer_->fail(error))) co_await out_.end();
}

Task<void> Answer::release() { co_await out_.release(); }

}  // namespace steward::gateway
