// steward models add, remove, pull and recommend: model files in the home. A running server does it, by the same
// addresses that anybody may use; without one, or with a token for a hub (which is no server's business and no
// journal's), the command works on the folder itself.
#include <boost/asio/use_future.hpp>

#include "base/text.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/memory.h"
#include "cli/table.h"
#include "engine/model_pull.h"
#include "engine/recommended_models.h"

namespace steward::cli {
namespace {

struct ModelFilesOptions {
  std::string what;
  std::optional<std::string> name, sha256, hub;
  bool link = false, replace = false, json = false, all = false, force = false;
};

constexpr std::string_view kHub = "https://huggingface.co";
constexpr DurationUs kShowEachUs = kSecondUs / 5;
constexpr std::chrono::milliseconds kLookAgain{300};

std::filesystem::path models_folder(const Context& context) { return context.home / "models"; }

std::string from_environment(const Context& context, const std::string& name) {
  const auto found = context.environment.find(name);
  return found == context.environment.end() ? "" : found->second;
}

// A server that runs looks into the folder again; without one there is nobody to tell.
void tell_server(const Context& context) {
  if (auto client = Client::connect(context, Client::Need::kRunning))
    (void)(*client)->post("/admin/v1/models/rescan", Json::object());
}

std::string what_it_is(const engine::TakenModel& model) {
  const auto& info = model.info;
  return fmt::format("{} ({}, {} parameters, {}, {})", model.name, info.is_embedding() ? "embeddings" : "chat",
                     count_text(info.parameters), info.quantization, human_bytes(info.file_bytes));
}

std::string absolute(const std::string& path) { return std::filesystem::absolute(path).lexically_normal().string(); }

std::string what_it_is(const Json& model) {
  return fmt::format("{} ({}, {} parameters, {}, {})", model["name"].get<std::string>(),
                     model["kind"] == "embedding" ? "embeddings" : "chat",
                     count_text(model["parameters"].get<uint64_t>()), model["quantization"].get<std::string>(),
                     human_bytes(model["file_bytes"].get<uint64_t>()));
}

int add_there(const ModelFilesOptions& options, Client& client, const Context& context) {
  auto added = client.post("/admin/v1/models", {{"path", absolute(options.what)},
                                                {"name", options.name.value_or("")},
                                                {"link", options.link},
                                                {"replace", options.replace}});
  if (!added) return context.failed(added.error());
  if (options.json) return context.line(Json{{"name", (*added)["name"]}, {"path", (*added)["path"]}}.dump()), kDone;
  context.line("Added " + what_it_is(*added) + ".");
  return kDone;
}

int add(const ModelFilesOptions& options, const Context& context) {
  if (auto client = Client::connect(context, Client::Need::kRunning)) return add_there(options, **client, context);
  const auto how = options.link ? engine::Take::kLink : engine::Take::kCopy;
  auto taken =
      engine::take_model(options.what, models_folder(context), options.name.value_or(""), how, options.replace);
  if (!taken) return context.failed(taken.error());
  tell_server(context);
  if (options.json) return context.line(Json{{"name", taken->name}, {"path", taken->path.string()}}.dump()), kDone;
  context.line("Added " + what_it_is(*taken) + ".");
  return kDone;
}

int remove(const ModelFilesOptions& options, const Context& context) {
  if (auto client = Client::connect(context, Client::Need::kRunning)) {
    const std::string path = "/admin/v1/models/" + percent_encoded(options.what) + (options.force ? "?force=true" : "");
    if (auto done = (*client)->call("DELETE", path, Json()); !done) return context.failed(done.error());
  } else if (auto done = engine::remove_model(models_folder(context), options.what); !done) {
    return context.failed(done.error());
  }
  context.line("Removed " + options.what + ".");
  return kDone;
}

// One line that is written over on a terminal; else a line each tenth of the way.
class ProgressLine {
 public:
  explicit ProgressLine(const Context& context) : context_(context), began_us_(context.clock.monotonic_us()) {}
  void show(const engine::PullProgress& progress) {
    const TimeUs now = context_.clock.monotonic_us();
    const int tenth = progress.whole > 0 ? static_cast<int>(progress.have * 10 / progress.whole) : 0;
    const bool due = context_.err_is_terminal ? now - shown_us_ >= kShowEachUs || progress.checking
                                              : tenth != tenth_ || progress.checking;
    if (!due) return;
    shown_us_ = now;
    tenth_ = tenth;
    std::string text = progress.checking ? "checking the digest" : state(progress, now);
    if (progress.resumed > 0) text += fmt::format(" (went on from {})", human_bytes(progress.resumed));
    std::fprintf(context_.err, context_.err_is_terminal ? "\r\x1b[K%s" : "%s\n", text.c_str());
    std::fflush(context_.err);
  }
  void end() const {
    if (context_.err_is_terminal) std::fputs("\r\x1b[K", context_.err);
  }

