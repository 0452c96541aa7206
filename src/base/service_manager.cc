#include "base/service_manager.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstring>

namespace steward {
namespace {

std::string_view value_of(const std::map<std::string, std::string>& environment, const char* name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string_view() : std::string_view(found->second);
}

int64_t number_of(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : 0;
}

}  // namespace

ServiceManager::ServiceManager(const std::map<std::string, std::string>& environment)
    : address_(value_of(environment, "NOTIFY_SOCKET")) {
  const bool usable = (address_.starts_with('/') || address_.starts_with('@')) && address_.size() > 1 &&
                      address_.size() < sizeof(sockaddr_un::sun_path);
  if (!usable) return;
  socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const auto watched = value_of(environment, "WATCHDOG_PID");
  if (!watched.empty() && number_of(watched) != ::getpid()) return;  // meant for another process
  watchdog_ = std::chrono::microseconds(number_of(value_of(environment, "WATCHDOG_USEC")) / 2);
}

ServiceManager::~ServiceManager() {
  if (socket_ >= 0) ::close(socket_);
}

void ServiceManager::send(std::string_view lines) const {
  if (socket_ < 0) return;
  sockaddr_un to = {};
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, address_.data(), address_.size());
  if (address_[0] == '@') to.sun_path[0] = '\0';  // an abstract name
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
  (void)::sendto(socket_, lines.data(), lines.size(), MSG_NOSIGNAL | MSG_DONTWAIT, reinterpret_cast<sockaddr*>(&to),
                 size);
}

void ServiceManager::ready(std::string_view status) { send(fmt::format("READY=1\nSTATUS={}", status)); }

void ServiceManager::reloading(TimeUs monotonic_us) {
  send(fmt::format("RELOADING=1\nMONOTONIC_USEC={}\nSTATUS=Reading the configuration again", monotonic_us));
}

void ServiceManager::stopping(std::chrono::microseconds within) {
  send(fmt::format("STOPPING=1\nEXTEND_TIMEOUT_USEC={}\nSTATUS=Letting calls under way finish", within.count()));
}

void ServiceManager::status(std::string_view text) { send(fmt::format("STATUS={}", text)); }

void ServiceManager::alive() { send("WATCHDOG=1"); }

}  // namespace steward
