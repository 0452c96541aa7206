#include "library/extract/extractor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <fstream>

namespace steward::library {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

// A script in the reader's place: what a reader does that was taken over, or hangs.
class Fake {
 public:
  explicit Fake(const std::string& script)
      : path_(fs::temp_directory_path() / ("steward-reader-" + std::to_string(::getpid()))) {
    std::ofstream(path_) << "#!/bin/sh\n" << script << '\n';
    ::chmod(path_.c_str(), 0700);
  }
  ~Fake() { fs::remove(path_); }
  Extractor::Options options() const {
    return {.program = path_, .at_once = 1, .longest = 20s, .choice = sandbox::Choice::kWithoutBubblewrap};
  }

 private:
  fs::path path_;
};

Extractor::Options real(sandbox::Choice choice = sandbox::Choice::kStrongest) {
  return {.program = Extractor::shipped_program(), .choice = choice};
}

class ExtractorTest : public testing::Test {
 protected:
  ExtractorTest() { ::signal(SIGPIPE, SIG_IGN); }

  auto spawn(Extractor& extractor, std::string bytes, std::string name = "", Deadline deadline = {},
             CancelToken cancel = {}) {
    return asio::co_spawn(context_, extractor.extract(std::move(bytes), std::move(name), deadline, cancel),
                          asio::use_future);
  }
  Result<Extraction> extract(const Extractor::Options& options, std::string bytes, std::string name = "",
                             Deadline deadline = {}) {
    Extractor extractor(options);
    auto future = spawn(extractor, std::move(bytes), std::move(name), deadline);
    context_.restart();
    context_.run();
    return future.get();
  }
  std::string reason(const Result<Extraction>& result) {
    return result ? "none" : result.error().details.value("reason", std::string(info(result.error().code).name));
  }

  asio::io_context context_;
};

TEST(Notes, SayInASentenceWhatTheirWordAndNumbersTell) {
  EXPECT_EQ(sentence_of({.code = "pages_cut", .count = 9, .kept = 2}), "It has 9 pages: the first 2 are read.");
  EXPECT_EQ(sentence_of({.code = "pages_until", .count = 9, .kept = 2}), "Pages 1 to 2 of 9 are read.");
  EXPECT_EQ(sentence_of({.code = "text_cut", .kept = 8 << 20}), "It is long: the first 8.4 MB of its text are kept.");
  EXPECT_EQ(sentence_of({.code = "no such word"}), "");
}

TEST_F(ExtractorTest, ReadsInBothSandboxes) {
  for (const auto choice : {sandbox::Choice::kStrongest, sandbox::Choice::kWithoutBubblewrap}) {
    const auto result = extract(real(choice), "a,b\n1,2\n", "Table.CSV");
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_EQ(result->kind, Kind::kText);
    EXPECT_EQ(result->type, "text/csv");
    EXPECT_EQ(result->text, "a,b\n1,2\n");
    EXPECT_FALSE(result->pages);
  }
}

TEST_F(ExtractorTest, NamesAreNotBelieved) {
  const auto result = extract(real(), "GIF89a\x20\x01\x10\x00\x00\x00\x00" + std::string(20, '\0'), "invoice.pdf");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->kind, Kind::kImage);
  EXPECT_EQ(result->type, "image/gif");
  EXPECT_EQ(result->width, 0x120);
  EXPECT_EQ(result->height, 0x10);
}

TEST_F(ExtractorTest, WhatIsTooLargeIsNotStarted) {
  auto options = real();
  options.max_bytes = 10;
  const auto result = extract(options, "more than ten bytes");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kBodyTooLarge);
}

TEST_F(ExtractorTest, AReaderThatDiesIsAnErrorOfThatFile) {
  EXPECT_EQ(reason(extract(Fake("kill -SEGV $$").options(), "x")), "crashed");
  EXPECT_EQ(reason(extract(Fake("kill -SYS $$").options(), "x")), "crashed");
  EXPECT_EQ(reason(extract(Fake("kill -XCPU $$").options(), "x")), "timeout");
  EXPECT_EQ(reason(extract(Fake("kill -KILL $$").options(), "x")), "memory");
  EXPECT_EQ(reason(extract(Fake("exit 1").options(), "x")), "crashed");
  EXPECT_EQ(reason(extract(Fake("exit 0").options(), "x")), "crashed");
  EXPECT_EQ(reason(extract(Fake("exit 3").options(), "x")), "io_error");
}

TEST_F(ExtractorTest, AReaderThatHangsIsEndedAtItsOwnLimitOrTheCallers) {
  const Fake fake("exec sleep 60");
  auto options = fake.options();
  options.longest = 1s;
  EXPECT_EQ(reason(extract(options, "x")), "timeout");
  options.longest = 60s;
  EXPECT_EQ(reason(extract(options, "x", "", Deadline::in(300ms))), "request_timeout");
}