 private:
  std::string state(const engine::PullProgress& progress, TimeUs now) const {
    const double seconds = static_cast<double>(now - began_us_) / kSecondUs;
    const auto rate =
        static_cast<uint64_t>(seconds > 0 ? static_cast<double>(progress.have - progress.resumed) / seconds : 0);
    if (progress.whole == 0) return fmt::format("{}, {}/s", human_bytes(progress.have), human_bytes(rate));
    const uint64_t left_s = rate > 0 ? (progress.whole - progress.have) / rate : 0;
    return fmt::format("{:3}%  {} of {}, {}/s, {}:{:02} left", progress.have * 100 / progress.whole,
                       human_bytes(progress.have), human_bytes(progress.whole), human_bytes(rate), left_s / 60,
                       left_s % 60);
  }

  const Context& context_;
  TimeUs began_us_, shown_us_ = 0;
  int tenth_ = -1;
};

void tell_pulled(const std::string& what, const std::string& sha256, bool checked, const Context& context) {
  context.line("Fetched " + what + ".");
  context.line(fmt::format("SHA-256 {} ({})", sha256,
                           checked ? "as promised" : "nothing was known to compare it with; --sha256 does"));
}

std::string hub_of(const ModelFilesOptions& options, const Context& context) {
  std::string hub = options.hub.value_or(from_environment(context, "HF_ENDPOINT"));
  while (hub.ends_with('/')) hub.pop_back();
  return hub;
}

Result<engine::PulledModel> pull_here(const ModelFilesOptions& options, const Context& context, CancelToken cancel,
                                      ProgressLine& line) {
  net::IoThreads threads(1);
  net::HttpClients clients(threads, Log());
  const std::string hub = hub_of(options, context);
  engine::HubOptions at{hub.empty() ? std::string(kHub) : hub, from_environment(context, "HF_TOKEN")};
  auto source =
      asio::co_spawn(threads.context(0), engine::find_source(clients, options.what, at, cancel), asio::use_future)
          .get();
  if (!source) return fail(source.error());
  if (options.sha256) source->sha256 = *options.sha256;
  std::fprintf(context.err, "%s\n", source->url.c_str());
  engine::PullRequest request{*source, models_folder(context), options.name.value_or(""), options.replace};
  request.progress = [&line](const engine::PullProgress& progress) { line.show(progress); };
  return asio::co_spawn(threads.context(0), engine::pull_model(clients, std::move(request), cancel), asio::use_future)
      .get();
}

void show_job(const Json& job, ProgressLine& line) {
  const Json& told = job["progress"];
  if (!told.is_object()) return;
  line.show({told.value("have", uint64_t{0}), told.value("whole", uint64_t{0}), told.value("resumed", uint64_t{0}),
             told.value("checking", false)});
}

// The job goes on if this command is killed; Ctrl-C stops it.
Result<Json> wait_for_job(Client& client, Json job, Interrupt& interrupt, ProgressLine& line) {
  const auto cancel = interrupt.watch();
  const std::string path = "/admin/v1/jobs/" + job["id"].get<std::string>();
  while (job["state"] == "queued" || job["state"] == "running") {
    if (cancel.cancelled()) {
      (void)client.post(path + "/cancel", Json::object());
      return fail(ErrorCode::kCancelled, "Stopped. What is here is kept; the same command goes on with it.");
    }
    std::this_thread::sleep_for(kLookAgain);
    auto now = client.get(path);
    if (!now) return fail(now.error());
    job = std::move(*now);
    show_job(job, line);
  }
  if (job["state"] == "finished") return job["result"];
  const Json problem = job["progress"].is_object() ? job["progress"].value("problem", Json()) : Json();
  return fail(ErrorCode::kUpstreamError, problem.is_string()
                                             ? problem.get<std::string>()
                                             : "The model was not fetched: 'steward doctor' and the log say more.");
}

int pull_there(const ModelFilesOptions& options, Client& client, const Context& context) {
  Interrupt interrupt;
  ProgressLine line(context);
  Json body = {{"pull", options.what}, {"name", options.name.value_or("")}, {"replace", options.replace}};
  if (options.sha256) body["sha256"] = *options.sha256;
  if (const auto hub = hub_of(options, context); !hub.empty()) body["hub"] = hub;
  auto job = client.post("/admin/v1/models", body);
  if (!job) return context.failed(job.error());
  auto pulled = wait_for_job(client, std::move(*job), interrupt, line);
  line.end();
  if (!pulled) return context.failed(pulled.error()), interrupt.happened() ? kInterrupted : kFailed;
  if (options.json) {
    context.line(Json{{"name", (*pulled)["name"]},
                      {"path", (*pulled)["path"]},
                      {"sha256", (*pulled)["sha256"]},
                      {"checked", (*pulled)["checked"]}}
                     .dump());
    return kDone;
  }
  tell_pulled(what_it_is(*pulled), (*pulled)["sha256"], (*pulled)["checked"], context);
  return kDone;
}

int pull(const ModelFilesOptions& options, const Context& context) {
  if (from_environment(context, "HF_TOKEN").empty()) {
    if (auto client = Client::connect(context, Client::Need::kRunning)) return pull_there(options, **client, context);
  }
  Interrupt interrupt;
  ProgressLine line(context);
  auto pulled = pull_here(options, context, interrupt.watch(), line);
  line.end();
  if (!pulled) return context.failed(pulled.error()), interrupt.happened() ? kInterrupted : kFailed;
  tell_server(context);
  if (options.json) {
    context.line(Json{{"name", pulled->model.name},
                      {"path", pulled->model.path.string()},
                      {"sha256", pulled->sha256},
                      {"checked", pulled->checked}}
                     .dump());
    return kDone;
  }
  tell_pulled(what_it_is(pulled->model), pulled->sha256, pulled->checked, context);
  return kDone;
}

int recommend(const ModelFilesOptions& options, const Context& context) {
  const uint64_t memory = available_memory_bytes();
  Json out = Json::array();
  Table table;
  for (const char* title : {"model", "parameters", "file, about", "needs, about", "fits", "good for"})
    table.column(title);
  const engine::RecommendedModel* best = nullptr;
  for (const auto& model : engine::recommended_models()) {
    const bool fits = model.memory_bytes <= memory;
    if (fits) best = &model;
    if (!fits && !options.all && !options.json) continue;
    out.push_back({{"name", model.name},
                   {"repository", model.repository},
                   {"license", model.license},
                   {"file_bytes", model.file_bytes},
                   {"memory_bytes", model.memory_bytes},
                   {"fits", fits}});
    table.row({std::string(model.name), count_text(model.parameters), human_bytes(model.file_bytes),
               human_bytes(model.memory_bytes), fits ? "yes" : "no", std::string(model.good_for)});
  }
  if (options.json) return context.line(Json{{"available_bytes", memory}, {"models", out}}.dump(2)), kDone;
  context.line(fmt::format("This machine has {} of memory free and {} cores.\n", human_bytes(memory),
                           std::thread::hardware_concurrency()));
  if (best == nullptr)
    return context.line(
               "That is too little for a better model than the shipped one; a provider's key in the environment needs "
               "none."),
           kDone;
  context.print(table.text(context));
  context.line(fmt::format("\nThe most capable that fits:\n  steward models pull {}", best->repository));
  return kDone;
}

}  // namespace

void add_model_files(Command& models, const Context& context) {
  auto options = std::make_shared<ModelFilesOptions>();
  Command add_command = models.sub("add", "Take in a model file (GGUF) that is here.");
  add_command.argument("FILE", options->what, "The file")
      .option("--name", options->name, "What it is called (as the file)", "NAME");
  add_command.flag("--link", options->link, "Link to it instead of copying")
      .flag("--replace", options->replace, "In the place of one of that name");
  add_command.flag("--json", options->json, "Print JSON")
      .examples("steward models add ~/Downloads/model-q4_k_m.gguf --name fast");
  add_command.run([options, &context] { return add(*options, context); });

  Command remove_command = models.sub("remove", "Remove a model from the home.");
  remove_command.examples("steward models remove qwen3-4b");
  remove_command.argument("NAME", options->what, "Its name, as 'steward models list' shows it")
      .flag("--force", options->force, "Though it answers calls, or a route or engine.default_model names it")
      .run([options, &context] { return remove(*options, context); });

  Command pull_command = models.sub("pull", "Fetch a model: from an address, or a repository of a model hub.");
  pull_command.describe(
      "Goes on where an earlier pull broke off. The digest is checked where one is known: the hub tells it, an address "
      "may\n"
      "end in #sha256=HEX, or --sha256 gives it. HF_ENDPOINT names another hub, HF_TOKEN opens gated repositories.");
  pull_command.argument("WHAT", options->what,
                        "https://…/model.gguf, owner/name, owner/name:Q4_K_M or owner/name/file.gguf");
  pull_command.option("--name", options->name, "What it is called (as the file)", "NAME")
      .option("--sha256", options->sha256, "The digest it must have", "HEX");
  pull_command.option("--hub", options->hub, "The hub's address (HF_ENDPOINT)", "URL")
      .flag("--replace", options->replace, "In the place of one of that name");
  pull_command.flag("--json", options->json, "Print JSON");
  pull_command.examples(
      "steward models pull Qwen/Qwen3-4B-GGUF:Q4_K_M\nsteward models pull https://example.com/m.gguf --sha256 9f86d0…");
  pull_command.run([options, &context] { return pull(*options, context); });

  Command recommend_command = models.sub("recommend", "Say which models fit this machine's memory.");
  recommend_command.examples("steward models recommend   # then steward models pull with a name from the list");
  recommend_command.flag("--all", options->all, "Those that don't fit too").flag("--json", options->json, "Print JSON");
  recommend_command.run([options, &context] { return recommend(*options, context); });
}

}  // namespace steward::cli
