#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"

namespace steward {

struct Log::Sink {
  spdlog::logger logger;
  std::atomic<LogLevel> least;
  bool json;
};

Log Log::to_stderr(LogLevel least, LogFormat format) {
  Log log;
  const bool json = format == LogFormat::kJson || (format == LogFormat::kAuto && isatty(STDERR_FILENO) == 0);
  log.sink_ = std::shared_ptr<Sink>(
      new Sink{spdlog::logger("steward", std::make_shared<spdlog::sinks::stderr_sink_mt>()), least, json});
  log.sink_->logger.set_pattern("%v");
  log.sink_->logger.set_level(spdlog::level::trace);
  log.sink_->logger.flush_on(spdlog::level::trace);
  return log;
}

void Log::set_level(LogLevel least) {
  if (sink_) sink_->least = least;
}

void Log::write(LogLevel level, std::string_view message, Fields fields) const {
  if (!sink_ || level < sink_->least) return;
  static constexpr std::string_view kNames[] = {"debug", "info", "warn", "error"};
  const auto name = kNames[static_cast<size_t>(level)];
  const std::string time = to_rfc3339(SystemClock().now_us());
  if (sink_->json) {
    Json line = {{"time", time}, {"level", name}, {"msg", message}};
    for (const auto& [key, value] : fields) line[std::string(key)] = value;
    sink_->logger.info(line.dump(-1, ' ', false, Json::error_handler_t::replace));
    return;
  }
  std::string line = fmt::format("{} {:5} {}", std::string_view(time).substr(11, 12), name, message);
  for (const auto& [key, value] : fields)
    line += fmt::format("  {}={}", key, value.is_string() ? value.get<std::string>() : dump(value));
  sink_->logger.info(line);
}

}  // namespace steward
