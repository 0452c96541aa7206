// Blobs: large content beside the journal. A record names its blobs; a blob that no record names is removed.
//
// An id is "blob_" and the HMAC-SHA-256 of the bytes under the tenant's own key, in hexadecimal: equal content is kept
// once within a tenant, while nobody without the key can confirm a guess, and no two tenants share a blob.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>

#include "journal/home.h"

namespace steward::journal {

bool is_blob_id(std::string_view text);
std::filesystem::path blob_path(const HomePaths& paths, const Id& tenant, std::string_view blob);

inline constexpr size_t kMaxBlobBytes = size_t{256} << 20;

// Puts and gets, any thread. A put blob that no record names before the next restart of the process is garbage, never
// lost data.
class BlobStore {
 public:
  BlobStore(HomePaths paths, std::string master_key) : paths_(std::move(paths)), master_key_(std::move(master_key)) {}
  // Synced and under its name when this returns; a record may name it from then on. The same bytes are the same id.
  Result<std::string> put(const Id& tenant, std::string_view bytes);
  Result<std::string> get(const Id& tenant,
                          std::string_view blob) const;  // kNotFound; kCorrupt if the bytes are not what the id says

 private:
  std::string id_of(const Id& tenant, std::string_view bytes) const;
  HomePaths paths_;
  std::string master_key_;
};

}  // namespace steward::journal
