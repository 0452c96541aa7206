#include "event_loop.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace steward::bench {
namespace {

constexpr int kBacklog = 4096;
constexpr size_t kReadBytes = 65'536;

[[noreturn]] void refuse(const std::string& what) {
  fmt::print(stderr, "{}: {}\n", what, std::strerror(errno));
  std::exit(1);
}

sockaddr_in name_of(const std::string& address, uint16_t port) {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(port);
  if (::inet_pton(AF_INET, address.c_str(), &name.sin_addr) != 1) refuse("not an IPv4 address: " + address);
  return name;
}

int tcp_socket() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) refuse("socket");
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

}  // namespace

int64_t now_us() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1'000'000 + time.tv_nsec / 1'000;
}

EventLoop::EventLoop() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_ < 0) refuse("epoll_create1");
}

EventLoop::~EventLoop() { ::close(epoll_); }

void EventLoop::watch(int fd, uint32_t epoll_events, Handler& handler) {
  epoll_event event{.events = epoll_events, .data = {.ptr = &handler}};
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) refuse("epoll_ctl");
}

void EventLoop::change(int fd, uint32_t epoll_events, Handler& handler) {
  epoll_event event{.events = epoll_events, .data = {.ptr = &handler}};
  if (::epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event) != 0) refuse("epoll_ctl");
}

void EventLoop::at(int64_t when_us, Handler& handler, uint64_t tag) { timers_.push({when_us, &handler, tag}); }

void EventLoop::fire_due() {
  const int64_t now = now_us();
  while (!stopped_ && !timers_.empty() && timers_.top().when_us <= now) {
    const Timer timer = timers_.top();
    timers_.pop();
    timer.handler->due(timer.tag);
  }
}

void EventLoop::run() {
  std::array<epoll_event, 256> events;
  while (!stopped_) {
    timespec wait{.tv_sec = 1, .tv_nsec = 0};
    if (!timers_.empty()) {
      const int64_t left = std::max<int64_t>(0, timers_.top().when_us - now_us());
      wait = {.tv_sec = left / 1'000'000, .tv_nsec = left % 1'000'000 * 1'000};
    }
    const int count = ::epoll_pwait2(epoll_, events.data(), events.size(), &wait, nullptr);
    if (count < 0 && errno != EINTR) refuse("epoll_pwait2");
    for (int i = 0; i < count; ++i) static_cast<Handler*>(events[i].data.ptr)->ready(events[i].events);
    fire_due();
  }
}

int listen_on(const std::string& address, uint16_t port) {
  const int fd = tcp_socket(), on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in name = name_of(address, port);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0 || ::listen(fd, kBacklog) != 0)
    refuse(fmt::format("listening on {}:{}", address, port));
  return fd;
}

int connect_to(const std::string& address, uint16_t port, const std::string& from) {
  const int fd = tcp_socket(), on = 1;
  if (!from.empty()) {
    ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    const sockaddr_in name = name_of(from, 0);
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) refuse("binding to " + from);
  }
  const sockaddr_in name = name_of(address, port);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0 && errno != EINPROGRESS)
    refuse(fmt::format("connecting to {}:{}", address, port));
  return fd;
}

Io read_all(int fd, std::string& in) {
  static thread_local std::array<char, kReadBytes> bytes;
  while (true) {
    const ssize_t got = ::recv(fd, bytes.data(), bytes.size(), 0);
    if (got > 0) in.append(bytes.data(), static_cast<size_t>(got));
    if (got > 0 && static_cast<size_t>(got) == bytes.size()) continue;
    if (got == 0) return Io::kClosed;
    return got > 0 || errno == EAGAIN || errno == EINTR ? Io::kOpen : Io::kClosed;
  }
}

Io write_some(int fd, std::string& out) {
  size_t done = 0;
  while (done < out.size()) {
    const ssize_t sent = ::send(fd, out.data() + done, out.size() - done, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) return Io::kClosed;
    if (sent < 0) break;
    done += static_cast<size_t>(sent);
  }
  out.erase(0, done);
  return Io::kOpen;
}

uint64_t lift_file_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

}  // namespace steward::bench
