// Stop strings in a stream: text is let through but for a tail that may be the beginning of a stop string; once one is
// complete, the text ends before it. What was held back and did not become a stop string is given out at the end.
// However the text is cut into pieces, what comes out is the same: the text up to the first place where a stop string
// ends.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace steward::gateway {

class StopFilter {
 public:
  explicit StopFilter(std::vector<std::string> stops);
  std::string feed(std::string_view piece);  // what may go out now; empty once stopped
  std::string flush();                       // at the text's end: what was held back
  bool stopped() const { return stopped_; }
  bool holding() const { return !held_.empty(); }

 private:
  std::vector<std::string> stops_;
  std::string held_;
  bool stopped_ = false;
};

std::vector<std::string> stops_of(const Json& body);  // of a checked request: "stop" as a string, an array, or absent

}  // namespace steward::gateway
