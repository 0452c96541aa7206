#include "server/paths.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/json.h"

extern char** environ;

namespace steward::server {
namespace fs = std::filesystem;
namespace {

constexpr size_t kLongestSocketName = 40;  // what is put into the folder: "steward.sock", an engine's "MODEL-HASH.sock"

fs::path record_path(const fs::path& home) { return home / "server.json"; }

std::string from(const std::map<std::string, std::string>& environment, const std::string& name) {
  const auto found = environment.find(name);
  return found == environment.end() ? "" : found->second;
}

Status must_be_ours(const fs::path& folder) {
  struct stat info = {};
  if (::lstat(folder.c_str(), &info) != 0 || !S_ISDIR(info.st_mode) || info.st_uid != ::geteuid() ||
      (info.st_mode & 0077) != 0) {
    return fail(ErrorCode::kIo,
                fmt::format("{} must be a folder of this user with mode 700: remove it, and it is made anew.",
                            folder.string()));
  }
  return {};
}

}  // namespace

Result<fs::path> private_socket_folder(const fs::path& home, const std::map<std::string, std::string>& environment) {
  std::error_code error;
  const fs::path whole = fs::weakly_canonical(fs::absolute(home), error);
  const std::string hash = to_hex(sha256(whole.string())).substr(0, 12);
  fs::path folder;
  if (const std::string runtime = from(environment, "XDG_RUNTIME_DIR");
      !runtime.empty() && fs::is_directory(runtime, error)) {
    folder = fs::path(runtime) / fmt::format("steward-{}", hash);
  }
  if (folder.empty() || folder.string().size() + 1 + kLongestSocketName > kMaxSocketPath) {
    const std::string temporary = from(environment, "TMPDIR");
    folder = fs::path(temporary.empty() || temporary.size() > 40 ? "/tmp" : temporary) /
             fmt::format("steward-{}-{}", ::geteuid(), hash);
  }
  if (auto made = make_private_dir(folder); !made) return fail(made.error());
  if (auto ours = must_be_ours(folder); !ours) return fail(ours.error());
  return folder;
}

Status write_running_server(const fs::path& home, const RunningServer& server) {
  const Json record = {{"pid", server.pid},
                       {"socket", server.socket.string()},
                       {"address", server.address},
                       {"version", server.version}};
  return write_file_atomic(record_path(home), record.dump(2) + "\n");
}

std::optional<RunningServer> find_running_server(const fs::path& home) {
  const auto text = read_file(record_path(home), 64 * 1024);
  if (!text) return std::nullopt;
  const auto record = parse_json(*text);
  if (!record || !record->is_object()) return std::nullopt;
  return RunningServer{record->value("pid", 0), record->value("socket", ""), record->value("address", ""),
                       record->value("version", "")};
}

void remove_running_server(const fs::path& home) {
  std::error_code error;
  fs::remove(record_path(home), error);
}

std::map<std::string, std::string> process_environment() {
  std::map<std::string, std::string> out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view pair = *entry;
    if (const size_t equals = pair.find('='); equals != std::string_view::npos)
      out.emplace(pair.substr(0, equals), pair.substr(equals + 1));
  }
  return out;
}

}  // namespace steward::server
