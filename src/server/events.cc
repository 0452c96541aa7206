#include "server/events.h"

#include <boost/asio/redirect_error.hpp>
#include <charconv>

#include "base/json.h"
#include "identity/access.h"
#include "identity/people.h"
#include "net/sse.h"
#include "server/endpoint.h"
#include "server/web_session.h"
#include "talk/parts.h"
#include "talk/records.h"

namespace steward::server {
namespace {
constexpr std::chrono::milliseconds kHeartbeat{15'000};
constexpr size_t kMaxLive = 4'096;    // events that wait for one slow stream; the oldest of more are dropped
constexpr size_t kPageRecords = 256;  // read at once on an io thread: a few milliseconds at most
}  // namespace

EventHub::~EventHub() { close(); }

void EventHub::attach(journal::Journal& journal) {
  journal_ = &journal;
  hook_ = journal.on_durable([this](const Id&, journal::Seq) { wake_all(); });
}

void EventHub::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  if (journal_ != nullptr) journal_->forget(hook_);
  journal_ = nullptr;
  wake_all();
}

bool EventHub::closed() const {
  const std::lock_guard lock(mutex_);
  return closed_;
}

size_t EventHub::open_streams() const {
  const std::lock_guard lock(mutex_);
  return listeners_.size();
}

void EventHub::wake_all() {
  const std::lock_guard lock(mutex_);
  for (const auto& listener : listeners_) listener->wake();
}

void EventHub::tell(talk::Live live) {
  const auto shared = std::make_shared<const talk::Live>(std::move(live));
  const std::lock_guard lock(mutex_);
  for (const auto& listener : listeners_) {
    if (!listener->wants(shared->stream)) continue;
    bool first = false;
    {
      const std::lock_guard topics_lock(listener->topics_mutex_);
      first = listener->live_.empty();
      if (listener->live_.size() >= kMaxLive) listener->live_.pop_front();
      listener->live_.push_back(shared);
    }
    if (first) listener->wake();
  }
}

std::vector<std::shared_ptr<const talk::Live>> EventHub::Listener::take_live() {
  const std::lock_guard lock(topics_mutex_);
  std::vector<std::shared_ptr<const talk::Live>> out(live_.begin(), live_.end());
  live_.clear();
  return out;
}

std::shared_ptr<EventHub::Listener> EventHub::listen(Executor executor, size_t limit, Id id, Id owner) {
  auto listener = std::make_shared<Listener>(std::move(executor));
  listener->self_ = listener;
  listener->id_ = std::move(id);
  listener->owner_ = std::move(owner);
  const std::lock_guard lock(mutex_);
  if (closed_ || listeners_.size() >= limit) return nullptr;
  listeners_.insert(listener);
  return listener;
}

bool EventHub::set_topics(const Id& id, const Id& owner, std::vector<std::string> topics) {
  const std::lock_guard lock(mutex_);
  for (const auto& listener : listeners_) {
    if (listener->id_ != id || listener->owner_ != owner) continue;
    const std::lock_guard topics_lock(listener->topics_mutex_);
    listener->topics_ = std::move(topics);
    return true;
  }
  return false;
}

bool EventHub::Listener::wants(std::string_view stream) const {
  const std::lock_guard lock(topics_mutex_);
  if (!topics_) return true;
  return std::ranges::any_of(*topics_, [&](std::string_view topic) {
    return topic.ends_with('*') ? stream.starts_with(topic.substr(0, topic.size() - 1)) : stream == topic;
  });
}

void EventHub::leave(const std::shared_ptr<Listener>& listener) {
  const std::lock_guard lock(mutex_);
  listeners_.erase(listener);
}

void EventHub::Listener::wake() {
  asio::post(executor_, [weak = self_] {
    if (const auto self = weak.lock()) {
      self->signalled_ = true;
      self->timer_.cancel();
    }
  });
}

Task<bool> EventHub::Listener::wait(std::chrono::milliseconds longest) {
  if (!signalled_) {
    timer_.expires_after(longest);
    boost::system::error_code cancelled;
    co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
  }
  co_return std::exchange(signalled_, false);
}

Json event_json(const journal::Record& record) {
  Json out = {
      {"seq", record.seq},    {"id", record.id},         {"stream", record.stream},         {"version", record.version},
      {"kind", record.kind},  {"schema", record.schema}, {"time", to_rfc3339(record.time)}, {"actor", record.actor},
      {"label", record.label}};
  if (!record.on_behalf_of.empty()) out["on_behalf_of"] = record.on_behalf_of;
  if (!record.cause.empty()) out["cause"] = record.cause;
  if (!record.acl.empty()) out["acl"] = record.acl;
  if (record.erased) {
    out["erased"] = true;
  } else {
    out["body"] = read_own(record.body);
    // Sealed or keyed, they tell nothing; but what nobody needs is shown to nobody.
    if (out["body"].is_object() && identity::is_of_people(record.kind)) {
      for (const char* field : {"sealed", "tag"}) out["body"].erase(field);
    }
  }
  return out;
}

Id stream_owner(const identity::Caller& caller, const Id& session) {
  if (caller.key) return caller.key->id;
  return session.empty() ? caller.principal : session;
}

namespace {

// Leaves the hub however the stream ends.
struct Place {
  EventHub& hub;
  std::shared_ptr<EventHub::Listener> listener;
  CancelToken& cancel;
  size_t hook;
  Place(EventHub& h, std::shared_ptr<EventHub::Listener> l, CancelToken& c)
      : hub(h), listener(std::move(l)), cancel(c) {
    hook = cancel.on_cancel([listener = listener](CancelReason) { listener->wake(); });
  }
  ~Place() {
    cancel.forget(hook);
    hub.leave(listener);
  }
};

// What an owner who is signed in follows beside their own: how the organisation is run, never what somebody said.
constexpr std::string_view kAdministrative[] = {"key.",       "budget.", "price.", "setting.", "tenant.",
                                                "principal.", "group.",  "acl.",   "job.",     "call."};

// What a caller may see at this moment; made anew for every page.
struct Viewer {
  const identity::Caller& caller;
  bool signed_in;
  std::set<Id> acls;
  std::set<Id> keys;  // of one who is signed in
  bool owner = false;

