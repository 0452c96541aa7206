// Model files over the API: taken in, fetched from the network by a job, removed.
//
// Whoever holds the home's socket may name any file and any address. A key with scope admin is a stranger on the
// network by comparison: it names files in the models folder alone, and what it has fetched goes through the guard, as
// every address that a caller supplies.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>

#include "base/crypto.h"
#include "engine/in_use.h"
#include "engine/model_pull.h"
#include "net/guard.h"
#include "server/admin.h"
#include "server/fields.h"
#include "server/model_file_api.h"
#include "server/page.h"
#include "server/worker.h"

namespace steward::server {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kPull = "model.pull";
constexpr std::string_view kHub = "https://huggingface.co";
constexpr std::chrono::milliseconds kTellEach{1'000};
constexpr int64_t kTries = 3;  // of the job; each goes on where the one before broke off

fs::path models_folder(const Core& core) { return core.home.root / "models"; }

struct Asked {
  std::optional<std::string> path, pull, hub, sha256;
  std::string name;
  bool link = false, replace = false;
};

Result<Asked> read_asked(const AdminCall& call) {
  Fields fields(call.body);
  Asked asked;
  asked.path = fields.text("path");
  asked.pull = fields.text("pull");
  asked.hub = fields.text("hub");
  asked.sha256 = fields.text("sha256");
  asked.name = fields.text("name").value_or("");
  asked.link = fields.boolean("link").value_or(false);
  asked.replace = fields.boolean("replace").value_or(false);
  if (asked.path.has_value() == asked.pull.has_value())
    fields.problem("path", "either 'path' (a file that is here) or 'pull' (an address or a repository) is needed");
  if (asked.path && !call.request.over_unix && fs::path(*asked.path).has_parent_path())
    fields.problem("path", "names a file of the models folder, without a folder; only over the home's socket any file");
  if (asked.path && call.request.over_unix && !fs::path(*asked.path).is_absolute())
    fields.problem("path", "must be absolute: the server has a working folder of its own");
  if (asked.hub && !call.request.over_unix) fields.problem("hub", "can be named only over the home's socket");
  if (auto good = fields.finish(); !good) return fail(good.error());
  return asked;
}

Json taken_json(const engine::TakenModel& model) {
  return {{"object", "model"},
          {"name", model.name},
          {"path", model.path.string()},
          {"kind", model.info.is_embedding() ? "embedding" : "chat"},
          {"parameters", model.info.parameters},
          {"quantization", model.info.quantization},
          {"file_bytes", model.info.file_bytes}};
}

// A file that lies in the models folder already is only looked at.
Result<engine::TakenModel> take(const fs::path& models, const Asked& asked) {
  const fs::path file = fs::path(*asked.path).has_parent_path() ? fs::path(*asked.path) : models / *asked.path;
  std::error_code error;
  const bool here = fs::equivalent(file.parent_path(), models, error);
  const std::string own_name = engine::model_name_of(file.filename().string());
  if (!here || (!asked.name.empty() && asked.name != own_name)) {
    return engine::take_model(file, models, asked.name, asked.link ? engine::Take::kLink : engine::Take::kCopy,
                              asked.replace);
  }
  auto info = engine::check_model_file(file);
  if (!info) return fail(info.error());
  return engine::TakenModel{own_name, file, std::move(*info)};
}

Task<Result<Reply>> add_model(Core& core, AdminCall call) {
  auto asked = read_asked(call);
  if (!asked) co_return fail(asked.error());
  if (asked->path) {
    const std::function<Result<engine::TakenModel>()> work = [models = models_folder(core), asked = *asked] {
      return take(models, asked);
    };
    auto taken = co_await core.worker->run<engine::TakenModel>(work);
    if (!taken) co_return fail(taken.error());
    core.engine->rescan();
    co_return Reply{201, taken_json(*taken)};
  }
  const Json input = {{"what", *asked->pull},           {"name", asked->name},
                      {"hub", asked->hub.value_or("")}, {"sha256", asked->sha256.value_or("")},
                      {"replace", asked->replace},      {"inside", call.request.over_unix}};
  const Id actor = call.caller.key ? call.caller.key->id : call.caller.principal;
  auto job = co_await core.jobs->enqueue(call.caller.tenant, actor,
                                         {.kind = std::string(kPull),
                                          .lane = jobs::Lane::kPerson,
                                          .input = input,
                                          .tries = kTries,
                                          .once = to_hex(sha256(*asked->pull + "\n" + asked->name))});
  if (!job) co_return fail(job.error());
  co_return Reply{202, job_json(*job)};
}

// What an io thread tells and the job's thread journals.
struct Told {
  std::mutex mutex;
  engine::PullProgress now;
};

Task<Result<engine::PulledModel>> pull(Core& core, Json input, std::shared_ptr<Told> told, CancelToken cancel) {
  std::shared_ptr<const net::Guard> guard;
  if (!input.value("inside", false)) {
    auto made = net::Guard::make({.ports = {}, .allow_inside = core.config.get()->list("limits.allow_inside")});
    if (!made) co_return fail(made.error());
    guard = std::make_shared<const net::Guard>(std::move(*made));
  }
  const std::string hub = input.value("hub", "");
  engine::HubOptions at{hub.empty() ? std::string(kHub) : hub, "", guard};
  auto source = co_await engine::find_source(*core.clients, input.value("what", ""), at, cancel);
  if (!source) co_return fail(source.error());
  if (const std::string sha256 = input.value("sha256", ""); !sha256.empty()) source->sha256 = sha256;
  engine::PullRequest request{*source, models_folder(core), input.value("name", ""), input.value("replace", false)};
  request.guard = guard;
  request.progress = [told](const engine::PullProgress& progress) {
    const std::lock_guard lock(told->mutex);
    told->now = progress;
  };
  co_return co_await engine::pull_model(*core.clients, std::move(request), cancel);
}

Json progress_json(Told& told) {
  const std::lock_guard lock(told.mutex);
  const auto& now = told.now;
  return {{"have", now.have}, {"whole", now.whole}, {"resumed", now.resumed}, {"checking", now.checking}};
}

Result<Json> run_pull(Core& core, const jobs::Job& job, jobs::JobContext& context) {
  const auto told = std::make_shared<Told>();
  CancelToken cancel;
  auto done = asio::co_spawn(core.threads->context(0), pull(core, job.input, told, cancel), asio::use_future);
  Json last;
  while (done.wait_for(kTellEach) != std::future_status::ready) {
    if (context.cancelled()) cancel.cancel(CancelReason::kStopped);
    Json now = progress_json(*told);
    if (now == last) continue;
    last = now;
    if (!context.progress(std::move(now))) cancel.cancel(CancelReason::kStopped);
  }
  auto pulled = done.get();
  if (!pulled) {
    Json now = progress_json(*told);
    now["problem"] = pulled.error().message;  // a job keeps the code alone
    (void)context.progress(std::move(now));
    return fail(pulled.error());
  }
  core.engine->rescan();
  Json result = taken_json(pulled->model);
  result["sha256"] = pulled->sha256;
  result["checked"] = pulled->checked;
  return result;
}

// What the configuration says of this model by its name; empty: nothing.
std::string named_by(const Config& config, const std::string& name) {
  if (config.text("engine.default_model") == name) return "engine.default_model";
  for (const auto& route : config.names("routes")) {
    for (const auto& deployment : config.list(fmt::format("routes.{}.deployments", route))) {
      const std::string model = deployment.substr(0, deployment.find(' '));
      if (model == name || model == "local/" + name) return fmt::format("the route '{}'", route);
    }
  }
  return "";
}

// Calls that are under way keep the file they opened and end as they would have.
Task<Result<Reply>> remove_model(Core& core, AdminCall call) {
  const std::string name = call.request.params.at("name");
  const std::string said = query_text(call.request, "force");
  if (!said.empty() && said != "true" && said != "false")
    co_return fail(ErrorCode::kInvalidRequest, "'force' is true or false.", {{"param", "force"}});
  const bool force = said == "true";
  const auto model = core.engine->find(name);
  if (model && model->shipped) {
    co_return fail(ErrorCode::kConflict,
                   fmt::format("'{}' comes with Steward and lies outside the home; engine.shipped_models names another "
                               "folder, if it is in the way.",
                               name));
  }
  if (!force) {
    if (const auto calls = engine::calls_under_way(*core.engine, name); calls > 0) {
      co_return fail(ErrorCode::kConflict,
                     fmt::format("'{}' answers {} calls now. With force it is removed all the same: they end as they "
                                 "would, no more are taken.",
                                 name, calls));
    }
    if (const auto where = named_by(*core.config.get(), name); !where.empty())
      co_return fail(ErrorCode::kConflict,
                     fmt::format("'{}' is named by {}: change that first, or use force.", name, where));
  }
  const std::function<Result<bool>()> work = [models = models_folder(core), name]() -> Result<bool> {
    if (auto done = engine::remove_model(models, name); !done) return fail(done.error());
    return true;
  };
  auto removed = co_await core.worker->run<bool>(work);
  if (!removed) co_return fail(removed.error());
  core.engine->rescan();
  co_return Reply{200, {{"id", name}, {"object", "model"}, {"deleted", true}}};
}

}  // namespace

void register_model_jobs(Core& core) {
  core.jobs->handle(std::string(kPull),
                    [&core](const jobs::Job& job, jobs::JobContext& context) { return run_pull(core, job, context); });
}

std::vector<Endpoint> model_file_endpoints(Core& core) {
  const std::string tag = "Local models";
  return {
      json_endpoint(
          "POST", "/admin/v1/models",
          {.tag = tag,
           .summary = "Take in a model file, or fetch one",
           .description = "With 'path' the model is there when this answers (201). With 'pull' a job fetches it (202): "
                          "GET /admin/v1/jobs/{id} tells how far it is; what came stays if it breaks off, and the next "
                          "pull goes on with it.",
           .request_schema = "NewModel",
           .response_schema = "ModelOrJob",
           .success = 201},
          [&core](AdminCall call) { return add_model(core, std::move(call)); }, false),
      json_endpoint(
          "DELETE", "/admin/v1/models/{name}",
          {.tag = tag,
           .summary = "Remove a model's file from the home",
           .description = "Refused while it answers calls, or while a route or engine.default_model names it, "
                          "unless forced.",
           .response_schema = "Deleted",
           .query = {{"force", "Remove it all the same", "boolean"}}},
          [&core](AdminCall call) { return remove_model(core, std::move(call)); }),
  };
}

}  // namespace steward::server
