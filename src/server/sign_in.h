// Signing in: passwords checked on workers of their own, tries throttled, and a stranger told nothing.
//
// argon2id takes 64 MiB and some hundred milliseconds each, so it runs on few threads behind a short queue: at most
// kThreads times that much memory, and whoever does not fit is asked to come again. For a name that nobody has, a dummy
// hash is checked all the same: neither words nor time tell whether an account exists. On any io thread.
#pragma once
#include "base/worker_pool.h"
#include "server/core.h"
#include "server/throttle.h"

namespace steward::server {

class SignIn {
 public:
  explicit SignIn(Core& core);
  ~SignIn();

  // Who it is. kSignInFailed (details: tries_left), kSignInPaused, kQueueFull.
  Task<Result<Id>> by_password(std::string login, std::string password, std::string address);
  // Somebody who is signed in shows that it is them. Throttled like a sign-in.
  Task<Status> confirm(Id person, std::string password, std::string address);
  Task<Result<std::string>> hash(std::string password);
  // A token that somebody shows from this address: kSignInPaused after too many that lead nowhere.
  Status begin_link(const std::string& address);
  void link_was_good(const std::string& address);
  void reload();  // limits, from the configuration
  void stop();

 private:
  Task<Result<bool>> verify(std::optional<std::string> hash, std::string password);
  Task<Status> check(std::string account, std::string address, std::optional<std::string> hash, std::string password);

  Core& core_;
  WorkerPool pool_;
  Throttle accounts_, addresses_, links_;
  std::mutex dummy_mutex_;
  std::string dummy_;  // made at the first need
};

}  // namespace steward::server
