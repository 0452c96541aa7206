#include "net/connection.h"

#include "base/text.h"

namespace steward::net {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLingerTotal{10'000};  // to let a client that is still sending see the answer
constexpr milliseconds kLingerSilence{1'000};
constexpr size_t kUnroutedBodyBytes = 64 * 1024;  // read, so that the connection can be kept, though no route takes it

Error too_much_held(BodyShares::Verdict verdict) {
  const bool of_client = verdict == BodyShares::Verdict::kClientFull;
  return Error(ErrorCode::kRateLimited,
               of_client ? "One client's request bodies take as much memory here as they may at once "
                           "(limits.max_client_bodies_bytes): send this again when some of yours are answered."
                         : "The server holds as many request bodies as it takes: send this again in a moment.",
               {{"retry_after_us", kSecondUs}});
}

// Without the port.
std::string_view address_of(std::string_view remote) { return remote.substr(0, remote.rfind(':')); }

SteadyTime after(milliseconds time) { return std::chrono::steady_clock::now() + time; }

// The first bytes of other protocols, told by name: people do point the wrong client at a port.
std::optional<Error> other_protocol(std::string_view bytes) {
  if (bytes.starts_with("\x16\x03"))
    return Error(ErrorCode::kInvalidRequest, "This port speaks plain HTTP: use http:// in the address.");
  if (bytes.starts_with("PRI * HTTP/2"))
    return Error(ErrorCode::kInvalidRequest, "This server speaks HTTP/1.1, not HTTP/2.");
  return std::nullopt;
}

}  // namespace

Connection::Connection(std::shared_ptr<ConnectionSet> set, std::shared_ptr<Transport> transport, std::string remote,
                       bool over_unix)
    : set_(std::move(set)),
      state_(set_->state()),
      transport_(std::move(transport)),
      input_(std::make_shared<Input>(transport_)),
      output_(transport_, state_.limits.write_timeout),
      parser_(state_.limits),
      remote_(std::move(remote)),
      over_unix_(over_unix),
      counted_(state_.connections) {
  set_->add(this);
}

Connection::~Connection() { set_->remove(this); }

Task<void> Connection::run(std::shared_ptr<Connection> self) {
  self->set_deadline(after(self->state_.limits.head_timeout), Late::kClose);
  if (co_await self->transport_->handshake()) co_return self->close();
  Next next = Next::kRequest;
  while (next == Next::kRequest) next = co_await self->serve_one();
  if (next == Next::kClose) co_await self->linger();
  self->close();
}

bool Connection::needs_attention(SteadyTime now) const {
  return now >= deadline_ || output_.expired(now) || input_->blind();
}

void Connection::attend(SteadyTime now) {
  if (output_.expired(now)) return close();
  if (now >= deadline_) {
    Late late = std::exchange(late_, Late::kNothing);
    deadline_ = SteadyTime::max();
    if (late == Late::kClose) return close();
    if (late == Late::kWakeInput) return input_->time_out();
  }
  input_->poll_gone();
}

void Connection::close_if_idle(Idle which) {
  if (!in_request_ && (served_ || which == Idle::kAll)) close();
}

bool Connection::cut(CancelReason reason) {
  if (!under_way_) return false;
  auto token = *under_way_;
  token.cancel(reason);
  return true;
}

Task<Connection::Next> Connection::serve_one() {
  parser_.next();
  Request request;
  request.over_unix = over_unix_;
  request.remote = remote_;
  auto received = co_await receive_head();
  if (!received) co_return Next::kGone;
  served_ = true;
  Counted counted(state_.under_way);
  request.request_id = state_.ids.make("req");
  request.received_us = state_.clock.monotonic_us();
  if (!*received) {
    guess_path(request);
    co_await refuse(request, std::move(received->error()));
    co_return Next::kClose;
  }
  Target target;
  if (auto status = fill_request(request, target); !status) {
    guess_path(request);
    co_await refuse(request, status.error());
    co_return Next::kClose;
  }
  Match match = state_.routes->match(request.method, target);
  request.params = std::move(match.params);
  size_t max_body = kUnroutedBodyBytes;
  if (match.route)
    max_body = match.route->route.max_body_bytes ? match.route->route.max_body_bytes : state_.limits.max_body_bytes;
  const std::string client = parser_.done() || !state_.client_namer ? "" : state_.client_namer(request);
  BodyShare share(*state_.bodies, client.empty() ? std::string(address_of(remote_)) : client, !client.empty());
  if (auto status = co_await receive_body(request, share, max_body); !status) {
    if (!match.route) {
      parser_.head().keep_alive = false;
      co_return co_await handle(request, std::move(match));
    }
    co_await refuse(request, status.error());
    co_return Next::kClose;
  }
  co_return co_await handle(request, std::move(match));
}

Task<std::optional<Status>> Connection::receive_head() {
  in_request_ = false;
  input_->shrink();
  bool begun = false;
  set_deadline(after(state_.limits.idle_timeout), Late::kClose);
  for (;;) {
    if (!input_->bytes().empty()) {
      if (!std::exchange(begun, true)) set_deadline(after(state_.limits.head_timeout), Late::kWakeInput);
      in_request_ = true;
      if (auto other = other_protocol(input_->bytes())) co_return Status(fail(*other));
      auto taken = parser_.feed_head(input_->bytes());
      if (!taken) co_return Status(fail(taken.error()));
      input_->consume(*taken);
      if (*taken > 0) break;
    } else if (state_.draining && served_) {
      co_return std::nullopt;
    }
    auto outcome = co_await input_->more(kIdleBufferBytes);
    if (outcome == Input::Outcome::kBytes) continue;
    if (!begun || output_.broken()) co_return std::nullopt;
    if (outcome == Input::Outcome::kTimeout)
      co_return Status(fail(ErrorCode::kRequestTimeout, "The request's headers did not arrive in time."));
    co_return Status(fail(ErrorCode::kInvalidRequest, "The connection ended in the middle of the request's headers."));
  }
  no_deadline();
  co_return Status{};
}

Status Connection::fill_request(Request& request, Target& target) {
  RequestHead& head = parser_.head();
  request.method = head.method;
  auto parsed = parse_target(head.target);
  if (!parsed) return fail(parsed.error());
  target = std::move(*parsed);
  request.path = target.path;
  request.query = std::move(target.query);
  request.headers = std::move(head.headers);
  return {};
}

// A malformed request has an address too, mostly: it decides in which dialect the error is told.
void Connection::guess_path(Request& request) {
  std::string_view line = input_->bytes();
  if (!parser_.head().target.empty()) {
    line = parser_.head().target;
  } else {
    line = line.substr(0, line.find_first_of("\r\n"));
    size_t space = line.find(' ');
    if (space == std::string_view::npos) return;
    request.method = line.substr(0, std::min<size_t>(space, 32));
    line = line.substr(space + 1);
  }
  line = line.substr(0, std::min(line.find_first_of(" ?"), state_.limits.max_target_bytes));
  if (line.starts_with('/')) request.path = replace_invalid_utf8(line);
}

Task<Status> Connection::receive_body(Request& request, BodyShare& share, size_t max_bytes) {
  const RequestHead& head = parser_.head();
  if (head.content_length.value_or(0) > max_bytes) {
    co_return fail(ErrorCode::kBodyTooLarge,
                   fmt::format("The body is larger than the {} bytes that are taken here.", max_bytes));
  }
  if (parser_.done()) co_return Status{};
  parser_.begin_body(max_bytes);
  if (head.expect_continue && input_->bytes().empty() && !co_await output_.write("HTTP/1.1 100 Continue\r\n\r\n")) {
    co_return fail(ErrorCode::kCancelled);
  }
  request.body.reserve(std::min<size_t>(head.content_length.value_or(0), kReadAheadBytes));
  auto started = std::chrono::steady_clock::now();
  for (;;) {
    auto taken = parser_.feed_body(input_->bytes(), request.body);
    if (!taken && taken.error().code == ErrorCode::kBodyTooLarge) {
      co_return fail(ErrorCode::kBodyTooLarge,
                     fmt::format("The body is larger than the {} bytes that are taken here.", max_bytes));
    }
    if (!taken) co_return fail(taken.error());
    input_->consume(*taken);
    if (const auto held = share.grow_to(request.body.size()); held != BodyShares::Verdict::kTaken)
      co_return fail(too_much_held(held));
    if (parser_.done()) break;
    auto earned = milliseconds(request.body.size() * 1000 / std::max<size_t>(state_.limits.min_body_rate, 1));
    set_deadline(started + state_.limits.body_timeout + earned, Late::kWakeInput);
    auto outcome = co_await input_->more(kReadAheadBytes);
    if (outcome == Input::Outcome::kTimeout)
      co_return fail(ErrorCode::kRequestTimeout, "The request's body did not arrive in time.");
    if (outcome == Input::Outcome::kEnd)
      co_return fail(ErrorCode::kInvalidRequest, "The connection ended in the middle of the request's body.");
  }
  no_deadline();
  co_return Status{};
}

Task<Connection::Next> Connection::handle(Request& request, Match match) {
  Response response(output_, request, response_context(parser_.head().keep_alive), input_);
  under_way_ = request.cancel;
  input_->shrink();
  input_->watch([token = request.cancel]() mutable { token.cancel(CancelReason::kClientGone); });
  if (!match.allow.empty()) response.headers().set("Allow", match.allow);
  const Handler& unrouted = match.allow.empty() ? state_.routes->not_found() : state_.routes->method_not_allowed();
  co_await answer(match.route ? match.route->wrapped : unrouted, request, response);
  input_->unwatch();
  under_way_.reset();
  if (response.upgraded() && !output_.broken()) co_return Next::kClose;
  if (output_.broken() || !response.finished()) co_return Next::kGone;
  if (input_->ended() || !response.keep_alive()) co_return Next::kClose;
  co_return Next::kRequest;
}

Task<void> Connection::answer(const Handler& handler, Request& request, Response& response) {
  std::string broke;
  try {
    co_await handler(request, response);
    if (!response.begun() && !request.cancel.cancelled()) broke = "the handler did not answer";
  } catch (const std::exception& e) {
    broke = e.what();
  }
  if (!broke.empty())
    state_.log.error("request failed", {{"request_id", request.request_id}, {"path", request.path}, {"what", broke}});
  if (response.begun() || output_.broken()) co_return;
  try {
    ErrorCode code = broke.empty() ? ErrorCode::kCancelled : ErrorCode::kInternal;
    if (request.cancel.reason() == CancelReason::kShutdown) code = ErrorCode::kShuttingDown;
    co_await state_.routes->error_writer()(request, response, Error(code));
  } catch (const std::exception& e) {
    state_.log.error("error writer failed", {{"request_id", request.request_id}, {"what", e.what()}});
  }
}

// Before any handler ran: the error is told, then the connection closed, since what follows can't be trusted or won't
// be read.
Task<void> Connection::refuse(Request& request, Error error) {
  set_deadline(after(state_.limits.write_timeout), Late::kClose);
  state_.log.debug("request refused", {{"request_id", request.request_id}, {"code", info(error.code).name}});
  ResponseContext context = response_context(false);
  context.http_1_0 = false;
  context.head_only = request.method == "HEAD";
  Response response(output_, request, context);
  try {
    co_await state_.routes->error_writer()(request, response, std::move(error));
  } catch (const std::exception& e) {
    state_.log.error("error writer failed", {{"request_id", request.request_id}, {"what", e.what()}});
  }
}

ResponseContext Connection::response_context(bool keep_alive) {
  const RequestHead& head = parser_.head();
  return {.date = set_->http_date(),
          .head_only = head.method == "HEAD",
          .http_1_0 = head.http_1_0,
          .keep_alive = keep_alive && !state_.draining && !input_->ended()};
}

// Closing a socket with unread input resets it, and the reset overtakes the answer. So: end our side, then read away
// what still comes.
Task<void> Connection::linger() {
  auto give_up = after(kLingerTotal);
  set_deadline(after(kLingerSilence), Late::kClose);
  co_await transport_->shutdown_send();
  while (!input_->ended() && std::chrono::steady_clock::now() < give_up) {
    input_->consume(input_->bytes().size());
    set_deadline(after(kLingerSilence), Late::kClose);
    if (co_await input_->more(kReadAheadBytes) != Input::Outcome::kBytes) break;
  }
}

}  // namespace steward::net
