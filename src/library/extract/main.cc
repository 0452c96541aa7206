// lib/steward-extract: bytes on standard input to text on standard output (library/extract/wire.h), confined before it
// looks at the first of them. Started by the server alone, one process a file.
//
//   steward-extract [--fenced] [--memory BYTES] [--cpu SECONDS]
//   steward-extract --attempt WHAT     confines itself and tries what must fail; how `steward doctor` knows it does
//
// Exit codes: 0 answered (a fault of the file is an answer); 2 used wrongly; 3 it could not be confined.
#include <unistd.h>

#include <charconv>
#include <new>

#include "base/json.h"
#include "library/extract/readers/reader.h"
#include "library/extract/wire.h"
#include "library/sandbox/inside/confine.h"

namespace {

using namespace steward::library;

constexpr int kUsedWrongly = 2, kNotConfined = 3, kRefused = 4;
constexpr const char* kPopplerData = "/usr/share/poppler";  // character maps of East Asian fonts

struct Options {
  sandbox::Confinement confinement;
  std::string attempt;
  bool good = true;
};

Options read_options(int count, char** arguments) {
  Options out;
  out.confinement.readable = {kPopplerData};
  for (int i = 1; i < count; ++i) {
    const std::string_view word = arguments[i];
    if (word == "--fenced") {
      out.confinement.fenced = true;
      continue;
    }
    const std::string_view value = i + 1 < count ? arguments[++i] : "";
    uint64_t number = 0;
    const bool is_number = std::from_chars(value.data(), value.data() + value.size(), number).ec == std::errc();
    if (word == "--attempt" && !value.empty())
      out.attempt = value;
    else if (word == "--memory" && is_number)
      out.confinement.limits.memory_bytes = number;
    else if (word == "--cpu" && is_number)
      out.confinement.limits.cpu_seconds = number;
    else
      out.good = false;
  }
  return out;
}

bool read_all(std::string& out) {
  char chunk[1 << 16];
  ssize_t n = 0;
  while ((n = ::read(STDIN_FILENO, chunk, sizeof chunk)) > 0) out.append(chunk, static_cast<size_t>(n));
  return n == 0;
}

bool write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

std::string answer() {
  try {
    std::string input;
    if (!read_all(input)) return wire::told_fault("crashed");
    const auto asked = wire::read_asked(input);
    auto read = readers::read_attachment(asked.bytes, asked.name, readers::Limits());
    return read ? wire::told(*read) : wire::told_fault(readers::name_of(read.error()));
  } catch (const std::bad_alloc&) {
    return wire::told_fault("memory");
  } catch (const std::exception&) {
    return wire::told_fault("damaged");  // a library's way to say so
  }
}

int attempted(const std::string& what, const sandbox::Confined& confined) {
  if (what == "none") {
    const steward::Json said = {{"landlock", confined.landlock}, {"unprivileged", confined.unprivileged}};
    return write_all(said.dump()) ? 0 : kUsedWrongly;
  }
  const int result = sandbox::attempt(what);
  return result == 0 ? 0 : result < 0 ? kUsedWrongly : kRefused;
}

}  // namespace

// It leaves without unwinding: a parser's memory is the system's to clear, and its destructors are code that a damaged
// document has had its hands on.
int main(int count, char** arguments) {
  const Options options = read_options(count, arguments);
  if (!options.good) ::_exit(kUsedWrongly);
  readers::warm_up();
  const auto confined = sandbox::confine(options.confinement);
  if (!confined) ::_exit(kNotConfined);
  if (!options.attempt.empty()) ::_exit(attempted(options.attempt, *confined));
  ::_exit(write_all(answer()) ? 0 : kUsedWrongly);
}
