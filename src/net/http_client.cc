// Requests to other servers as transfers of libcurl. A transfer buffers what has come and pauses the socket while
// nobody reads.
//
// A request whose body has begun to leave is never sent a second time behind the caller's back (a provider would charge
// twice): libcurl repeats a request on a fresh connection when a kept one dies without an answer, unless it can't
// rewind the body - so it gets none to rewind.
#include "net/http_client.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <algorithm>
#include <deque>

#include "base/text.h"
#include "net/curl_loop.h"
#include "net/guard.h"
#include "net/waiter.h"

namespace steward::net {
namespace {

constexpr size_t kReadAheadBytes = 256 * 1024;                     // what a stream holds before its socket is paused
constexpr size_t kMaxHeaderBytes = 256 * 1024, kMaxHeaders = 512;  // of an answer
constexpr long kBufferBytes = 8 * 1024, kUploadBufferBytes = 16 * 1024;  // of each open stream: there may be thousands

using SteadyTime = std::chrono::steady_clock::time_point;

Error to_error(CURLcode code, const char* detail, bool head_seen) {
  const std::string why = detail && *detail ? detail : curl_easy_strerror(code);
  if (code == CURLE_SEND_FAIL_REWIND)
    return Error(ErrorCode::kUpstreamUnreachable,
                 "The other side closed a kept connection as it was used again: nothing of an answer came.");
  if (code == CURLE_BAD_CONTENT_ENCODING)
    return Error(ErrorCode::kUpstreamError, fmt::format("The answer can't be unpacked: {}.", why));
  if (code == CURLE_WEIRD_SERVER_REPLY || code == CURLE_UNSUPPORTED_PROTOCOL)
    return Error(ErrorCode::kUpstreamError, fmt::format("The answer is not HTTP as it is taken: {}.", why));
  if (code == CURLE_OPERATION_TIMEDOUT)
    return Error(ErrorCode::kUpstreamTimeout, fmt::format("The other side did not answer in time: {}.", why));
  if (head_seen) return Error(ErrorCode::kUpstreamUnreachable, fmt::format("The answer was cut short: {}.", why));
  return Error(ErrorCode::kUpstreamUnreachable, fmt::format("The other side can't be reached: {}.", why));
}

// One request and its answer. Shared by the stream that reads it and by posts under way; libcurl knows it by
// CURLOPT_PRIVATE.
class Transfer final : public CurlTransfer, public std::enable_shared_from_this<Transfer> {
 public:
  Transfer(std::shared_ptr<CurlLoop> loop, ClientRequest request)
      : loop_(std::move(loop)), request_(std::move(request)), easy_(loop_->take()), timer_(loop_->context()) {}
  ~Transfer() override {
    stop();
    if (cancel_hook_ != 0) request_.cancel.forget(cancel_hook_);
    curl_slist_free_all(header_list_);
    curl_slist_free_all(connect_list_);
    loop_->give_back(easy_);
  }

  void start();
  Task<Status> head();
  Task<Result<std::optional<std::string>>> read();
  int status() const { return status_; }
  const Headers& headers() const { return headers_; }
  void drop() { waiter_.drop(); }

  void finished(CURLcode result) override {
    done_ = true;
    if (result != CURLE_OK && !error_) error_ = to_error(result, detail_, head_done_);
    if (result == CURLE_OK && !head_done_ && !error_) {  // libcurl takes an end in mid-head for an end of the head
      error_ = Error(ErrorCode::kUpstreamUnreachable, "The other side's answer ended in the middle of its headers.");
    }
    stop();
    wake();
  }

 private:
  static size_t on_body(char* data, size_t size, size_t count, void* self) {
    return static_cast<Transfer*>(self)->take_body({data, size * count});
  }
  static size_t on_read(char* into, size_t size, size_t count, void* opaque) {
    auto* self = static_cast<Transfer*>(opaque);
    size_t taken = self->request_.body.copy(into, size * count, self->sent_);
    self->sent_ += taken;
    return taken;
  }
  static size_t on_header(char* data, size_t size, size_t count, void* self) {
    return static_cast<Transfer*>(self)->take_header({data, size * count});
  }

  static curl_socket_t on_open_socket(void* self, curlsocktype purpose, curl_sockaddr* to);

