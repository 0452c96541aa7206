// bench_load --port N [--address 127.0.0.1] --path P --body FILE [--header "Name: value"]… and one of
//   --rate R --duration S      open loop: R requests a second, at times drawn once from a fixed seed, the same for
//   every server
//   --closed C --duration S    C requests under way at any time: how many a second pass
//   --rate R --count N         the same open loop until N have begun
// [--warm W] [--deadline S] [--sources K] [--seed X]. Prints one JSON object: counts, and first body byte and whole
// answer in microseconds (p50, p90, p99, max).
//
// An open loop counts each time from when the request was due, not from when a socket was free for it, so that a slow
// server can't hide its queue (coordinated omission). A connection that is free is used again, else a new one is
// opened;
// --warm opens and uses W before the clock starts. Stamps of bench_upstream (`t=…`) found in an answer give `lag`: from
// the event's sending at the upstream to its arrival here. --sources spreads connections over 127.0.0.1 and the
// addresses above, since one address has some 28,000 ports.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <deque>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>
#include <string_view>

#include "answer_reader.h"
#include "event_loop.h"

namespace {

using namespace steward::bench;

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kStall = 200'000;               // an event this late counts as a stall
constexpr int64_t kLongestWarmUp = 20 * kSecond;  // then the clock starts, warm or not

struct Settings {
  std::string address = "127.0.0.1", path, body_file, headers;
  uint16_t port = 0;
  double rate = 0, duration_s = 5, deadline_s = 30;
  int closed = 0, warm = 0, sources = 1;
  int64_t count = 0;
  uint64_t seed = 1;
};

struct Times {
  std::vector<uint32_t> us;
  void add(int64_t value) { us.push_back(static_cast<uint32_t>(std::clamp<int64_t>(value, 0, UINT32_MAX))); }
  nlohmann::ordered_json told() {
    if (us.empty()) return nullptr;
    std::ranges::sort(us);
    auto at = [&](double share) {
      return us[std::min(us.size() - 1, static_cast<size_t>(share * static_cast<double>(us.size())))];
    };
    return {{"p50", at(0.5)}, {"p90", at(0.9)}, {"p99", at(0.99)}, {"p999", at(0.999)}, {"max", us.back()}};
  }
};

struct Figures {
  int64_t answered = 0;  // all, those too that warmed up or came after the clock had stopped
  int64_t begun = 0, ok = 0, refused = 0, broken = 0, connections = 0, events = 0, stalls = 0, body_bytes = 0;
  int refused_status = 0;
  std::string refused_body;
  Times first, total, lag, late;  // late: how long after its time a request was really sent
};

class Load;

class Connection : public Handler {
 public:
  explicit Connection(Load& load) : load_(load), reader_([this](std::string_view bytes) { body(bytes); }) {}
  void open();
  void ask(int64_t due_us, bool counted);
  void ready(uint32_t events) override;
  void due(uint64_t) override {}
  bool asking() const { return asking_; }

 private:
  void body(std::string_view bytes);
  void stamps(std::string_view bytes);
  void done(bool whole);
  void shut();

  Load& load_;
  AnswerReader reader_;
  int fd_ = -1;
  bool asking_ = false, counted_ = false, connected_ = false;
  int64_t due_us_ = 0, first_us_ = 0;
  std::string in_, out_, tail_;
};

class Load : public Handler {
 public:
  Load(Settings settings, std::string request)
      : settings(std::move(settings)), request(std::move(request)), random_(this->settings.seed) {}
  void run();
  void ready(uint32_t) override {}
  void due(uint64_t tag) override;
  void ended(Connection& connection, bool reusable);

  const Settings settings;
  const std::string request;
  EventLoop loop;
  Figures figures;
  int64_t begin_us = 0, end_us = 0;

 private:
  enum Tag : uint64_t { kStart, kNext, kDeadline, kWarmed };
  void start();
  void send_due();
  void ask(int64_t due_us, bool counted);
  void settle();

