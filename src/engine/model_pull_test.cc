// Fetching a model from a server on this machine: whole, broken off and gone on with, changed in between, wrong,
// redirected.
#include "engine/model_pull.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/use_future.hpp>
#include <fstream>

#include "base/crypto.h"
#include "base/file.h"
#include "base/json.h"
#include "engine/recommended_models.h"

namespace steward::engine {
namespace {
namespace fs = std::filesystem;

void put(std::string& out, uint64_t value, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i) & 0xFF);
}
void put_text(std::string& out, std::string_view text) {
  put(out, text.size(), 8);
  out += text;
}

// A whole GGUF file with one tensor of `values` floats (ggml docs/gguf.md).
std::string small_model(uint64_t values, char fill = 1) {
  std::string out = "GGUF";
  put(out, 3, 4);
  put(out, 1, 8);
  put(out, 1, 8);
  put_text(out, "general.architecture");
  put(out, 8, 4);
  put_text(out, "llama");
  put_text(out, "token_embd.weight");
  put(out, 1, 4);
  put(out, values, 8);
  put(out, 0, 4);
  put(out, 0, 8);
  out.resize((out.size() + 31) / 32 * 32, '\0');
  return out + std::string(values * 4, fill);
}

// What the server offers, and how it misbehaves.
struct Offer {
  std::string bytes, etag = "\"v1\"";
  size_t break_after = SIZE_MAX;  // bytes of one answer after which it ends short
  size_t shift = 0;               // a range begins so much later than was asked
  int refusals = 0;               // this many requests are answered 503 first
  int requests = 0, ranged = 0;
  std::string authorization;
};

Task<void> serve_file(Offer& offer, net::Request& request, net::Responder& responder) {
  ++offer.requests;
  offer.authorization = request.headers.get("authorization");
  if (offer.refusals-- > 0) {
    (void)co_await responder.send(503, "text/plain", "later");
    co_return;
  }
  size_t from = 0;
  const std::string range(request.headers.get("range"));
  if (range.starts_with("bytes=") && request.headers.get("if-range") == offer.etag) {
    ++offer.ranged;
    from = std::stoul(range.substr(6)) + offer.shift;
    responder.headers().set("content-range",
                            fmt::format("bytes {}-{}/{}", from, offer.bytes.size() - 1, offer.bytes.size()));
  }
  if (!offer.etag.empty()) responder.headers().set("etag", offer.etag);
  const std::string body = offer.bytes.substr(from, offer.break_after);
  if (body.size() == offer.bytes.size() - from) {
    (void)co_await responder.send(from > 0 ? 206 : 200, "application/octet-stream", body);
    co_return;
  }
  (void)co_await responder.begin(from > 0 ? 206 : 200, "application/octet-stream");
  (void)co_await responder.write(body);
  throw std::runtime_error("the line broke");  // the connection ends without the last chunk
}

Task<void> redirect(net::Request&, net::Responder& responder) {
  responder.headers().set("location", "/file.gguf");
  (void)co_await responder.send(302, "text/plain", "");
}

Task<void> tree(Offer& offer, net::Request&, net::Responder& responder) {
  const Json listing = {
      {{"path", "README.md"}, {"size", 5}},
      {{"path", "Small-F16.gguf"}, {"size", 9}},
      {{"path", "Small-Q4_K_M.gguf"}, {"size", offer.bytes.size()}, {"lfs", {{"oid", to_hex(sha256(offer.bytes))}}}}};
  (void)co_await responder.send(200, "application/json", listing.dump());
}

