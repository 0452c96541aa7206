#include "server/batches/posted.h"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <charconv>

#include "base/json.h"
#include "gateway/serve.h"
#include "server/batches/line_asked.h"

namespace steward::server {
namespace {

constexpr int kMostHandingOver = 6;  // tries to hand a group to its provider

// What the provider answered to a posting; 0: nothing.
int64_t status_of(const Error& error) {
  return error.details.is_object() ? error.details.value("upstream_status", int64_t{0}) : 0;
}

bool has_no_batches(const Error& error) {
  const int64_t status = status_of(error);
  return status == 404 || status == 405 || status == 501;
}

bool may_pass(const Error& error) {
  const int64_t status = status_of(error);
  if (status != 0) return status == 408 || status == 429 || status >= 500;
  return error.code == ErrorCode::kUpstreamUnreachable || error.code == ErrorCode::kUpstreamTimeout;
}

std::string line_id(size_t line) { return fmt::format("line-{}", line); }

std::optional<size_t> number_in(std::string_view digits) {
  size_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) return {};
  return number;
}

// Of which line an answer is: by its id, or by where it was posted.
std::optional<size_t> line_of(std::string_view id, const std::vector<SentLine>& posted) {
  if (id.starts_with("line-")) return number_in(id.substr(5));
  const auto place = id.starts_with("#") ? number_in(id.substr(1)) : std::nullopt;
  return place && *place < posted.size() ? std::optional(posted[*place].line) : std::nullopt;
}

// Lines of one place can go in one batch.
std::string place_of(const gateway::Posting& posting) {
  std::string out = posting.provider + "\n" + posting.model + "\n" + posting.path.path;
  for (const auto& [name, value] : posting.path.headers) out += "\n" + name + ":" + value;
  return out;
}

Task<void> rest(std::chrono::seconds time) {
  asio::steady_timer timer(co_await asio::this_coro::executor, time);
  co_await timer.async_wait(asio::use_awaitable);
}

}  // namespace

PostedLines::PostedLines(Core& core, const BatchTargets& targets, BatchKeeping& keeping, const BatchInput& input)
    : core_(core), targets_(targets), keeping_(keeping), input_(input), ids_(core.clock, core.random) {}

gateway::Services& PostedLines::services() const { return core_.gateway->services(); }

Question PostedLines::question_of(size_t line) {
  const BatchLine& asked = input_.lines[line];
  return {.url = asked.url,
          .body = dump(asked.body),
          .request_id = ids_.make("req"),
          .now = core_.clock.monotonic_us(),
          .cancel = {}};
}

// The line's own endpoint, with another thing to do for it.
Endpoint PostedLines::endpoint_of(size_t line, RawHandler handler) const {
  Endpoint out = targets_.at(input_.lines[line].url);
  out.json = nullptr;
  out.raw = std::move(handler);
  return out;
}

Task<Answered> PostedLines::in_dialect(size_t line, Error error) {
  const Endpoint endpoint =
      endpoint_of(line, [&](identity::Caller, net::Request& request, net::Responder& responder) -> Task<void> {
        co_await gateway::refuse(services(), gateway::dialect_of_path(request.path), request, responder,
                                 std::move(error));
      });
  co_return co_await ask_once(core_, endpoint, caller_of_posted(core_, keeping_.tenant(), keeping_.order()),
                              question_of(line));
}

Task<PostedLines::Prepared> PostedLines::prepare_once(size_t line, const identity::Caller& caller) {
  Prepared out;
  bool live = false;
  const Endpoint endpoint =
      endpoint_of(line, [&](identity::Caller who, net::Request& request, net::Responder& responder) -> Task<void> {
        auto asked = co_await read_line_call(core_, who, request, nullptr);
        auto posting = asked ? co_await post_line(services(), std::move(who), *asked, request.headers,
                                                  kBatchWindowUs + kPostedGraceUs)
                             : fail(std::move(asked.error()));
        if (!posting)
          co_return co_await gateway::refuse(services(), gateway::dialect_of_path(request.path), request, responder,
                                             std::move(posting.error()));
        out.posting = std::move(*posting);
        live = !out.posting;
      });
  Answered answer = co_await ask_once(core_, endpoint, caller, question_of(line));
  if (!out.posting && !live) out.refusal = std::move(answer);
  co_return out;
}

