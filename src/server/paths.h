// Where a home's server is found: its socket in a private folder, and home/server.json, which tells the command line
// where that is.
//
// Socket paths are bounded to 107 bytes by the kernel, so they never lie in the home itself, which may be deep.
#pragma once
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "base/error.h"

namespace steward::server {

inline constexpr size_t kMaxSocketPath = 107;

// $XDG_RUNTIME_DIR/steward-HASH, else TMPDIR/steward-UID-HASH; HASH is of the home's path. Made with mode 700; refused
// if it is not ours alone.
Result<std::filesystem::path> private_socket_folder(const std::filesystem::path& home,
                                                    const std::map<std::string, std::string>& environment);

struct RunningServer {
  int pid = 0;
  std::filesystem::path socket;
  std::string address;  // "http://localhost:7070"; empty without TCP
  std::string version;
};

Status write_running_server(const std::filesystem::path& home, const RunningServer& server);
std::optional<RunningServer> find_running_server(
    const std::filesystem::path& home);  // what the file says; it may be stale
void remove_running_server(const std::filesystem::path& home);

std::map<std::string, std::string> process_environment();

}  // namespace steward::server
