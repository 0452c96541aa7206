// Reads the whole journal once after each start and then once a day, in the background, and compares every record with
// its digests: a page that rotted where nobody looks is found before a backup without it is thrown away. Slow on
// purpose, a few percent of one core. Inside the journal floor only.
#pragma once
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string_view>
#include <thread>

#include "journal/scan.h"

namespace steward::journal {

class Scrubber {
 public:
  // `found` is told once, from the scrubber's thread, what is wrong.
  using Open = std::function<std::unique_ptr<Scan>()>;
  Scrubber(Open open, std::function<void(std::string_view what)> found);
  ~Scrubber() { stop(); }
  void start();
  void stop();
  // One whole pass, now, without pauses where `pause` is zero: empty, or what is wrong. Throws DbError.
  std::string pass(std::chrono::milliseconds pause);

 private:
  void run();
  bool rest(std::chrono::milliseconds time);  // false: stopping
  Open open_scan_;
  std::function<void(std::string_view)> found_;
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
};

}  // namespace steward::journal
