// A provider as a source: the call goes out in its dialect, and what comes back is read into deltas.
#include <algorithm>

#include "base/json_bounded.h"
#include "gateway/dialects/repeating.h"
#include "gateway/media_fetcher.h"
#include "gateway/output_count.h"
#include "gateway/peek.h"
#include "gateway/providers/auth.h"
#include "gateway/remote.h"
#include "gateway/source.h"
#include "gateway/told_usage.h"
#include "gateway/upstream.h"
#include "gateway/usual_event.h"

namespace steward::gateway {
namespace {

std::string* text_of(Part& part) {
  if (auto* text = std::get_if<Text>(&part.body)) return &text->text;
  if (auto* refusal = std::get_if<Refusal>(&part.body)) return &refusal->text;
  if (auto* reasoning = std::get_if<Reasoning>(&part.body)) return &reasoning->text;
  if (auto* call = std::get_if<ToolCall>(&part.body)) return &call->arguments;
  return nullptr;
}

// A whole answer as a stream says it: parts begin empty, their text follows.
Deltas as_stream(Deltas whole) {
  Deltas out;
  for (Delta& delta : whole) {
    auto* open = std::get_if<Open>(&delta);
    std::string* text = open ? text_of(open->value) : nullptr;
    Append rest{.choice = open ? open->choice : 0, .part = open ? open->part : 0, .text = {}};
    if (text) rest.text = std::exchange(*text, {});
    out.push_back(std::move(delta));
    if (!rest.text.empty()) out.emplace_back(std::move(rest));
  }
  return out;
}

class RemoteSource final : public Source {
 public:
  RemoteSource(Services& services, const Asked& asked, Target target, CancelToken cancel, Waits waits)
      : Source(asked),
        services_(services),
        asked_(asked),
        target_(std::move(target)),
        cancel_(std::move(cancel)),
        waits_(waits),
        egress_(egress_of(egress_dialect(target_.options->profile, asked.request.from))) {}

  // The request is written with the limit that will most likely be reserved, so that it has to be written but once.
  Task<Result<Bound>> prepare() override {
    if (auto ok = co_await resolve_addresses(); !ok) co_return fail(std::move(ok.error()));
    const int64_t standard = services_.current()->default_output_tokens;
    const int64_t cap = remote_bound(request(), {}, target_, standard).output_cap;
    written_for_ = std::min(asked_.request.max_output.value_or(cap), cap);
    if (auto ok = write(); !ok) co_return fail(std::move(ok.error()));
    Bound bound = remote_bound(request(), body_, target_, standard);
    input_tokens_ = bound.input_tokens;
    co_return bound;
  }

  Result<PostedBody> posting(int64_t output_tokens) override {
    if (auto ok = write_for(output_tokens); !ok) return fail(std::move(ok.error()));
    return PostedBody{.path = egress_.path(asked_.request, call_), .body = std::move(body_)};
  }

  Status take_answer(int64_t input_tokens, int64_t output_tokens, int status, std::string body) override {
    input_tokens_ = input_tokens;
    most_tokens_ = output_tokens * asked_.request.n;
    reader_ = egress_.reader(target_.provider);
    asked_it_ = in_batch_ = true;
    return read_whole(status, body, {});
  }

  Task<Status> open(int64_t output_tokens) override {
    if (auto ok = write_for(output_tokens); !ok) co_return ok;
    auto request = provider_request(*target_.options, egress_.path(asked_.request, call_), std::move(body_), cancel_,
                                    deadlines(), services_.clock.now_us());
    if (!request) co_return fail(std::move(request.error()));
    request->max_response_bytes = asked_.request.stream ? kMaxStreamBytes : kMaxAnswerBytes;
    reader_ = egress_.reader(target_.provider);
    repeating_ = dynamic_cast<RepeatingReader*>(reader_.get());
    if (cancel_.cancelled()) co_return fail(ErrorCode::kCancelled);  // nobody waits for it: it isn't asked
    asked_it_ = true;
    if (!asked_.request.stream) co_return co_await fetch(std::move(*request));
    request->headers.add("Accept", "text/event-stream");
    auto stream = co_await EventStream::open(services_.clients.here(), std::move(*request),
                                             [this](int status, std::string_view body, const net::Headers& headers) {
                                               return refused(status, body, headers);
                                             });
    if (!stream) co_return fail(std::move(stream.error()));
    stream_ = std::move(*stream);
    take_limits(stream_->headers());
    if (auto whole = stream_->take_whole()) {
      const size_t size = dump(*whole).size();
      co_return take_body(std::move(*whole), size);
    }
    co_return Status{};
  }

