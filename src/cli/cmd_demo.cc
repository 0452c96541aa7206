// `steward demo DIR`: the app on a sample home, made from the conversations of a fictional person (demo/README.md).
#include "base/file.h"
#include "cli/commands.h"
#include "journal/home.h"
#include "server/app.h"
#include "talk/import.h"

namespace steward::cli {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kMark = "demo";  // a file of the home that says that it is one
constexpr std::string_view kOwner = "Anna Verhoeven";
constexpr size_t kMaxExport = size_t{64} << 20;

struct DemoOptions {
  std::string dir, port;
};

fs::path sample() { return executable_dir().parent_path() / "share" / "steward" / "demo" / "conversations.json"; }

// Where somebody's own home is or would be, whatever STEWARD_HOME says now.
std::vector<fs::path> own_homes(const Context& context) {
  std::vector<fs::path> out{context.home, journal::default_home()};
  const auto variable = [&](const char* name) {
    const auto found = context.environment.find(name);
    return found == context.environment.end() ? fs::path() : fs::path(found->second);
  };
  if (const fs::path data = variable("XDG_DATA_HOME"); !data.empty()) out.push_back(data / "steward");
  if (const fs::path user = variable("HOME"); !user.empty()) out.push_back(user / ".local/share/steward");
  return out;
}

// A home of somebody's is never written to: a folder of its own, empty or made by this command before.
Result<bool> is_made(const fs::path& dir, const Context& context) {
  std::error_code error;
  const fs::path whole = fs::weakly_canonical(dir, error);
  for (const auto& real : own_homes(context)) {
    if (whole == fs::weakly_canonical(real, error))
      return fail(ErrorCode::kConfig, "That is your own home: name another folder for the sample.");
  }
  if (!fs::exists(whole, error) || fs::is_empty(whole, error)) return false;
  if (fs::exists(whole / kMark, error)) return true;
  return fail(ErrorCode::kConfig,
              fmt::format("{} is not empty and no sample home: name a new folder.", whole.string()));
}

Result<size_t> fill(server::App& app, Random& random) {
  auto text = read_file(sample(), kMaxExport);
  if (!text) return fail(text.error());
  auto exported = parse_json(*text);
  if (!exported) return fail(exported.error());
  auto read = talk::read_chat_export(app.core().owner(), *exported, random);
  if (!read) return fail(read.error());
  for (auto& one : *read) {
    auto done = app.core().journal->append_blocking(app.core().tenant, std::move(one.drafts));
    if (!done) return fail(done.error());
  }
  return read->size();
}

Result<size_t> make(const fs::path& dir, const Context& context) {
  if (auto made = make_private_dir(dir); !made) return fail(made.error());
  server::AppOptions options;
  options.home = dir;
  options.environment = context.environment;
  options.flags = {{"server.owner", std::string(kOwner)}, {"engine.enabled", "false"}, {"log.level", "warn"}};
  options.tcp = options.announce = false;
  server::App app(std::move(options), context.clock, context.random);
  if (auto listening = app.listen(); !listening) return fail(listening.error());
  if (auto open = app.open(); !open) return fail(open.error());
  auto filled = fill(app, context.random);
  app.stop(Deadline::in(std::chrono::seconds(5)));
  if (!filled) return filled;
  if (auto marked = write_file_atomic(dir / kMark, "A sample home, made by 'steward demo'.\n"); !marked)
    return fail(marked.error());
  return filled;
}

int demo(const DemoOptions& options, const Context& context) {
  const fs::path dir = options.dir;
  auto made = is_made(dir, context);
  if (!made) return context.failed(made.error());
  if (!*made) {
    auto filled = make(dir, context);
    if (!filled) return context.failed(filled.error());
    context.line(fmt::format("A sample home with {} conversations of {}, who is fictional, stands in {}.", *filled,
                             kOwner, dir.string()));
  }
  Context there = context;
  there.home = fs::absolute(dir);
  return serve_home(there, options.port);
}

}  // namespace

void add_demo(Command& program, const Context& context) {
  auto options = std::make_shared<DemoOptions>();
  Command command = program.sub("demo", "Open the app on a sample home, to look around.");
  command
      .describe(
          "Makes a home in DIR from the conversations of a fictional person, the first time, and serves it. Your own "
          "home is\nleft alone; remove DIR when you have seen enough.")
      .argument("DIR", options->dir, "A new folder, or one that this command made")
      .option("-p,--port", options->port, "The port (server.port; 0 takes a free one)", "PORT")
      .examples("steward demo /tmp/steward-demo")
      .run([options, &context] { return demo(*options, context); });
}

}  // namespace steward::cli
