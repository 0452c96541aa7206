// Errors that can be expected: a code, a sentence for the person, details for a program.
//
// The code owns the HTTP status, the log level and how each dialect names it (errors.def). Functions that may fail so
// return Result<T>; exceptions are left for bugs and end at the request's boundary. A sentence says what happened, why,
// and what to do.
#pragma once
#include <expected>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "base/json_fwd.h"

namespace steward {

enum class ErrorCode {
#define STEWARD_ERROR(name, ...) k##name,
#include "base/errors.def"
#undef STEWARD_ERROR
};

enum class LogLevel { kDebug, kInfo, kWarn, kError };

struct ErrorInfo {
  ErrorCode code;
  std::string_view name;  // on the wire: "budget_exceeded"
  int http_status;
  LogLevel level;
  std::string_view openai_type;
  std::string_view anthropic_type;
  bool retryable;
  std::string_view sentence;
};

const ErrorInfo& info(ErrorCode code);

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;            // a sentence for the person; the table's where none is given
  Json details = Json::object();  // for programs: "param", "retry_after_us", "left_nanousd", …

  explicit Error(ErrorCode c) : code(c), message(info(c).sentence) {}
  Error(ErrorCode c, std::string m) : code(c), message(std::move(m)) {}
  Error(ErrorCode c, std::string m, Json d) : code(c), message(std::move(m)), details(std::move(d)) {}
};

template <class T>
using Result = std::expected<T, Error>;
using Status = std::expected<void, Error>;

// fail(code, "sentence"): what a function returning Result<T> returns.
inline std::unexpected<Error> fail(ErrorCode code) { return std::unexpected(Error(code)); }
inline std::unexpected<Error> fail(ErrorCode code, std::string message) {
  return std::unexpected(Error(code, std::move(message)));
}
inline std::unexpected<Error> fail(ErrorCode code, std::string message, Json details) {
  return std::unexpected(Error(code, std::move(message), std::move(details)));
}
inline std::unexpected<Error> fail(Error error) { return std::unexpected(std::move(error)); }

}  // namespace steward
