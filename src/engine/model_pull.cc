#include "engine/model_pull.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "base/crypto.h"
#include "base/file.h"
#include "base/json.h"
#include "base/json_bounded.h"
#include "base/text.h"

namespace steward::engine {
namespace fs = std::filesystem;
namespace {

constexpr int kMaxRedirects = 5;
constexpr std::chrono::hours kLongestPull{48};
constexpr uint64_t kSpareDisk = 500'000'000;  // the journal must not find the disk full because of a model
constexpr size_t kReadBytes = 1024 * 1024;

// The part that is here, on the disk.
class Part {
 public:
  Part(const fs::path& models, const std::string& name)
      : file_(models / ("." + name + ".part")), note_(file_.string() + ".json") {}
  ~Part() { close(); }

  uint64_t size() const {
    std::error_code error;
    const auto size = fs::file_size(file_, error);
    return error ? 0 : size;
  }
  // The validator under which the part was fetched from this address; empty: begin anew.
  std::string validator(const std::string& url) const {
    const auto text = read_file(note_, 64 * 1024);
    if (!text) return "";
    const Json note = parse_bounded(*text);
    const bool ours = note.is_object() && note.contains("url") && note["url"] == url && note.contains("validator") &&
                      note["validator"].is_string();
    return ours ? note["validator"].get<std::string>() : "";
  }
  Status note(const std::string& url, const std::string& validator) {
    return write_file_atomic(note_, dump(Json{{"url", url}, {"validator", validator}}));
  }

  Status open(bool anew) {
    close();
    fd_ = ::open(file_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | (anew ? O_TRUNC : O_APPEND), 0600);
    return fd_ >= 0 ? Status{}
                    : fail(ErrorCode::kIo, fmt::format("Can't write {}: {}.", file_.string(), std::strerror(errno)));
  }
  Status append(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return fail(ErrorCode::kIo, fmt::format("Can't write {}: {}.", file_.string(), std::strerror(errno)));
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return {};
  }
  void close() {
    if (fd_ >= 0) {
      ::fsync(fd_);
      ::close(fd_);
    }
    fd_ = -1;
  }
  void forget() {
    close();
    std::error_code error;
    fs::remove(file_, error);
    fs::remove(note_, error);
  }
  void forget_note() {
    std::error_code error;
    fs::remove(note_, error);
  }
  Result<std::string> digest() const {
    Sha256 hash;
    FILE* in = std::fopen(file_.c_str(), "re");
    if (in == nullptr) return fail(ErrorCode::kIo, fmt::format("Can't read {}.", file_.string()));
    std::string buffer(kReadBytes, '\0');
    while (const size_t n = std::fread(buffer.data(), 1, buffer.size(), in))
      hash.update(std::string_view(buffer).substr(0, n));
    std::fclose(in);
    return to_hex(hash.finish());
  }
  const fs::path& file() const { return file_; }