TEST_F(ExtractorTest, AReaderThatFloodsIsEnded) {
  EXPECT_EQ(reason(extract(Fake("exec yes").options(), "x")), "crashed");
}

TEST_F(ExtractorTest, WhatAReaderSaysIsLookedAt) {
  const auto said = [&](const std::string& head, const std::string& text) {
    return reason(extract(Fake("cat >/dev/null; printf '%s\\n' '" + head + "'; printf '" + text + "'").options(), "x"));
  };
  const std::string good =
      R"({"kind":"pdf","type":"application/pdf","pages":2,"notes":[{"code":"pages_cut","count":9,"kept":2}]})";
  EXPECT_EQ(said(good, "one\\ftwo\\n"), "none");
  EXPECT_EQ(said(good, "bad \\377 bytes"), "crashed");
  EXPECT_EQ(said(good, "escape \\033[2J"), "crashed");
  EXPECT_EQ(said(R"({"kind":"pdf","type":"application/pdf; x=<script>"})", ""), "crashed");
  EXPECT_EQ(said(R"({"kind":"shell","type":"application/pdf"})", ""), "crashed");
  EXPECT_EQ(said(R"({"kind":"pdf","type":"application/pdf","pages":-1})", ""), "crashed");
  EXPECT_EQ(said(R"({"kind":"pdf","type":"application/pdf","pages":1e300})", ""), "crashed");
  for (const char* notes : {R"({"a":1})", R"(["call this number"])", R"([{"code":"call this number"}])",
                            R"([{"code":"pages_cut","count":-1}])", R"([{"code":"pages_cut","kept":"2"}])"})
    EXPECT_EQ(said(fmt::format(R"({{"kind":"pdf","type":"application/pdf","notes":{}}})", notes), ""), "crashed")
        << notes;
  EXPECT_EQ(said(R"({"fault":"protected"})", ""), "protected");
  EXPECT_EQ(said(R"({"fault":"call this number"})", ""), "crashed");
  EXPECT_EQ(said(R"({"fault":{}})", ""), "crashed");
  EXPECT_EQ(said("[[[[[[", ""), "crashed");
}

TEST_F(ExtractorTest, OneAtATimeAndTheOthersWaitTheirTurn) {
  const Fake fake(R"(cat >/dev/null; echo '{"kind":"text","type":"text/plain"}')");
  Extractor extractor(fake.options());
  std::vector<std::future<Result<Extraction>>> all;
  for (int i = 0; i < 8; ++i) all.push_back(spawn(extractor, "x"));
  context_.run();
  for (auto& one : all) EXPECT_TRUE(one.get());
}

TEST_F(ExtractorTest, WaitingEndsByDeadlineByCancelAndByAFullQueue) {
  const Fake fake("sleep 1");
  Extractor extractor(fake.options());
  auto first = spawn(extractor, "x");
  auto late = spawn(extractor, "x", "", Deadline::in(100ms));
  CancelToken cancel;
  auto cancelled = spawn(extractor, "x", "", {}, cancel);
  std::vector<std::future<Result<Extraction>>> rest;
  for (size_t i = 0; i < Extractor::kMaxWaiting; ++i) rest.push_back(spawn(extractor, "x", "", Deadline::in(200ms)));
  asio::steady_timer timer(context_, 100ms);
  timer.async_wait([&](auto) { cancel.cancel(CancelReason::kClientGone); });
  context_.run();
  EXPECT_EQ(reason(late.get()), "request_timeout");
  EXPECT_EQ(reason(cancelled.get()), "cancelled");
  EXPECT_EQ(reason(rest.back().get()), "queue_full");
  EXPECT_EQ(reason(rest.front().get()), "request_timeout");
  EXPECT_EQ(reason(first.get()), "crashed");  // the script answers nothing
}

TEST_F(ExtractorTest, WorkersOnManyThreadsShareThePlaces) {
  const Fake fake(R"(cat >/dev/null; echo '{"kind":"text","type":"text/plain"}')");
  Extractor extractor(fake.options());
  std::atomic<int> read = 0;
  std::vector<std::thread> workers;
  for (int i = 0; i < 6; ++i) {
    workers.emplace_back([&] { read += extractor.extract_blocking("x", "").has_value() ? 1 : 0; });
  }
  for (auto& worker : workers) worker.join();
  EXPECT_EQ(read, 6);
}

TEST_F(ExtractorTest, WithoutItsReaderItSaysSo) {
  const auto result = extract({.program = "/nowhere/steward-extract"}, "x");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kIo);
  EXPECT_NE(result.error().message.find("steward doctor"), std::string::npos);
}

}  // namespace
}  // namespace steward::library
