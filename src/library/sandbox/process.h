// Starts a program that reads bytes from outside, hands it its input by a pipe, and takes its output by another. The
// starter of sandboxes: what a child may do is held in three places, each of which alone is enough for most attacks.
//
//   around it   bubblewrap, where the machine lets it make namespaces: a file system of the libraries and nothing else,
//               all of it read-only, no network, no other process in sight, no user but nobody
//   in it       sandbox/inside/confine.h: limits, Landlock, seccomp; the program calls it first
//   here        a deadline (SIGKILL), a bound on what is taken from it, no environment, no descriptor but the two pipes
//               (standard error goes nowhere: a parser's complaints quote the file)
//
// run() may be awaited on any executor of one thread; it returns when the process has ended and was waited for, so
// nothing is left behind. SIGPIPE must be ignored by the process that calls it.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "base/async.h"
#include "base/error.h"

namespace steward::library::sandbox {

enum class Around { kNothing, kBubblewrap };

struct Plan {
  std::filesystem::path program;
  std::vector<std::string> arguments;
  Around around = Around::kNothing;
  std::vector<std::filesystem::path> readable;  // beside the libraries; what isn't there is left out
  size_t max_output_bytes = 16 << 20;
};

enum class Ended { kItself, kDeadline, kCancelled, kTooMuchOutput };

struct Outcome {
  Ended ended = Ended::kItself;
  int code = 0;    // of an exit
  int signal = 0;  // what killed it, if a signal did: SIGSYS is the filter, SIGXCPU the processor's limit
  std::string output;
};

// kIo: the program can't be started.
Task<Result<Outcome>> run(Plan plan, std::string input, Deadline deadline, CancelToken cancel);

}  // namespace steward::library::sandbox
