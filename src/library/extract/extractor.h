// Text out of attachments. The bytes are read by a child process, lib/steward-extract, in a sandbox (library/sandbox):
// no network, no file but its libraries, bounded memory, time and output. A file that crashes, hangs or swells its
// reader is a clear error of that file alone.
//
// extract() may be awaited on any thread of the server and is answered there. At most Options::at_once children run;
// others wait in the order they came, up to kMaxWaiting, and the wait counts towards their deadline. Only how often and
// how long is ever told to logs and metrics: never bytes, text or names.
//
// Errors (Error::details["reason"] for programs):
//   kInvalidRequest       "protected" a password is needed · "damaged" · "bomb" unpacks to more than is read
//                         "memory" · "timeout" · "crashed": its reader came to an end, the file is the likely cause
//   kBodyTooLarge         more than Options::max_bytes
//   kQueueFull, kRequestTimeout, kCancelled    nothing is wrong with the file: try again
//   kIo                   the reader itself can't be started ("steward doctor" says more)
// What can't be read but is no mistake (a video, a program) is no error: kind "other", empty text, and a note.
#pragma once
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "base/async.h"
#include "base/error.h"
#include "library/extract/extraction.h"
#include "library/sandbox/strength.h"

namespace steward::library {

class Extractor {
 public:
  struct Options {
    std::filesystem::path program;     // lib/steward-extract, beside the server
    size_t at_once = 2;                // children at a time
    size_t max_bytes = 64 << 20;       // of one attachment
    std::chrono::seconds longest{45};  // of one child, waiting excluded
    sandbox::Choice choice = sandbox::Choice::kStrongest;
  };
  static constexpr size_t kMaxWaiting = 256;

  // The one that is installed with this program: lib/steward-extract beside its bin/.
  static std::filesystem::path shipped_program();

  explicit Extractor(Options options);
  ~Extractor();

  // `name` is what the person called it: a hint between kinds of plain text (csv, markdown), never believed beyond
  // that.
  Task<Result<Extraction>> extract(std::string bytes, std::string name, Deadline deadline = {},
                                   CancelToken cancel = {});
  // The same for a worker thread, which it holds up; never on a thread of the server's own.
  Result<Extraction> extract_blocking(std::string bytes, std::string name, Deadline deadline = {});

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace steward::library
