// steward routes: which names lead where, and where a call would go.
#include "base/file.h"
#include "base/text.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/lookup.h"
#include "cli/table.h"

namespace steward::cli {
namespace {

constexpr size_t kMaxRequestBytes = 64 * 1024 * 1024;

struct RoutesOptions {
  std::string name;
  std::vector<std::string> deployments;
  std::optional<std::string> description, max_cost, zone;
  std::optional<int64_t> retries, first_byte_ms, between_bytes_ms, total_ms, hedge_after_ms, keep_alive_ms;
  bool weighted = false, no_affinity = false, json = false;
};

struct ExplainOptions {
  std::string model;
  std::optional<std::string> text, file, dialect, key, deadline, max_cost, session;
  std::vector<std::string> tags;
  std::optional<int64_t> input_tokens, output_tokens;
  bool tools = false, images = false, documents = false, json = false;
};

std::string circuit_text(const Json& health) {
  if (!health.value("known", true)) return "not here";
  std::string out = health.value("circuit", "not asked yet");
  if (health.contains("open_until")) out += " until " + health["open_until"].get<std::string>().substr(11, 8) + "Z";
  if (health.contains("limit")) out += ", " + health["limit"].get<std::string>();
  if (health.contains("last_error") && out != "closed") out += " (" + health["last_error"].get<std::string>() + ")";
  return out;
}

void print_routes(const std::vector<Json>& routes, const Context& context) {
  Table table;
  for (const char* title : {"route", "order", "deployment", "circuit", "set by"}) table.column(title);
  for (const auto& route : routes) {
    bool first = true;
    for (size_t at = 0; at < route["deployments"].size(); ++at) {
      table.row({first ? route["name"].get<std::string>() : "", first ? route["order"].get<std::string>() : "",
                 route["deployments"][at].get<std::string>(), circuit_text(route["health"][at]),
                 first ? route["origin"].get<std::string>() : ""});
      first = false;
    }
  }
  if (table.empty()) return context.line("There is no route: 'steward routes set NAME DEPLOYMENT…' makes one.");
  context.print(table.text(context));
}

int list(const RoutesOptions& options, const Context& context) {
  auto client = Client::connect(context);
  if (!client) return context.failed(client.error());
  auto routes = (*client)->list("/admin/v1/routes");
  if (!routes) return context.failed(routes.error());
  if (options.json) return context.line(Json(*routes).dump(2)), kDone;
  print_routes(*routes, context);
  return kDone;
}

int set(const RoutesOptions& options, const Context& context) {
  auto client = Client::connect(context);
  if (!client) return context.failed(client.error());
  Json body = {{"deployments", options.deployments}};
  if (options.weighted) body["order"] = "weighted";
  if (options.no_affinity) body["affinity"] = false;
  const auto add = [&](const char* name, const auto& value) {
    if (value) body[name] = *value;
  };
  add("description", options.description);
  add("max_cost_usd", options.max_cost);
  add("time_zone", options.zone);
  add("retries", options.retries);
  add("first_byte_timeout_ms", options.first_byte_ms);
  add("between_bytes_timeout_ms", options.between_bytes_ms);
  add("total_timeout_ms", options.total_ms);
  add("hedge_after_ms", options.hedge_after_ms);
  add("keep_alive_ms", options.keep_alive_ms);
  auto route = (*client)->call("PUT", "/admin/v1/routes/" + percent_encoded(options.name), body);
  if (!route) return context.failed(route.error());
  if (options.json) return context.line(route->dump(2)), kDone;
  print_routes({*route}, context);
  return kDone;
}

int remove(const RoutesOptions& options, const Context& context) {
  auto client = Client::connect(context);
  if (!client) return context.failed(client.error());
  if (auto done = (*client)->call("DELETE", "/admin/v1/routes/" + percent_encoded(options.name), Json()); !done)
    return context.failed(done.error());
  context.line("Removed.");
  return kDone;
}

Result<Json> request_of(const ExplainOptions& options) {
  if (!options.file) {
    return Json{{"model", options.model},
                {"messages", Json::array({{{"role", "user"}, {"content", options.text.value_or("Hello")}}})}};
  }
  auto text = read_file(*options.file, kMaxRequestBytes);
  if (!text) return fail(std::move(text.error()));
  auto request = parse_json(*text);
  if (!request) return fail(std::move(request.error()));
  if (!options.model.empty() && request->is_object()) (*request)["model"] = options.model;
  return request;
}

Result<Json> explain_body(const ExplainOptions& options, Client& client) {
  auto request = request_of(options);
  if (!request) return fail(std::move(request.error()));
  Json body = {{"request", std::move(*request)}}, headers = Json::object(), assume = Json::object();
  if (options.dialect) body["dialect"] = *options.dialect;
  body["model"] = options.model;
  if (options.key) {
    auto id = find_key_id(client, *options.key);
    if (!id) return fail(std::move(id.error()));
    body["key"] = *id;
  }
  if (!options.tags.empty()) headers["x-steward-tags"] = join(options.tags, ",");
  if (options.deadline) headers["x-steward-deadline"] = *options.deadline;
  if (options.max_cost) headers["x-steward-max-cost-usd"] = *options.max_cost;
  if (options.session) headers["x-session-affinity"] = *options.session;
  if (options.input_tokens) assume["input_tokens"] = *options.input_tokens;
  if (options.output_tokens) assume["output_tokens"] = *options.output_tokens;
  if (options.tools) assume["tools"] = true;
  if (options.images) assume["images"] = true;
  if (options.documents) assume["documents"] = true;
  body["headers"] = std::move(headers);
  body["assume"] = std::move(assume);
  return body;
}

void print_plan(const Json& plan, const Context& context) {
  const Json& facts = plan["facts"];
  std::string brings;
  for (const char* what : {"tools", "images", "documents"})
    brings += facts.value(what, false) ? fmt::format(", with {}", what) : "";
  const bool route = plan["origin"] != "model";
  context.line(fmt::format("'{}' is {}; the call has about {} tokens of input{}.", plan["model"].get<std::string>(),
                           route ? fmt::format("a route (set by: {})", plan["origin"].get<std::string>()) : "a model",
                           thousands(facts["input_tokens"].get<int64_t>()), brings));
  Table table;
  for (const char* title : {"", "deployment", "why"}) table.column(title);
  int number = 0;
  for (const auto& one : plan["candidates"]) table.row({std::to_string(++number), one["deployment"], one["reason"]});
  for (const auto& one : plan["skipped"])
    table.row({"-", one["deployment"], fmt::format("skipped: {}", one["reason"].get<std::string>())});
  if (!table.empty()) context.print(table.text(context));
  if (plan.contains("refusal"))
    return context.line(fmt::format("It would be refused: {}", plan["refusal"]["message"].get<std::string>()));
  if (plan["candidates"].size() > 1)
    context.line(
        fmt::format("If number 1 fails before its first byte, the next is asked; after all, {} further rounds.",
                    plan["retries"].get<int>()));
}

int explain(const ExplainOptions& options, const Context& context) {
  auto client = Client::connect(context);
  if (!client) return context.failed(client.error());
  auto body = explain_body(options, **client);
  if (!body) return context.failed(body.error());
  auto plan = (*client)->post("/admin/v1/routes/explain", *body);
  if (!plan) return context.failed(plan.error());
  if (options.json) return context.line(plan->dump(2)), kDone;
  print_plan(*plan, context);
  return kDone;
}

void add_set(Command& routes, const std::shared_ptr<RoutesOptions>& options, const Context& context) {
  Command command = routes.sub("set", "Set a route, or change all of it.");
  command.argument("NAME", options->name, "What callers give as the model")
      .arguments("DEPLOYMENT", options->deployments, "A model with its conditions, in quotes; in order of preference")
      .flag("--weighted", options->weighted, "Each gets its share by weight= instead of the first that can")
      .option("--description", options->description, "What it is for")
      .option("--max-cost", options->max_cost, "US dollars that one call may cost at most", "USD")
      .option("--retries", options->retries, "Further rounds after all have failed")
      .option("--first-byte-ms", options->first_byte_ms, "After which the next deployment is asked", "MS")
      .option("--between-bytes-ms", options->between_bytes_ms, "Between two pieces of a stream", "MS")
      .option("--total-ms", options->total_ms, "Of the whole call", "MS")
      .option("--hedge-after-ms", options->hedge_after_ms, "Asks a second one after so much silence", "MS")
      .option("--keep-alive-ms", options->keep_alive_ms, "Silence after which a stream gets a comment", "MS")
      .option("--time-zone", options->zone, "IANA zone of hours= and days=", "ZONE")
      .flag("--no-affinity", options->no_affinity, "Doesn't keep a conversation at one deployment")
      .flag("--json", options->json, "Print JSON")
      .examples(
          "steward routes set support anthropic/claude-haiku-4-5 openai/gpt-4.1-mini\n"
          "steward routes set night \"lab/big hours=22:00-06:00 zone=Europe/Berlin\" openai/gpt-5\n"
          "steward routes set split --weighted \"openai/gpt-4.1-mini weight=3\" \"lab/llama weight=1\"")
      .run([options, &context] { return set(*options, context); });
}

void add_explain(Command& routes, const Context& context) {
  auto options = std::make_shared<ExplainOptions>();
  Command command = routes.sub("explain", "Say where a call would go and why, without sending it.");
  command.argument("MODEL", options->model, "A route or a model")
      .option("--text", options->text, "What would be asked (Hello)")
      .option("--file", options->file, "A request's body as JSON, instead of --text", "FILE")
      .option("--dialect", options->dialect, "Of the file: chat, responses, messages or gemini (guessed)", "DIALECT")
      .option("--key", options->key, "Whose call it would be: a key by name or id (the owner's)", "KEY")
      .option("--tag", options->tags, "A tag of the call; may be given several times", "NAME=VALUE")
      .option("--input-tokens", options->input_tokens, "As if it had so many tokens of input")
      .option("--output-tokens", options->output_tokens, "As if it asked for at most so many tokens")
      .flag("--tools", options->tools, "As if it brought tools")
      .flag("--images", options->images, "As if it had images in it")
      .flag("--documents", options->documents, "As if it had documents in it")
      .option("--deadline", options->deadline, "How long the caller waits, such as 20s", "TIME")
      .option("--max-cost", options->max_cost, "US dollars that the call may cost at most", "USD")
      .option("--session", options->session, "The conversation's name", "NAME")
      .flag("--json", options->json, "Print JSON")
      .examples("steward routes explain fast\nsteward routes explain support --images --input-tokens 50000 --key ci")
      .run([options, &context] { return explain(*options, context); });
}

}  // namespace

void add_routes(Command& program, const Context& context) {
  Command routes = program.sub("routes", "Which model names lead where, and why.");
  routes.describe(
      "A route is a model's name that leads to several deployments, in an order or by weight, with conditions. "
      "Callers\n"
      "give it as the model; 'fast' and 'deep' are there from the start. docs/routing.md has the words of conditions.");
  routes.needs_sub();
  auto options = std::make_shared<RoutesOptions>();
  Command list_command = routes.sub("list", "List the routes, with how their deployments fare.");
  list_command.examples("steward routes list");
  list_command.flag("--json", options->json, "Print JSON").run([options, &context] { return list(*options, context); });
  add_set(routes, options, context);
  Command remove_command = routes.sub("remove", "Remove a route that was set here.");
  remove_command.examples("steward routes remove cheap");
  remove_command.argument("NAME", options->name, "The route").run([options, &context] {
    return remove(*options, context);
  });
  add_explain(routes, context);
}

}  // namespace steward::cli
