#include "cli/welcome.h"

#include <boost/asio/use_future.hpp>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "server/options.h"
#include "server/people_api.h"
#include "server/people_json.h"

namespace steward::cli {
namespace {

constexpr uint64_t kSmallParameters = 1'000'000'000;  // below it answers are often wrong: it is said
constexpr size_t kMostRemoteShown = 5;
constexpr int kTryTokens = 64;  // a small model may not find an end by itself

Task<void> warm(server::Core& core, std::string model, CancelToken cancel, std::function<void()> ended) {
  const auto deadline = Deadline::in(std::chrono::seconds(core.config.get()->integer("engine.load_timeout_s")));
  auto lease = co_await core.engine->acquire(model, deadline, cancel);
  if (!lease)
    core.log.warn("the default model could not be loaded", {{"model", model}, {"code", info(lease.error().code).name}});
  ended();
}

std::string parameters_text(uint64_t count) {
  if (count >= 1'000'000'000) return fmt::format("{:.1f} billion parameters", static_cast<double>(count) / 1e9);
  return fmt::format("{} million parameters", (count + 500'000) / 1'000'000);
}

std::string model_line(const engine::LocalModel& model) {
  std::string what;
  if (model.kind == engine::ModelKind::kEmbedding)
    what = "embeddings" + (model.dimensions > 0 ? fmt::format(", {} dimensions", model.dimensions) : "");
  else if (model.parameters == 0)
    what = "chat";
  else if (model.parameters < kSmallParameters)
    what = parameters_text(model.parameters) + ": fine for trying, often wrong";
  else
    what = parameters_text(model.parameters);
  return fmt::format("model:   {} ({}; on this machine)\n", model.name, what);
}

bool has_small_only(const Welcome& welcome) {
  return welcome.remote.empty() && std::ranges::none_of(welcome.models, [](const auto& model) {
           return model.kind == engine::ModelKind::kChat &&
                  (model.parameters >= kSmallParameters || model.parameters == 0);
         });
}

std::string models_text(const Welcome& welcome) {
  std::string out;
  for (const auto& model : welcome.models) out += model.problem.empty() ? model_line(model) : "";
  size_t shown = 0;
  for (const auto& entry : welcome.remote) {
    if (++shown <= kMostRemoteShown) out += fmt::format("model:   {} ({})\n", entry.name, entry.provider);
  }
  if (shown > kMostRemoteShown)
    out += fmt::format("         and {} more: steward models list\n", shown - kMostRemoteShown);
  if (has_small_only(welcome)) {
    out +=
        "\nFor better answers than so small a model gives:\n"
        "  steward models recommend                   what fits this machine's memory\n"
        "  steward models pull URL-or-hub-repository  fetch one; steward models add FILE.gguf takes one that is here\n"
        "  OPENAI_API_KEY=… steward serve             or a provider's key in the environment (docs/configuration.md "
        "names them)\n";
  }
  return out;
}

}  // namespace

std::string default_chat_model(const server::Core& core) {
  const std::string asked = core.config.get()->text("engine.default_model");
  if (!asked.empty()) return asked;
  for (const auto& model : core.engine->models()) {
    if (model.kind == engine::ModelKind::kChat && model.problem.empty()) return model.name;
  }
  for (const auto& entry : core.gateway->models()) {
    if (entry.kind != "embedding") return entry.name;
  }
  return "";
}

Warmer::Warmer(server::Core& core) : core_(core), state_(std::make_shared<State>()) {}
Warmer::~Warmer() { cancel(); }

void Warmer::start() {
  const std::string model = default_chat_model(core_);
  if (model.empty() || !core_.engine->find(model) || !core_.config.get()->boolean("engine.warm")) {
    state_->ended = true;
    return;
  }
  asio::co_spawn(core_.threads->context(0),
                 warm(core_, model, state_->cancel, [state = state_] { state->ended = true; }), asio::detached);
}

void Warmer::cancel() { state_->cancel.cancel(CancelReason::kShutdown); }
bool Warmer::ended() const { return state_->ended; }

std::string welcome_text(const Welcome& welcome) {
  const bool first = !welcome.key.empty();
  std::string out = fmt::format("\nSteward {} is ready.\n\naddress: {}\n", STEWARD_VERSION, welcome.address);
  if (!welcome.link.empty())
    out += fmt::format("sign in: {}\n         (opens the web app once; 'steward people link' prints another)\n",
                       welcome.link);
  if (first)
    out += fmt::format(
        "key:     {}\n         (shown this once: keep it, for example as STEWARD_KEY in your environment)\n",
        welcome.key);
  out += models_text(welcome);
  if (!welcome.off_path.empty())
    out += fmt::format("\nSo that the shell finds 'steward': export PATH={}:$PATH\n", shell_quoted(welcome.off_path));
  const std::string ready =
      fmt::format("\nready:   after {:.1f} s. Ctrl-C ends it.\n", static_cast<double>(welcome.ready_us) / kSecondUs);
  if (welcome.default_model.empty())
    return out + "\nNo chat model is here yet: 'steward models recommend' says which would fit.\n" + ready;
  const std::string body = Json{
      {"model", welcome.default_model},
      {"messages", {{{"role", "user"}, {"content", "Say hello in one sentence."}}}},
      {"max_tokens",
       kTryTokens}}.dump();
  out += "\nTry it" +
         std::string(first ? "" : " (with your key in STEWARD_KEY; 'steward keys new NAME' makes another)") + ":\n";
  out += fmt::format(
      "curl -sS {}/v1/chat/completions -H \"Authorization: Bearer {}\" -H 'Content-Type: application/json' -d {}\n",
      welcome.address, first ? welcome.key : "$STEWARD_KEY", shell_quoted(body));
  out += "\nor in Python (any OpenAI client works too, with base_url=\"" + welcome.address + "/v1\"):\n```python\n";
  out += first ? "import json, urllib.request\n" : "import json, os, urllib.request\n";
  out += fmt::format("key = {}\n", first ? Json(welcome.key).dump() : "os.environ[\"STEWARD_KEY\"]");
  out += fmt::format(
      "question = {{\"model\": {}, \"messages\": [{{\"role\": \"user\", \"content\": \"Say hello in one "
      "sentence.\"}}],\n            \"max_tokens\": {}}}\n",
      Json(welcome.default_model).dump(), kTryTokens);
  out += fmt::format("call = urllib.request.Request(\"{}/v1/chat/completions\", json.dumps(question).encode(),\n",
                     welcome.address);
  out +=
      "                              {\"Authorization\": \"Bearer \" + key, \"Content-Type\": \"application/json\"})\n";
  out += "print(json.load(urllib.request.urlopen(call))[\"choices\"][0][\"message\"][\"content\"])\n```\n";
  return out + ready;
}

namespace {

// The folder of this program, unless the shell finds this very one by its name.
std::string folder_off_path() {
  const auto own = executable_dir();
  const char* path = std::getenv("PATH");
  std::error_code error;
  for (const auto folder : split(path == nullptr ? "" : path, ':')) {
    const std::filesystem::path found = std::filesystem::path(folder) / "steward";
    if (!folder.empty() && std::filesystem::exists(found, error))
      return std::filesystem::equivalent(found, own / "steward", error) ? "" : own.string();
  }
  return own.string();
}

// The first key is made when there is somebody to show it to, and only if none was ever made.
Result<std::string> first_key(server::Core& core) {
  if (!core.identity->snapshot()->keys.empty()) return std::string();
  identity::KeySpec spec;
  spec.name = "first key";
  spec.admin = true;
  auto made = asio::co_spawn(
                  core.threads->context(0),
                  core.ledger->create_key(core.owner(), std::move(spec), server::new_key_budgets(*core.config.get())),
                  asio::use_future)
                  .get();
  if (!made) return fail(made.error());
  return made->secret;
}

// While the owner has no password: a fresh link each start, the older ones lead nowhere then.
Result<std::string> sign_in_link(server::Core& core) {
  auto made = asio::co_spawn(core.threads->context(0), server::first_link(core), asio::use_future).get();
  if (!made) return fail(made.error());
  return *made ? server::link_json(core, **made)["link"].get<std::string>() : std::string();
}

}  // namespace

Status show_welcome(server::App& app, const Context& context, DurationUs since_start_us) {
  auto& core = app.core();
  auto key = first_key(core);
  if (!key) return fail(key.error());
  auto link = sign_in_link(core);
  if (!link) return fail(link.error());
  Welcome welcome{app.address(),     *key,          *link, core.engine->models(), {}, default_chat_model(core),
                  folder_off_path(), since_start_us};
  for (auto& entry : core.gateway->models()) {
    if (entry.provider != "local") welcome.remote.push_back(std::move(entry));
  }
  context.print(welcome_text(welcome));
  std::fflush(context.out);
  return {};
}

}  // namespace steward::cli
