#include "base/worker_pool.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <future>
#include <thread>

namespace steward {
namespace {

template <class T>
T on_io(Task<T> task) {
  asio::io_context context;
  auto future = asio::co_spawn(context, std::move(task), asio::use_future);
  context.run();
  return future.get();
}

Task<Result<bool>> goes_home(WorkerPool& pool) {
  auto here = std::this_thread::get_id();
  auto there = co_await pool.run([] { return std::this_thread::get_id(); });
  if (!there) co_return fail(there.error());
  co_return *there != here&& std::this_thread::get_id() == here;
}

TEST(WorkerPool, WorksElsewhereAndComesBack) {
  WorkerPool pool(2, 8);
  EXPECT_TRUE(on_io(goes_home(pool)).value());
}

TEST(WorkerPool, HandsOnResultsErrorsAndExceptions) {
  WorkerPool pool(1, 8);
  EXPECT_EQ(on_io(pool.run([] { return Result<int>(7); })).value(), 7);
  EXPECT_EQ(on_io(pool.run([]() -> Result<int> { return fail(ErrorCode::kNotFound); })).error().code,
            ErrorCode::kNotFound);
  bool ran = false;
  EXPECT_TRUE(on_io(pool.run([&ran] { ran = true; })).has_value());
  EXPECT_TRUE(ran);
  auto owned = std::make_unique<int>(3);
  EXPECT_EQ(on_io(pool.run([owned = std::move(owned)] { return *owned; })).value(), 3);
  EXPECT_THROW(on_io(pool.run([]() -> int { throw std::runtime_error("broken"); })), std::runtime_error);
}

TEST(WorkerPool, RefusesWhatItsQueueDoesNotHold) {
  std::promise<void> begun, go;
  WorkerPool pool(1, 2);
  ASSERT_TRUE(pool.post([&] { begun.set_value(), go.get_future().wait(); }).has_value());
  begun.get_future().wait();
  int done = 0;
  EXPECT_TRUE(pool.post([&] { ++done; }).has_value());
  EXPECT_TRUE(pool.post([&] { ++done; }).has_value());
  EXPECT_EQ(pool.queued(), 2u);
  EXPECT_EQ(pool.post([&] { ++done; }).error().code, ErrorCode::kQueueFull);
  EXPECT_EQ(on_io(pool.run([] { return 1; })).error().code, ErrorCode::kQueueFull);
  go.set_value();
  pool.stop();  // finishes what is queued
  EXPECT_EQ(done, 2);
  EXPECT_EQ(pool.post([] {}).error().code, ErrorCode::kShuttingDown);
}

}  // namespace
}  // namespace steward
