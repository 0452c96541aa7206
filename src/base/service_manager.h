// What a service manager is told: systemd's notification protocol (sd_notify(3)), a datagram of NAME=VALUE lines to
// the socket that $NOTIFY_SOCKET names, and its watchdog. Where nobody asks for it, nothing is sent. Main thread.
#pragma once
#include <chrono>
#include <map>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace steward {

class ServiceManager {
 public:
  explicit ServiceManager(const std::map<std::string, std::string>& environment);
  ~ServiceManager();
  ServiceManager(const ServiceManager&) = delete;
  ServiceManager& operator=(const ServiceManager&) = delete;

  bool listens() const { return socket_ >= 0; }
  void ready(std::string_view status);
  void reloading(TimeUs monotonic_us);              // ready() follows
  void stopping(std::chrono::microseconds within);  // longer than the manager would wait by itself, where it must
  void status(std::string_view text);
  // How often it wants a sign of life; zero: not at all. Half of what it waits for, as the protocol recommends.
  std::chrono::microseconds watchdog_interval() const { return watchdog_; }
  void alive();

 private:
  void send(std::string_view lines) const;

  int socket_ = -1;
  std::string address_;
  std::chrono::microseconds watchdog_{0};
};

}  // namespace steward