  Viewer(const Core& core, const identity::Caller& c, const Id& session)
      : caller(c), signed_in(!session.empty()), acls(core.identity->readable_acls(c.tenant, c.principal)) {
    if (!signed_in) return;
    owner = core.people->role_of(c.principal) == identity::Role::kOwner;
    const auto snapshot = core.identity->snapshot();
    for (const auto& [id, key] : snapshot->keys) {
      if (key->spec.owner == c.principal) keys.insert(id);
    }
  }

  bool sees(const journal::Record& record) const {
    if (!signed_in && (caller.key == nullptr || caller.admin)) return true;
    if (record.kind == talk::kAnswerKept) return false;  // its text came as deltas
    if (signed_in) return sees_in_person(record);
    if (!record.acl.empty()) return acls.contains(record.acl);
    if (identity::is_of_people(record.kind)) return false;  // a key is for calls, not for who its owner is
    return record.actor == caller.principal ||
           record.actor == caller.key->id;  // no ACL: its doer's and the administrators'
  }

  bool sees_in_person(const journal::Record& record) const {
    if (!record.acl.empty()) return acls.contains(record.acl);
    const Id& me = caller.principal;
    if (record.actor == me || record.on_behalf_of == me || keys.contains(record.actor)) return true;
    if (record.stream == "principal/" + me || std::ranges::find(record.sources, me) != record.sources.end())
      return true;
    return owner &&
           std::ranges::any_of(kAdministrative, [&](std::string_view f) { return record.kind.starts_with(f); });
  }
};

bool may_hear(const Core& core, const identity::Caller& caller, const talk::Live& live) {
  if (live.tenant != caller.tenant) return false;
  if (live.owner == caller.principal) return true;
  if (live.readers.empty() || caller.key != nullptr) return false;
  const auto snapshot = core.identity->snapshot();
  const auto selves = identity::acts_as(*snapshot, caller.tenant, caller.principal);
  return std::ranges::any_of(live.readers, [&](const Id& reader) { return selves.contains(reader); });
}

std::string live_events(const Core& core, const identity::Caller& caller, EventHub::Listener& listener) {
  std::string out;
  for (const auto& live : listener.take_live()) {
    if (may_hear(core, caller, *live)) out += net::sse_event(live->event, live->data);
  }
  return out;
}

bool still_welcome(const Core& core, const identity::Caller& caller, const Id& session) {
  if (!session.empty()) return core.people->is_open(session);
  if (caller.key == nullptr) return true;
  const auto snapshot = core.identity->snapshot();
  const auto found = snapshot->keys.find(caller.key->id);
  if (found == snapshot->keys.end() || found->second->revoked) return false;
  const TimeUs expires = found->second->spec.expires_at;
  return expires == 0 || expires > core.clock.now_us();
}

std::optional<journal::Seq> cursor_of(const net::Request& request) {
  std::string text(request.headers.get("last-event-id"));
  if (const auto after = request.query.find("after"); text.empty() && after != request.query.end())
    text = after->second;
  journal::Seq seq = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), seq);
  if (text.empty() || problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return seq;
}

// Sends what lies between `after` and the durable mark. False: the client is gone or the key no longer holds.
Task<bool> send_pages(Core& core, identity::Caller caller, Id session, const EventHub::Listener& listener,
                      net::Responder& responder, journal::Seq& after) {
  while (after < core.journal->durable_seq(caller.tenant)) {
    if (!still_welcome(core, caller, session)) co_return false;
    const journal::Seq durable = core.journal->durable_seq(caller.tenant);
    const auto page = core.journal->read(caller.tenant, after, std::min<size_t>(kPageRecords, durable - after));
    if (!page || page->empty()) co_return page.has_value();
    const Viewer viewer(core, caller, session);
    std::string out;
    for (const auto& record : *page) {
      if (record.seq > durable) break;
      after = record.seq;
      if (listener.wants(record.stream) && viewer.sees(record))
        out += net::sse_event("record", dump(event_json(record)), std::to_string(record.seq));
    }
    if (!out.empty() && !co_await responder.write(std::move(out))) co_return false;
  }
  co_return true;
}

}  // namespace

