#include <gtest/gtest.h>

#include "base/file.h"
#include "base/json.h"
#include "server/admin.h"
#include "server/endpoint.h"
#include "server/fields.h"
#include "server/metrics.h"
#include "server/openapi.h"
#include "server/options.h"
#include "server/page.h"
#include "server/secrets.h"

namespace steward::server {
namespace {

struct Whole {
  SystemClock clock;
  SeededRandom random{1};
  Core core{clock, random, Log(), "/nonexistent"};
  std::vector<Endpoint> endpoints;
  net::Router router;
  Whole() {
    core.config.put(std::make_shared<Config>(Config::load({}).value()));
    endpoints = all_endpoints(core);
    endpoints.push_back(openapi_endpoint(core, endpoints));
    mount(core, endpoints, router);
  }
};

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

TEST(OpenApi, TellsOfEveryRouteAndOfNoOther) {
  const Whole whole;
  const Json document = openapi_document(whole.endpoints, "/");
  std::set<std::string> routed, told;
  for (const auto& route : whole.router.routes()) {
    if (route.method != "OPTIONS")
      routed.insert(lower(route.method) + " " + route.pattern);  // preflights belong to browsers
  }
  for (const auto& [path, methods] : document["paths"].items()) {
    for (const auto& [method, operation] : methods.items()) told.insert(method + " " + path);
  }
  EXPECT_EQ(routed, told);
  EXPECT_GT(routed.size(), 30u);
}

void collect_refs(const Json& node, std::set<std::string>& out) {
  if (node.is_object()) {
    for (const auto& [name, value] : node.items()) {
      if (name == "$ref")
        out.insert(value.get<std::string>());
      else
        collect_refs(value, out);
    }
  } else if (node.is_array()) {
    for (const auto& value : node) collect_refs(value, out);
  }
}

TEST(OpenApi, EveryReferenceLeadsSomewhereAndEverySchemaIsUsed) {
  const Whole whole;
  const Json document = openapi_document(whole.endpoints, "/");
  std::set<std::string> refs;
  collect_refs(document, refs);
  for (const auto& ref : refs) {
    ASSERT_TRUE(ref.starts_with("#/"));
    EXPECT_TRUE(document.contains(Json::json_pointer(ref.substr(1)))) << ref;
  }
  for (const auto& [name, schema] : document["components"]["schemas"].items())
    EXPECT_TRUE(refs.contains("#/components/schemas/" + name)) << name;
}

TEST(OpenApi, OperationIdsAreUnique) {
  const Whole whole;
  const Json document = openapi_document(whole.endpoints, "/");
  std::set<std::string> ids;
  for (const auto& [path, methods] : document["paths"].items()) {
    for (const auto& [method, operation] : methods.items())
      EXPECT_TRUE(ids.insert(operation["operationId"].get<std::string>()).second) << path;
  }
}

TEST(Endpoints, AdministrationIsForAdministratorsAlone) {
  const Whole whole;
  for (const auto& endpoint : whole.endpoints) {
    if (endpoint.pattern.starts_with("/admin/")) EXPECT_EQ(endpoint.access, Access::kAdmin) << endpoint.pattern;
    // Without a key or a sign-in there is only the way in, and what was shared by a link.
    if (endpoint.pattern.starts_with("/v1/session") || endpoint.pattern == "/v1/shared")
      EXPECT_EQ(endpoint.access, Access::kVisitor) << endpoint.pattern;
    else if (endpoint.pattern.starts_with("/v1/"))
      EXPECT_TRUE(endpoint.access == Access::kKey || endpoint.access == Access::kPerson) << endpoint.pattern;
    if (endpoint.pattern == "/v1/me" || endpoint.pattern.starts_with("/v1/me/"))
      EXPECT_EQ(endpoint.access, Access::kPerson) << endpoint.pattern;
    EXPECT_NE(static_cast<bool>(endpoint.json), static_cast<bool>(endpoint.raw)) << endpoint.pattern;
  }
}

net::Request from_host(std::string host) {
  net::Request request;
  request.headers.set("host", std::move(host));
  request.remote = "127.0.0.1:5";
  return request;
}

TEST(Host, LoopbackAnswersToItsOwnNamesAlone) {
  const auto config = *Config::load({});
  for (const char* host :
       {"localhost", "localhost:7070", "127.0.0.1:7070", "[::1]:7070", "LOCALHOST", "app.localhost:7070"}) {
    EXPECT_TRUE(host_allowed(config, from_host(host), true)) << host;
  }
  for (const char* host : {"evil.example", "localhost.evil.example:7070", "", "10.0.0.5"})
    EXPECT_FALSE(host_allowed(config, from_host(host), true)) << host;
  EXPECT_TRUE(host_allowed(config, from_host("steward.example"), false));  // beyond loopback any, unless some are named
}

TEST(Host, NamedHostsAreTheOnlyOnes) {
  ConfigSources sources;
  sources.environment["STEWARD_SERVER_ALLOWED_HOSTS"] = "steward.example";
  const auto config = *Config::load(sources);
  EXPECT_TRUE(host_allowed(config, from_host("Steward.Example:443"), false));
  EXPECT_FALSE(host_allowed(config, from_host("evil.example"), false));
}

TEST(Secret, ComesInEitherHeader) {
  net::Request bearer, api_key, none, basic;
  bearer.headers.set("Authorization", "bearer  sk-steward-x ");
  api_key.headers.set("X-Api-Key", "sk-steward-y");
  basic.headers.set("Authorization", "Basic abc");
  EXPECT_EQ(*secret_of(bearer), "sk-steward-x");
  EXPECT_EQ(*secret_of(api_key), "sk-steward-y");
  EXPECT_EQ(secret_of(none).error().code, ErrorCode::kUnauthenticated);
  EXPECT_FALSE(secret_of(basic).has_value());
  bearer.headers.add("x-api-key", "sk-steward-x");
  EXPECT_EQ(*secret_of(bearer), "sk-steward-x");
  bearer.headers.add("authorization", "Bearer other");
  EXPECT_EQ(secret_of(bearer).error().code, ErrorCode::kUnauthenticated);
}

TEST(Machine, AProxyOnItIsNotIt) {
  net::Request direct, proxied, far;
  direct.remote = proxied.remote = "127.0.0.1:9";
  proxied.headers.set("X-Forwarded-For", "8.8.8.8");
  far.remote = "10.0.0.1:9";
  EXPECT_TRUE(comes_from_this_machine(direct));
  EXPECT_FALSE(comes_from_this_machine(proxied));
  EXPECT_FALSE(comes_from_this_machine(far));
}

TEST(Listen, BeyondLoopbackNeedsTlsOrAWord) {
  ConfigSources sources;
  sources.flags["server.host"] = "0.0.0.0";
  auto refused = listen_options(*Config::load(sources), "", true);
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message.find("--insecure-plaintext"), std::string::npos);
  sources.flags["server.insecure_plaintext"] = "true";
  EXPECT_TRUE(listen_options(*Config::load(sources), "", true).has_value());
  sources.flags["server.tls_key"] = "/key.pem";
  EXPECT_FALSE(listen_options(*Config::load(sources), "", true).has_value());
}

TEST(Fields, TellTheFirstProblemAndTheNearestName) {
  const Json body = parse_own(R"({"name":"x","limitz":1})");
  Fields fields(body);
  EXPECT_EQ(fields.need_text("name"), "x");
  fields.integer("limits", 0, 9);
  const auto done = fields.finish();
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().message, "There is no field 'limitz'; did you mean 'limits'?");
}

