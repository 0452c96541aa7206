// How bubblewrap is asked for a file system of libraries and nothing else.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "library/sandbox/process.h"

namespace steward::library::sandbox {

std::filesystem::path find_bubblewrap();  // empty: it isn't installed

// The whole command line: bubblewrap, what it shall do, and the plan's program with its arguments.
std::vector<std::string> bubblewrapped(const std::filesystem::path& bubblewrap, const Plan& plan);

}  // namespace steward::library::sandbox
