// What is wrong with a part of a running server, as /readyz and `steward doctor` tell it: a code for programs, a
// sentence that says what happened, and one that says what to do.
#pragma once
#include <string>
#include <vector>

namespace steward {

struct Trouble {
  std::string code;  // "disk_full"; docs/reliability.md lists them
  std::string message;
  std::string advice;
  bool blocks = false;      // nothing new is promised while it lasts: /readyz answers 503
  std::string detail = "";  // for the owner alone: what the system said, which record; /readyz leaves it out
  bool operator==(const Trouble&) const = default;
};

}  // namespace steward