Task<PostedLines::Prepared> PostedLines::prepare(size_t line) {
  auto caller = caller_of(core_, keeping_.tenant(), keeping_.order());
  if (!caller) co_return Prepared{.posting = {}, .refusal = co_await in_dialect(line, std::move(caller.error()))};
  for (int again = 0;; ++again) {
    Prepared out = co_await prepare_once(line, *caller);
    if (!out.refusal || !passes(*out.refusal) || again >= kMostAgain) co_return out;
    co_await rest(wait_before(again));
  }
}

Task<Status> PostedLines::gather(std::span<const size_t> lines) {
  for (const size_t line : lines) {
    Prepared prepared = co_await prepare(line);
    Status ok;
    if (prepared.refusal)
      ok = co_await keeping_.keep(line, std::move(*prepared.refusal));
    else if (prepared.posting)
      ok = co_await add(line, std::move(*prepared.posting));
    else
      live_.push_back(line);
    if (!ok) co_return ok;
  }
  co_return Status{};
}

Task<Status> PostedLines::add(size_t line, gateway::Posting posting) {
  Group& group = groups_[place_of(posting)];
  const bool full = group.answers + posting.answers > gateway::kMostPostedAnswers ||
                    group.bytes + posting.body.size() > gateway::kMostPostedBytes;
  if (full && !group.lines.empty()) {
    if (auto ok = co_await flush(std::exchange(group, {})); !ok) co_return ok;
  }
  group.provider = posting.provider;
  group.model = posting.model;
  group.path = std::move(posting.path);
  group.bytes += posting.body.size();
  group.answers += posting.answers;
  group.calls.push_back({.line = line, .call = std::move(posting.call)});
  group.lines.push_back({.id = line_id(line), .body = std::move(posting.body)});
  co_return Status{};
}

Task<Result<std::vector<size_t>>> PostedLines::post() {
  for (auto& [place, group] : std::exchange(groups_, {})) {
    if (group.lines.empty()) continue;
    if (auto ok = co_await flush(std::move(group)); !ok) co_return fail(ok.error());
  }
  co_return std::exchange(live_, {});
}

// One group to its provider. Where there are no batches its lines go live; after another refusal they have their
// answer.
Task<Status> PostedLines::flush(Group group) {
  const auto batches = gateway::batches_of(services(), group.provider);
  Result<std::string> posted = fail(ErrorCode::kModelNotFound, "The provider isn't configured any more.");
  if (batches && !without_.contains(group.provider)) posted = co_await hand_over(*batches, group);
  if (posted) co_return co_await keeping_.sent(group.provider, *posted, group.calls);
  if (!without_.contains(group.provider) && !has_no_batches(posted.error()))
    co_return co_await refuse_all(group.calls, std::move(posted.error()));
  without_.insert(group.provider);
  for (const SentLine& one : group.calls) {
    co_await gateway::drop_posted(services(), keeping_.tenant(), one.call, posted.error());
    live_.push_back(one.line);
  }
  co_return Status{};
}

Task<Result<std::string>> PostedLines::hand_over(gateway::ProviderBatches& batches, const Group& group) {
  for (int again = 0;; ++again) {
    auto posted = co_await batches.post(group.path, group.model, group.lines);
    if (posted || has_no_batches(posted.error()) || !may_pass(posted.error()) || again >= kMostHandingOver)
      co_return posted;
    core_.log.warn("a provider did not take a batch; it is tried again",
                   {{"provider", group.provider}, {"code", info(posted.error().code).name}});
    co_await rest(wait_before(again));
  }
}