  Task<Result<std::optional<Deltas>>> next() override {
    if (!asked_.request.stream || came_whole_) co_return std::exchange(fetched_, std::nullopt);
    while (!ended_) {
      auto event = co_await stream_->next_raw(reader_->finished());
      if (!event) co_return fail(std::move(event.error()));
      bool believed = true;
      auto deltas = *event ? read(**event, believed) : end();
      if (!deltas) co_return fail(std::move(deltas.error()));
      take_counts(*deltas, believed);
      if (counted_.at_least() > most_tokens_) {
        co_return fail(
            ErrorCode::kUpstreamError,
            fmt::format("The answer was cut: the provider went past the {} tokens that it was allowed.", most_tokens_),
            {{"cut", true}});
      }
      if (!deltas->empty()) co_return std::optional<Deltas>(std::move(*deltas));
    }
    co_return std::optional<Deltas>();
  }

  Task<bool> again(Error&, bool) override { co_return false; }
  void stop() override { stream_.reset(); }

  Ended ended(std::optional<Error> error) override {
    Ended out{.usage = used(!error), .disputed = disputed(!error), .error = std::move(error)};
    if (in_batch_ && out.usage.service == ledger::ServiceLevel::kDefault)
      out.usage.service = ledger::ServiceLevel::kBatch;
    if (!out.error) return out;
    const ErrorCode code = out.error->code;
    const bool unheard = code == ErrorCode::kCancelled || code == ErrorCode::kUpstreamTimeout;
    out.outcome = outcome_of(*out.error);
    if (out.error->details.is_object() && out.error->details.contains("cut")) out.outcome = ledger::Outcome::kCut;
    if (refused_status_ != 0)
      out.outcome = refused_status_ < 500 ? ledger::Outcome::kRefusedUpstream : ledger::Outcome::kUpstreamFailed;
    // It was asked and may have answered it all: charged at the bound, for nobody can tell what it made.
    if (asked_it_ && !asked_.request.stream && !heard_ && unheard) out.outcome = ledger::Outcome::kInDoubt;
    if (!asked_it_ || refused_status_ != 0 || (!heard_ && !unheard) || out.outcome == ledger::Outcome::kInDoubt) {
      out.usage = {.requests = 0};
      out.disputed = false;
    }
    return out;
  }

  routing::ProviderLimits limits() const override { return limits_; }

 private:
  // As it goes out: with bytes where the provider can't fetch an address itself.
  const Request& request() const { return with_bytes_ ? *with_bytes_ : asked_.request; }

  Task<Status> resolve_addresses() {
    const auto options = services_.current();
    const ProviderProfile& profile = target_.options->profile;
    if (auto good = check_addresses(asked_.request, options->fetch); !good) co_return good;
    if (!needs_fetching(asked_.request, profile)) co_return Status{};
    with_bytes_ = asked_.request;
    const auto resolver = net::make_resolver();
    co_return co_await resolve_media(*with_bytes_, profile,
                                     {*resolver, services_.clients.here(), options->fetch, cancel_});
  }

  // With the limit that was reserved.
  Status write_for(int64_t output_tokens) {
    most_tokens_ = output_tokens * asked_.request.n;
    if (output_tokens == written_for_) return {};
    written_for_ = output_tokens;
    return write();
  }

  Status write() {
    call_ = {.provider = target_.provider,
             .model = target_.upstream_model,
             .profile = &target_.options->profile,
             .max_output = written_for_,
             .stream = asked_.request.stream,
             .refusals = &refusals_};
    auto body = egress_.write_request(request(), call_);
    if (!body) return fail(std::move(body.error()));
    body_ = dump(*body);
    return {};
  }

  net::ClientDeadlines deadlines() const {
    net::ClientDeadlines out = target_.options->deadlines;
    const auto ms = [](DurationUs us) { return std::chrono::milliseconds(std::max<DurationUs>(1, us / 1000)); };
    if (waits_.first_byte_us > 0) out.first_byte = ms(waits_.first_byte_us);
    if (waits_.between_bytes_us > 0) out.between_bytes = ms(waits_.between_bytes_us);
    out.total = std::min(out.total, services_.current()->call_deadline);
    if (!waits_.total.never()) out.total = std::min(out.total, ms(waits_.total.left().count()));
    return out;
  }

