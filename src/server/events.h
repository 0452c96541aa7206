// GET /v1/events?after=SEQ: the tenant's records as server-sent events, up to the durable mark, each only to who may
// read it.
//
// One hook on the journal's durable mark wakes all streams (EventHub). A stream whose cursor lies ahead of the journal
// (a restored backup) or too far behind gets `reset` with the place to go on from, after which the client reads its
// screens anew. A comment each 15 seconds shows that the line lives. Rights are asked anew for every page: a revoked
// key or an ended session ends its stream (`bye`), a role that changed holds from the next record on. The header
// x-steward-stream (for a page, which can't read it: the first event, `hello`) names the stream; POST
// /v1/events/{stream}/topics says which of the records that the caller may see it wants, so that all tabs of a browser
// share one line.
//
// Beside records there is what is told and kept nowhere (`tell`): the deltas of answers while they are made, to their
// owner and whom it is shared with. They have no id; a stream that is too slow for them misses some, which its reader
// sees by their offsets.
#pragma once
#include <deque>
#include <list>
#include <memory>
#include <mutex>

#include "base/json.h"
#include "server/core.h"

namespace steward::talk {
struct Live;
}
namespace steward::server {

class EventHub {
 public:
  EventHub() = default;
  ~EventHub();
  void attach(journal::Journal& journal);
  void close();  // ends every stream; new ones are refused
  size_t open_streams() const;

  // One waiting stream. Used on the thread of its executor alone, but for wake().
  class Listener {
   public:
    explicit Listener(Executor executor) : executor_(std::move(executor)), timer_(executor_) {}
    void wake();                                // any thread
    bool wants(std::string_view stream) const;  // of a record; all as long as no topics were named
    const Id& id() const { return id_; }
    Task<bool> wait(std::chrono::milliseconds longest);  // false: nothing happened for so long
    std::vector<std::shared_ptr<const talk::Live>> take_live();

   private:
    friend class EventHub;
    Executor executor_;
    asio::steady_timer timer_;
    bool signalled_ = false;
    std::weak_ptr<Listener> self_;
    Id id_, owner_;
    mutable std::mutex topics_mutex_;
    std::optional<std::vector<std::string>> topics_;
    std::deque<std::shared_ptr<const talk::Live>> live_;  // under topics_mutex_
  };

  // `id` is the stream's, `owner` what it acts as. Null: the limit is reached, or it is closed.
  std::shared_ptr<Listener> listen(Executor executor, size_t limit, Id id, Id owner);
  bool set_topics(const Id& id, const Id& owner, std::vector<std::string> topics);  // false: no such stream of theirs
  void leave(const std::shared_ptr<Listener>& listener);
  void tell(talk::Live live);  // any thread
  bool closed() const;

 private:
  void wake_all();

  mutable std::mutex mutex_;
  std::set<std::shared_ptr<Listener>> listeners_;
  bool closed_ = false;
  journal::Journal* journal_ = nullptr;
  size_t hook_ = 0;
};

Json event_json(const journal::Record& record);
// A key, a session or the home's socket: whose stream it is, for set_topics.
Id stream_owner(const identity::Caller& caller, const Id& session);
Task<void> serve_events(Core& core, identity::Caller caller, net::Request& request, net::Responder& responder);

}  // namespace steward::server
