#include "journal/blobs.h"

namespace steward::journal {
namespace {
constexpr std::string_view kPrefix = "blob_";
constexpr size_t kHexDigits = 64;
}  // namespace

bool is_blob_id(std::string_view text) {
  return text.starts_with(kPrefix) && text.size() == kPrefix.size() + kHexDigits &&
         text.substr(kPrefix.size()).find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::filesystem::path blob_path(const HomePaths& paths, const Id& tenant, std::string_view blob) {
  const std::string_view hex = blob.substr(kPrefix.size());
  return paths.blobs() / tenant / hex.substr(0, 2) / hex;
}

}  // namespace steward::journal
