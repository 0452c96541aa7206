// steward health: whether the server of this home serves, as an exit code. What a container's health check runs, where
// there is no curl.
#include <boost/asio/use_future.hpp>

#include "cli/commands_operations.h"
#include "net/http_client.h"
#include "server/paths.h"

namespace steward::cli {
namespace {

constexpr std::chrono::milliseconds kAnswer{3'000};  // a check that hangs is a check that failed

struct HealthCommandOptions {
  bool live = false, quiet = false;
};

Task<Result<net::ClientResponse>> ask(net::HttpClients& clients, net::ClientRequest request) {
  co_return co_await clients.here().fetch(std::move(request));
}

int health(const HealthCommandOptions& options, const Context& context) {
  const auto running = server::find_running_server(context.home);
  if (!running) {
    return context.failed(
        Error(ErrorCode::kNotFound, fmt::format("No server runs in the home {}.", context.home.string())));
  }
  net::IoThreads threads(1);
  net::HttpClients clients(threads, Log());
  net::ClientRequest request;
  request.url = options.live ? "http://localhost/healthz" : "http://localhost/readyz";
  request.unix_socket = running->socket;
  request.deadlines = {kAnswer, kAnswer, kAnswer, kAnswer};
  auto answer = asio::co_spawn(threads.context(0), ask(clients, std::move(request)), asio::use_future).get();
  if (!answer) return context.failed(answer.error());
  if (!options.quiet) context.line(answer->body);
  return answer->status == 200 ? kDone : kFailed;
}

}  // namespace

void add_health(Command& program, const Context& context) {
  auto options = std::make_shared<HealthCommandOptions>();
  program.sub("health", "Whether the server of this home serves: exit code 0, else 1.")
      .describe("Asks /readyz over the home's socket and prints what it answers; waits three seconds at most.")
      .examples("steward health --quiet && echo serves")
      .flag("--live", options->live, "Only whether the process lives (/healthz)")
      .flag("-q,--quiet", options->quiet, "Print nothing")
      .run([options, &context] { return health(*options, context); });
}

}  // namespace steward::cli
