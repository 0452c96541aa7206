// Tries that may fail only so often: sign-ins by account and by address, links by address.
//
// A try is counted before it is judged, so that a hundred at once are a hundred; a success takes its count back. After
// `tries` failures comes a pause, each next one twice as long, up to `longest_us`; an hour of calm forgets all.
// Bounded: of too many names the calmest are forgotten. In memory alone: a restart forgives. Any thread.
#pragma once
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/clock.h"
#include "base/error.h"

namespace steward::server {

class Throttle {
 public:
  struct Limits {
    int tries = 5;
    DurationUs pause_us = 60 * kSecondUs;
    DurationUs longest_us = 900 * kSecondUs;
  };
  explicit Throttle(Limits limits) : limits_(limits) {}
  void set(Limits limits);

  // Counts a try of `who`. Answers how many more may follow it if it fails; kSignInPaused with retry_after_us.
  Result<int> begin(const std::string& who, TimeUs now);
  void succeeded(const std::string& who);  // forgets its failures
  void take_back(const std::string& who);  // this try alone

 private:
  struct Entry {
    int failures = 0, pauses = 0;
    TimeUs paused_until = 0, last = 0;
  };
  void make_room(TimeUs now);

  std::mutex mutex_;
  Limits limits_;
  std::unordered_map<std::string, Entry> entries_;
};

}  // namespace steward::server
