// One process of lib/steward-engine. It dies with us (PR_SET_PDEATHSIG), gets none of the terminal's signals (its own
// process group), none of our environment and none of our files, and runs in its own library folder, since llama.cpp
// also looks for backends where it stands. What it says on standard error is kept by its last words alone, to tell why
// it ended. Thread-safe.
#pragma once
#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"

namespace steward::engine {

struct ProcessOptions;

class Child {
 public:
  static Result<std::unique_ptr<Child>> start(const std::filesystem::path& program,
                                              const std::vector<std::string>& arguments, const ProcessOptions& options);
  ~Child();  // kills it and waits for its end

  pid_t pid() const { return pid_; }
  bool ended();             // asks the system; cheap
  void kill();              // SIGKILL; its end follows
  std::string why() const;  // how it ended, with its last words; once ended
  uint64_t resident_bytes() const;
  std::chrono::milliseconds processor_time() const;  // used so far by all its threads; 0 if not known

 private:
  Child(pid_t pid, int output);
  void listen(int output);

  pid_t pid_;
  mutable std::mutex mutex_;
  std::optional<int> status_;
  std::string last_words_;
  std::thread listener_;
};

}  // namespace steward::engine
