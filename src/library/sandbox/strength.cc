#include "library/sandbox/strength.h"

#include <signal.h>

#include "base/json.h"
#include "base/json_bounded.h"
#include "base/text.h"
#include "library/sandbox/bubblewrap.h"

namespace steward::library::sandbox {
namespace {

constexpr std::chrono::seconds kLongestTry{10};
constexpr size_t kMostSaid = 4096;
constexpr const char* kAttempts[] = {"socket", "write", "fork", "exec", "kill", "read"};

Plan trying(const std::filesystem::path& program, Around around, const std::string& what) {
  Plan plan{.program = program, .arguments = {"--attempt", what}, .around = around, .max_output_bytes = kMostSaid};
  if (around == Around::kBubblewrap) plan.arguments.emplace_back("--fenced");
  return plan;
}

Task<Result<Outcome>> try_it(std::filesystem::path program, Around around, std::string what) {
  return run(trying(program, around, what), "", Deadline::in(kLongestTry), CancelToken());
}

bool went_well(const Result<Outcome>& outcome) {
  return outcome && outcome->ended == Ended::kItself && outcome->code == 0 && outcome->signal == 0;
}

}  // namespace

Task<Around> choose(std::filesystem::path program, Choice choice) {
  if (choice == Choice::kWithoutBubblewrap || find_bubblewrap().empty()) co_return Around::kNothing;
  const bool works = went_well(co_await try_it(program, Around::kBubblewrap, "none"));
  co_return works ? Around::kBubblewrap : Around::kNothing;
}

Task<Result<Strength>> measure(std::filesystem::path program, Choice choice) {
  Strength out;
  out.around = co_await choose(program, choice);
  const auto told = co_await try_it(program, out.around, "none");
  if (!told) co_return fail(told.error());
  const Json said = parse_bounded(told->output);
  if (!went_well(told) || !said.is_object()) {
    co_return fail(ErrorCode::kIo, fmt::format("{} can't confine itself on this machine (exit code {}, signal {}).",
                                               program.filename().string(), told->code, told->signal));
  }
  out.landlock = said.value("landlock", 0);
  out.unprivileged = said.value("unprivileged", false);
  for (const char* what : kAttempts) {
    const auto outcome = co_await try_it(program, out.around, what);
    if (!outcome) co_return fail(outcome.error());
    // The attempt itself answers 0 only if it was possible.
    const bool possible = outcome->signal == 0 && outcome->code == 0;
    (possible ? out.possible : out.refused).emplace_back(what);
  }
  co_return out;
}

std::string describe(const Strength& strength) {
  std::vector<std::string> parts;
  if (strength.around == Around::kBubblewrap) parts.emplace_back("bubblewrap");
  if (strength.landlock > 0) parts.emplace_back("Landlock");
  parts.emplace_back("seccomp");
  if (!strength.unprivileged && strength.around == Around::kNothing) parts.emplace_back("still root");
  return fmt::format("{}; {} of {} attempts to get out were refused", join(parts, ", "), strength.refused.size(),
                     strength.refused.size() + strength.possible.size());
}

}  // namespace steward::library::sandbox