 private:
  fs::path file_, note_;
  int fd_ = -1;
};

uint64_t number_of(std::string_view text) {
  uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string host_of(std::string_view url) {
  const size_t start = url.find("://");
  const size_t from = start == std::string_view::npos ? 0 : start + 3;
  return std::string(url.substr(0, url.find_first_of("/?#", from)));
}

std::string absolute(const std::string& base, std::string location) {
  if (location.find("://") != std::string::npos) return location;
  if (location.starts_with('/')) return host_of(base) + location;
  return base.substr(0, base.rfind('/') + 1) + location;
}

// Follows redirects; the token stays with the host it was meant for.
Task<Result<std::unique_ptr<net::ClientStream>>> open_following(net::HttpClients& clients, PullSource source,
                                                                uint64_t from, std::string validator,
                                                                std::shared_ptr<const net::Guard> guard,
                                                                CancelToken cancel) {
  std::string url = source.url;
  for (int hop = 0; hop <= kMaxRedirects; ++hop) {
    net::ClientRequest request;
    if (guard) {  // of each hop: a redirect is an address that somebody else supplied too
      if (auto good = guard->check(url); !good) co_return fail(good.error());
    }
    request.url = url;
    request.guard = guard;
    request.cancel = cancel;
    request.max_response_bytes = SIZE_MAX;
    request.deadlines.total = kLongestPull;
    if (!source.token.empty() && host_of(url) == host_of(source.url))
      request.headers.set("authorization", "Bearer " + source.token);
    if (from > 0) {
      request.headers.set("range", fmt::format("bytes={}-", from));
      request.headers.set("if-range", validator);
    }
    auto stream = co_await clients.here().open(std::move(request));
    if (!stream) co_return fail(stream.error());
    const int status = (*stream)->status();
    if (status != 301 && status != 302 && status != 303 && status != 307 && status != 308) co_return std::move(*stream);
    url = absolute(url, std::string((*stream)->headers().get("location")));
  }
  co_return fail(ErrorCode::kUpstreamError, fmt::format("{} redirects more than {} times.", source.url, kMaxRedirects));
}

Status room_for(const fs::path& models, uint64_t bytes) {
  struct statvfs disk = {};
  if (::statvfs(models.c_str(), &disk) != 0) return {};
  const uint64_t free = static_cast<uint64_t>(disk.f_bavail) * disk.f_frsize;
  if (bytes + kSpareDisk <= free) return {};
  return fail(ErrorCode::kIo,
              fmt::format("The disk has {} free, the model needs {} and some must be left: make room first.",
                          human_bytes(free), human_bytes(bytes)));
}

// "bytes 1000-1999/2000" begins at 1000; nothing where it can't be read.
std::optional<uint64_t> begin_of_range(std::string_view content_range) {
  if (!content_range.starts_with("bytes ")) return std::nullopt;
  content_range.remove_prefix(6);
  uint64_t begin = 0;
  const auto [end, error] = std::from_chars(content_range.data(), content_range.data() + content_range.size(), begin);
  if (error != std::errc() || end == content_range.data() + content_range.size() || *end != '-') return std::nullopt;
  return begin;
}

// What a server may get over by itself (RFC 9110, 15): worth another try.
bool may_pass(int status) { return status == 408 || status == 429 || status >= 500; }

struct Attempt {
  bool whole = false;
  std::optional<Error> broke;
};

// One connection's worth. What breaks on the way is told in `broke` and may be tried again; what can't be mended is the
// error.
Task<Result<Attempt>> fetch_some(net::HttpClients& clients, const PullRequest& request, Part& part,
                                 PullProgress& progress, CancelToken cancel) {
  Attempt attempt;
  const std::string validator = part.validator(request.source.url);
  const uint64_t have = validator.empty() ? 0 : part.size();
  auto stream = co_await open_following(clients, request.source, have, validator, request.guard, cancel);
  if (!stream && stream.error().code == ErrorCode::kUrlRefused) co_return fail(stream.error());
  if (!stream) {
    attempt.broke = stream.error();
    co_return attempt;
  }
  const int status = (*stream)->status();
  if (status == 416 && have > 0) {  // nothing is left to fetch, or the file became shorter: the digest tells
    attempt.whole = true;
    co_return attempt;
  }
  if (may_pass(status)) {
    attempt.broke = Error(ErrorCode::kUpstreamError, fmt::format("{} answers {}.", request.source.url, status));
    co_return attempt;
  }
  if (status != 200 && status != 206) {
    co_return fail(status == 404 ? ErrorCode::kNotFound : ErrorCode::kUpstreamError,
                   fmt::format("{} answers {}.", request.source.url, status));
  }
  const auto& headers = (*stream)->headers();
  const bool goes_on = status == 206;
  if (goes_on && (have == 0 || begin_of_range(headers.get("content-range")) != have)) {
    part.forget_note();  // joined there, the file would be broken: it begins anew
    attempt.broke =
        Error(ErrorCode::kUpstreamError, fmt::format("{} sent another part than was asked for.", request.source.url));
    co_return attempt;
  }
  const uint64_t coming = number_of(headers.get("content-length"));
  progress.have = progress.resumed = goes_on ? have : 0;
  progress.whole = coming > 0 ? progress.have + coming : 0;
  if (auto room = room_for(request.models, coming); !room) co_return fail(room.error());
  std::string now = std::string(headers.get("etag"));
  if (now.empty() || now.starts_with("W/")) now = headers.get("last-modified");
  // In this order: a new validator beside the bytes of the old file would join the two.
  if (auto opened = part.open(!goes_on); !opened) co_return fail(opened.error());
  if (auto noted = part.note(request.source.url, now); !noted) co_return fail(noted.error());
  while (true) {
    auto bytes = co_await (*stream)->read();
    if (!bytes) {
      attempt.broke = bytes.error();
      break;
    }
    if (!*bytes) break;
    if (auto written = part.append(**bytes); !written) co_return fail(written.error());
    progress.have += (*bytes)->size();
    if (request.progress) request.progress(progress);
  }
  part.close();
  attempt.whole = !attempt.broke && (progress.whole == 0 || progress.have == progress.whole);
  if (!attempt.whole && !attempt.broke)
    attempt.broke = Error(ErrorCode::kUpstreamUnreachable, "The connection ended before the model was whole.");
  co_return attempt;
}

Task<void> pause(std::chrono::seconds time) {
  asio::steady_timer timer(co_await asio::this_coro::executor, time);
  co_await timer.async_wait(asio::use_awaitable);
}

Task<Status> fetch_all(net::HttpClients& clients, const PullRequest& request, Part& part, PullProgress& progress,
                       CancelToken cancel) {
  uint64_t furthest = 0;  // a server that can't resume and always breaks off early is not asked for ever
  for (int failures = 0; failures < request.tries;) {
    auto attempt = co_await fetch_some(clients, request, part, progress, cancel);
    if (!attempt) co_return fail(attempt.error());
    if (attempt->whole) co_return Status{};
    if (cancel.cancelled())
      co_return fail(ErrorCode::kCancelled, "Stopped. What is here is kept; the same command goes on with it.");
    failures = progress.have > furthest ? 0 : failures + 1;
    furthest = std::max(furthest, progress.have);
    if (failures == request.tries) co_return fail(*attempt->broke);
    co_await pause(std::chrono::seconds(1 << std::min(failures, 4)));
  }
  co_return fail(ErrorCode::kUpstreamUnreachable);
}

}  // namespace

Task<Result<PulledModel>> pull_model(net::HttpClients& clients, PullRequest request, CancelToken cancel) {
  std::string name = request.name.empty() ? model_name_of(request.source.file_name) : request.name;
  if (auto good = check_model_name(name); !good) co_return fail(good.error());
  if (auto made = make_private_dir(request.models); !made) co_return fail(made.error());
  std::error_code error;
  if (fs::exists(request.models / (name + ".gguf"), error) && !request.replace) {
    co_return fail(ErrorCode::kConflict,
                   fmt::format("There is a model '{}' already: give another name, or remove it first.", name));
  }
  Part part(request.models, name);
  PullProgress progress;
  if (auto fetched = co_await fetch_all(clients, request, part, progress, cancel); !fetched)
    co_return fail(fetched.error());
  progress.checking = true;
  if (request.progress) request.progress(progress);
  auto digest = part.digest();
  if (!digest) co_return fail(digest.error());
  const bool known = !request.source.sha256.empty();
  if (known && !equal_ignoring_ascii_case(*digest, request.source.sha256)) {
    part.forget();
    co_return fail(
        ErrorCode::kCorrupt,
        fmt::format("What came is not what was promised: its SHA-256 is {}, not {}. It was removed; try again.",
                    *digest, to_lower_ascii(request.source.sha256)));
  }
  auto taken = take_model(part.file(), request.models, name, Take::kMove, request.replace);
  if (!taken) {
    part.forget();
    co_return fail(taken.error());
  }
  part.forget_note();
  co_return PulledModel{std::move(*taken), std::move(*digest), known};
}

}  // namespace steward::engine
