// bench_upstream --port N [--addresses 1] [--first-ms 50] [--chunks 50] [--gap-ms 10] [--stamp]: an OpenAI-compatible
// provider for benchmarks, on one thread, which answers by timers and costs microseconds.
//
// POST /v1/chat/completions: a plain answer after --first-ms, or (with "stream": true) --chunks events, the first after
// --first-ms and the others --gap-ms apart by the clock (a late one doesn't move the next), then the usage if it was
// asked for and [DONE]. With --stamp each event's text is its own time of sending, `t=MICROSECONDS ` of
// CLOCK_MONOTONIC. GET /v1/models lists the one model; GET /stats tells what was answered, so that a meter can be held
// against it. It listens on 127.0.0.1 and as many addresses above as --addresses says, since each pair of addresses has
// its own ports.
#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <cstring>
#include <deque>
#include <memory>
#include <string_view>

#include "event_loop.h"

namespace {

using namespace steward::bench;

constexpr int kPromptTokens = 7;
constexpr std::string_view kHead = R"({"id":"chatcmpl-bench","object":"chat.completion)";
constexpr std::string_view kCommon = R"(,"created":1764000000,"model":"fake-1")";

struct Settings {
  uint16_t port = 0;
  int addresses = 1, chunks = 50;
  int64_t first_us = 50'000, gap_us = 10'000;
  bool stamp = false;
};

struct Stats {
  int64_t plain = 0, streams = 0, streams_ended = 0, chunks = 0, prompt_tokens = 0, completion_tokens = 0, cut = 0;
  int64_t open = 0, late_us = 0;  // the latest that an event was sent after its time
};

std::string chunked(std::string_view data) { return fmt::format("{:x}\r\n{}\r\n", data.size(), data); }

std::string event_of(std::string_view content) {
  return chunked(
      fmt::format(R"(data: {}.chunk"{},"choices":[{{"index":0,"delta":{{"content":"{}"}},"finish_reason":null}}]}})"
                  "\n\n",
                  kHead, kCommon, content));
}

std::string usage_of(int completion) {
  return fmt::format(R"("usage":{{"prompt_tokens":{},"completion_tokens":{},"total_tokens":{}}})", kPromptTokens,
                     completion, kPromptTokens + completion);
}

std::string end_of_stream(int completion, bool include_usage) {
  std::string out =
      chunked(fmt::format(R"(data: {}.chunk"{},"choices":[{{"index":0,"delta":{{}},"finish_reason":"stop"}}]}})"
                          "\n\n",
                          kHead, kCommon));
  if (include_usage)
    out += chunked(fmt::format(R"(data: {}.chunk"{},"choices":[],{}}})"
                               "\n\n",
                               kHead, kCommon, usage_of(completion)));
  return out + chunked("data: [DONE]\n\n") + "0\r\n\r\n";
}

std::string answer_of(std::string_view status, std::string_view body) {
  return fmt::format("HTTP/1.1 {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{}", status,
                     body.size(), body);
}

// As long as a short real answer: 413 bytes.
std::string plain_answer(int completion) {
  std::string body = fmt::format(
      R"({}"{},"choices":[{{"index":0,"message":{{"role":"assistant","content":"{}"}},"finish_reason":"stop"}}],{}}})",
      kHead, kCommon, "{}", usage_of(completion));
  const size_t at = body.find("{}");
  body.replace(at, 2, std::string(413 - (body.size() - 2), 'x'));
  return answer_of("200 OK", body);
}

class Upstream;

// One accepted connection; its slot is used again after its end, and a timer of an earlier answer is told by its
// number.
class Connection : public Handler {
 public:
  explicit Connection(Upstream& upstream) : upstream_(upstream) {}
  void begin(int fd);
  void ready(uint32_t events) override;
  void due(uint64_t tag) override;

 private:
  bool parse();
  void take(std::string_view head, std::string_view body);
  void send_next();
  void flush();
  void end();

