// The server: listening sockets, accept loops, and the connection sets of the io threads.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/redirect_error.hpp>
#include <future>

#include "net/certificates.h"
#include "net/connection.h"
#include "net/draining.h"
#include "net/listener.h"
#include "net/tls_transport.h"

namespace steward::net {
namespace {

using namespace std::chrono_literals;

constexpr auto kNoDescriptorsPause = 100ms;  // before accepting again when the process has no descriptor left
constexpr int kTurnedAwayAtOnce = 64;
constexpr auto kPollUnderWay = 5ms;  // how often drain() looks
constexpr auto kCutGrace = 2s;       // for handlers to end once they were cut
constexpr auto kCloseGrace = 5s;     // for connections to let go of their threads

// Told without a connection's machinery, which is what there is too much of already.
constexpr std::string_view kTooMany =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\nConnection: "
    "close\r\nContent-Length: 159\r\n\r\n"
    R"({"error":{"message":"The server has as many connections as it takes: try again in a moment.","type":"server_error","param":null,"code":"too_many_connections"}})";

constexpr std::string_view kNoDescriptors =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\nConnection: "
    "close\r\nContent-Length: 207\r\n\r\n"
    R"({"error":{"message":"The server has no file descriptor left for another connection: try again in a moment, or raise its limit (LimitNOFILE=).","type":"server_error","param":null,"code":"out_of_descriptors"}})";

// A descriptor kept for the day when there is no other: given up, it lets one waiting caller be told why it is turned
// away, instead of hanging in the kernel's queue.
class SpareDescriptor {
 public:
  SpareDescriptor() { take(); }
  ~SpareDescriptor() { give_up(); }
  SpareDescriptor(const SpareDescriptor&) = delete;
  SpareDescriptor& operator=(const SpareDescriptor&) = delete;
  // Not all of a flood: the loop comes back soon.
  void turn_some_away(int listening, bool in_the_clear) {
    give_up();
    for (int i = 0; i < kTurnedAwayAtOnce; ++i) {
      const int fd = ::accept4(listening, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) break;
      char request[4096];  // closing with bytes unread would reset the connection before the answer is seen
      (void)!::recv(fd, request, sizeof request, MSG_DONTWAIT);
      if (in_the_clear) (void)!::send(fd, kNoDescriptors.data(), kNoDescriptors.size(), MSG_NOSIGNAL);
      ::shutdown(fd, SHUT_WR);
      (void)!::recv(fd, request, sizeof request, MSG_DONTWAIT);
      ::close(fd);
    }
    take();
  }

 private:
  void take() { fd_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC); }
  void give_up() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  int fd_ = -1;
};

// One listening socket and what its connections are made of.
struct Door {
  Door(asio::io_context& context, int descriptor, bool unix_socket, std::shared_ptr<Certificates> tls)
      : acceptor(context, asio::generic::stream_protocol(unix_socket ? AF_UNIX : AF_INET, 0), descriptor),
        over_unix(unix_socket),
        tls(std::move(tls)) {}
  Acceptor acceptor;
  bool over_unix;
  std::shared_ptr<Certificates> tls;
  SpareDescriptor spare;
};

class HttpServer final : public Server {
 public:
  HttpServer(IoThreads& threads, Router& router, Listen listen, ServerLimits limits, Clock& clock, Random& random,
             Log log)
      : threads_(threads),
        router_(router),
        listen_(std::move(listen)),
        state_(std::make_shared<ServerState>(limits, clock, random, log)) {}

  ~HttpServer() override {
    stop_accepting();
    for (size_t i = 0; i < sets_.size(); ++i) {
      on_thread(i, [set = sets_[i]] {
        set->close_all();
        set->stop_timer();
      });
    }
    const Deadline deadline = Deadline::in(kCloseGrace);
    while (state_->connections > 0 && running() && !deadline.passed()) std::this_thread::sleep_for(kPollUnderWay);
    if (!running()) {
      for (auto& set : sets_) set->drop_all();
    }
  }

  Status start() override {
    state_->routes = std::make_unique<RouteTable>(router_.routes(), router_.middleware(), router_.error_writer());
    state_->share_bodies(largest_body());
    state_->client_namer = router_.client_namer();
    if (!listen_.tls_certificate.empty()) {
      auto loaded = Certificates::load(listen_.tls_certificate, listen_.tls_key, state_->clock, state_->log);
      if (!loaded) return fail(std::move(loaded.error()));
      certificates_ = std::move(*loaded);
    }
    for (size_t i = 0; i < threads_.count(); ++i)
      sets_.push_back(std::make_shared<ConnectionSet>(threads_.context(i), state_));
    if (!listen_.host.empty()) {
      auto descriptor = listen_tcp(listen_.host, listen_.port);
      if (!descriptor) return fail(std::move(descriptor.error()));
      port_ = local_port(*descriptor);
      open_door(*descriptor, false, certificates_);
    }
    if (!listen_.unix_socket.empty()) {
      auto descriptor = listen_unix(listen_.unix_socket);
      if (!descriptor) return fail(std::move(descriptor.error()));
      open_door(*descriptor, true, nullptr);
    }
    return {};
  }

  uint16_t port() const override { return port_; }
  size_t connections() const override { return state_->connections; }
  size_t requests_under_way() const override { return state_->under_way; }
  const std::shared_ptr<Certificates>& certificates() const { return certificates_; }

