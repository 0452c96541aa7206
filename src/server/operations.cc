#include "server/operations.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include "journal/backup_rotation.h"
#include "net/http_server.h"

namespace steward::server {
using gateway::Metric;

bool Heartbeat::beats() {
  if (asked_ && answered_->load() < threads_.count()) return false;  // the round before is still out
  answered_->store(0);
  asked_ = true;
  for (size_t i = 0; i < threads_.count(); ++i)
    asio::post(threads_.context(i), [answered = answered_] { answered->fetch_add(1); });
  return true;
}

namespace {

uint64_t free_bytes(const std::filesystem::path& folder) {
  struct statvfs disk = {};
  return ::statvfs(folder.c_str(), &disk) == 0 ? static_cast<uint64_t>(disk.f_bavail) * disk.f_frsize : 0;
}

// Of those in the home; one that was made elsewhere is watched there. 0: there is none.
int64_t newest_backup_s(const std::filesystem::path& folder) {
  int64_t newest = 0;
  for (const auto& name : journal::backups_in(folder)) {
    struct stat manifest = {};
    if (::stat((folder / name / "manifest.json").c_str(), &manifest) == 0)
      newest = std::max<int64_t>(newest, manifest.st_mtim.tv_sec);
  }
  return newest;
}

}  // namespace

std::vector<Metric> Operations::metrics() const {
  const auto number = [](auto value) { return static_cast<double>(value); };
  std::vector<Metric> out;
  out.push_back({"steward_home_free_bytes", "Free on the disk of the home.", "gauge", {}, number(free_bytes(home))});
  out.push_back({"steward_backup_newest_timestamp_seconds",
                 "When the newest backup in the home was made, since the epoch; 0: there is none.",
                 "gauge",
                 {},
                 number(newest_backup_s(home / "backups"))});
  out.push_back({"process_open_fds", "File descriptors that are open.", "gauge", {}, number(open_files())});
  out.push_back({"process_max_fds", "File descriptors that the system allows.", "gauge", {}, number(file_limit.soft)});
  if (!certificates) return out;
  const auto state = certificates->state();
  const std::map<std::string, std::string> labels = {{"path", state.path}};
  out.push_back({"steward_tls_certificate_expiry_timestamp_seconds",
                 "When the TLS certificate that is shown expires, since the epoch.", "gauge", labels,
                 number(state.expires_at) / kSecondUs});
  out.push_back({"steward_tls_certificate_reloads_total", "Certificates exchanged while running.", "counter", labels,
                 number(state.reloads)});
  out.push_back({"steward_tls_certificate_reload_failures_total", "Changed certificate files that could not be used.",
                 "counter", labels, number(state.failed_reloads)});
  out.push_back({"steward_tls_certificate_stale", "1: the files on disk can't be used, or what is shown has expired.",
                 "gauge", labels, state.problem.empty() ? 0.0 : 1.0});
  return out;
}

Json Operations::status() const {
  const auto connections = static_cast<int64_t>(connections_limit);
  Json out = {{"files",
               {{"open", open_files()},
                {"allowed", file_limit.soft},
                {"needed", files_needed(connections_limit)},
                {"max_connections", connections}}}};
  if (const auto problem = file_limit_problem(file_limit, connections_limit); !problem.empty())
    out["files"]["problem"] = problem;
  if (log_file) out["log"] = {{"path", log_file->path().string()}};
  if (certificates) {
    const auto state = certificates->state();
    out["tls"] = {{"certificate", state.path},
                  {"subject", state.subject},
                  {"fingerprint", state.fingerprint},
                  {"expires_at", to_rfc3339(state.expires_at)},
                  {"loaded_at", to_rfc3339(state.loaded_at)}};
    if (!state.problem.empty()) out["tls"]["problem"] = state.problem;
  }
  return out;
}

void Operations::look() const {
  if (certificates) (void)certificates->look_again(net::Certificates::When::kChanged);
}

void Operations::look_now() const {
  if (certificates) (void)certificates->look_again(net::Certificates::When::kNow);
  if (log_file) (void)log_file->reopen();
}

}  // namespace steward::server
