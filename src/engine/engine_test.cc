// The engine with the real program and the shipped models, and with programs that misbehave.
#include "engine/engine.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <boost/asio/use_future.hpp>
#include <fstream>

#include "base/file.h"
#include "engine/embedder.h"
#include "engine/supervisor.h"

namespace steward::engine {
namespace {
namespace fs = std::filesystem;
using std::chrono::seconds;

fs::path prefix() { return executable_dir().parent_path(); }
bool laid() { return fs::exists(prefix() / "lib" / "steward-engine") && fs::exists(prefix() / "share/steward/models"); }

constexpr const char* kChat = "smollm2-135m-instruct";
constexpr const char* kEmbed = "multilingual-e5-small";

class LocalModels : public testing::Test {
 protected:
  LocalModels() {
    std::string name = (fs::temp_directory_path() / "stw-eng-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    options_.program = prefix() / "lib" / "steward-engine";
    options_.shipped_models = prefix() / "share/steward/models";
    options_.models = folder_ / "models";
    options_.sockets = folder_ / "s";
    options_.slots = 2;
    options_.context_tokens = 512;
    options_.memory_bytes = 4'000'000'000;
  }
  void SetUp() override {
    if (!laid()) GTEST_SKIP() << "the engine and its models are not laid beside the program (make setup)";
  }
  ~LocalModels() override {
    engine_.reset();
    fs::remove_all(folder_);
  }
  void start() {
    engine_ = make_engine(options_, threads_, clients_, random_, Log());
    ASSERT_TRUE(engine_->start().has_value());
  }
  Result<std::shared_ptr<Lease>> acquire(const std::string& model, CancelToken cancel = {},
                                         seconds longest = seconds(60)) {
    return asio::co_spawn(threads_.context(0), engine_->acquire(model, Deadline::in(longest), cancel), asio::use_future)
        .get();
  }
  Result<Embeddings> embed(std::vector<std::string> inputs, InputType type = InputType::kPassage) {
    return asio::co_spawn(threads_.context(0),
                          engine_->embed(kEmbed, std::move(inputs), type, Deadline::in(seconds(60)), {}),
                          asio::use_future)
        .get();
  }
  std::vector<pid_t> children() const {
    std::vector<pid_t> out;
    for (const auto& entry : fs::directory_iterator(fmt::format("/proc/{}/task", ::getpid()))) {
      std::ifstream file(entry.path() / "children");
      for (pid_t pid = 0; file >> pid;) out.push_back(pid);
    }
    return out;
  }

  fs::path folder_;
  Options options_;
  SystemRandom random_;
  net::IoThreads threads_{2};
  net::HttpClients clients_{threads_, Log()};
  std::unique_ptr<Engine> engine_;
};

float dot(const std::vector<float>& a, const std::vector<float>& b) {
  float sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

TEST_F(LocalModels, AreListedWithWhatTheyAre) {
  start();
  const auto chat = engine_->find(kChat);
  ASSERT_TRUE(chat.has_value());
  EXPECT_EQ(chat->kind, ModelKind::kChat);
  EXPECT_NEAR(static_cast<double>(chat->parameters), 135e6, 2e6);
  EXPECT_TRUE(chat->shipped);
  EXPECT_EQ(engine_->find(kEmbed)->dimensions, 384);
}

TEST_F(LocalModels, LoadOnDemandAndCount) {
  start();
  auto lease = acquire(kChat);
  ASSERT_TRUE(lease.has_value()) << lease.error().message;
  auto count =
      asio::co_spawn(threads_.context(1), engine_->count_tokens(*lease, "hello world"), asio::use_future).get();
  EXPECT_EQ(*count, 2);
  const Json request = {{"messages", {{{"role", "user"}, {"content", "hi"}}}}};
  auto chat = asio::co_spawn(threads_.context(1), engine_->count_chat_tokens(*lease, request), asio::use_future).get();
  EXPECT_EQ(*chat, 31);
}

TEST_F(LocalModels, ACrashIsFollowedByAnotherProcess) {
  start();
  auto first = acquire(kChat);
  ASSERT_TRUE(first.has_value()) << first.error().message;
  const auto pids = children();
  ASSERT_EQ(pids.size(), 1u);
  ::kill(pids[0], SIGKILL);
  engine_->report_failure(**first);
  auto second = acquire(kChat);
  ASSERT_TRUE(second.has_value()) << second.error().message;
  EXPECT_NE((*second)->generation(), (*first)->generation());
  auto count =
      asio::co_spawn(threads_.context(0), engine_->count_tokens(*second, "hello world"), asio::use_future).get();
  EXPECT_EQ(*count, 2);
}

TEST_F(LocalModels, AHangIsEndedAndFollowedByAnotherProcess) {
  options_.hang_timeout = seconds(2);
  start();
  auto first = acquire(kChat);
  ASSERT_TRUE(first.has_value()) << first.error().message;
  const auto pids = children();
  ASSERT_EQ(pids.size(), 1u);
  ::kill(pids[0], SIGSTOP);
  engine_->report_failure(**first);
  auto second = acquire(kChat);
  ASSERT_TRUE(second.has_value()) << second.error().message;
  EXPECT_NE((*second)->generation(), (*first)->generation());
  EXPECT_NE(::kill(pids[0], 0), 0);  // gone, not only left behind
}

TEST_F(LocalModels, NothingIsLeftRunning) {
  start();
  ASSERT_TRUE(acquire(kChat).has_value());
  engine_->stop();
  EXPECT_TRUE(children().empty());
}

TEST_F(LocalModels, MakeRoomForEachOther) {
  start();
  const auto need = [&](const char* name) { return read_catalog(options_).at(name).memory_bytes; };
  options_.memory_bytes = std::max(need(kChat), need(kEmbed)) + 10'000'000;
  start();
  {
    ASSERT_TRUE(acquire(kChat).has_value());
  }
  EXPECT_EQ(engine_->find(kChat)->state, ModelState::kReady);
  ASSERT_TRUE(acquire(kEmbed).has_value());
  EXPECT_EQ(engine_->find(kChat)->state, ModelState::kIdle);
}

TEST_F(LocalModels, TooLittleMemoryIsSaid) {
  options_.memory_bytes = 50'000'000;
  start();
  auto lease = acquire(kChat);
  ASSERT_FALSE(lease.has_value());
  EXPECT_EQ(lease.error().code, ErrorCode::kModelUnavailable);
  EXPECT_NE(lease.error().message.find("engine.memory_mb"), std::string::npos);
}

TEST_F(LocalModels, IdleOnesLeave) {
  options_.idle_unload = seconds(1);
  start();
  {
    ASSERT_TRUE(acquire(kChat).has_value());
  }
  for (int i = 0; i < 50 && engine_->find(kChat)->state == ModelState::kReady; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(engine_->find(kChat)->state, ModelState::kIdle);
}

TEST_F(LocalModels, Embed) {
  start();
  auto made =
      embed({"The cat sat on the mat.", "Die Katze saß auf der Matte.", "Interest rates rose by a quarter point."});
  ASSERT_TRUE(made.has_value()) << made.error().message;
  ASSERT_EQ(made->vectors.size(), 3u);
  ASSERT_EQ(made->vectors[0].size(), 384u);
  EXPECT_NEAR(dot(made->vectors[0], made->vectors[0]), 1, 1e-4);
  EXPECT_GT(dot(made->vectors[0], made->vectors[1]), dot(made->vectors[0], made->vectors[2]));
  EXPECT_GT(made->tokens, 20);
}

TEST_F(LocalModels, EmbedAnythingWithoutHarm) {
  start();
  std::string long_text;
  for (int i = 0; i < 3000; ++i) long_text += "word" + std::to_string(i % 97) + " ";
  std::string strange;
  for (int i = 0; i < 600; ++i) strange += "\xef\xb7\xba";  // U+FDFA becomes eighteen characters by NFKC
  auto made = embed({long_text, strange, "   ", "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb",
                     std::string(20'000, 'a'), "<s></s><unk>"});
  ASSERT_TRUE(made.has_value()) << made.error().message;
  for (const auto& vector : made->vectors) EXPECT_NEAR(dot(vector, vector), 1, 1e-4);
  EXPECT_EQ(embed({std::string("a\0b", 3)}).error().code, ErrorCode::kInvalidRequest);
  EXPECT_EQ(embed({""}).error().code, ErrorCode::kInvalidRequest);
  EXPECT_EQ(embed({"\xff"}).error().code, ErrorCode::kInvalidUtf8);
  EXPECT_EQ(embed({}).error().code, ErrorCode::kInvalidRequest);
  EXPECT_EQ(embed({std::string(2 * kMaxInputBytes, 'x')}).error().code, ErrorCode::kContextTooLong);
  EXPECT_TRUE(embed({"still there"}).has_value());
}

TEST_F(LocalModels, QueriesAndPassagesDiffer) {
  start();
  auto query = embed({"boats"}, InputType::kQuery), passage = embed({"boats"}, InputType::kPassage);
  ASSERT_TRUE(query && passage);
  EXPECT_LT(dot(query->vectors[0], passage->vectors[0]), 0.9999f);
}

TEST_F(LocalModels, ADamagedFileIsNamedAndDoesNoHarm) {
  fs::create_directories(options_.models);
  std::ofstream(options_.models / "broken.gguf") << "GGUF and then nothing";
  start();
  ASSERT_TRUE(engine_->find("broken").has_value());
  EXPECT_FALSE(engine_->find("broken")->problem.empty());
  EXPECT_EQ(acquire("broken").error().code, ErrorCode::kModelUnavailable);
  EXPECT_EQ(acquire("absent").error().code, ErrorCode::kModelNotFound);
  EXPECT_TRUE(acquire(kChat).has_value());
}

TEST_F(LocalModels, AProgramThatEndsAtOnceIsSaidAndNotTriedWithoutPause) {
  options_.program = "/bin/false";
  start();
  auto lease = acquire(kChat);
  ASSERT_FALSE(lease.has_value());
  EXPECT_EQ(lease.error().code, ErrorCode::kModelUnavailable);
  EXPECT_NE(lease.error().message.find("ended with code 1"), std::string::npos) << lease.error().message;
  EXPECT_FALSE(acquire(kChat).has_value());
  EXPECT_EQ(engine_->find(kChat)->state, ModelState::kFailed);
}

TEST_F(LocalModels, WaitingEndsWithTheDeadlineAndByCancel) {
  std::ofstream(folder_ / "sleeper") << "#!/bin/sh\nexec sleep 1000\n";
  fs::permissions(folder_ / "sleeper", fs::perms::owner_all);
  options_.program = folder_ / "sleeper";
  options_.load_timeout = seconds(3);
  start();
  EXPECT_EQ(acquire(kChat, {}, seconds(1)).error().code, ErrorCode::kUpstreamTimeout);
  CancelToken cancel;
  cancel.cancel(CancelReason::kClientGone);
  EXPECT_EQ(acquire(kChat, cancel).error().code, ErrorCode::kCancelled);
  EXPECT_EQ(acquire(kChat).error().code, ErrorCode::kModelUnavailable) << "the load itself has its limit";
}

TEST(Windows, CoverEveryTokenOnce) {
  std::vector<int64_t> tokens = {0, 7, 8};
  for (int64_t i = 100; i < 1350; ++i) tokens.push_back(i);
  tokens.push_back(2);
  const auto windows = cut_windows(tokens, 2, 512);
  std::vector<int64_t> seen;
  for (const auto& window : windows) {
    EXPECT_LE(window.size(), 512u);
    EXPECT_EQ(window[0], 0);
    EXPECT_EQ(window[1], 7);
    EXPECT_EQ(window.back(), 2);
    seen.insert(seen.end(), window.begin() + 3, window.end() - 1);
  }
  EXPECT_EQ(seen, std::vector<int64_t>(tokens.begin() + 3, tokens.end() - 1));
  EXPECT_EQ(cut_windows({0, 1, 2}, 2, 512).size(), 1u);
}

}  // namespace
}  // namespace steward::engine