TEST(Fields, RefuseWrongTypesAndRanges) {
  const auto problem = [](const char* json, auto read) {
    const Json body = parse_own(json);
    Fields fields(body);
    read(fields);
    return !fields.finish().has_value();
  };
  EXPECT_TRUE(problem(R"({"a":"x"})", [](Fields& f) { f.integer("a", 0, 9); }));
  EXPECT_TRUE(problem(R"({"a":10})", [](Fields& f) { f.integer("a", 0, 9); }));
  EXPECT_TRUE(problem(R"({"a":18446744073709551615})", [](Fields& f) { f.integer("a", 0, INT64_MAX); }));
  EXPECT_TRUE(problem(R"({"a":1.5})", [](Fields& f) { f.integer("a", 0, 9); }));
  EXPECT_TRUE(problem(R"({"a":[1]})", [](Fields& f) { f.texts("a"); }));
  EXPECT_TRUE(problem("{\"a\":\"x\\u0000y\"}", [](Fields& f) { f.text("a"); }));
  EXPECT_TRUE(problem(R"({"a":"soon"})", [](Fields& f) { f.time("a"); }));
  EXPECT_TRUE(problem(R"([])", [](Fields&) {}));
  EXPECT_FALSE(problem(R"({"a":null,"b":"2026-11-25T00:00:00Z"})", [](Fields& f) {
    EXPECT_EQ(f.time("a"), 0);
    EXPECT_GT(*f.time("b"), 0);
  }));
}

