#include "net/listener.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

namespace steward::net {
namespace {

constexpr int kBacklog = 4096;             // bursts of connections wait in the kernel (net.core.somaxconn caps it)
constexpr int kKeepAliveIdleSeconds = 60;  // a peer whose machine vanished is noticed though nothing is sent

// Closes the descriptor unless it is let go.
struct Descriptor {
  int fd = -1;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
  int release() { return std::exchange(fd, -1); }
};

std::unexpected<Error> cannot(const std::string& where, std::string_view why) {
  return fail(ErrorCode::kConfig, fmt::format("Can't listen on {}: {}.", where, why));
}

void set_option(int fd, int level, int name, int value) { ::setsockopt(fd, level, name, &value, sizeof(value)); }

bool is_live(const sockaddr_un& address) {
  Descriptor probe{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (probe.fd < 0) return false;
  return ::connect(probe.fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 || errno == EAGAIN;
}

}  // namespace

Result<int> listen_tcp(const std::string& host, uint16_t port) {
  std::string where = fmt::format("{}:{}", host, port);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found); error != 0) {
    return cannot(where, ::gai_strerror(error));
  }
  std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, ::freeaddrinfo);
  Descriptor socket{::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (socket.fd < 0) return cannot(where, std::strerror(errno));
  set_option(socket.fd, SOL_SOCKET, SO_REUSEADDR, 1);  // after a restart; a port in use is still refused
  // Accepted sockets inherit these.
  set_option(socket.fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(socket.fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(socket.fd, IPPROTO_TCP, TCP_KEEPIDLE, kKeepAliveIdleSeconds);
  if (::bind(socket.fd, found->ai_addr, found->ai_addrlen) != 0 || ::listen(socket.fd, kBacklog) != 0) {
    if (errno == EADDRINUSE)
      return cannot(where, "the port is taken by another program; choose another port or stop that program");
    return cannot(where, std::strerror(errno));
  }
  return socket.release();
}

Result<int> listen_unix(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::string name = path.string();
  if (name.size() >= sizeof(address.sun_path)) {
    return cannot(name, fmt::format("a socket's path must be shorter than {} bytes", sizeof(address.sun_path)));
  }
  std::memcpy(address.sun_path, name.c_str(), name.size() + 1);
  struct stat there{};
  if (::lstat(name.c_str(), &there) == 0) {
    if (!S_ISSOCK(there.st_mode)) return cannot(name, "there is a file of that name");
    if (is_live(address)) return cannot(name, "another server listens there");
    ::unlink(name.c_str());
  }
  Descriptor socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (socket.fd < 0) return cannot(name, std::strerror(errno));
  ::fchmod(socket.fd,
           0600);  // before bind: the file is made with this mode, so there is no moment when others can open it
  if (::bind(socket.fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    return cannot(name, std::strerror(errno));
  ::chmod(name.c_str(), 0600);
  if (::listen(socket.fd, kBacklog) != 0) return cannot(name, std::strerror(errno));
  return socket.release();
}

uint16_t local_port(int descriptor) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  if (address.ss_family == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
  if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
  return 0;
}

std::string remote_name(int descriptor) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  char text[INET6_ADDRSTRLEN] = {};
  if (::getpeername(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0) return "gone";
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    return fmt::format("{}:{}", ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof(text)), ntohs(v4.sin_port));
  }
  if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    return fmt::format("[{}]:{}", ::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof(text)), ntohs(v6.sin6_port));
  }
  return "unix";
}

}  // namespace steward::net
