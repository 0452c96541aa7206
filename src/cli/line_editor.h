// One line from a person: editing, history with the arrow keys and kept in a file, Ctrl-C that clears, Ctrl-D that ends
// (libedit inside). Where standard input is no terminal, plain lines. Main thread.
#pragma once
#include <filesystem>
#include <memory>
#include <string>

namespace steward::cli {

class LineEditor {
 public:
  enum class Outcome { kLine, kInterrupted, kEnd };
  explicit LineEditor(std::filesystem::path history_file);
  ~LineEditor();
  Outcome read(const std::string& prompt, std::string& line);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace steward::cli
