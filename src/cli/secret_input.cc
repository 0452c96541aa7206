#include "cli/secret_input.h"

#include <termios.h>
#include <unistd.h>

namespace steward::cli {

std::string read_secret(const Context& context, const std::string& what) {
  termios before = {};
  const bool hide = context.in_is_terminal && ::tcgetattr(STDIN_FILENO, &before) == 0;
  if (hide) {
    termios hidden = before;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    std::fputs((what + " (not shown): ").c_str(), context.err);
    std::fflush(context.err);
  }
  std::string secret;
  for (int c = std::fgetc(stdin); c != EOF && !(hide && c == '\n') && secret.size() < 100'000; c = std::fgetc(stdin))
    secret += static_cast<char>(c);
  if (hide) {
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    std::fputs("\n", context.err);
  }
  while (secret.ends_with('\n') || secret.ends_with('\r')) secret.pop_back();
  return secret;
}

}  // namespace steward::cli
