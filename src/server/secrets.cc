#include "server/secrets.h"

#include "base/crypto.h"
#include "base/file.h"

namespace steward::server {
namespace fs = std::filesystem;
namespace {
constexpr size_t kMaxSecretBytes = 64 * 1024;
constexpr std::string_view kSuffix = ".sealed";
}  // namespace

Result<fs::path> SecretStore::file_of(std::string_view name) const {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  };
  if (name.empty() || name.size() > 100 || name.front() == '.' || !std::ranges::all_of(name, good)) {
    return fail(ErrorCode::kInvalidRequest,
                "A secret's name has 1 to 100 letters, digits, '-', '_' and '.', and doesn't begin with a dot.");
  }
  return home_.secrets() / (std::string(name) + std::string(kSuffix));
}

Result<std::string> SecretStore::key() {
  auto master = journal::load_master_key(home_, master_key_file_, random_);
  if (!master) return master;
  return journal::tenant_key(*master, "secret", "");
}

Status SecretStore::set(std::string_view name, std::string_view secret) {
  if (secret.empty() || secret.size() > kMaxSecretBytes)
    return fail(ErrorCode::kInvalidRequest, "A secret has 1 to 65536 bytes.");
  auto file = file_of(name);
  if (!file) return fail(file.error());
  auto sealing = key();
  if (!sealing) return fail(sealing.error());
  return write_file_atomic(*file, seal(*sealing, secret, name, random_), 0600);
}

Result<std::string> SecretStore::get(std::string_view name) {
  auto file = file_of(name);
  if (!file) return fail(file.error());
  std::error_code error;
  if (!fs::exists(*file, error))
    return fail(ErrorCode::kNotFound,
                fmt::format("There is no secret '{}': set it with 'steward secrets set {}'.", name, name));
  auto sealed = read_file(*file, kMaxSecretBytes + 1024);
  if (!sealed) return sealed;
  auto opening = key();
  if (!opening) return opening;
  auto secret = unseal(*opening, *sealed, name);
  if (!secret)
    return fail(ErrorCode::kCorrupt,
                fmt::format("The secret '{}' can't be opened with this master key: set it anew.", name));
  return secret;
}

Status SecretStore::remove(std::string_view name) {
  auto file = file_of(name);
  if (!file) return fail(file.error());
  std::error_code error;
  if (!fs::remove(*file, error)) return fail(ErrorCode::kNotFound, fmt::format("There is no secret '{}'.", name));
  return {};
}

std::vector<std::string> SecretStore::names() const {
  std::vector<std::string> out;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(home_.secrets(), error)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(kSuffix)) out.push_back(name.substr(0, name.size() - kSuffix.size()));
  }
  std::ranges::sort(out);
  return out;
}

}  // namespace steward::server
