#include "base/error.h"

namespace steward {

const ErrorInfo& info(ErrorCode code) {
  static constexpr auto debug = LogLevel::kDebug, info = LogLevel::kInfo, warn = LogLevel::kWarn,
                        error = LogLevel::kError;
  static constexpr ErrorInfo kTable[] = {
#define STEWARD_ERROR(name, wire, status, level, openai, anthropic, retryable, sentence) \
  {ErrorCode::k##name, wire, status, level, openai, anthropic, retryable, sentence},
#include "base/errors.def"
#undef STEWARD_ERROR
  };
  (void)debug;
  return kTable[static_cast<size_t>(code)];
}

}  // namespace steward
