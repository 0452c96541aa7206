// A sample life, and a home that is made by living it: every step at its own moment, in the order of time, by the parts
// of the server that do it when somebody asks. So the home's journal reads like one that was lived in, and every law of
// it holds.
//
// The life is moved by whole weeks, so that its last day lies at most a week back: the app shows this month and this
// week first, and a visitor should see them alive. Weekdays and times of day stay; what the conversations say of their
// dates stays as it was written. Nothing is drawn by chance but ids, salts and keys: the same sample makes the same
// use.
#pragma once
#include <filesystem>
#include <functional>

#include "base/json.h"
#include "base/random.h"
#include "cli/sample/clock.h"
#include "talk/import.h"

namespace steward::cli {

struct SampleLife {
  Json conversations, home;  // the files, as they are; of the first every time is moved already
  DurationUs moved_us = 0;   // whole weeks
  TimeUs from = 0, until = 0;
};

struct SampleCount {
  size_t conversations = 0, calls = 0, refused = 0;
};

// Reads conversations.json and home.json. kConfig: they are damaged.
Result<SampleLife> read_sample(const std::filesystem::path& folder, TimeUs now);

// Lives it in a home that was just made and stands open under `clock`; tells how much of it is done, in percent.
Result<SampleCount> live(server::Core& core, SampleClock& clock, Random& random, const SampleLife& life,
                         const std::function<void(int percent)>& progress);

}  // namespace steward::cli
