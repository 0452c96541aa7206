// The system calls that a confined reader keeps (confine.h says what becomes of the others).
#pragma once
#include <string>

namespace steward::library::sandbox {

// Loads the filter into this process, for good. Empty, or why it could not be.
std::string load_filter(bool may_open);

}  // namespace steward::library::sandbox
