#include "base/crash_point.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace steward {
namespace {

constexpr CrashPoint kPoints[] = {
    {"before_commit", "a group of commands is inserted, COMMIT was not called"},
    {"after_commit_before_ack", "COMMIT has returned, nobody was told"},
    {"before_sync", "a group is written, fdatasync was not called"},
    {"after_sync", "fdatasync has returned, nobody was told"},
    {"view_before_commit", "records are folded into views, the views' COMMIT was not called"},
    {"view_after_commit", "the views' COMMIT has returned, nobody was told"},
    {"erase_after_log", "erasures.log names the records, the journal has not erased them"},
    {"purge_before_checkpoint", "erased records are gone from the tables, not from the -wal files"},
    {"purge_before_unlink", "database files are clean, unreferenced blobs are not yet removed"},
    {"job_after_lease", "a job's lease is written, its work has not begun"},
    {"job_before_finish", "a job's work is done, its end is not written"},
    {"after_reserve", "a call's reservation is written, its upstream was not asked"},
    {"upstream_streaming", "the upstream is answering, some was sent to the client"},
    {"answer_step_kept", "a step of an answer of Talk is written, the answer goes on"},
    {"before_settle", "the upstream has answered, the settlement is not appended"},
    {"after_settle", "the settlement is written, the client has not its last byte"},
};

struct Armed {
  const CrashPoint* point = nullptr;
  long nth = 1;
  std::string_view problem;
};

const CrashPoint* find(std::string_view name) {
  for (const auto& point : kPoints) {
    if (point.name == name) return &point;
  }
  return nullptr;
}

Armed read_setting() {
  const char* setting = std::getenv("STEWARD_CRASH_AT");
  if (!setting || !*setting) return {};
  const std::string_view text(setting);
  const size_t colon = text.find(':');
  Armed armed;
  armed.point = find(text.substr(0, colon));
  if (!armed.point) armed.problem = "STEWARD_CRASH_AT names no crash point; 'steward debug crash-points' lists them.";
  if (colon != std::string_view::npos) armed.nth = std::atol(setting + colon + 1);
  if (armed.nth < 1) armed = {nullptr, 1, "STEWARD_CRASH_AT has the form NAME or NAME:NTH, NTH from 1."};
  return armed;
}

// The environment is read once for the process, whoever asks: the one state here that no owner hands in, since a point
// must be passable from any depth without threading a test's argument through every signature.
const Armed& armed() {
  static const Armed setting = read_setting();
  return setting;
}

}  // namespace

std::span<const CrashPoint> crash_points() { return kPoints; }

void crash_point(std::string_view name) {
  const Armed& setting = armed();
  if (!setting.point) return;
  if (!find(name)) {
    std::fprintf(stderr, "crash point '%.*s' is not in the table\n", static_cast<int>(name.size()), name.data());
    std::abort();
  }
  if (setting.point->name != name) return;
  static std::atomic<long> passed{0};
  if (++passed == setting.nth) {
    ::kill(::getpid(), SIGKILL);
    ::pause();  // the signal is on its way: nothing more may happen
  }
}

std::string_view crash_setting_problem() { return armed().problem; }

}  // namespace steward