  std::mt19937_64 random_;
  std::deque<Connection> connections_;  // addresses of its elements stay
  std::vector<Connection*> free_;
  int64_t next_us_ = 0;
  int64_t under_way_ = 0, warming_ = 0;
  bool sending_ = false;
};

void Connection::open() {
  static int turn = 0;
  const std::string from =
      load_.settings.sources > 1 ? fmt::format("127.0.0.{}", 1 + turn++ % load_.settings.sources) : "";
  fd_ = connect_to(load_.settings.address, load_.settings.port, from);
  connected_ = false;
  load_.loop.watch(fd_, EPOLLIN | EPOLLOUT, *this);
  ++load_.figures.connections;
}

void Connection::ask(int64_t due_us, bool counted) {
  due_us_ = due_us;
  counted_ = counted;
  first_us_ = 0;
  asking_ = true;
  reader_.begin();
  tail_.clear();
  out_ = load_.request;
  if (fd_ < 0) return open();
  if (write_some(fd_, out_) == Io::kClosed) {  // it was closed while idle, as servers may
    ::close(fd_);
    out_ = load_.request;
    return open();
  }
  if (!out_.empty()) load_.loop.change(fd_, EPOLLIN | EPOLLOUT, *this);
}

void Connection::ready(uint32_t events) {
  if (fd_ < 0) return;
  if ((events & EPOLLOUT) != 0) {
    connected_ = true;
    if (write_some(fd_, out_) == Io::kClosed) return done(false);
    if (out_.empty()) load_.loop.change(fd_, EPOLLIN, *this);
  }
  if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) == 0) return;
  const Io io = read_all(fd_, in_);
  const auto state = asking_ && !in_.empty() ? reader_.read(in_) : AnswerReader::State::kHead;
  in_.clear();
  if (state == AnswerReader::State::kWhole) return done(true);
  if (io == Io::kOpen && state != AnswerReader::State::kBroken) return;
  if (asking_) return done(false);
  shut();
}

void Connection::shut() {
  ::close(fd_);
  fd_ = -1;
}

void Connection::body(std::string_view bytes) {
  if (first_us_ == 0) first_us_ = now_us();
  load_.figures.body_bytes += static_cast<int64_t>(bytes.size());
  if (reader_.status() != 200 && load_.figures.refused_body.size() < 300) load_.figures.refused_body += bytes;
  stamps(bytes);
}

// `t=` and 16 or so digits and a blank, which may lie across two reads.
void Connection::stamps(std::string_view bytes) {
  constexpr size_t kLongest = 24;
  std::string joined;
  if (!tail_.empty()) {
    joined = tail_ + std::string(bytes);
    bytes = joined;
  }
  size_t at = 0, used = 0;
  while ((at = bytes.find("\"t=", at)) != std::string_view::npos) {
    const size_t end = bytes.find(' ', at);
    if (end == std::string_view::npos) break;
    int64_t sent = 0;
    std::from_chars(bytes.data() + at + 3, bytes.data() + end, sent);
    const int64_t lag = now_us() - sent;
    ++load_.figures.events;
    load_.figures.stalls += lag > kStall;
    load_.figures.lag.add(lag);
    at = used = end;
  }
  tail_ = at != std::string_view::npos
              ? std::string(bytes.substr(at))
              : std::string(bytes.substr(std::max(used, bytes.size() - std::min(bytes.size(), size_t{2}))));
  if (tail_.size() > kLongest) tail_.clear();
}

void Connection::done(bool whole) {
  Figures& figures = load_.figures;
  asking_ = false;
  const int64_t now = now_us();
  const bool in_time = load_.settings.closed == 0 || now <= load_.end_us;
  if (!whole) {
    ++figures.broken;
  } else if (reader_.status() != 200) {
    ++figures.refused;
    figures.refused_status = reader_.status();
  } else if (counted_ && in_time) {
    ++figures.ok;
    figures.first.add(first_us_ - due_us_);
    figures.total.add(now - due_us_);
  }
  if (whole && reader_.status() == 200) ++figures.answered;
  if (!whole || !reader_.keeps_open()) shut();
  load_.ended(*this, true);
}

void Load::ask(int64_t due_us, bool counted) {
  if (free_.empty()) free_.push_back(&connections_.emplace_back(*this));
  Connection* connection = free_.back();
  free_.pop_back();
  ++under_way_;
  if (counted) ++figures.begun;
  if (counted && settings.closed == 0) figures.late.add(now_us() - due_us);
  connection->ask(due_us, counted);
}

void Load::run() {
  warming_ = settings.warm;
  for (int i = 0; i < settings.warm; ++i) ask(now_us(), false);
  if (settings.warm == 0) start();
  loop.at(now_us() + kLongestWarmUp, *this, kWarmed);
  loop.run();
}

void Load::start() {
  begin_us = next_us_ = now_us();
  end_us = settings.count > 0 ? INT64_MAX : begin_us + static_cast<int64_t>(settings.duration_s * kSecond);
  sending_ = true;
  loop.at(begin_us + static_cast<int64_t>((settings.duration_s + settings.deadline_s) * kSecond), *this, kDeadline);
  if (settings.closed == 0) return loop.at(next_us_, *this, kNext);
  for (int i = 0; i < settings.closed; ++i) ask(now_us(), true);
}

