// `steward demo DIR`: the app on a sample home, made from the life of a fictional person (demo/README.md).
#include "base/file.h"
#include "cli/commands.h"
#include "cli/sample/life.h"
#include "gateway/peek.h"
#include "journal/home.h"
#include "server/app.h"

namespace steward::cli {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kMark = "demo";  // a file of the home that says that it is one
constexpr std::string_view kMade = "A sample home, made by 'steward demo'.\n";
constexpr std::string_view kBeingMade = "A sample home that 'steward demo' is making.\n";
constexpr size_t kMarkBytes = 1'000;

struct DemoOptions {
  std::string dir, port;
};

fs::path sample() { return executable_dir().parent_path() / "share" / "steward" / "demo"; }

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

// One whose making was cut off is made again from the beginning: nothing in it is anybody's.
Result<bool> is_made_whole(const fs::path& dir) {
  auto mark = read_file(dir / kMark, kMarkBytes);
  if (!mark) return fail(mark.error());
  if (*mark != kBeingMade) return true;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(dir, error)) fs::remove_all(entry.path(), error);
  if (!error) return false;
  return fail(ErrorCode::kConfig,
              fmt::format("{} holds a sample home that was not finished: remove it.", dir.string()));
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
  if (fs::exists(whole / kMark, error)) return is_made_whole(whole);
  return fail(ErrorCode::kConfig,
              fmt::format("{} is not empty and no sample home: name a new folder.", whole.string()));
}

server::AppOptions making(const fs::path& dir, const SampleLife& life, const Context& context) {
  const auto said = [&](const char* name) { return gateway::peek_text(life.home, name); };
  server::AppOptions options;
  options.home = dir;
  options.environment = context.environment;
  options.flags = {{"server.owner", said("owner")},
                   {"server.organisation", said("organisation")},
                   {"server.time_zone", said("time_zone")},
                   {"engine.enabled", "false"},
                   {"log.level", "error"}};  // not that the clock leaps from moment to moment
  options.tcp = options.announce = false;
  return options;
}

void tell(const Context& context, int percent) {
  if (!context.out_is_terminal) return;
  context.print(fmt::format("\rMaking the sample home: {} %{}", percent, percent == 100 ? "\n" : ""));
  std::fflush(context.out);
}

Result<SampleCount> fill(const fs::path& dir, const SampleLife& life, const Context& context) {
  SampleClock clock(context.clock, life.from);
  server::App app(making(dir, life, context), clock, context.random);
  if (auto listening = app.listen(); !listening) return fail(listening.error());
  if (auto open = app.open(); !open) return fail(open.error());
  auto filled = live(app.core(), clock, context.random, life, [&](int percent) { tell(context, percent); });
  app.stop(Deadline::in(std::chrono::seconds(5)));
  return filled;
}

// "2026-11-25", in UTC.
std::string day_of(TimeUs time) { return to_rfc3339(time).substr(0, 10); }

Status make(const fs::path& dir, const Context& context) {
  auto life = read_sample(sample(), context.clock.now_us());
  if (!life) return fail(life.error());
  if (auto made = make_private_dir(dir); !made) return fail(made.error());
  if (auto marked = write_file_atomic(dir / kMark, kBeingMade); !marked) return fail(marked.error());
  auto filled = fill(dir, *life, context);
  if (!filled) return fail(filled.error());
  if (auto marked = write_file_atomic(dir / kMark, kMade); !marked) return fail(marked.error());
  context.line(fmt::format(
      "A sample home stands in {}: {} conversations and {} calls of {} and others, who are fictional, to {}.",
      dir.string(), filled->conversations, filled->calls, gateway::peek_text(life->home, "owner"),
      day_of(life->until)));
  return {};
}

int demo(const DemoOptions& options, const Context& context) {
  const fs::path dir = options.dir;
  auto made = is_made(dir, context);
  if (!made) return context.failed(made.error());
  if (!*made) {
    if (auto done = make(dir, context); !done) return context.failed(done.error());
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
          "Makes a home in DIR from the life of a fictional person, the first time, and serves it. Her years are moved "
          "by whole\nweeks so that they end in the last days. Your own home is left alone; remove DIR when you have "
          "seen "
          "enough.")
      .argument("DIR", options->dir, "A new folder, or one that this command made")
      .option("-p,--port", options->port, "The port (server.port; 0 takes a free one)", "PORT")
      .examples("steward demo /tmp/steward-demo")
      .run([options, &context] { return demo(*options, context); });
}

}  // namespace steward::cli
