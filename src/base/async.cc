#include "base/async.h"

namespace steward {

std::chrono::microseconds Deadline::left() const {
  using namespace std::chrono;
  if (never()) return hours(24);
  return std::max(duration_cast<microseconds>(*at_ - steady_clock::now()), microseconds(0));
}

void CancelToken::cancel(CancelReason reason) {
  std::vector<std::pair<size_t, std::function<void(CancelReason)>>> hooks;
  {
    std::lock_guard lock(state_->mutex);
    if (state_->reason != CancelReason::kNone) return;
    state_->reason = reason;
    hooks.swap(state_->hooks);
  }
  for (auto& [handle, hook] : hooks) hook(reason);
}

CancelReason CancelToken::reason() const {
  std::lock_guard lock(state_->mutex);
  return state_->reason;
}

size_t CancelToken::on_cancel(std::function<void(CancelReason)> hook) {
  CancelReason reason;
  {
    std::lock_guard lock(state_->mutex);
    if (state_->reason == CancelReason::kNone) {
      state_->hooks.emplace_back(state_->next_handle, std::move(hook));
      return state_->next_handle++;
    }
    reason = state_->reason;
  }
  hook(reason);
  return 0;
}

void CancelToken::forget(size_t handle) {
  std::lock_guard lock(state_->mutex);
  std::erase_if(state_->hooks, [&](const auto& h) { return h.first == handle; });
}

}  // namespace steward
