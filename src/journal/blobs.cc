#include "journal/blobs.h"

#include <fmt/format.h>

#include "base/crypto.h"
#include "base/file.h"

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

std::string BlobStore::id_of(const Id& tenant, std::string_view bytes) const {
  return std::string(kPrefix) + to_hex(hmac_sha256(tenant_key(master_key_, "blob", tenant), bytes));
}

Result<std::string> BlobStore::put(const Id& tenant, std::string_view bytes) {
  if (bytes.size() > kMaxBlobBytes)
    return fail(ErrorCode::kBodyTooLarge, fmt::format("A blob has at most {} bytes.", kMaxBlobBytes));
  std::string id = id_of(tenant, bytes);
  const auto path = blob_path(paths_, tenant, id);
  std::error_code error;
  if (std::filesystem::exists(path, error)) return id;
  if (auto s = make_private_dir(path.parent_path()); !s) return fail(s.error());
  if (auto s = write_file_atomic(path, bytes); !s) return fail(s.error());
  return id;
}

Result<std::string> BlobStore::get(const Id& tenant, std::string_view blob) const {
  if (!is_blob_id(blob)) return fail(ErrorCode::kNotFound, "There is no such blob.");
  auto bytes = read_file(blob_path(paths_, tenant, blob), kMaxBlobBytes);
  if (!bytes) return fail(ErrorCode::kNotFound, "There is no such blob.");
  if (id_of(tenant, *bytes) != blob) return fail(ErrorCode::kCorrupt, "The blob's bytes are not what its id says.");
  return bytes;
}

}  // namespace steward::journal
