// Blobs: large content beside the journal. A record names its blobs; a blob that no record names is removed.
//
// An id is "blob_" and the HMAC-SHA-256 of the bytes under the tenant's own key, in hexadecimal: equal content is kept once within a
// tenant, while nobody without the key can confirm a guess, and no two tenants share a blob.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>

#include "journal/home.h"

namespace steward::journal {

bool is_blob_id(std::string_view text);
std::filesystem::path blob_path(const HomePaths& paths, const Id& tenant, std::string_view blob);

}  // namespace steward::journal
