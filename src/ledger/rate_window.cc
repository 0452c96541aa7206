#include "ledger/rate_window.h"

namespace steward::ledger {
namespace {
bool counts(int64_t slice, TimeUs now) {
  const int64_t age = rate_slice(now) - slice;
  return age <= kRateSlices && age >= -kRateSlices;
}
}  // namespace

void RateWindow::add(TimeUs time, int64_t requests, int64_t tokens) {
  const int64_t slice = rate_slice(time);
  if (!entries_.empty() && entries_.back().slice == slice) {
    entries_.back().requests += requests;
    entries_.back().tokens += tokens;
    return;
  }
  const auto it = std::ranges::lower_bound(entries_, slice, {}, &Entry::slice);
  if (it != entries_.end() && it->slice == slice) {
    it->requests += requests;
    it->tokens += tokens;
  } else {
    entries_.insert(it, {slice, requests, tokens});
  }
}

void RateWindow::correct(TimeUs time, int64_t token_difference) {
  const auto it = std::ranges::lower_bound(entries_, rate_slice(time), {}, &Entry::slice);
  if (it != entries_.end() && it->slice == rate_slice(time)) it->tokens += token_difference;
}

void RateWindow::drop_older(TimeUs now) {
  while (!entries_.empty() && entries_.front().slice < rate_slice(now) - kRateSlices) entries_.pop_front();
}

template <class Value>
int64_t RateWindow::sum(TimeUs now, Value value) const {
  int64_t total = 0;
  for (const Entry& entry : entries_) {
    if (counts(entry.slice, now)) total += entry.*value;
  }
  return total;
}

template <class Value>
DurationUs RateWindow::until(TimeUs now, int64_t allowed, Value value) const {
  int64_t left = sum(now, value);
  for (const Entry& entry : entries_) {
    if (left <= allowed) break;
    if (!counts(entry.slice, now)) continue;
    left -= entry.*value;
    if (left <= allowed) return (entry.slice + kRateSlices + 1) * kRateSliceUs - now;
  }
  return 0;
}

int64_t RateWindow::requests(TimeUs now) const { return sum(now, &Entry::requests); }
int64_t RateWindow::tokens(TimeUs now) const { return sum(now, &Entry::tokens); }
DurationUs RateWindow::until_requests(TimeUs now, int64_t allowed) const {
  return until(now, allowed, &Entry::requests);
}
DurationUs RateWindow::until_tokens(TimeUs now, int64_t allowed) const { return until(now, allowed, &Entry::tokens); }

}  // namespace steward::ledger
