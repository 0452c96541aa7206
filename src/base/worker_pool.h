// Threads for work that would hold up an io thread: hashing, parsing, searching, files. Behind a bounded queue: what
// does not fit is refused at once (kQueueFull), never piled up.
//
//   Result<Json> parsed = co_await pool.run([text] { return parse_json(text); });
//
// run() may be awaited on any executor; the awaiting coroutine goes on upon its own. What `fn` throws is thrown to the
// caller. The destructor finishes what is queued: whatever the work refers to must live as long as the pool, or be
// owned by it.
#pragma once
#include <exception>
#include <functional>
#include <memory>
#include <type_traits>

#include "base/async.h"
#include "base/error.h"

namespace steward {

template <class T>
struct AsResult {
  using Type = Result<T>;
};
template <class T>
struct AsResult<Result<T>> {
  using Type = Result<T>;
};

class WorkerPool {
 public:
  WorkerPool(size_t threads, size_t max_queued);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  Status post(std::move_only_function<void()> work);  // any thread; kQueueFull. Work that throws ends the process.
  size_t queued() const;                              // waiting, not begun
  void stop();                                        // finishes what is queued and joins; then post() refuses

  // What fn() returns, as a Result unless it is one already.
  template <class Fn>
  Task<typename AsResult<std::invoke_result_t<Fn&>>::Type> run(Fn fn) {
    using R = typename AsResult<std::invoke_result_t<Fn&>>::Type;
    auto out = co_await await_callback<Outcome<R>>(Start<Fn, R>{this, std::move(fn)});
    if (out.thrown) std::rethrow_exception(out.thrown);
    co_return std::move(*out.value);
  }

 private:
  template <class R>
  struct Outcome {
    std::optional<R> value;
    std::exception_ptr thrown;
  };

  // Hands fn to a worker; a named type, since a lambda that a coroutine keeps is easily kept too short.
  template <class Fn, class R>
  struct Start {
    WorkerPool* pool;
    Fn fn;
    void operator()(std::function<void(Outcome<R>)> done) {
      auto status = pool->post([fn = std::move(fn), done]() mutable { done(call<R>(fn)); });
      if (!status) done(Outcome<R>{.value = R(fail(std::move(status.error()))), .thrown = nullptr});
    }
  };

  template <class R, class Fn>
  static Outcome<R> call(Fn& fn) {
    Outcome<R> out;
    try {
      if constexpr (std::is_void_v<std::invoke_result_t<Fn&>>)
        fn(), out.value.emplace();
      else
        out.value.emplace(fn());
    } catch (...) {
      out.thrown = std::current_exception();
    }
    return out;
  }

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace steward