  Upstream& upstream_;
  int fd_ = -1;
  uint64_t number_ = 0;  // of the answer under way; 0 when none is
  bool streamed_ = false, include_usage_ = false, blocked_ = false;
  int sent_ = 0;
  int64_t due_us_ = 0;
  std::string in_, out_;
};

class Upstream : public Handler {
 public:
  explicit Upstream(Settings settings)
      : settings(settings), plain(plain_answer(settings.chunks)), event(event_of(" word")) {
    for (int i = 0; i < settings.addresses; ++i) {
      listeners_.push_back(
          std::make_unique<Listener>(*this, listen_on(fmt::format("127.0.0.{}", i + 1), settings.port)));
      loop.watch(listeners_.back()->fd, EPOLLIN, *listeners_.back());
    }
  }
  void ready(uint32_t) override {}
  void due(uint64_t) override {}
  void accept_from(int listener) {
    for (int fd = 0; (fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
      if (free.empty()) free.push_back(&connections_.emplace_back(*this));
      Connection* connection = free.back();
      free.pop_back();
      connection->begin(fd);
    }
  }

  const Settings settings;
  const std::string plain, event;
  EventLoop loop;
  Stats stats;
  uint64_t answers = 0;
  std::deque<Connection*> free;

 private:
  struct Listener : Handler {
    Listener(Upstream& upstream, int fd) : upstream(upstream), fd(fd) {}
    void ready(uint32_t) override { upstream.accept_from(fd); }
    void due(uint64_t) override {}
    Upstream& upstream;
    int fd;
  };
  std::deque<Connection> connections_;  // addresses of its elements stay
  std::vector<std::unique_ptr<Listener>> listeners_;
};

void Connection::begin(int fd) {
  fd_ = fd;
  number_ = 0;
  blocked_ = false;
  in_.clear();
  out_.clear();
  upstream_.loop.watch(fd, EPOLLIN | EPOLLRDHUP, *this);
  ++upstream_.stats.open;
}

void Connection::end() {
  if (number_ != 0) ++upstream_.stats.cut;
  number_ = 0;
  ::close(fd_);
  fd_ = -1;
  --upstream_.stats.open;
  upstream_.free.push_back(this);
}

void Connection::ready(uint32_t events) {
  if (fd_ < 0) return;
  if ((events & EPOLLIN) != 0 && read_all(fd_, in_) == Io::kClosed) return end();
  if ((events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP)) != 0) return end();
  if ((events & EPOLLOUT) != 0) flush();
  while (fd_ >= 0 && number_ == 0 && parse()) {
  }
}

std::string_view header(std::string_view head, std::string_view name) {
  for (size_t at = head.find("\r\n"); at != std::string_view::npos; at = head.find("\r\n", at + 2)) {
    const std::string_view line = head.substr(at + 2, head.find("\r\n", at + 2) - at - 2);
    if (line.size() > name.size() && line[name.size()] == ':' &&
        ::strncasecmp(line.data(), name.data(), name.size()) == 0) {
      const size_t from = line.find_first_not_of(' ', name.size() + 1);
      return from == std::string_view::npos ? "" : line.substr(from);
    }
  }
  return {};
}

// One whole request at the front of what came; chunked bodies are taken as they lie, framing and all.
bool Connection::parse() {
  const size_t end_of_head = in_.find("\r\n\r\n");
  if (end_of_head == std::string::npos) return false;
  const std::string_view head(in_.data(), end_of_head);
  size_t length = 0;
  if (const auto told = header(head, "content-length"); !told.empty()) {
    std::from_chars(told.data(), told.data() + told.size(), length);
  } else if (header(head, "transfer-encoding") == "chunked") {
    const size_t last = in_.find("0\r\n\r\n", end_of_head + 4);
    if (last == std::string::npos) return false;
    length = last + 5 - end_of_head - 4;
  }
  if (in_.size() < end_of_head + 4 + length) return false;
  take(head, std::string_view(in_).substr(end_of_head + 4, length));
  if (fd_ >= 0) in_.erase(0, end_of_head + 4 + length);
  return true;
}

