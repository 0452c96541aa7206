// For tests: a client and a server made of plain system calls, so that what is judged is not judged by itself.
#pragma once
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <string_view>

namespace steward::net::testing_support {

using namespace std::chrono_literals;

class RawSocket {
 public:
  explicit RawSocket(int fd) : fd_(fd) {}
  RawSocket(RawSocket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  RawSocket(const RawSocket&) = delete;
  ~RawSocket() { close(); }

  static RawSocket to(uint16_t port) {
    RawSocket made(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(made.fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) made.close();
    return made;
  }

  bool is_open() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  void half_close() { ::shutdown(fd_, SHUT_WR); }
  void reset() {  // RST instead of FIN
    linger now{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close();
  }

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(n);
    }
    return true;
  }

  bool readable_within(std::chrono::milliseconds time) {
    pollfd state{.fd = fd_, .events = POLLIN, .revents = 0};
    return ::poll(&state, 1, static_cast<int>(time.count())) > 0;
  }

  // Some bytes; empty: the end, a reset, or nothing in time.
  std::string read_some(std::chrono::milliseconds time = 5s) {
    char buffer[64 * 1024];
    if (!readable_within(time)) return {};
    ssize_t n = ::recv(fd_, buffer, sizeof(buffer), 0);
    return n > 0 ? std::string(buffer, n) : std::string();
  }
  std::string read_to_end(std::chrono::milliseconds time = 5s) {
    std::string out;
    for (auto more = read_some(time); !more.empty(); more = read_some(time)) out += more;
    return out;
  }
  std::string read_until(std::string_view mark, std::chrono::milliseconds time = 5s) {
    std::string out;
    while (out.find(mark) == std::string::npos) {
      auto more = read_some(time);
      if (more.empty()) break;
      out += more;
    }
    return out;
  }

 private:
  int fd_;
};

class RawListener {
 public:
  RawListener() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address));
    ::listen(fd_, 16);
    socklen_t size = sizeof(address);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~RawListener() { ::close(fd_); }
  uint16_t port() const { return port_; }
  RawSocket accept(std::chrono::milliseconds time = 5s) {
    pollfd state{.fd = fd_, .events = POLLIN, .revents = 0};
    return RawSocket(
        ::poll(&state, 1, static_cast<int>(time.count())) > 0 ? ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC) : -1);
  }

 private:
  int fd_;
  uint16_t port_ = 0;
};

inline int status_of(std::string_view answer) {
  return answer.starts_with("HTTP/1.") && answer.size() > 12 ? std::stoi(std::string(answer.substr(9, 3))) : 0;
}

}  // namespace steward::net::testing_support
