// The notification protocol against a real datagram socket.
#include "base/service_manager.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <filesystem>

namespace steward {
namespace {

// What systemd is in this play.
class Listener {
 public:
  explicit Listener(const std::string& address) : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0)) {
    sockaddr_un name = {};
    name.sun_family = AF_UNIX;
    std::memcpy(name.sun_path, address.data(), address.size());
    if (address[0] == '@') name.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size());
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&name), size), 0) << std::strerror(errno);
  }
  ~Listener() { ::close(fd_); }
  std::string heard() const {
    char buffer[4096];
    const ssize_t n = ::recv(fd_, buffer, sizeof buffer, 0);
    return n < 0 ? "" : std::string(buffer, static_cast<size_t>(n));
  }

 private:
  int fd_;
};

TEST(ServiceManager, SaysItOnASocketOfTheFileSystemAndOnAnAbstractOne) {
  const std::string path = (std::filesystem::temp_directory_path() / ("notify-" + std::to_string(::getpid()))).string();
  for (const std::string& address : {path, "@steward-notify-" + std::to_string(::getpid())}) {
    const Listener listener(address);
    ServiceManager manager({{"NOTIFY_SOCKET", address}, {"WATCHDOG_USEC", "3000000"}});
    EXPECT_TRUE(manager.listens());
    EXPECT_EQ(manager.watchdog_interval(), std::chrono::microseconds(1'500'000));
    manager.ready("Serving");
    EXPECT_EQ(listener.heard(), "READY=1\nSTATUS=Serving");
    manager.reloading(1234);
    EXPECT_TRUE(listener.heard().starts_with("RELOADING=1\nMONOTONIC_USEC=1234\n"));
    manager.alive();
    EXPECT_EQ(listener.heard(), "WATCHDOG=1");
    manager.stopping(std::chrono::seconds(60));
    EXPECT_TRUE(listener.heard().starts_with("STOPPING=1\n"));
  }
  std::filesystem::remove(path);
}

TEST(ServiceManager, IsSilentWhereNobodyListens) {
  for (const std::string& address : {std::string(), std::string("relative"), std::string(200, 'x')}) {
    ServiceManager manager({{"NOTIFY_SOCKET", address}, {"WATCHDOG_USEC", "1000"}});
    EXPECT_FALSE(manager.listens()) << address;
    EXPECT_EQ(manager.watchdog_interval().count(), 0);
    manager.ready("nobody");
  }
  ServiceManager gone({{"NOTIFY_SOCKET", "/nonexistent/socket"}});
  gone.ready("nobody");  // a manager that went away fails nothing
}

TEST(ServiceManager, AWatchdogMeantForAnotherProcessIsNotOurs) {
  ServiceManager other({{"NOTIFY_SOCKET", "@x"}, {"WATCHDOG_USEC", "2000"}, {"WATCHDOG_PID", "1"}});
  EXPECT_EQ(other.watchdog_interval().count(), 0);
  ServiceManager ours(
      {{"NOTIFY_SOCKET", "@x"}, {"WATCHDOG_USEC", "2000"}, {"WATCHDOG_PID", std::to_string(::getpid())}});
  EXPECT_EQ(ours.watchdog_interval().count(), 1000);
}

}  // namespace
}  // namespace steward
