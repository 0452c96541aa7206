// Structured logs: JSON lines on stderr (text on a terminal). Fields are ids, numbers and codes, never content, never
// secrets. Thread-safe. A Log is made by main() and handed down; a default-made Log is silent, for tests.
#pragma once
#include <initializer_list>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/json_fwd.h"

namespace steward {

enum class LogFormat { kAuto, kJson, kText };

class Log {
 public:
  using Fields = std::initializer_list<std::pair<std::string_view, Json>>;
  Log() = default;  // silent
  static Log to_stderr(LogLevel least, LogFormat format);

  void write(LogLevel level, std::string_view message, Fields fields = {}) const;
  void debug(std::string_view m, Fields f = {}) const { write(LogLevel::kDebug, m, f); }
  void info(std::string_view m, Fields f = {}) const { write(LogLevel::kInfo, m, f); }
  void warn(std::string_view m, Fields f = {}) const { write(LogLevel::kWarn, m, f); }
  void error(std::string_view m, Fields f = {}) const { write(LogLevel::kError, m, f); }
  void set_level(LogLevel least);

 private:
  struct Sink;
  std::shared_ptr<Sink> sink_;
};

}  // namespace steward