  void set_options();
  void set_guard();
  void set_method();
  void set_headers();
  size_t take_body(std::string_view bytes);
  size_t take_header(std::string_view line);
  void fail_with(Error error) {
    if (!error_) error_ = std::move(error);
    stop();
    wake();
  }
  void stop() {
    if (std::exchange(running_, false)) loop_->remove(easy_);
  }
  // Wakes the reader from the event loop, not from inside a callback of libcurl's.
  void wake() {
    if (!waiter_.waiting() || std::exchange(wake_posted_, true)) return;
    asio::post(loop_->context(), [self = shared_from_this()] {
      self->wake_posted_ = false;
      if (self->waiter_.waiting()) self->waiter_.wake();
    });
  }
  Task<void> wait(SteadyTime until);
  void arm();

  std::shared_ptr<CurlLoop> loop_;
  ClientRequest request_;
  CURL* easy_;
  asio::steady_timer timer_;
  Waiter waiter_;
  curl_slist* header_list_ = nullptr;
  curl_slist* connect_list_ = nullptr;
  char detail_[CURL_ERROR_SIZE] = {};
  size_t cancel_hook_ = 0;
  SteadyTime started_{}, until_{};
  int status_ = 0;
  Headers headers_;
  size_t header_bytes_ = 0;
  std::string buffer_;
  size_t sent_ = 0;   // of the request's body
  size_t total_ = 0;  // of the answer's
  std::optional<Error> error_;
  bool running_ = false, head_done_ = false, done_ = false, paused_ = false, wake_posted_ = false, timed_out_ = false,
       armed_ = false;
};

void Transfer::start() {
  set_options();
  set_method();
  set_headers();
  started_ = std::chrono::steady_clock::now();
  running_ = true;
  loop_->add(easy_);
  cancel_hook_ = request_.cancel.on_cancel([weak = weak_from_this(), &context = loop_->context()](CancelReason) {
    asio::post(context, [weak] {
      if (auto self = weak.lock()) self->fail_with(Error(ErrorCode::kCancelled));
    });
  });
}

void Transfer::set_options() {
  curl_easy_setopt(easy_, CURLOPT_PRIVATE, static_cast<CurlTransfer*>(this));
  curl_easy_setopt(easy_, CURLOPT_URL, request_.url.c_str());
  curl_easy_setopt(easy_, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy_, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy_, CURLOPT_BUFFERSIZE, kBufferBytes);
  curl_easy_setopt(easy_, CURLOPT_UPLOAD_BUFFERSIZE, kUploadBufferBytes);
  curl_easy_setopt(easy_, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);  // a proxy's "200" is not the answer's
  curl_easy_setopt(easy_, CURLOPT_TCP_NODELAY, 1L);
  curl_easy_setopt(easy_, CURLOPT_ERRORBUFFER, detail_);
  curl_easy_setopt(easy_, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  curl_easy_setopt(easy_, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request_.deadlines.connect.count()));
  curl_easy_setopt(easy_, CURLOPT_TIMEOUT_MS, static_cast<long>(request_.deadlines.total.count()));
  curl_easy_setopt(easy_, CURLOPT_USERAGENT, "steward/" STEWARD_VERSION);
  curl_easy_setopt(easy_, CURLOPT_ACCEPT_ENCODING, "");  // what comes packed unasked is unpacked: see set_headers()
  curl_easy_setopt(easy_, CURLOPT_WRITEFUNCTION, &Transfer::on_body);
  curl_easy_setopt(easy_, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(easy_, CURLOPT_HEADERFUNCTION, &Transfer::on_header);
  curl_easy_setopt(easy_, CURLOPT_HEADERDATA, this);
  if (!request_.unix_socket.empty()) {
    curl_easy_setopt(easy_, CURLOPT_UNIX_SOCKET_PATH, request_.unix_socket.c_str());
    curl_easy_setopt(easy_, CURLOPT_PROXY, "");
  }
  if (!request_.connect_to.empty() || request_.guard != nullptr) set_guard();
}

void Transfer::set_guard() {
  curl_easy_setopt(easy_, CURLOPT_PROXY, "");  // a proxy would resolve the name itself
  curl_easy_setopt(easy_, CURLOPT_OPENSOCKETFUNCTION, &Transfer::on_open_socket);
  curl_easy_setopt(easy_, CURLOPT_OPENSOCKETDATA, this);
  if (request_.connect_to.empty()) return;
  const bool v6 = request_.connect_to.find(':') != std::string::npos;
  connect_list_ = curl_slist_append(
      nullptr, fmt::format("::{}:", v6 ? "[" + request_.connect_to + "]" : request_.connect_to).c_str());
  curl_easy_setopt(easy_, CURLOPT_CONNECT_TO, connect_list_);
  curl_easy_setopt(easy_, CURLOPT_FRESH_CONNECT, 1L);
  curl_easy_setopt(easy_, CURLOPT_FORBID_REUSE, 1L);
}

// The last word: whatever led here, the socket opens only to an address that was judged.
curl_socket_t Transfer::on_open_socket(void* opaque, curlsocktype, curl_sockaddr* to) {
  auto* self = static_cast<Transfer*>(opaque);
  char text[INET6_ADDRSTRLEN] = {};
  uint16_t port = 0;
  if (to->family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&to->addr);
    ::inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
    port = ntohs(v4->sin_port);
  } else if (to->family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&to->addr);
    ::inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
    port = ntohs(v6->sin6_port);
  }
  const auto& request = self->request_;
  const bool good = !request.connect_to.empty() ? request.connect_to == text : request.guard->may_reach(text, port);
  if (!good) {
    self->error_ = Error(ErrorCode::kUrlRefused, "The address may not be fetched: its host leads inside.");
    return CURL_SOCKET_BAD;
  }
  return ::socket(to->family, to->socktype, to->protocol);
}

void Transfer::set_method() {
  const std::string& method = request_.method;
  if (method == "HEAD") {
    curl_easy_setopt(easy_, CURLOPT_NOBODY, 1L);
    return;
  }
  if (method == "GET" && request_.body.empty()) return;
  curl_easy_setopt(easy_, CURLOPT_POST, 1L);
  curl_easy_setopt(easy_, CURLOPT_READFUNCTION, &Transfer::on_read);
  curl_easy_setopt(easy_, CURLOPT_READDATA, this);
  curl_easy_setopt(easy_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
  if (method != "POST") curl_easy_setopt(easy_, CURLOPT_CUSTOMREQUEST, method.c_str());
}

void Transfer::set_headers() {
  header_list_ = curl_slist_append(nullptr, "Expect:");  // no 100-continue: it costs a round trip
  // Nothing is asked to be packed: a packer holds a stream's events back. Some servers and proxies pack all the same.
  if (!request_.headers.has("accept-encoding")) header_list_ = curl_slist_append(header_list_, "Accept-Encoding:");
  for (const auto& [name, value] : request_.headers.all()) {
    if ((name + value).find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos)
      continue;  // could smuggle a second request
    header_list_ = curl_slist_append(header_list_, (value.empty() ? name + ";" : name + ": " + value).c_str());
  }
  if (!request_.headers.has("content-type")) header_list_ = curl_slist_append(header_list_, "Content-Type:");
  if (!request_.headers.has("accept")) header_list_ = curl_slist_append(header_list_, "Accept: */*");
  curl_easy_setopt(easy_, CURLOPT_HTTPHEADER, header_list_);
}

size_t Transfer::take_header(std::string_view line) {
  const size_t taken = line.size();
  header_bytes_ += taken;
  if (header_bytes_ > kMaxHeaderBytes || headers_.all().size() > kMaxHeaders) {
    error_ = Error(ErrorCode::kUpstreamError, "The answer's headers are larger than is taken.");
    return 0;
  }
  line = trim(line);
  if (line.starts_with("HTTP/") && !head_done_) {  // a new head: an interim answer's is forgotten
    headers_ = Headers();
    long code = 0;
    curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &code);
    status_ = static_cast<int>(code);
  } else if (line.empty()) {
    if (status_ >= 200) head_done_ = true, wake();
  } else if (const size_t colon = line.find(':'); colon != std::string_view::npos && !head_done_) {
    headers_.add(std::string(trim(line.substr(0, colon))), std::string(trim(line.substr(colon + 1))));
  }
  return taken;
}

size_t Transfer::take_body(std::string_view bytes) {
  if (buffer_.size() >= kReadAheadBytes) {
    paused_ = true;
    return CURL_WRITEFUNC_PAUSE;
  }
  total_ += bytes.size();
  if (total_ > request_.max_response_bytes) {
    error_ = Error(ErrorCode::kUpstreamError,
                   fmt::format("The answer is larger than the {} bytes that are taken.", request_.max_response_bytes));
    return 0;
  }
  buffer_.append(bytes);
  wake();
  return bytes.size();
}

// A stream waits anew for each of its events, nearly always for less than the timer still runs: so the timer is left
// running, and looks at what it was wanted for when it ends.
Task<void> Transfer::wait(SteadyTime until) {
  until_ = until;
  if (!armed_ || timer_.expiry() > until) arm();
  co_await waiter_.wait();
}

void Transfer::arm() {
  armed_ = true;
  timer_.expires_at(until_);
  timer_.async_wait([weak = weak_from_this()](boost::system::error_code error) {
    auto self = weak.lock();
    if (error || !self) return;
    self->armed_ = false;
    if (!self->waiter_.waiting()) return;
    if (self->until_ > std::chrono::steady_clock::now()) return self->arm();
    self->timed_out_ = true;
    self->waiter_.wake();
  });
}

Task<Status> Transfer::head() {
  while (!head_done_ && !error_) {
    co_await wait(started_ + request_.deadlines.first_byte);
    if (timed_out_ && !head_done_)
      fail_with(Error(ErrorCode::kUpstreamTimeout, "The other side did not begin its answer in time."));
  }
  if (error_ && !head_done_) co_return fail(*error_);
  co_return Status{};
}

Task<Result<std::optional<std::string>>> Transfer::read() {
  const SteadyTime until = std::chrono::steady_clock::now() + request_.deadlines.between_bytes;
  timed_out_ = false;
  while (buffer_.empty() && !done_ && !error_) {
    co_await wait(until);
    if (timed_out_ && buffer_.empty())
      fail_with(Error(ErrorCode::kUpstreamTimeout, "The other side fell silent in the middle of its answer."));
  }
  if (!buffer_.empty()) {
    std::string out = std::exchange(buffer_, {});
    if (std::exchange(paused_, false) && running_) loop_->unpause(easy_);
    co_return std::optional(std::move(out));
  }
  if (error_) co_return fail(*error_);
  co_return std::optional<std::string>();
}

class Stream final : public ClientStream {
 public:
  explicit Stream(std::shared_ptr<Transfer> transfer) : transfer_(std::move(transfer)) {}
  int status() const override { return transfer_->status(); }
  const Headers& headers() const override { return transfer_->headers(); }
  Task<Result<std::optional<std::string>>> read() override { return transfer_->read(); }

