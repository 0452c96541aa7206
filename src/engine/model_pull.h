// Fetching a model over the network: from an address, or from a repository of a model hub. Resumed where it broke off,
// also by a later command; its SHA-256 checked where one is known; put into the models folder only once it is whole and
// reads as a model.
//
// The part that is there already lies as models/.NAME.part with a .NAME.part.json that says where it comes from; it
// goes on only if the server says that the file is still the same (If-Range). Coroutines: on an io thread of the
// clients.
#pragma once
#include <filesystem>
#include <functional>
#include <string>

#include "base/async.h"
#include "engine/model_files.h"
#include "net/guard.h"
#include "net/http_client.h"

namespace steward::engine {

struct PullSource {
  std::string url;
  std::string file_name;  // what it is called there
  std::string sha256;     // hex; empty: not known
  std::string token;      // sent to the hub itself, never to where it redirects
};

struct HubOptions {
  std::string address;                                // "https://…" of the hub, without a slash at the end
  std::string token;                                  // for gated repositories, or empty
  std::shared_ptr<const net::Guard> guard = nullptr;  // where a stranger named the repository
};

// "https://…/model.gguf" or "https://…#sha256=HEX" → itself; "owner/name", "owner/name:Q4_K_M" or
// "owner/name/file.gguf" → asks the hub.
Task<Result<PullSource>> find_source(net::HttpClients& clients, std::string what, HubOptions hub, CancelToken cancel);

struct PullProgress {
  uint64_t have = 0;
  uint64_t whole = 0;     // 0: not told
  uint64_t resumed = 0;   // bytes that were there before
  bool checking = false;  // all is here; its digest is being taken
};

struct PullRequest {
  PullSource source;
  std::filesystem::path models;
  std::string name;  // empty: from the file's name
  bool replace = false;
  int tries = 5;  // of a connection that breaks without any byte in between
  std::function<void(const PullProgress&)> progress;
  std::shared_ptr<const net::Guard> guard = nullptr;  // where a stranger named the address
};

struct PulledModel {
  TakenModel model;
  std::string sha256;    // hex, of what is here
  bool checked = false;  // it was compared with one from the hub or the caller
};

Task<Result<PulledModel>> pull_model(net::HttpClients& clients, PullRequest request, CancelToken cancel);

}  // namespace steward::engine
