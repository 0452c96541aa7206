#include "cli/context.h"

namespace steward::cli {

int Context::failed(const Error& error) const {
  std::fprintf(err, "steward: %s\n", error.message.c_str());
  std::fflush(err);
  return error.code == ErrorCode::kConfig ? kUsage : kFailed;
}

}  // namespace steward::cli
