// What a person sees when the server is ready: where it is, the first key (once), the models, and two lines to try that
// work when pasted. Its form is a contract (docs/quickstart.md): lines begin `address:`, `sign in:`, `key:`, `model:`;
// one line begins `curl `; the Python stands between a line "```python" and a line "```".
#pragma once
#include <atomic>

#include "cli/context.h"
#include "server/app.h"

namespace steward::cli {

// Loads the default model in the background, so that the first call is quick. Main thread.
class Warmer {
 public:
  explicit Warmer(server::Core& core);
  ~Warmer();
  void start();
  void cancel();
  bool ended() const;

 private:
  struct State {
    std::atomic<bool> ended = false;
    CancelToken cancel;
  };
  server::Core& core_;
  std::shared_ptr<State> state_;
};

std::string default_chat_model(const server::Core& core);  // or empty

Status show_welcome(server::App& app, const Context& context, DurationUs since_start_us);

struct Welcome {
  std::string address, key;  // key: only where it was just made
  std::string link;          // that lets the owner in who has no password yet; else empty
  std::vector<engine::LocalModel> models;
  std::vector<gateway::ModelEntry> remote;
  std::string default_model;
  std::string off_path;  // the folder of this program, where the shell would not find it as `steward`; else empty
  DurationUs ready_us = 0;
};
std::string welcome_text(const Welcome& welcome);

}  // namespace steward::cli