Task<Status> PostedLines::refuse_all(const std::vector<SentLine>& lines, Error error) {
  for (const SentLine& one : lines) {
    co_await gateway::drop_posted(services(), keeping_.tenant(), one.call, error);
    if (auto ok = co_await keeping_.keep(one.line, co_await in_dialect(one.line, error)); !ok) co_return ok;
  }
  co_return Status{};
}

Task<Result<bool>> PostedLines::look(std::vector<Sent> open, std::set<int64_t> answered, bool stop) {
  bool over = true;
  for (const Sent& sent : open) {
    auto ended = co_await look_at(sent, answered, stop);
    if (!ended) co_return fail(std::move(ended.error()));
    over = over && *ended;
  }
  co_return over;
}

// True: it has ended, and what it answered is kept. A provider that can't be asked now is asked again later.
Task<Result<bool>> PostedLines::look_at(const Sent& sent, const std::set<int64_t>& answered, bool stop) {
  const auto batches = gateway::batches_of(services(), sent.provider);
  if (!batches) co_return false;  // not configured now: it may be again before the reservations end
  if (stop) (void)co_await batches->cancel(sent.batch);
  auto state = co_await batches->look(sent.batch);
  if (!state) {
    core_.log.warn("a provider's batch could not be looked at; it is asked again",
                   {{"provider", sent.provider}, {"code", info(state.error().code).name}});
    co_return false;
  }
  if (!state->ended) co_return false;
  std::map<size_t, const SentLine*> owed;
  for (const SentLine& one : sent.lines) {
    if (!answered.contains(static_cast<int64_t>(one.line))) owed[one.line] = &one;
  }
  std::optional<Error> broke;  // ours: the journal's
  auto each = [&](gateway::LineAnswer answer) -> Task<Status> {
    const auto line = line_of(answer.id, sent.lines);
    const auto found = line ? owed.find(*line) : owed.end();
    if (found == owed.end() || answer.status == 0) co_return Status{};
    const SentLine* one = found->second;
    owed.erase(found);
    auto ok = co_await take(*one, std::move(answer));
    if (!ok) broke = ok.error();
    co_return ok;
  };
  if (!state->refused) {
    auto read = co_await batches->each_answer(sent.batch, *state, each);
    if (broke) co_return fail(std::move(*broke));
    if (!read) {
      core_.log.warn("the answers of a provider's batch could not be read; they are asked for again",
                     {{"provider", sent.provider}, {"code", info(read.error().code).name}});
      co_return false;
    }
  }
  std::vector<SentLine> left;
  for (const auto& [line, one] : owed) left.push_back(*one);
  if (state->refused) {
    if (auto ok = co_await refuse_all(left, std::move(*state->refused)); !ok) co_return fail(ok.error());
  }
  for (const SentLine& one : left)
    co_await gateway::drop_posted(services(), keeping_.tenant(), one.call, Error(ErrorCode::kUpstreamTimeout));
  if (auto ok = co_await keeping_.taken(sent.record); !ok) co_return fail(ok.error());
  co_await batches->forget(sent.batch, *state);
  co_return true;
}

Task<Status> PostedLines::take(const SentLine& sent, gateway::LineAnswer answer) {
  const Endpoint endpoint =
      endpoint_of(sent.line, [&](identity::Caller who, net::Request& request, net::Responder& responder) -> Task<void> {
        auto asked = co_await read_line_call(core_, who, request, &sent.call);
        if (!asked)
          co_return co_await gateway::refuse(services(), gateway::dialect_of_path(request.path), request, responder,
                                             std::move(asked.error()));
        co_await answer_line(services(), std::move(who), *asked, sent.call, std::move(answer), request, responder);
      });
  const identity::Caller caller = caller_of_posted(core_, keeping_.tenant(), keeping_.order());
  Answered got = co_await ask_once(core_, endpoint, caller, question_of(sent.line));
  if (caller.key && caller.key->spec.content_days == identity::kNoContent)
    got = co_await in_dialect(
        sent.line,
        Error(ErrorCode::kForbidden, "The key keeps no content any more, and a batch's answers are content."));
  co_return co_await keeping_.keep(sent.line, std::move(got));
}

}  // namespace steward::server
