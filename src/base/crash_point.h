// Named points at which a test makes the process kill itself, as a power cut or `kill -9` would at exactly that step.
//
// STEWARD_CRASH_AT=name[:nth] arms one point of this process: the nth time (first by default) it is passed, the process
// sends itself SIGKILL. Compiled in always, so that what is tested is what is shipped; unarmed it costs one load. Any
// thread may pass a point. All names stand in the table of crash_point.cc: `steward debug crash-points` prints it, and
// an unknown name in the code aborts.
#pragma once
#include <span>
#include <string_view>

namespace steward {

struct CrashPoint {
  std::string_view name;
  std::string_view where;  // what has happened and what has not, when it is passed
};

std::span<const CrashPoint> crash_points();
void crash_point(std::string_view name);
// Empty, or what is wrong with STEWARD_CRASH_AT (an unknown name would never be hit, and the test would pass for
// nothing).
std::string_view crash_setting_problem();

}  // namespace steward
