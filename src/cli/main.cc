#include <cstdio>

int main() {
  std::puts("steward " STEWARD_VERSION);
  return 0;
}
