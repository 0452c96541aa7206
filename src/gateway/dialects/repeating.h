// What a reader of answers may be beside an AnswerReader: one whose commonest event, text that is added to an open
// part, comes over and over with nothing else changed.
#pragma once
#include "gateway/form/answer.h"

namespace steward::gateway {

class RepeatingReader {
 public:
  virtual ~RepeatingReader() = default;
  // Asked after event() gave nothing but this: would the same event with another text give the same with that text? If
  // so, such events aren't read again: appended() is told their texts instead.
  virtual bool repeats(const Append& append) const = 0;
  virtual void appended(const Append&) {}
};

}  // namespace steward::gateway