bool says(std::string_view body, std::string_view name) {
  return body.find(fmt::format(R"("{}":true)", name)) != std::string_view::npos ||
         body.find(fmt::format(R"("{}": true)", name)) != std::string_view::npos;
}

void Connection::take(std::string_view head, std::string_view body) {
  const Stats& s = upstream_.stats;
  if (head.starts_with("GET /stats")) {
    out_ += answer_of(
        "200 OK",
        fmt::format(
            R"({{"plain":{},"streams":{},"streams_ended":{},"chunks":{},"prompt_tokens":{},"completion_tokens":{},"cut":{},"open":{},"late_us":{}}})",
            s.plain, s.streams, s.streams_ended, s.chunks, s.prompt_tokens, s.completion_tokens, s.cut, s.open,
            s.late_us));
    return flush();
  }
  if (head.starts_with("GET ")) {
    out_ += answer_of(
        "200 OK",
        R"({"object":"list","data":[{"id":"fake-1","object":"model","created":1764000000,"owned_by":"bench"}]})");
    return flush();
  }
  streamed_ = says(body, "stream");
  include_usage_ = says(body, "include_usage");
  sent_ = 0;
  number_ = ++upstream_.answers;
  upstream_.stats.prompt_tokens += kPromptTokens;
  due_us_ = now_us() + upstream_.settings.first_us;
  ++(streamed_ ? upstream_.stats.streams : upstream_.stats.plain);
  upstream_.loop.at(due_us_, *this, number_);
}

void Connection::due(uint64_t tag) {
  if (tag != number_ || fd_ < 0) return;
  upstream_.stats.late_us = std::max(upstream_.stats.late_us, now_us() - due_us_);
  send_next();
  flush();
  while (fd_ >= 0 && number_ == 0 && parse()) {
  }
}

void Connection::send_next() {
  const Settings& settings = upstream_.settings;
  if (!streamed_) {
    out_ += upstream_.plain;
    upstream_.stats.completion_tokens += settings.chunks;
    number_ = 0;
    return;
  }
  if (sent_ == 0)
    out_ +=
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nTransfer-Encoding: "
        "chunked\r\n\r\n";
  if (sent_ == settings.chunks) {
    out_ += end_of_stream(settings.chunks, include_usage_);
    ++upstream_.stats.streams_ended;
    number_ = 0;
    return;
  }
  if (settings.stamp)
    out_ += event_of(fmt::format("t={} ", now_us()));
  else
    out_ += upstream_.event;
  ++sent_;
  ++upstream_.stats.chunks;
  ++upstream_.stats.completion_tokens;
  due_us_ += settings.gap_us;
  upstream_.loop.at(due_us_, *this, number_);
}

void Connection::flush() {
  if (write_some(fd_, out_) == Io::kClosed) return end();
  if (out_.empty() != blocked_) return;
  blocked_ = !out_.empty();
  upstream_.loop.change(fd_, EPOLLIN | EPOLLRDHUP | (blocked_ ? EPOLLOUT : 0u), *this);
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--stamp") {
      settings.stamp = true;
      continue;
    }
    const double value = i + 1 < argc ? std::atof(argv[++i]) : 0;
    if (name == "--port") settings.port = static_cast<uint16_t>(value);
    if (name == "--addresses") settings.addresses = static_cast<int>(value);
    if (name == "--chunks") settings.chunks = static_cast<int>(value);
    if (name == "--first-ms") settings.first_us = static_cast<int64_t>(value * 1e3);
    if (name == "--gap-ms") settings.gap_us = static_cast<int64_t>(value * 1e3);
  }
  if (settings.port == 0) {
    fmt::print(
        stderr,
        "usage: bench_upstream --port N [--addresses 1] [--first-ms 50] [--chunks 50] [--gap-ms 10] [--stamp]\n");
    return 2;
  }
  lift_file_limit();
  Upstream(settings).loop.run();
}
