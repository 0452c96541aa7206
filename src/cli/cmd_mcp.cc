// steward mcp: memory for programs that speak MCP over stdio. A thin bridge to /mcp of the home's server, or of one
// elsewhere.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>

#include "base/text.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/mcp_bridge.h"
#include "server/paths.h"

namespace steward::cli {
namespace {

constexpr size_t kMaxLine = size_t{4} << 20;  // bytes; the server takes less, and says so
constexpr std::chrono::milliseconds kReach{5'000}, kWait{120'000};
constexpr const char* kKeyVariable = "STEWARD_KEY";

// Where messages go: over the home's socket, or to an address with a key.
struct Way {
  std::filesystem::path home;
  std::string url, key;
};

enum class Line { kRead, kTooLong, kEnd };

Line read_line(FILE* in, std::string& out) {
  out.clear();
  int c = 0;
  while ((c = std::getc(in)) != EOF && c != '\n') {
    if (out.size() <= kMaxLine) out += static_cast<char>(c);
  }
  if (out.size() > kMaxLine) return Line::kTooLong;
  return c == EOF && out.empty() ? Line::kEnd : Line::kRead;
}

Task<Result<net::ClientResponse>> fetch_answer(net::HttpClients& clients, net::ClientRequest request) {
  co_return co_await clients.here().fetch(std::move(request));
}

// The home's server may have been started anew since: it is looked for each time.
Result<net::ClientRequest> request_on(const Way& way) {
  net::ClientRequest request;
  request.method = "POST";
  request.deadlines = {.connect = kReach, .first_byte = kWait, .between_bytes = kWait, .total = kWait};
  if (!way.url.empty()) {
    request.url = way.url;
    request.headers.set("authorization", "Bearer " + way.key);
    return request;
  }
  const auto running = server::find_running_server(way.home);
  if (!running)
    return fail(ErrorCode::kNotFound, "Steward's server does not run any more: start it with 'steward serve'.");
  request.url = "http://localhost/mcp";
  request.unix_socket = running->socket;
  return request;
}

bool is_local(std::string_view url) {
  url.remove_prefix(url.find("://") + 3);
  const std::string_view host = url.substr(0, url.find_first_of("/?#"));
  return std::ranges::any_of(std::initializer_list<std::string_view>{"localhost", "127.0.0.1", "[::1]"},
                             [&](auto name) { return host == name || host.starts_with(std::string(name) + ":"); });
}

// The address as it was given, with /mcp where it names a server alone.
Result<Way> way_to(const Context& context, std::string url) {
  if (url.empty()) return Way{.home = context.home, .url = {}, .key = {}};
  const bool secure = url.starts_with("https://");
  if (!secure && !url.starts_with("http://"))
    return fail(ErrorCode::kInvalidRequest, "--url must begin with http:// or https://.");
  while (url.ends_with('/')) url.pop_back();
  if (url.find('/', url.find("://") + 3) == std::string::npos) url += "/mcp";
  const auto key = context.environment.find(kKeyVariable);
  if (key == context.environment.end() || trim(key->second).empty())
    return fail(ErrorCode::kInvalidRequest,
                fmt::format("A server that --url names wants a key: put it into {}. 'steward keys new NAME --endpoint "
                            "memory' makes one there.",
                            kKeyVariable));
  if (!secure && !is_local(url))
    std::fprintf(context.err, "steward mcp: the key and what is said go over http, readable on the way: use https.\n");
  return Way{.home = {}, .url = std::move(url), .key = std::string(trim(key->second))};
}

int serve_lines(const Context& context, const Way& way) {
  net::IoThreads threads(1);
  auto clients = std::make_unique<net::HttpClients>(threads, Log());
  const auto post = [&](McpBridge::Headers headers, std::string body) -> Result<McpBridge::Posted> {
    auto request = request_on(way);
    if (!request) return fail(std::move(request.error()));
    for (auto& [name, value] : headers) request->headers.set(std::move(name), std::move(value));
    request->body = std::move(body);
    auto got = asio::co_spawn(threads.context(0), fetch_answer(*clients, std::move(*request)), asio::use_future).get();
    if (!got) return fail(std::move(got.error()));
    return McpBridge::Posted{got->status, std::move(got->body)};
  };
  McpBridge bridge(post, [&](const std::string& why) { std::fprintf(context.err, "steward mcp: %s\n", why.c_str()); });
  std::string line;
  for (Line read = Line::kRead; (read = read_line(stdin, line)) != Line::kEnd;) {
    const auto answer = read == Line::kTooLong ? bridge.too_long() : bridge.answer(line);
    if (!answer) continue;
    context.line(*answer);
    if (std::fflush(context.out) != 0) break;  // nobody reads any more
  }
  clients.reset();
  threads.stop();
  return kDone;
}

int mcp(const Context& context, const std::string& url) {
  auto way = way_to(context, url);
  if (!way) {
    context.failed(way.error());
    return kUsage;
  }
  if (way->url.empty()) {
    // One that is only just starting is waited for.
    if (auto client = Client::connect(context, Client::Need::kRunning); !client) return context.failed(client.error());
  }
  return serve_lines(context, *way);
}

}  // namespace

void add_mcp(Command& program, const Context& context) {
  auto url = std::make_shared<std::string>();
  program.sub("mcp", "Memory for any program that speaks MCP, on standard input and output.")
      .describe(
          "Offers three tools: recall (what was said before, with dates and sources), remember (keeps a note) and\n"
          "forget (erases a note for good). Clients start this command themselves and talk to it in lines of\n"
          "JSON-RPC; it passes each to the server and writes its answer, and nothing else, to standard output.\n"
          "What goes wrong beside that is told on standard error. It ends with its input.\n"
          "\n"
          "Without --url it speaks to the server that runs in this home, for the home's owner. With --url it speaks "
          "to\n"
          "that server for whoever the key in STEWARD_KEY belongs to; the key needs memory among its endpoints:\n"
          "steward keys new notes --endpoint memory. Programs that speak MCP over HTTP need no bridge: their address\n"
          "is the server's, with /mcp (docs/memory.md).\n"
          "\n"
          "Exit codes: 0 at the end of input, 1 if no server runs in the home, 2 if --url or the key is wrong.")
      .option("--url", *url, "A server elsewhere, such as https://steward.example.org; its key stands in STEWARD_KEY",
              "URL")
      .examples(
          "claude mcp add steward -- steward mcp                        # for Claude Code\n"
          "STEWARD_KEY=sk-steward-… steward mcp --url https://steward.example.org")
      .run([url, &context] { return mcp(context, *url); });
}

}  // namespace steward::cli
