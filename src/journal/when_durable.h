// One callback for a command of two moments: told at once if it failed, else once what was written is durable. Inside
// the journal floor; any thread.
#pragma once
#include <memory>
#include <utility>

#include "journal/journal.h"

namespace steward::journal {

struct TwoMoments {
  AppendCallback written;
  std::function<void(Status)> durable;
};

inline TwoMoments when_durable(AppendCallback done) {
  auto held = std::make_shared<Result<Appended>>(Appended{});
  auto told = std::make_shared<AppendCallback>(std::move(done));
  return {[held, told](Result<Appended> result) {
            if (!result)
              (*told)(std::move(result));
            else
              *held = std::move(result);
          },
          [held, told](Status status) {
            if (!status)
              (*told)(fail(status.error()));
            else
              (*told)(std::move(*held));
          }};
}

}  // namespace steward::journal
