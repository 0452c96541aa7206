// What every command gets: the environment, the home, where to print, and whether anybody looks. Made by main(), handed
// down; tests make their own.
#pragma once
#include <cstdio>
#include <filesystem>
#include <map>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "cli/command.h"

namespace steward::cli {

struct Context {
  std::map<std::string, std::string> environment;
  std::filesystem::path home;
  FILE* out = stdout;
  FILE* err = stderr;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  bool in_is_terminal = false;
  Clock& clock;
  Random& random;

  bool color() const { return out_is_terminal && !environment.contains("NO_COLOR"); }
  void print(std::string_view text) const { std::fwrite(text.data(), 1, text.size(), out); }
  void line(std::string_view text) const {
    print(text);
    print("\n");
  }
  // Says what went wrong on standard error and answers the exit code.
  int failed(const Error& error) const;
  std::string dim(std::string_view text) const {
    return color() ? fmt::format("\x1b[2m{}\x1b[0m", text) : std::string(text);
  }
  std::string bold(std::string_view text) const {
    return color() ? fmt::format("\x1b[1m{}\x1b[0m", text) : std::string(text);
  }
};

}  // namespace steward::cli