 private:
  std::shared_ptr<Transfer> transfer_;
};

class CurlClient final : public HttpClient {
 public:
  explicit CurlClient(asio::io_context& context) : loop_(std::make_shared<CurlLoop>(context)) {}
  ~CurlClient() override {
    // The thread has stopped: coroutines that still wait are let go, and with them their transfers.
    for (auto& weak : transfers_) {
      if (auto transfer = weak.lock()) transfer->drop();
    }
  }

  Task<Result<std::unique_ptr<ClientStream>>> open(ClientRequest request) override {
    auto transfer = std::make_shared<Transfer>(loop_, std::move(request));
    remember(transfer);
    transfer->start();
    if (auto status = co_await transfer->head(); !status) co_return fail(std::move(status.error()));
    co_return std::make_unique<Stream>(std::move(transfer));
  }

  Task<Result<ClientResponse>> fetch(ClientRequest request) override {
    auto stream = co_await open(std::move(request));
    if (!stream) co_return fail(std::move(stream.error()));
    ClientResponse response{.status = (*stream)->status(), .headers = (*stream)->headers(), .body = {}};
    for (;;) {
      auto bytes = co_await (*stream)->read();
      if (!bytes) co_return fail(std::move(bytes.error()));
      if (!*bytes) co_return response;
      response.body += **bytes;
    }
  }

