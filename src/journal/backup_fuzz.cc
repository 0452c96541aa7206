// Any bytes as a backup's manifest.json: refused, or names that all lie inside of the backup.
#include <cstdlib>

#include "journal/backup.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace steward;
  const auto manifest = journal::read_manifest({reinterpret_cast<const char*>(data), size});
  if (!manifest) {
    if (manifest.error().code != ErrorCode::kCorrupt) std::abort();
    return 0;
  }
  const std::filesystem::path backup = "/backup";
  for (const auto& [name, digest] : manifest->files) {
    const auto path = (backup / name).lexically_normal().string();
    if (path != "/backup" && !path.starts_with("/backup/")) std::abort();
    if (name.find('\0') != std::string::npos) std::abort();
  }
  if (!manifest->files.contains("journal.db")) std::abort();
  return 0;
}