  void stop_accepting() override {
    if (doors_.empty()) return;
    on_thread(0, [this] {
      for (auto& door : doors_) {
        ErrorValue ignored;
        door->acceptor.close(ignored);
      }
    });
    doors_.clear();
    if (!listen_.unix_socket.empty()) ::unlink(listen_.unix_socket.c_str());
  }

  void begin_drain() {
    if (state_->draining.exchange(true)) return;
    close_idle(Idle::kServed);
  }

  size_t drain(Deadline deadline) override {
    stop_accepting();
    begin_drain();
    close_idle(Idle::kAll);
    wait_idle(deadline);
    size_t cut = 0;
    for (size_t i = 0; i < sets_.size(); ++i) {
      std::atomic<size_t> here{0};
      on_thread(i, [set = sets_[i], &here] { here = set->cut_all(CancelReason::kShutdown); });
      cut += here;
    }
    wait_idle(Deadline::in(kCutGrace));
    return cut;
  }

 private:
  void close_idle(Idle which) {
    for (size_t i = 0; i < sets_.size(); ++i) on_thread(i, [set = sets_[i], which] { set->close_idle(which); });
  }

  size_t largest_body() const {
    size_t largest = state_->limits.max_body_bytes;
    for (const auto& route : router_.routes()) largest = std::max(largest, route.max_body_bytes);
    return largest;
  }

  bool running() { return !threads_.context(0).stopped(); }

  // Runs `work` on an io thread and waits for it; at once if the threads have stopped.
  void on_thread(size_t index, std::function<void()> work) {
    auto& context = threads_.context(index);
    if (context.stopped()) return work();
    auto done = std::make_shared<std::promise<void>>();
    auto waiting = done->get_future();
    asio::post(context, [done, work = std::move(work)] {
      work();
      done->set_value();
    });
    while (waiting.wait_for(kPollUnderWay) != std::future_status::ready && !context.stopped()) continue;
  }

  void wait_idle(Deadline deadline) {
    while (state_->under_way > 0 && !deadline.passed()) std::this_thread::sleep_for(kPollUnderWay);
  }

  void open_door(int descriptor, bool over_unix, std::shared_ptr<Certificates> tls) {
    auto door = std::make_shared<Door>(threads_.context(0), descriptor, over_unix, std::move(tls));
    doors_.push_back(door);
    asio::co_spawn(threads_.context(0), accept_loop(door, sets_, state_),
                   asio::detached);  // owned by the door: ends when it is closed
  }

  static Task<void> accept_loop(std::shared_ptr<Door> door, std::vector<std::shared_ptr<ConnectionSet>> sets,
                                std::shared_ptr<ServerState> state) {
    for (size_t next = 0; door->acceptor.is_open(); next = (next + 1) % sets.size()) {
      auto set = sets[next];
      ErrorValue error;
      auto socket =
          co_await door->acceptor.async_accept(set->context(), asio::redirect_error(asio::use_awaitable, error));
      if (!door->acceptor.is_open()) co_return;
      if (error) {
        state->log.warn("could not accept a connection", {{"what", error.message()}});
        if (error == asio::error::no_descriptors || error == boost::system::errc::too_many_files_open_in_system)
          door->spare.turn_some_away(door->acceptor.native_handle(), !door->tls);
        asio::steady_timer pause(co_await asio::this_coro::executor, kNoDescriptorsPause);
        co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
        continue;
      }
      if (state->connections >= state->limits.max_connections) {
        turn_away(*door, std::move(socket));
        continue;
      }
      asio::post(set->context(), [door, set, socket = std::move(socket)]() mutable {
        begin(*door, std::move(set), std::move(socket));
      });
    }
  }

  static void turn_away(const Door& door, StreamSocket socket) {
    ErrorValue ignored;
    socket.non_blocking(true, ignored);
    if (!door.tls) socket.write_some(asio::buffer(kTooMany.data(), kTooMany.size()), ignored);
    socket.shutdown(StreamSocket::shutdown_send, ignored);
  }

  static void begin(Door& door, std::shared_ptr<ConnectionSet> set, StreamSocket socket) {
    std::string remote = remote_name(socket.native_handle());
    std::shared_ptr<Transport> transport =
        door.tls ? door.tls->current()->wrap(std::move(socket)) : make_plain_transport(std::move(socket));
    auto& context = set->context();
    auto connection =
        std::make_shared<Connection>(std::move(set), std::move(transport), std::move(remote), door.over_unix);
    asio::co_spawn(context, Connection::run(std::move(connection)),
                   asio::detached);  // owned by its set, which waits for it
  }

  IoThreads& threads_;
  Router& router_;
  Listen listen_;
  std::shared_ptr<ServerState> state_;
  std::vector<std::shared_ptr<ConnectionSet>> sets_;
  std::vector<std::shared_ptr<Door>> doors_;
  std::shared_ptr<Certificates> certificates_;
  uint16_t port_ = 0;
};

}  // namespace

void begin_drain(Server& server) { static_cast<HttpServer&>(server).begin_drain(); }

std::shared_ptr<Certificates> certificates_of(Server& server) {
  const auto* http = dynamic_cast<const HttpServer*>(&server);
  return http != nullptr ? http->certificates() : nullptr;
}

std::unique_ptr<Server> make_server(IoThreads& threads, Router& router, Listen listen, ServerLimits limits,
                                    Clock& clock, Random& random, Log log) {
  return std::make_unique<HttpServer>(threads, router, std::move(listen), limits, clock, random, std::move(log));
}

}  // namespace steward::net