 private:
  void remember(const std::shared_ptr<Transfer>& transfer) {
    if (transfers_.size() >= sweep_at_) {
      std::erase_if(transfers_, [](const auto& weak) { return weak.expired(); });
      sweep_at_ = std::max<size_t>(64, transfers_.size() * 2);
    }
    transfers_.push_back(transfer);
  }

  std::shared_ptr<CurlLoop> loop_;
  std::vector<std::weak_ptr<Transfer>> transfers_;
  size_t sweep_at_ = 64;
};

// libcurl's own set-up; must come once, before any thread uses it.
void initialise_curl() { [[maybe_unused]] static const CURLcode kOnce = curl_global_init(CURL_GLOBAL_DEFAULT); }

}  // namespace

std::unique_ptr<HttpClient> make_http_client(asio::io_context& context, Log log) {
  initialise_curl();
  return std::make_unique<CurlClient>(context);
}

struct HttpClients::Impl {
  std::vector<std::pair<asio::io_context*, std::unique_ptr<HttpClient>>> clients;
};

HttpClients::HttpClients(IoThreads& threads, Log log) : impl_(std::make_unique<Impl>()) {
  for (size_t i = 0; i < threads.count(); ++i) {
    impl_->clients.emplace_back(&threads.context(i), make_http_client(threads.context(i), log));
  }
}

HttpClients::~HttpClients() = default;

HttpClient& HttpClients::here() {
  for (auto& [context, client] : impl_->clients) {
    if (context->get_executor().running_in_this_thread()) return *client;
  }
  std::abort();  // called from a thread that is none of the io threads: a bug
}

}  // namespace steward::net
