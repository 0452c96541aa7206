#include "server/host_watch.h"

#include <dirent.h>
#include <fmt/format.h>
#include <sys/resource.h>

#include <memory>

namespace steward::server {
namespace {

constexpr uint64_t kFewDescriptors = 32;  // left

Trouble stepped(DurationUs by, TimeUs wall) {
  return {"clock_stepped",
          fmt::format("The machine's clock stepped {} by {} s, to {}.", by > 0 ? "ahead" : "back",
                      (by > 0 ? by : -by) / kSecondUs, to_rfc3339(wall)),
          "Records keep their order by seq, and no budget begins anew by a step back; check the time service (chronyd, "
          "systemd-timesyncd) and what of budgets' periods and keys' ends the new time means."};
}

Trouble stood_still(DurationUs late, TimeUs wall) {
  return {"process_stalled",
          fmt::format("The server stood still for {} s, until {}.", late / kSecondUs, to_rfc3339(wall)),
          "It was stopped (SIGSTOP), its machine was paused, or it waited for memory that was swapped out; deadlines "
          "passed meanwhile."};
}

Trouble few_descriptors(const Descriptors& count) {
  return {"out_of_descriptors",
          fmt::format("{} of {} file descriptors are in use, so new connections are or will soon be turned away.",
                      count.open, count.limit),
          "Raise the limit (LimitNOFILE= in the unit, 'ulimit -n'), or find the client that opens so many "
          "connections.",
          count.open >= count.limit};
}

}  // namespace

Descriptors count_descriptors() {
  rlimit limit = {};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  Descriptors count{.open = 0, .limit = limit.rlim_cur};
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir("/proc/self/fd"), ::closedir);
  if (!folder) {
    if (errno == EMFILE || errno == ENFILE) count.open = count.limit;
    return count;
  }
  while (const dirent* entry = ::readdir(folder.get())) count.open += entry->d_name[0] != '.';
  --count.open;  // the folder's own
  return count;
}

void HostWatch::look(From from) {
  const TimeUs wall = clock_.now_us(), steady = clock_.monotonic_us();
  const std::lock_guard lock(mutex_);
  look_at_clock(wall, steady);
  if (from != From::kHousekeeper) return;
  const DurationUs late = steady - last_round_ - kWatchEveryUs;
  if (last_round_ != 0 && late > kStallUs) tell(stall_, stood_still(late, wall), steady);
  last_round_ = steady;
}

void HostWatch::look_at_clock(TimeUs wall, TimeUs steady) {
  const TimeUs offset = wall - steady;
  const DurationUs by = offset - offset_;
  if (begun_ && (by > kStepUs || by < -kStepUs)) tell(step_, stepped(by, wall), steady);
  begun_ = true;
  offset_ = offset;
}

void HostWatch::tell(Told& place, Trouble trouble, TimeUs steady) {
  log_.warn(trouble.message, {{"code", trouble.code}});
  place = {std::move(trouble), steady + kToldForUs};
}

std::vector<Trouble> HostWatch::troubles() {
  look(From::kRequest);
  const TimeUs steady = clock_.monotonic_us();
  std::vector<Trouble> out;
  {
    const std::lock_guard lock(mutex_);
    for (const Told* told : {&step_, &stall_}) {
      if (told->until > steady) out.push_back(told->trouble);
    }
  }
  const Descriptors count = count_descriptors();
  if (count.open + kFewDescriptors > count.limit) out.push_back(few_descriptors(count));
  return out;
}

}  // namespace steward::server