void Load::due(uint64_t tag) {
  if (tag == kStart) return begin_us == 0 ? start() : void();
  if (tag == kDeadline) return loop.stop();
  if (tag == kWarmed) return begin_us == 0 ? start() : void();
  send_due();
}

// Gaps are drawn from an exponential distribution: independent callers, as many servers see them.
void Load::send_due() {
  std::exponential_distribution<double> gap(settings.rate);
  while (next_us_ <= now_us() && next_us_ < end_us && (settings.count == 0 || figures.begun < settings.count)) {
    ask(next_us_, true);
    next_us_ += static_cast<int64_t>(gap(random_) * kSecond);
  }
  if (next_us_ < end_us && (settings.count == 0 || figures.begun < settings.count))
    return loop.at(next_us_, *this, kNext);
  sending_ = false;
  if (settings.count > 0) end_us = now_us();
  settle();
}

void Load::ended(Connection& connection, bool) {
  --under_way_;
  free_.push_back(&connection);
  if (warming_ > 0 && --warming_ == 0 && begin_us == 0) return loop.at(now_us() + kSecond / 20, *this, kStart);
  if (!sending_) return settle();
  if (settings.closed == 0) return;
  if (now_us() < end_us) return ask(now_us(), true);
  sending_ = false;  // those under way may end, so that what they cost is counted with what they are
  settle();
}

void Load::settle() {
  if (begin_us != 0 && !sending_ && under_way_ == 0) loop.stop();
}

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

Settings read_settings(int argc, char** argv) {
  Settings s;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i], value = argv[i + 1];
    if (name == "--port") s.port = static_cast<uint16_t>(std::stoi(value));
    if (name == "--address") s.address = value;
    if (name == "--path") s.path = value;
    if (name == "--body") s.body_file = value;
    if (name == "--header") s.headers += value + "\r\n";
    if (name == "--rate") s.rate = std::stod(value);
    if (name == "--duration") s.duration_s = std::stod(value);
    if (name == "--deadline") s.deadline_s = std::stod(value);
    if (name == "--closed") s.closed = std::stoi(value);
    if (name == "--count") s.count = std::stoll(value);
    if (name == "--warm") s.warm = std::stoi(value);
    if (name == "--sources") s.sources = std::stoi(value);
    if (name == "--seed") s.seed = std::stoull(value);
  }
  return s;
}

void print(Load& load) {
  Figures& f = load.figures;
  const double took = static_cast<double>((load.settings.closed > 0 ? load.end_us : now_us()) - load.begin_us) / 1e6;
  nlohmann::ordered_json told = {{"answered", f.answered}, {"begun", f.begun},   {"ok", f.ok},
                                 {"refused", f.refused},   {"broken", f.broken}, {"connections", f.connections},
                                 {"seconds", took}};
  told["unanswered"] = load.settings.closed > 0 ? 0 : f.begun - f.ok - f.refused - f.broken;
  told["first_us"] = f.first.told();
  told["total_us"] = f.total.told();
  told["late_us"] = f.late.told();
  told["body_bytes"] = f.body_bytes;
  if (f.events > 0) told.update({{"events", f.events}, {"stalls", f.stalls}, {"lag_us", f.lag.told()}});
  if (f.refused > 0) told.update({{"refused_status", f.refused_status}, {"refused_body", f.refused_body}});
  told["cpu_s"] = cpu_seconds();
  fmt::print("{}\n", told.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings = read_settings(argc, argv);
  std::ifstream file(settings.body_file, std::ios::binary);
  std::stringstream body;
  body << file.rdbuf();
  if (settings.port == 0 || settings.path.empty() || !file || (settings.rate <= 0 && settings.closed <= 0)) {
    fmt::print(stderr,
               "usage: bench_load --port N --path P --body FILE [--header H]… (--rate R | --closed C) [--duration S | "
               "--count N]\n");
    return 2;
  }
  lift_file_limit();
  std::string request =
      fmt::format("POST {} HTTP/1.1\r\nHost: {}:{}\r\nContent-Type: application/json\r\n{}Content-Length: {}\r\n\r\n{}",
                  settings.path, settings.address, settings.port, settings.headers, body.str().size(), body.str());
  Load load(std::move(settings), std::move(request));
  load.run();
  print(load);
}