class Pull : public testing::Test {
 protected:
  Pull() {
    std::string name = (fs::temp_directory_path() / "steward-pull-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    offer_.bytes = small_model(100'000);
    router_.add("GET", "/file.gguf", [this](net::Request& q, net::Responder& r) { return serve_file(offer_, q, r); });
    router_.add("GET", "/moved.gguf", [](net::Request& q, net::Responder& r) { return redirect(q, r); });
    router_.add("GET", "/api/models/{owner}/{name}/tree/main",
                [this](net::Request& q, net::Responder& r) { return tree(offer_, q, r); });
    router_.add("GET", "/{owner}/{name}/resolve/main/{file}",
                [this](net::Request& q, net::Responder& r) { return serve_file(offer_, q, r); });
    server_ = net::make_server(threads_, router_, {.port = 0}, {}, clock_, random_, Log());
    EXPECT_TRUE(server_->start().has_value());
  }
  ~Pull() override {
    server_->drain(Deadline::in(std::chrono::seconds(1)));
    fs::remove_all(folder_);
  }

  std::string url(const std::string& path) const { return fmt::format("http://127.0.0.1:{}{}", server_->port(), path); }
  Result<PullSource> find(const std::string& what, const std::string& token = "") {
    return asio::co_spawn(threads_.context(0), find_source(clients_, what, {url(""), token}, {}), asio::use_future)
        .get();
  }
  Result<PulledModel> pull(PullSource source, int tries = 2) {
    PullRequest request{
        std::move(source), folder_, "", false, tries, [this](const PullProgress& progress) { last_ = progress; }};
    return asio::co_spawn(threads_.context(0), pull_model(clients_, std::move(request), {}), asio::use_future).get();
  }

  fs::path folder_;
  Offer offer_;
  PullProgress last_;
  SystemClock clock_;
  SystemRandom random_;
  net::IoThreads threads_{1};
  net::HttpClients clients_{threads_, Log()};
  net::Router router_;
  std::unique_ptr<net::Server> server_;
};

TEST_F(Pull, TakesAModelWhole) {
  auto source = find(url("/file.gguf") + "#sha256=" + to_hex(sha256(offer_.bytes)));
  ASSERT_TRUE(source.has_value()) << source.error().message;
  auto pulled = pull(*source);
  ASSERT_TRUE(pulled.has_value()) << pulled.error().message;
  EXPECT_TRUE(pulled->checked);
  EXPECT_EQ(pulled->model.name, "file");
  EXPECT_EQ(*read_file(folder_ / "file.gguf"), offer_.bytes);
  EXPECT_EQ(last_.have, offer_.bytes.size());
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1) << "nothing but the model is left";
}

TEST_F(Pull, GoesOnWhereItBrokeOff) {
  offer_.break_after = 150'000;
  auto pulled = pull(*find(url("/file.gguf")));
  ASSERT_TRUE(pulled.has_value()) << pulled.error().message;
  EXPECT_GE(offer_.ranged, 2);
  EXPECT_EQ(*read_file(folder_ / "file.gguf"), offer_.bytes);
  EXPECT_FALSE(pulled->checked);
  EXPECT_EQ(pulled->sha256, to_hex(sha256(offer_.bytes)));
}

