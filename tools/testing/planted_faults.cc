// Faults on purpose: what sanitized.py must find before it believes that a clean run says anything.
#include <cstdlib>
#include <cstring>
#include <limits>
#include <thread>

namespace {

int shared = 0;

int planted(const char* fault, int one) {
  if (std::strcmp(fault, "heap") == 0) {
    char* bytes = static_cast<char*>(std::malloc(3));
    bytes[2 + one] = 1;
    std::free(bytes);
  } else if (std::strcmp(fault, "overflow") == 0) {
    return std::numeric_limits<int>::max() + one;
  } else if (std::strcmp(fault, "race") == 0) {
    std::thread other([] { shared = 1; });
    shared = 2;
    other.join();
  }
  return shared;
}

}  // namespace

int main(int count, char** arguments) { return count > 1 && planted(arguments[1], count - 1) == 7 ? 1 : 0; }
