// Ctrl-C while something runs: cancels it instead of ending the program. A signal handler may do next to nothing, so
// the signal wakes an io thread, which cancels what is registered. One at a time; main thread.
#pragma once
#include <memory>

#include "base/async.h"

namespace steward::cli {

class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  // What Ctrl-C cancels from now on; a fresh token each time.
  CancelToken watch();
  void unwatch();
  bool happened();  // since the last watch()

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace steward::cli
