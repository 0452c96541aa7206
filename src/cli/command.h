// The command line's frame: what a command is called, what it takes, how it helps, what it runs. Hides CLI11, so that
// one file compiles it.
//
// A command's options are plain variables that live in a shared struct of the command; run() is called after all are
// parsed. Main thread.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace steward::cli {

// Exit codes, the same for every command (docs/operations.md).
inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;  // it was tried and did not work; the sentence says why
inline constexpr int kUsage = 2;   // the command line or the configuration is wrong; nothing was tried
inline constexpr int kInterrupted = 130;

// For completion and the reference of commands.
struct CommandTree {
  struct Option {
    std::vector<std::string> names;  // "--json", "-o"; empty for a positional
    std::string label;               // of a positional: "NAME"
    std::string help;
    bool takes_value = false;
  };
  std::string name, summary;
  std::string page;  // of --help, whole
  std::vector<Option> options;
  std::vector<CommandTree> children;
};

class Command {
 public:
  Command(std::string name, std::string summary);  // the program itself
  ~Command();
  Command(Command&&) noexcept;

  Command sub(const std::string& name, const std::string& summary);
  Command& describe(const std::string& text);  // under the summary
  Command& examples(const std::string& text);  // lines "command   # what it does"
  Command& flag(const std::string& names, bool& target, const std::string& help);
  Command& option(const std::string& names, std::string& target, const std::string& help,
                  const std::string& value = "TEXT");
  Command& option(const std::string& names, std::optional<std::string>& target, const std::string& help,
                  const std::string& value = "TEXT");
  Command& option(const std::string& names, std::optional<int64_t>& target, const std::string& help,
                  const std::string& value = "NUMBER");
  Command& option(const std::string& names, std::optional<double>& target, const std::string& help,
                  const std::string& value = "NUMBER");
  Command& option(const std::string& names, std::vector<std::string>& target, const std::string& help,
                  const std::string& value = "TEXT");
  Command& argument(const std::string& label, std::string& target, const std::string& help);  // must be given
  Command& argument(const std::string& label, std::optional<std::string>& target, const std::string& help);
  Command& arguments(const std::string& label, std::vector<std::string>& target,
                     const std::string& help);  // any number
  Command& run(std::function<int()> work);
  Command& needs_sub();  // alone it is its `list`, if it has one, else its help
  Command& hidden();

  // Parses and runs the program's command. Prints help and errors itself.
  int parse_and_run(int argc, char** argv);
  CommandTree tree() const;
  std::string help() const;

 private:
  struct Impl;
  explicit Command(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<Impl> impl_;
};

}  // namespace steward::cli
