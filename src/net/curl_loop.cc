#include "net/curl_loop.h"

#include <boost/asio/post.hpp>
#include <utility>

namespace steward::net {
namespace asio = boost::asio;

namespace {
constexpr long kIdleConnections = 1024;  // kept open for reuse
constexpr size_t kIdleHandles = 256;
}  // namespace

struct CurlLoop::Watch {
  Watch(asio::io_context& context, curl_socket_t s) : socket(s), descriptor(context, s) {}
  ~Watch() { descriptor.release(); }  // curl closes its sockets itself
  curl_socket_t socket;
  asio::posix::stream_descriptor descriptor;
  bool want_read = false, want_write = false;
  bool reading = false, writing = false;  // a wait is under way
  bool removed = false;
};

CurlLoop::CurlLoop(asio::io_context& context) : context_(context), multi_(curl_multi_init()), timer_(context) {
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &CurlLoop::on_socket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &CurlLoop::on_timer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, kIdleConnections);
}

CurlLoop::~CurlLoop() {
  *alive_ = false;
  for (CURL* easy : idle_) curl_easy_cleanup(easy);
  curl_multi_cleanup(multi_);
}

CURL* CurlLoop::take() {
  if (idle_.empty()) return curl_easy_init();
  CURL* easy = idle_.back();
  idle_.pop_back();
  return easy;
}

void CurlLoop::give_back(CURL* easy) {
  if (idle_.size() >= kIdleHandles) return curl_easy_cleanup(easy);
  curl_easy_reset(easy);
  idle_.push_back(easy);
}

void CurlLoop::add(CURL* easy) { curl_multi_add_handle(multi_, easy); }

void CurlLoop::remove(CURL* easy) { curl_multi_remove_handle(multi_, easy); }

void CurlLoop::unpause(CURL* easy) {
  curl_easy_pause(easy, CURLPAUSE_CONT);
  reap();
}

int CurlLoop::on_socket(CURL*, curl_socket_t socket, int what, void* self, void* watch) {
  static_cast<CurlLoop*>(self)->watch(socket, what, static_cast<Watch*>(watch));
  return 0;
}

void CurlLoop::watch(curl_socket_t socket, int what, Watch* known) {
  if (what == CURL_POLL_REMOVE) {
    if (const auto it = watches_.find(socket); it != watches_.end()) {
      it->second->removed = true;
      it->second->descriptor.release();  // ends the waits under way
      watches_.erase(it);
    }
    return;
  }
  std::shared_ptr<Watch> watch;
  if (known) {
    watch = watches_.at(socket);
  } else {
    watch = watches_[socket] = std::make_shared<Watch>(context_, socket);
    curl_multi_assign(multi_, socket, watch.get());
  }
  watch->want_read = (what & CURL_POLL_IN) != 0;
  watch->want_write = (what & CURL_POLL_OUT) != 0;
  arm(watch);
}

void CurlLoop::arm(const std::shared_ptr<Watch>& watch) {
  using Descriptor = asio::posix::stream_descriptor;
  if (watch->want_read && !watch->reading) {
    watch->reading = true;
    watch->descriptor.async_wait(Descriptor::wait_read, [this, watch, alive = alive_](boost::system::error_code error) {
      watch->reading = false;
      if (!*alive || watch->removed || error == asio::error::operation_aborted) return;
      if (watch->want_read) act(watch->socket, error ? CURL_CSELECT_ERR : CURL_CSELECT_IN);
      if (*alive && !watch->removed) arm(watch);
    });
  }
  if (watch->want_write && !watch->writing) {
    watch->writing = true;
    watch->descriptor.async_wait(Descriptor::wait_write,
                                 [this, watch, alive = alive_](boost::system::error_code error) {
                                   watch->writing = false;
                                   if (!*alive || watch->removed || error == asio::error::operation_aborted) return;
                                   if (watch->want_write)
                                     act(watch->socket, error ? CURL_CSELECT_ERR : CURL_CSELECT_OUT);
                                   if (*alive && !watch->removed) arm(watch);
                                 });
  }
}

int CurlLoop::on_timer(CURLM*, long timeout_ms, void* opaque) {
  auto* self = static_cast<CurlLoop*>(opaque);
  if (timeout_ms < 0) {
    self->timer_.cancel();
    return 0;
  }
  if (timeout_ms == 0) {  // at once, which needs no timer; asked for with each new transfer
    self->timer_.cancel();
    if (!std::exchange(self->posted_, true)) {
      boost::asio::post(self->context_, [self, alive = self->alive_] {
        if (!*alive) return;
        self->posted_ = false;
        self->act(CURL_SOCKET_TIMEOUT, 0);
      });
    }
    return 0;
  }
  self->timer_.expires_after(std::chrono::milliseconds(timeout_ms));
  self->timer_.async_wait([self, alive = self->alive_](boost::system::error_code error) {
    if (!error && *alive) self->act(CURL_SOCKET_TIMEOUT, 0);
  });
  return 0;
}

void CurlLoop::act(curl_socket_t socket, int events) {
  int running = 0;
  curl_multi_socket_action(multi_, socket, events, &running);
  reap();
}

void CurlLoop::reap() {
  int left = 0;
  while (CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CurlTransfer* transfer = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
    if (transfer) transfer->finished(message->data.result);
  }
}

}  // namespace steward::net
