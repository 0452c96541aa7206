#include "library/sandbox/bubblewrap.h"

#include <unistd.h>

namespace steward::library::sandbox {
namespace fs = std::filesystem;
namespace {

constexpr const char* kPlaces[] = {"/usr/bin/bwrap", "/usr/local/bin/bwrap", "/bin/bwrap"};
constexpr const char* kLibraries[] = {"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib"};

}  // namespace

fs::path find_bubblewrap() {
  for (const char* place : kPlaces) {
    if (::access(place, X_OK) == 0) return place;
  }
  return {};
}

std::vector<std::string> bubblewrapped(const fs::path& bubblewrap, const Plan& plan) {
  std::vector<std::string> out = {bubblewrap.string(), "--unshare-all", "--die-with-parent", "--new-session",
                                  "--cap-drop",        "ALL",           "--clearenv"};
  const auto add = [&](std::initializer_list<std::string> words) { out.insert(out.end(), words); };
  std::error_code error;
  for (const char* folder : kLibraries) {
    if (fs::is_symlink(folder, error))
      add({"--symlink", fs::read_symlink(folder, error).string(), folder});
    else if (fs::is_directory(folder, error))
      add({"--ro-bind", folder, folder});
  }
  add({"--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"});
  for (const auto& path : plan.readable) add({"--ro-bind-try", path.string(), path.string()});
  add({"--ro-bind", plan.program.string(), "/program", "--remount-ro", "/", "--chdir", "/", "--", "/program"});
  out.insert(out.end(), plan.arguments.begin(), plan.arguments.end());
  return out;
}

}  // namespace steward::library::sandbox