TEST(Page, GoesThroughAllOnce) {
  std::vector<std::pair<std::string, Json>> rows;
  for (const char* id : {"a", "b", "c", "d", "e"}) rows.emplace_back(id, id);
  std::string seen;
  PageQuery query{2, ""};
  for (int pages = 0; pages < 3; ++pages) {
    const Json body = page_of(rows, query).body;
    for (const auto& item : body["data"]) seen += item.get<std::string>();
    if (body["next_cursor"].is_null()) break;
    query.cursor = body["next_cursor"];
  }
  EXPECT_EQ(seen, "abcde");
}

TEST(Metrics, AreReadByPrometheus) {
  const std::string text = prometheus_text({{"b_total", "Bs.", "counter", {{"x", "say \"hi\"\n"}}, 3},
                                            {"a", "As.", "gauge", {}, 0.5},
                                            {"b_total", "Bs.", "counter", {{"x", "y"}}, 4}});
  EXPECT_EQ(text,
            "# HELP a As.\n# TYPE a gauge\na 0.5\n"
            "# HELP b_total Bs.\n# TYPE b_total counter\nb_total{x=\"say \\\"hi\\\"\\n\"} 3\nb_total{x=\"y\"} 4\n");
}

TEST(Metrics, BucketsAddUp) {
  HttpMetrics metrics;
  metrics.count("GET", "/x", 200, 500);
  metrics.count("GET", "/x", 404, 2 * kSecondUs);
  double last = 0, inf = 0;
  for (const auto& metric : metrics.read()) {
    if (metric.name != "steward_http_request_seconds_bucket") continue;
    EXPECT_GE(metric.value, last);
    last = metric.value;
    if (metric.labels.at("le") == "+Inf") inf = metric.value;
  }
  EXPECT_EQ(inf, 2);
}

class Secrets : public testing::Test {
 protected:
  Secrets() {
    std::string name = (std::filesystem::temp_directory_path() / "steward-secrets-XXXXXX").string();
    folder = ::mkdtemp(name.data());
  }
  ~Secrets() override { std::filesystem::remove_all(folder); }
  std::filesystem::path folder;
  SystemRandom random;
};

TEST_F(Secrets, AreSealedAndOpened) {
  SecretStore store(journal::HomePaths(folder), "", random);
  ASSERT_TRUE(journal::prepare_home(journal::HomePaths(folder)).has_value());
  ASSERT_TRUE(store.set("openai", "sk-very-secret").has_value());
  EXPECT_EQ(*store.get("openai"), "sk-very-secret");
  EXPECT_EQ(store.names(), std::vector<std::string>{"openai"});
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file())
      EXPECT_EQ(read_file(entry.path())->find("very-secret"), std::string::npos) << entry.path();
  }
  EXPECT_FALSE(store.set("../x", "y").has_value());
  EXPECT_FALSE(store.set(".hidden", "y").has_value());
  EXPECT_EQ(store.get("other").error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(store.remove("openai").has_value());
  EXPECT_TRUE(store.names().empty());
}

TEST_F(Secrets, DontOpenUnderAnotherMasterKeyOrName) {
  const journal::HomePaths home(folder);
  ASSERT_TRUE(journal::prepare_home(home).has_value());
  SecretStore store(home, "", random);
  ASSERT_TRUE(store.set("a", "x").has_value());
  std::filesystem::copy_file(home.secrets() / "a.sealed", home.secrets() / "b.sealed");
  EXPECT_EQ(store.get("b").error().code, ErrorCode::kCorrupt);
  std::filesystem::remove(home.secrets() / "master.key");
  EXPECT_EQ(store.get("a").error().code, ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace steward::server
