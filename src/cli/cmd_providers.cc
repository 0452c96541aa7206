// steward providers: upstreams, with their keys sealed.
#include "base/text.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/secret_input.h"
#include "cli/table.h"

namespace steward::cli {
namespace {

struct ProvidersOptions {
  std::string name;
  std::optional<std::string> base_url, dialect, like, region;
  std::vector<std::string> models;
  bool inside = false, no_key = false, json = false;
};

std::string key_text(const Json& key) {
  const std::string source = key["source"];
  return source == "none" ? "none" : source == "sealed" ? "sealed" : source + " " + key["name"].get<std::string>();
}

void print(const std::vector<Json>& providers, const Context& context) {
  Table table;
  for (const char* title : {"name", "dialect", "address", "key", "models", "set by", "state"}) table.column(title);
  for (const auto& one : providers) {
    const std::string origin = one["origin"];
    table.row({one["name"], one["dialect"], one["base_url"], key_text(one["key"]),
               one["models"].empty() ? "all it lists" : std::to_string(one["models"].size()),
               origin == "setting"   ? "steward providers"
               : origin == "default" ? "environment"
                                     : origin,
               one.contains("problem")      ? one["problem"].get<std::string>()
               : one["enabled"].get<bool>() ? "on"
                                            : "off"});
  }
  if (table.empty())
    return context.line("There is no provider yet: 'steward providers add openai' adds one. Local models need none.");
  context.print(table.text(context));
}

int list(const ProvidersOptions& options, const Context& context) {
  auto client = Client::connect(context);
  if (!client) return context.failed(client.error());
  auto providers = (*client)->list("/admin/v1/providers");
  if (!providers) return context.failed(providers.error());
  if (options.json) return context.line(Json(*providers).dump(2)), kDone;
  print(*providers, context);
  return kDone;
}

int add(const ProvidersOptions& options, const Context& context) {
  Json body = {{"name", options.name}};
  if (options.base_url) body["base_url"] = *options.base_url;
  if (options.dialect) body["dialect"] = *options.dialect;
  if (options.like) body["like"] = *options.like;
  if (options.region) body["region"] = *options.region;
  if (!options.models.empty()) body["models"] = options.models;
  if (options.inside) body["inside"] = true;
  if (!options.no_key) {
    const std::string key = read_secret(context, fmt::format("Key of {}", options.name));
    if (key.empty())
      return context.failed(Error(ErrorCode::kConfig, "No key was given; if the provider takes none, say --no-key."));
    body["key"] = key;
  }
  auto client = Client::connect(context);
  if (!client) return context.failed(client.error());
  auto provider = (*client)->post("/admin/v1/providers", body);
  if (!provider) return context.failed(provider.error());
  if (options.json) return context.line(provider->dump(2)), kDone;
  print({*provider}, context);
  context.line(fmt::format("Try it: steward providers test {}", options.name));
  return kDone;
}

int remove(const ProvidersOptions& options, const Context& context) {
  auto client = Client::connect(context);
  if (!client) return context.failed(client.error());
  if (auto done = (*client)->call("DELETE", "/admin/v1/providers/" + percent_encoded(options.name), Json()); !done)
    return context.failed(done.error());
  context.line("Removed, and its key with it.");
  return kDone;
}

int test(const ProvidersOptions& options, const Context& context) {
  auto client = Client::connect(context);
  if (!client) return context.failed(client.error());
  auto got = (*client)->post("/admin/v1/providers/" + percent_encoded(options.name) + "/test", Json::object());
  if (!got) return context.failed(got.error());
  const bool good = (*got)["ok"].get<bool>();
  if (options.json) return context.line(got->dump(2)), good ? kDone : kFailed;
  if (!good) {
    const std::string status = got->contains("status") ? fmt::format(" ({})", (*got)["status"].get<int>()) : "";
    return context.failed(Error(ErrorCode::kUpstreamError,
                                fmt::format("{}{}: {}", options.name, status, (*got)["error"].get<std::string>())));
  }
  context.line(fmt::format("{} answers in {} ms and takes the key; it lists {} models.", options.name,
                           (*got)["latency_us"].get<int64_t>() / 1000, (*got)["models"].size()));
  return kDone;
}

}  // namespace

void add_providers(Command& program, const Context& context) {
  Command providers = program.sub("providers", "Add, list, try and remove providers of models; keys are sealed.");
  providers.describe(
      "A known provider's key in the environment (OPENAI_API_KEY, ANTHROPIC_API_KEY, GEMINI_API_KEY, …) is enough and "
      "needs no\ncommand. Added here, the key is sealed in the home and never shown again.");
  providers.needs_sub();
  auto options = std::make_shared<ProvidersOptions>();
  const std::string which = "Its name, as before the slash in 'openai/gpt-4.1'";
  Command list_command = providers.sub("list", "List the providers, with where their keys are (never what they are).");
  list_command.examples("steward providers list");
  list_command.flag("--json", options->json, "Print JSON").run([options, &context] { return list(*options, context); });

  Command add_command =
      providers.sub("add", "Add a provider, or change one; its key is read from the terminal or a pipe.");
  add_command.argument("NAME", options->name, "A known provider's name, or one of your own")
      .option("--base-url", options->base_url, "Its address with version; known providers have theirs", "URL")
      .option("--dialect", options->dialect, "openai, responses, anthropic, gemini or bedrock", "DIALECT")
      .option("--like", options->like, "The known provider whose ways it has, such as vllm", "NAME")
      .option("--region", options->region, "AWS's region", "REGION")
      .option("--model", options->models, "A model that it offers; repeat for more (all that it lists)", "NAME")
      .flag("--inside", options->inside, "Its address may lead inside (a server of your own)")
      .flag("--no-key", options->no_key, "It takes no key")
      .flag("--json", options->json, "Print JSON")
      .examples(
          "steward providers add openai\nsteward providers add anthropic < key.txt\n"
          "steward providers add lab --like vllm --base-url http://10.0.0.7:8000/v1 --inside --no-key\n"
          "steward providers add bedrock --region eu-central-1   # key: ACCESS_KEY_ID:SECRET_ACCESS_KEY");
  add_command.run([options, &context] { return add(*options, context); });

  Command test_command =
      providers.sub("test", "Ask a provider for its models: tries the address and the key, costs nothing.");
  test_command.examples("steward providers test openai");
  test_command.argument("NAME", options->name, which).flag("--json", options->json, "Print JSON");
  test_command.run([options, &context] { return test(*options, context); });

  Command remove_command = providers.sub("remove", "Remove a provider that was added here, and its sealed key.");
  remove_command.examples("steward providers remove openai");
  remove_command.argument("NAME", options->name, which).run([options, &context] { return remove(*options, context); });
}

}  // namespace steward::cli
