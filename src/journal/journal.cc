#include "journal/journal.h"

#include <future>

#include "journal/when_durable.h"

namespace steward::journal {

Task<Result<Appended>> Journal::append(Id tenant, std::vector<Draft> drafts, Wait wait) {
  auto held = std::make_shared<std::vector<Draft>>(std::move(drafts));
  co_return co_await decide(
      std::move(tenant), [held]() -> Result<std::vector<Draft>> { return std::move(*held); }, wait);
}

Task<Result<Appended>> Journal::decide(Id tenant, Decision decision, Wait wait) {
  co_return co_await await_callback<Result<Appended>>(
      [&](AppendCallback done) { submit(tenant, std::move(decision), std::move(done), wait); });
}

Result<Appended> Journal::append_blocking(Id tenant, std::vector<Draft> drafts, Wait wait) {
  auto promise = std::make_shared<std::promise<Result<Appended>>>();
  auto future = promise->get_future();
  auto held = std::make_shared<std::vector<Draft>>(std::move(drafts));
  submit(
      std::move(tenant), [held]() -> Result<std::vector<Draft>> { return std::move(*held); },
      [promise](Result<Appended> result) { promise->set_value(std::move(result)); }, wait);
  return future.get();
}

Task<Result<Appended>> Journal::erase(Id tenant, ErasureRequest request) {
  co_return co_await await_callback<Result<Appended>>(
      [&](AppendCallback done) { erase(tenant, std::move(request), std::move(done)); });
}

Result<Appended> Journal::erase_blocking(Id tenant, ErasureRequest request) {
  auto promise = std::make_shared<std::promise<Result<Appended>>>();
  auto future = promise->get_future();
  erase(std::move(tenant), std::move(request),
        [promise](Result<Appended> result) { promise->set_value(std::move(result)); });
  return future.get();
}

void Journal::submit(Id tenant, Decision decide, AppendCallback done, Wait wait) {
  if (wait == Wait::kWritten)
    return submit(std::move(tenant), std::move(decide), std::move(done), std::function<void(Status)>());
  auto [written, durable] = when_durable(std::move(done));
  submit(std::move(tenant), std::move(decide), std::move(written), std::move(durable));
}

}  // namespace steward::journal