  Task<Status> fetch(net::ClientRequest request) {
    auto stream = co_await services_.clients.here().open(std::move(request));
    if (!stream) co_return fail(std::move(stream.error()));
    take_limits((*stream)->headers());
    const int status = (*stream)->status();
    std::string text;
    for (;;) {
      auto bytes = co_await (*stream)->read();
      if (!bytes) {
        // It was on its way, so it was made: what came of it is charged. A silence is in doubt: see ended().
        if (status == 200 && bytes.error().code != ErrorCode::kUpstreamTimeout &&
            bytes.error().code != ErrorCode::kCancelled)
          take_garbage(text.size());
        co_return fail(std::move(bytes.error()));
      }
      if (!*bytes) break;
      text += **bytes;
    }
    co_return read_whole(status, text, (*stream)->headers());
  }

  Status read_whole(int status, const std::string& text, const net::Headers& headers) {
    if (status != 200) return fail(refused(status, text, headers));
    auto body = parse_json(text, {.max_depth = kMaxForeignDepth, .allow_duplicate_keys = true});
    if (body && body->is_object()) return take_body(std::move(*body), text.size());
    take_garbage(text.size());
    return fail(ErrorCode::kUpstreamError, "The model's provider answered with something that is no completion.");
  }

  // What can't be read may still have been made: it counts by its bytes.
  void take_garbage(size_t bytes) {
    heard_ = true;
    counted_.add_text(bytes);
  }

  Status take_body(Json body, size_t size) {
    came_whole_ = true;
    const bool believed = told_usage_can_be(body);
    const bool is_error = peek(body, "error").is_object() || peek(body, "error").is_string();
    auto deltas = reader_->whole(std::move(body));
    if (!deltas && !is_error) take_garbage(size);
    if (!deltas) return fail(std::move(deltas.error()));
    take_counts(*deltas, believed);
    fetched_ = asked_.request.stream ? as_stream(std::move(*deltas)) : std::move(*deltas);
    return {};
  }

  // Most events differ from the one before in their text alone, and are not read whole.
  // `believed`: the use that it tells, if any, can be.
  Result<Deltas> read(const net::SseEvent& event, bool& believed) {
    if (auto text = usual_.read(event)) {
      Deltas out;
      if (text->empty()) return out;
      appended_.text = std::move(*text);
      repeating_->appended(appended_);
      out.emplace_back(std::move(appended_));
      return out;
    }
    usual_.forget();
    auto whole = EventStream::read(event);
    if (!whole) return fail(std::move(whole.error()));
    believed = told_usage_can_be(whole->data);
    auto deltas = reader_->event(whole->name, std::move(whole->data));
    if (!deltas || deltas->size() != 1) return deltas;
    const auto* append = std::get_if<Append>(&deltas->front());
    if (append == nullptr || repeating_ == nullptr || !repeating_->repeats(*append)) return deltas;
    usual_.learn(event, append->text);
    appended_ = {.choice = append->choice, .part = append->part, .text = {}};
    return deltas;
  }

  Result<Deltas> end() {
    ended_ = true;
    Deltas out;
    if (stream_->done() && &egress_ == &chat_egress()) {  // an end that only this dialect marks so
      auto marked = reader_->event("[DONE]", Json());
      if (!marked) return marked;
      out = std::move(*marked);
    }
    auto owed = reader_->end();
    if (!owed) return owed;
    std::ranges::move(*owed, std::back_inserter(out));
    return out;
  }

  Error refused(int status, std::string_view body, const net::Headers& headers) {
    refused_status_ = status;
    take_limits(headers);
    if (status >= 300 && status < 400) {
      return Error(ErrorCode::kUpstreamError,
                   fmt::format("The model's provider answered {}, a redirect, which is not followed: set its base_url "
                               "to the address where it leads.",
                               status),
                   {{"upstream_status", status}});
    }
    Error error = egress_.read_error(status, body, headers);
    if (error.details.is_object()) error.details["upstream_status"] = status;
    return error;
  }

  void take_limits(const net::Headers& headers) {
    limits_ = routing::read_provider_limits([&](std::string_view name) { return headers.get(name); },
                                            services_.clock.now_us());
  }

