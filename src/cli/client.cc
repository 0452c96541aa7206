#include "cli/client.h"

#include <unistd.h>

#include <boost/asio/use_future.hpp>

#include "base/json_bounded.h"
#include "server/paths.h"

namespace steward::cli {
namespace {

constexpr std::chrono::milliseconds kConnect{2'000};
constexpr std::chrono::milliseconds kAnswer{
    1'800'000};  // pulling, verifying and first loads take their time; Ctrl-C ends a wait

constexpr std::chrono::seconds kStart{60}, kLockWait{10};
constexpr std::chrono::milliseconds kLookAgain{100};
constexpr std::string_view kStartingWords = "starting";

Error error_of(int status, const std::string& body) {
  const Json parsed = parse_bounded(body);
  if (parsed.is_object() && parsed.contains("error") && parsed["error"].is_object()) {
    const Json& error = parsed["error"];
    const Json message = error.value("message", Json()), code = error.value("code", Json());
    Error out(status == 404   ? ErrorCode::kNotFound
              : status == 503 ? ErrorCode::kStarting
                              : ErrorCode::kInvalidRequest,
              message.is_string() ? message.get<std::string>() : fmt::format("The server answered {}.", status));
    if (code.is_string()) out.details["code"] = code;
    return out;
  }
  if (parsed.is_object() && parsed.contains("status")) {  // of /readyz
    return Error(ErrorCode::kStarting, parsed.value("status", ""));
  }
  return Error(ErrorCode::kUpstreamError,
               fmt::format("The server answered {} with something that is no JSON.", status));
}

Task<Result<net::ClientResponse>> fetch(net::HttpClients& clients, net::ClientRequest request) {
  co_return co_await clients.here().fetch(std::move(request));
}

Task<Status> read_all(net::HttpClients& clients, net::ClientRequest request,
                      std::function<void(std::string_view)> sink) {
  auto stream = co_await clients.here().open(std::move(request));
  if (!stream) co_return fail(stream.error());
  const bool good = (*stream)->status() < 400;
  std::string problem;
  while (true) {
    auto bytes = co_await (*stream)->read();
    if (!bytes) co_return fail(bytes.error());
    if (!*bytes) break;
    if (good)
      sink(**bytes);
    else
      problem += **bytes;
  }
  if (!good) co_return fail(error_of((*stream)->status(), problem));
  co_return Status{};
}

}  // namespace

// A server that is only just starting is waited for: its socket answers before its journal is read.
bool Client::reach(const Context& context) {
  const auto running = server::find_running_server(context.home);
  if (!running) return false;
  threads_ = std::make_unique<net::IoThreads>(1);
  clients_ = std::make_unique<net::HttpClients>(*threads_, Log());
  socket_ = running->socket;
  address_ = running->address;
  const Deadline deadline = Deadline::in(kStart);
  for (auto alive = get("/healthz"); alive || alive.error().code == ErrorCode::kStarting; alive = get("/healthz")) {
    const auto ready = get("/readyz");
    const bool starting = !ready && ready.error().message == kStartingWords;
    if (!starting || deadline.passed()) return true;
    std::this_thread::sleep_for(kLookAgain);
  }
  clients_.reset();
  threads_.reset();
  return false;
}

Result<std::unique_ptr<Client>> Client::connect(const Context& context, Need need) {
  std::unique_ptr<Client> client(new Client());
  const Deadline deadline = Deadline::in(kLockWait);
  while (true) {
    if (client->reach(context)) return client;
    if (need == Need::kRunning) {
      return fail(ErrorCode::kNotFound,
                  fmt::format("No server runs in the home {}: start it with 'steward serve'.", context.home.string()));
    }
    auto started = client->start_here(context);
    if (started) return client;
    client->app_.reset();
    // Somebody holds the home but is not to be reached: a server that just begins or ends, or another command. Both are
    // soon over.
    if (started.error().code != ErrorCode::kConflict || deadline.passed()) return fail(started.error());
    std::this_thread::sleep_for(kLookAgain);
  }
}

Status Client::start_here(const Context& context) {
  server::AppOptions options;
  options.home = context.home;
  options.environment = context.environment;
  options.tcp = false;
  options.announce = false;
  if (!options.environment.contains("STEWARD_LOG_LEVEL")) options.flags["log.level"] = "error";
  auto folder = server::private_socket_folder(context.home, context.environment);
  if (!folder) return fail(folder.error());
  options.socket = *folder / fmt::format("cli-{}.sock", ::getpid());
  app_ = std::make_unique<server::App>(std::move(options), context.clock, context.random);
  if (auto listening = app_->listen(); !listening) return listening;
  if (auto open = app_->open(); !open) return open;
  socket_ = app_->socket();
  threads_ = std::make_unique<net::IoThreads>(1);
  clients_ = std::make_unique<net::HttpClients>(*threads_, Log());
  return {};
}

Client::~Client() {
  clients_.reset();
  if (threads_) threads_->stop();
  if (app_) app_->stop(Deadline::in(std::chrono::seconds(2)));
  if (app_) {
    std::error_code error;
    std::filesystem::remove(socket_, error);
  }
}

net::ClientRequest Client::request(const std::string& method, const std::string& path, const Json& body) const {
  net::ClientRequest request;
  request.method = method;
  request.url = "http://localhost" + path;
  request.unix_socket = socket_;
  request.deadlines.connect = kConnect;
  request.deadlines.first_byte = request.deadlines.between_bytes = request.deadlines.total = kAnswer;
  if (!body.is_null()) {
    request.headers.set("content-type", "application/json");
    request.body = dump(body);
  }
  return request;
}

Result<Json> Client::call(const std::string& method, const std::string& path, const Json& body) {
  auto answer =
      asio::co_spawn(threads_->context(0), fetch(*clients_, request(method, path, body)), asio::use_future).get();
  if (!answer) return fail(answer.error());
  if (answer->status >= 400) return fail(error_of(answer->status, answer->body));
  Json parsed = parse_bounded(answer->body);
  if (parsed.is_discarded()) return fail(ErrorCode::kUpstreamError, "The server's answer is no JSON.");
  return parsed;
}

Result<std::vector<Json>> Client::list(const std::string& path) {
  std::vector<Json> out;
  std::string cursor;
  const std::string joint = path.find('?') == std::string::npos ? "?" : "&";
  do {
    auto page = get(path + joint + "limit=1000" + (cursor.empty() ? "" : "&cursor=" + percent_encoded(cursor)));
    if (!page) return fail(page.error());
    for (auto& item : (*page)["data"]) out.push_back(std::move(item));
    const Json next = page->value("next_cursor", Json());
    cursor = next.is_string() ? next.get<std::string>() : "";
  } while (!cursor.empty());
  return out;
}

Status Client::stream(const std::string& method, const std::string& path, const Json& body, CancelToken cancel,
                      const std::function<void(std::string_view)>& sink) {
  auto asked = request(method, path, body);
  asked.cancel = std::move(cancel);
  asked.max_response_bytes = SIZE_MAX;
  return asio::co_spawn(threads_->context(0), read_all(*clients_, std::move(asked), sink), asio::use_future).get();
}

}  // namespace steward::cli