TEST_F(Pull, ALaterCommandGoesOn) {
  std::ofstream(folder_ / ".file.part") << offer_.bytes.substr(0, 123'456);
  std::ofstream(folder_ / ".file.part.json") << Json{{"url", url("/file.gguf")}, {"validator", "\"v1\""}};
  auto pulled = pull(*find(url("/file.gguf")));
  ASSERT_TRUE(pulled.has_value()) << pulled.error().message;
  EXPECT_EQ(offer_.ranged, 1);
  EXPECT_EQ(last_.resumed, 123'456u);
  EXPECT_EQ(*read_file(folder_ / "file.gguf"), offer_.bytes);
}

TEST_F(Pull, APartThatBeginsElsewhereIsNotJoined) {
  std::ofstream(folder_ / ".file.part") << offer_.bytes.substr(0, 1'000);
  std::ofstream(folder_ / ".file.part.json") << Json{{"url", url("/file.gguf")}, {"validator", "\"v1\""}};
  offer_.shift = 100;
  auto pulled = pull(*find(url("/file.gguf")));
  ASSERT_TRUE(pulled.has_value()) << pulled.error().message;
  EXPECT_EQ(*read_file(folder_ / "file.gguf"), offer_.bytes);
}

TEST_F(Pull, AServerThatIsBusyIsAskedAgain) {
  offer_.refusals = 1;
  auto pulled = pull(*find(url("/file.gguf")));
  ASSERT_TRUE(pulled.has_value()) << pulled.error().message;
  EXPECT_EQ(offer_.requests, 2);
}

TEST_F(Pull, AServerThatCannotResumeAndAlwaysBreaksOffIsGivenUp) {
  offer_.etag.clear();
  offer_.break_after = 150'000;
  EXPECT_FALSE(pull(*find(url("/file.gguf"))).has_value());
  EXPECT_EQ(offer_.requests, 3);  // once, and twice more that came no further
}

TEST_F(Pull, BeginsAnewWhereTheFileHasChanged) {
  std::ofstream(folder_ / ".file.part") << "old bytes";
  std::ofstream(folder_ / ".file.part.json") << Json{{"url", url("/file.gguf")}, {"validator", "\"v0\""}};
  auto pulled = pull(*find(url("/file.gguf")));
  ASSERT_TRUE(pulled.has_value()) << pulled.error().message;
  EXPECT_EQ(offer_.ranged, 0);
  EXPECT_EQ(*read_file(folder_ / "file.gguf"), offer_.bytes);
}

TEST_F(Pull, RefusesWhatWasNotPromised) {
  auto pulled = pull(*find(url("/file.gguf") + "#sha256=" + std::string(64, 'a')));
  ASSERT_FALSE(pulled.has_value());
  EXPECT_EQ(pulled.error().code, ErrorCode::kCorrupt);
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(Pull, RefusesWhatIsNoModel) {
  offer_.bytes = "<html>Sign in first</html>";
  auto pulled = pull(*find(url("/file.gguf")));
  ASSERT_FALSE(pulled.has_value());
  EXPECT_NE(pulled.error().message.find("no usable model file"), std::string::npos);
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(Pull, FollowsARedirect) { EXPECT_TRUE(pull(*find(url("/moved.gguf"))).has_value()); }

TEST_F(Pull, ANameThatIsTakenIsLeftAlone) {
  ASSERT_TRUE(pull(*find(url("/file.gguf"))).has_value());
  EXPECT_EQ(pull(*find(url("/file.gguf"))).error().code, ErrorCode::kConflict);
}

TEST_F(Pull, AsksTheHubForARepository) {
  auto source = find("owner/Small-GGUF", "hf_token");
  ASSERT_TRUE(source.has_value()) << source.error().message;
  EXPECT_EQ(source->file_name, "Small-Q4_K_M.gguf");
  auto pulled = pull(*source);
  ASSERT_TRUE(pulled.has_value()) << pulled.error().message;
  EXPECT_TRUE(pulled->checked);
  EXPECT_EQ(offer_.authorization, "Bearer hf_token");
  EXPECT_EQ(find("owner/Small-GGUF:f16")->file_name, "Small-F16.gguf");
  EXPECT_EQ(find("owner/Small-GGUF:q9").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(find("nonsense").error().code, ErrorCode::kInvalidRequest);
}

TEST(ModelNames, AreMadeFromFiles) {
  EXPECT_EQ(model_name_of("/x/Qwen3 4B-Q4_K_M.gguf"), "qwen3-4b-q4_k_m");
  EXPECT_EQ(model_name_of("../..gguf"), "");
  for (const char* bad : {"", "a/b", "A", ".x", "../x"}) EXPECT_FALSE(check_model_name(bad).has_value()) << bad;
}

TEST(RecommendedModels, GrowInSizeAndNeedMoreThanTheirFile) {
  uint64_t last = 0;
  for (const auto& model : recommended_models()) {
    EXPECT_GT(model.memory_bytes, model.file_bytes) << model.name;
    EXPECT_GT(model.memory_bytes, last) << model.name;
    last = model.memory_bytes;
  }
}

}  // namespace
}  // namespace steward::engine