  // `believed`: the usage that is told with them can be.
  void take_counts(Deltas& deltas, bool believed) {
    heard_ = heard_ || !deltas.empty();
    counted_.add(deltas);
    const auto is_lie = [&](const Delta& delta) {
      const auto* told = std::get_if<UsageTold>(&delta);
      return told != nullptr && (!believed || !told_usage_can_be(told->usage));
    };
    disputed_ = disputed_ || !believed || std::ranges::any_of(deltas, is_lie);
    std::erase_if(deltas, is_lie);
    for (const Delta& delta : deltas) {
      const auto* told = std::get_if<UsageTold>(&delta);
      if (told == nullptr) continue;
      const ledger::Usage& usage = told->usage;
      if (usage.prompt_tokens == 0 && usage.completion_tokens == 0) continue;
      if (!told_ || usage.completion_tokens >= told_->completion_tokens) told_ = usage;  // told twice: the larger
    }
  }

  // No output beside output that came can't be either.
  bool disputed(bool whole) const {
    return disputed_ || (whole && told_ && told_->completion_tokens == 0 && counted_.estimate() > 0);
  }

  // What the provider told; of an answer that broke off, what came counts where that is more.
  ledger::Usage used(bool whole) const {
    ledger::Usage out;
    if (told_) out = *told_;
    const int64_t made = std::min(counted_.estimate(), most_tokens_);  // never more than it was allowed
    if (told_ && !disputed(whole) && (whole || out.completion_tokens >= made)) return out;
    if (!told_ || out.prompt_tokens == 0) out.prompt_tokens = estimate_tokens(static_cast<size_t>(input_tokens_));
    out.completion_tokens = std::max(out.completion_tokens, made);
    out.estimated = true;
    return out;
  }

  Services& services_;
  const Asked& asked_;
  Target target_;
  CancelToken cancel_;
  Waits waits_;
  const Egress& egress_;
  std::optional<Request> with_bytes_;
  OutgoingCall call_;
  std::string body_;
  int64_t written_for_ = 0, most_tokens_ = 0, input_tokens_ = 0;
  std::unique_ptr<AnswerReader> reader_;
  RepeatingReader* repeating_ = nullptr;  // the same one, if it is such
  std::unique_ptr<EventStream> stream_;
  UsualEvent usual_;
  Append appended_;  // what the usual event appends to
  std::optional<Deltas> fetched_;
  OutputCount counted_;
  std::optional<ledger::Usage> told_;
  routing::ProviderLimits limits_;
  int refused_status_ = 0;
  bool asked_it_ = false, heard_ = false, ended_ = false, came_whole_ = false, disputed_ = false;
  bool in_batch_ = false;  // of the provider's own: its price holds
};

}  // namespace

Dialect egress_dialect(const ProviderProfile& profile, Dialect from) {
  switch (profile.dialect) {
    case ProviderDialect::kResponses: return Dialect::kResponses;
    case ProviderDialect::kAnthropic:
    case ProviderDialect::kBedrock: return Dialect::kMessages;
    case ProviderDialect::kGemini: return Dialect::kGemini;
    case ProviderDialect::kOpenAi: break;
  }
  return from == Dialect::kResponses && profile.quirks.speaks_responses ? Dialect::kResponses : Dialect::kChat;
}

Result<net::ClientRequest> provider_request(const ProviderOptions& provider, const UpstreamPath& path, std::string body,
                                            CancelToken cancel, net::ClientDeadlines deadlines, TimeUs now_us) {
  net::ClientRequest request{.method = "POST",
                             .url = provider.base_url + path.path,
                             .body = std::move(body),
                             .deadlines = deadlines,
                             .cancel = std::move(cancel)};
  request.guard = provider.guard;
  request.headers.add("Content-Type", "application/json");
  for (const auto& [name, value] : path.headers) request.headers.add(name, value);
  if (auto ok = authorize(request, provider.profile, {.key = provider.key, .region = provider.region}, now_us); !ok)
    return fail(std::move(ok.error()));
  return request;
}

std::unique_ptr<Source> make_remote_source(Services& services, const Asked& asked, Target target, CancelToken cancel,
                                           Waits waits) {
  return std::make_unique<RemoteSource>(services, asked, std::move(target), std::move(cancel), waits);
}

}  // namespace steward::gateway
