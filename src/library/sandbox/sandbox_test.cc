#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>

#include "library/extract/extractor.h"
#include "library/sandbox/bubblewrap.h"
#include "library/sandbox/process.h"
#include "library/sandbox/strength.h"

namespace steward::library::sandbox {
namespace {

using namespace std::chrono_literals;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

template <class T>
T finish(Task<T> task) {
  ::signal(SIGPIPE, SIG_IGN);
  asio::io_context context;
  auto future = asio::co_spawn(context, std::move(task), asio::use_future);
  context.run();
  return future.get();
}

Outcome ran(Plan plan, std::string input = "", Deadline deadline = Deadline::in(20s), CancelToken cancel = {}) {
  auto outcome = finish(run(std::move(plan), std::move(input), deadline, std::move(cancel)));
  EXPECT_TRUE(outcome) << outcome.error().message;
  return outcome ? std::move(*outcome) : Outcome{};
}

std::filesystem::path reader() { return Extractor::shipped_program(); }

TEST(SandboxProcess, HandsOverAndTakesBackMoreThanPipesHold) {
  const std::string much(5'000'000, 'x');
  const auto outcome = ran({.program = "/bin/cat"}, much);
  EXPECT_EQ(outcome.ended, Ended::kItself);
  EXPECT_EQ(outcome.output == much, true);
}

TEST(SandboxProcess, OneThatReadsNothingIsNoMatter) {
  const auto outcome = ran({.program = "/bin/true"}, std::string(5'000'000, 'x'));
  EXPECT_EQ(outcome.ended, Ended::kItself);
  EXPECT_EQ(outcome.code, 0);
}

TEST(SandboxProcess, IsKilledAtItsDeadline) {
  const auto start = std::chrono::steady_clock::now();
  const auto outcome = ran({.program = "/bin/sleep", .arguments = {"60"}}, "", Deadline::in(200ms));
  EXPECT_EQ(outcome.ended, Ended::kDeadline);
  EXPECT_EQ(outcome.signal, SIGKILL);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 10s);
}

TEST(SandboxProcess, IsKilledWhenItSaysTooMuch) {
  const auto outcome = ran({.program = "/usr/bin/yes", .max_output_bytes = 100'000});
  EXPECT_EQ(outcome.ended, Ended::kTooMuchOutput);
  EXPECT_LE(outcome.output.size(), 100'000U);
}

TEST(SandboxProcess, IsKilledWhenItIsCancelled) {
  CancelToken cancel;
  std::thread other([cancel]() mutable {
    std::this_thread::sleep_for(100ms);
    cancel.cancel(CancelReason::kStopped);
  });
  const auto outcome = ran({.program = "/bin/sleep", .arguments = {"60"}}, "", Deadline::in(30s), cancel);
  other.join();
  EXPECT_EQ(outcome.ended, Ended::kCancelled);
}

TEST(SandboxProcess, TellsCodesAndSignals) {
  EXPECT_EQ(ran({.program = "/bin/false"}).code, 1);
  EXPECT_EQ(ran({.program = "/bin/sh", .arguments = {"-c", "kill -SEGV $$"}}).signal, SIGSEGV);
}

TEST(SandboxProcess, GivesNoEnvironmentAndNoDescriptors) {
  ::setenv("STEWARD_SECRET_FOR_TEST", "x", 1);
  const int open_here = ::dup(0);
  const auto outcome =
      ran({.program = "/bin/sh", .arguments = {"-c", "echo [$STEWARD_SECRET_FOR_TEST]; echo /proc/self/fd/*"}});
  ::close(open_here);
  EXPECT_TRUE(outcome.output.starts_with("[]\n"));
  // The shell's own three; the folder that it lists stands there while it lists.
  EXPECT_EQ(std::ranges::count(outcome.output, '/') / 4, 4) << outcome.output;
}

TEST(SandboxProcess, WhatIsNotThereIsAnError) {
  const auto outcome = finish(run({.program = "/nowhere/reader"}, "", Deadline(), CancelToken()));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::kIo);
}

TEST(SandboxProcess, BubblewrapShowsLibrariesAndNothingElse) {
  if (find_bubblewrap().empty()) GTEST_SKIP() << "bubblewrap is not installed";
  if (finish(choose(reader(), Choice::kStrongest)) != Around::kBubblewrap) GTEST_SKIP() << "no namespaces here";
  const auto outcome = ran({.program = "/bin/ls", .arguments = {"/", "/usr"}, .around = Around::kBubblewrap});
  EXPECT_EQ(outcome.code, 0);
  for (const char* hidden : {"home\n", "root\n", "proc\n", "tmp\n", "var\n", "bin\n", "share\n"})
    EXPECT_EQ(outcome.output.find(hidden), std::string::npos) << hidden << " in " << outcome.output;
}

// Both ways in which the reader is ever started: every attempt to get out must fail, and the four that no reader has a
// use for must end the process by the filter's own signal.
class Attempts : public testing::TestWithParam<Choice> {};

TEST_P(Attempts, AreRefused) {
  const auto strength = finish(measure(reader(), GetParam()));
  ASSERT_TRUE(strength) << strength.error().message;
  EXPECT_THAT(strength->possible, IsEmpty());
  EXPECT_THAT(strength->refused, UnorderedElementsAre("socket", "write", "fork", "exec", "kill", "read"));
}

TEST_P(Attempts, EndTheProcessByTheFilter) {
  const auto around = finish(choose(reader(), GetParam()));
  for (const char* what : {"socket", "write", "fork", "exec", "kill"}) {
    Plan plan{.program = reader(), .arguments = {"--attempt", what}, .around = around};
    EXPECT_EQ(ran(plan).signal, SIGSYS) << what;
  }
}

INSTANTIATE_TEST_SUITE_P(Sandbox, Attempts, testing::Values(Choice::kStrongest, Choice::kWithoutBubblewrap));

TEST(SandboxStrength, WithoutBubblewrapRootIsLeft) {
  const auto strength = finish(measure(reader(), Choice::kWithoutBubblewrap));
  ASSERT_TRUE(strength);
  EXPECT_EQ(strength->around, Around::kNothing);
  EXPECT_TRUE(strength->unprivileged);
}

TEST(SandboxStrength, AProgramThatDoesNotConfineItselfIsNotTakenForOneThatDoes) {
  EXPECT_FALSE(finish(measure("/bin/true", Choice::kWithoutBubblewrap)));  // says nothing
  EXPECT_FALSE(finish(measure("/bin/false", Choice::kWithoutBubblewrap)));
  const auto echo = finish(measure("/bin/echo", Choice::kWithoutBubblewrap));  // says what it was asked
  EXPECT_FALSE(echo);
}

TEST(SandboxStrength, IsDescribed) {
  const Strength strength{.around = Around::kBubblewrap, .landlock = 3, .unprivileged = true, .refused = {"socket"}};
  EXPECT_EQ(describe(strength), "bubblewrap, Landlock, seccomp; 1 of 1 attempts to get out were refused");
}

}  // namespace
}  // namespace steward::library::sandbox
