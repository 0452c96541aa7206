#include "server/kept.h"

#include "base/crypto.h"
#include "server/idempotency.h"
#include "server/recorder.h"
#include "server/worker.h"

namespace steward::server {
namespace {

constexpr DurationUs kDayUs = 24 * 3600 * kSecondUs;

const Id& doer(const identity::Caller& caller) { return caller.key != nullptr ? caller.key->id : caller.principal; }

// One request whose answer is kept.
struct Keeping {
  Core& core;
  identity::Caller caller;
  std::string stream;        // of its Idempotency-Key; empty: none
  std::string request_body;  // only if content is kept
  int64_t days = 0;
  bool content_done = false, key_done = false;
  std::optional<Error> failure;  // the answer could not be kept as was promised, so it was held back
};

// However the request ends, its key is no longer under way.
struct UnderWay {
  Keeping& keeping;
  ~UnderWay() {
    if (!keeping.stream.empty()) keeping.core.idempotency->forget(keeping.stream);
  }
};

Task<Result<std::string>> put_blob(Core& core, Id tenant, std::string bytes) {
  const std::function<Result<std::string>()> work = [blobs = core.blobs.get(), tenant, bytes = std::move(bytes)] {
    return blobs->put(tenant, bytes);
  };
  co_return co_await core.worker->run<std::string>(work);
}

Task<Result<std::string>> get_blob(Core& core, Id tenant, std::string blob) {
  const std::function<Result<std::string>()> work = [blobs = core.blobs.get(), tenant, blob] {
    return blobs->get(tenant, blob);
  };
  co_return co_await core.worker->run<std::string>(work);
}

Id call_of(const KeptAnswer& answer) {
  for (const auto& [name, value] : answer.headers) {
    if (name == "x-steward-call") return value;
  }
  return "";
}

Task<Status> keep_content(Keeping& keeping, const Recorder& recorder) {
  keeping.content_done = true;
  const KeptAnswer& answer = recorder.answer();
  const Id call = call_of(answer);
  if (call.empty()) co_return Status{};  // nothing was asked of a model
  const Id tenant = keeping.caller.tenant;
  auto request = co_await put_blob(keeping.core, tenant, keeping.request_body);
  if (!request) co_return fail(request.error());
  auto body = co_await put_blob(keeping.core, tenant, answer.body);
  if (!body) co_return fail(body.error());
  journal::Draft draft;
  draft.stream = "content/" + call;
  draft.kind = kContentKind;
  draft.actor = doer(keeping.caller);
  draft.sources = {call};
  draft.label = "outside";
  draft.blobs = {*request, *body};
  draft.body = dump(Json{{"call", call},
                         {"until_us", keeping.core.clock.now_us() + keeping.days * kDayUs},
                         {"request", *request},
                         {"answer", *body},
                         {"status", answer.status},
                         {"content_type", answer.content_type},
                         {"whole", recorder.whole() && !recorder.too_large()}});
  std::vector<journal::Draft> drafts;
  drafts.push_back(std::move(draft));
  auto written = co_await keeping.core.journal->append(tenant, std::move(drafts));
  if (!written) co_return fail(written.error());
  co_return Status{};
}

Task<Status> keep_for_repeats(Keeping& keeping, const Recorder& recorder) {
  keeping.key_done = true;
  auto& idempotency = *keeping.core.idempotency;
  if (!recorder.succeeded()) co_return co_await idempotency.release(keeping.caller, keeping.stream);
  const KeptAnswer& answer = recorder.answer();
  Json kept = {{"status", answer.status},
               {"content_type", answer.content_type},
               {"headers", answer.headers},
               {"streamed", answer.streamed},
               {"too_large", recorder.too_large()}};
  std::vector<std::string> blobs;
  if (!recorder.too_large()) {
    auto blob = co_await put_blob(keeping.core, keeping.caller.tenant, answer.body);
    if (!blob) co_return fail(blob.error());
    kept["blob"] = *blob;
    blobs = {*blob};
  }
  co_return co_await idempotency.keep(keeping.caller, keeping.stream, call_of(answer), std::move(kept),
                                      std::move(blobs));
}

Task<Status> keep(Keeping& keeping, const Recorder& recorder) {
  if (keeping.days > 0) {
    if (auto done = co_await keep_content(keeping, recorder); !done) co_return done;
  }
  if (!keeping.stream.empty()) co_return co_await keep_for_repeats(keeping, recorder);
  co_return Status{};
}

// An answer that can't be kept is not given; a refusal is, since nothing was promised with it.
Task<Status> before_end(Keeping& keeping, const Recorder& recorder) {
  auto kept = co_await keep(keeping, recorder);
  if (kept || recorder.answer().status >= 400) co_return Status{};
  keeping.failure =
      Error(ErrorCode::kStoreUnavailable,
            fmt::format("The answer is to be kept and can't be now, so it is not given: {}", kept.error().message));
  co_return fail(*keeping.failure);
}

// The client's going ends no call whose answer was promised to a repeat; a stopping server does.
net::Request lasting(net::Request& request) {
  std::string body = std::move(request.body);
  net::Request out = request;
  out.body = std::move(body);
  out.cancel = CancelToken();
  request.cancel.on_cancel([token = out.cancel](CancelReason reason) mutable {
    if (reason != CancelReason::kClientGone) token.cancel(reason);
  });
  return out;
}

Task<void> run_recorded(const Endpoint& endpoint, net::Request& request, net::Responder& responder, Keeping keeping) {
  const UnderWay under_way{keeping};
  const bool outlives = !keeping.stream.empty();
  Recorder recorder(responder, outlives, [&keeping](const Recorder& self) { return before_end(keeping, self); });
  if (outlives) {
    net::Request mine = lasting(request);
    co_await endpoint.raw(keeping.caller, mine, recorder);
  } else {
    co_await endpoint.raw(keeping.caller, request, recorder);
  }
  if (keeping.failure && !responder.begun()) co_await write_error(request, responder, *keeping.failure);
  // It broke off: what came of it is content all the same. Its key stays taken, since nobody can tell what it cost.
  if (keeping.days > 0 && !keeping.content_done) (void)co_await keep_content(keeping, recorder);
}

Task<void> replay(Core& core, identity::Caller caller, Json kept, net::Request& request, net::Responder& responder) {
  if (kept.value("too_large", false)) {
    co_return co_await write_error(
        request, responder,
        Error(ErrorCode::kConflict,
              fmt::format("The answer under this Idempotency-Key was larger than the {} bytes that are kept; the call "
                          "was made and charged. Take a new key to ask again.",
                          kMaxKeptBytes)));
  }
  auto body = co_await get_blob(core, caller.tenant, kept.value("blob", ""));
  if (!body) co_return co_await write_error(request, responder, body.error());
  for (const auto& field : kept["headers"])
    responder.headers().set(field[0].get<std::string>(), field[1].get<std::string>());
  responder.headers().set("idempotent-replayed", "true");
  const int status = kept.value("status", 200);
  const std::string type = kept.value("content_type", "");
  if (!kept.value("streamed", false)) {
    (void)co_await responder.send(status, type, std::move(*body));
    co_return;
  }
  if (!co_await responder.begin(status, type)) co_return;
  if (!co_await responder.write(std::move(*body))) co_return;
  (void)co_await responder.end();
}

std::string fingerprint_of(const net::Request& request) {
  std::string text = fmt::format("{} {}", request.method, request.path);
  for (const auto& [name, value] : request.query) {
    if (name != "key") text += fmt::format("\n{}={}", name, value);  // Gemini's clients put the secret there
  }
  return to_hex(sha256(text + "\n\n" + request.body));
}

}  // namespace

Task<void> run_kept(Core& core, const Endpoint& endpoint, identity::Caller caller, net::Request& request,
                    net::Responder& responder) {
  const int64_t days = caller.key != nullptr ? caller.key->spec.content_days : 0;
  const bool keyed = request.headers.has("idempotency-key");
  const bool model_call = endpoint.method == "POST" && endpoint.access == Access::kKey;
  if (!model_call || !endpoint.keeps || (!keyed && days <= 0))
    co_return co_await endpoint.raw(caller, request, responder);
  if (keyed && days < 0) {
    co_return co_await write_error(
        request, responder,
        Error(ErrorCode::kInvalidRequest,
              "Idempotency-Key can't be honoured: this key keeps no content, and a repeat needs the answer kept for a "
              "day. Leave it out, or use a key with 'content' metadata.",
              {{"param", "Idempotency-Key"}}));
  }
  Keeping keeping{core, caller, "", days > 0 ? request.body : "", days};
  if (keyed) {
    const std::string key(request.headers.get("idempotency-key"));
    auto begun = co_await core.idempotency->begin(caller, key, fingerprint_of(request), false);
    if (!begun) co_return co_await write_error(request, responder, begun.error());
    if (begun->kept) co_return co_await replay(core, caller, std::move(*begun->kept), request, responder);
    keeping.stream = begun->stream;
  }
  co_await run_recorded(endpoint, request, responder, std::move(keeping));
}

}  // namespace steward::server