Task<void> serve_events(Core& core, identity::Caller caller, net::Request& request, net::Responder& responder) {
  const auto config = core.config.get();
  const Id session = session_of(core, request);
  // It may have ended since the request was let in: nobody is then the home's socket.
  if (caller.key == nullptr && session.empty() && session_token_of(core, request))
    co_return co_await write_error(request, responder, Error(ErrorCode::kSessionEnded));
  const bool asked = request.query.contains("after") || request.headers.has("last-event-id");
  const auto cursor = cursor_of(request);
  if (asked && !cursor) {
    co_return co_await write_error(
        request, responder,
        Error(ErrorCode::kInvalidRequest, "'after' must be a whole number: the seq of the last record seen."));
  }
  auto listener = core.events->listen(
      co_await asio::this_coro::executor, static_cast<size_t>(config->integer("limits.max_event_streams")),
      "evs_" + request.request_id.substr(request.request_id.find('_') + 1), stream_owner(caller, session));
  if (!listener) {
    co_return co_await write_error(
        request, responder,
        Error(ErrorCode::kConcurrencyLimited,
              "There are as many event streams as the server holds (limits.max_event_streams)."));
  }
  const Place place(*core.events, listener, request.cancel);
  responder.headers().set("cache-control", "no-store");
  responder.headers().set("x-accel-buffering", "no");
  responder.headers().set("x-steward-stream", listener->id());
  if (!co_await responder.begin(200, "text/event-stream")) co_return;
  // An EventSource can't read headers.
  if (!session.empty() && !co_await responder.write(net::sse_event("hello", dump(Json{{"stream", listener->id()}}))))
    co_return;

  const journal::Seq durable = core.journal->durable_seq(caller.tenant);
  journal::Seq after = cursor.value_or(durable);
  if (after > durable || durable - after > static_cast<journal::Seq>(config->integer("limits.event_backlog"))) {
    after = durable;
    if (!co_await responder.write(net::sse_event("reset", dump(Json{{"seq", durable}}), std::to_string(durable))))
      co_return;
  } else if (!co_await responder.write(net::sse_comment("open"))) {
    co_return;
  }
  while (!request.cancel.cancelled() && !core.events->closed()) {
    if (!co_await send_pages(core, caller, session, *listener, responder, after)) break;
    if (auto live = live_events(core, caller, *listener); !live.empty()) {
      if (!co_await responder.write(std::move(live))) co_return;
    }
    const bool woken = co_await listener->wait(kHeartbeat);
    if (!woken && !co_await responder.write(net::sse_comment("alive"))) co_return;
    if (!still_welcome(core, caller, session)) break;
  }
  if (!still_welcome(core, caller, session))
    (void)co_await responder.write(net::sse_event("bye", dump(Json{{"reason", "session_ended"}})));
  (void)co_await responder.end();
}

}  // namespace steward::server
