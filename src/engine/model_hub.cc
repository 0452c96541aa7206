// From what a person types to the file to fetch.
#include "base/json.h"
#include "base/text.h"
#include "engine/model_pull.h"

namespace steward::engine {
namespace {

constexpr size_t kMaxListingBytes = 16 * 1024 * 1024;
// Of several quantizations of one model the one most people take: small enough to run, close to the whole in quality.
constexpr std::string_view kPreferred[] = {"q4_k_m", "q4_0", "q5_k_m", "q8_0", "q4_1", "q6_k", "bf16", "f16"};

struct HubFile {
  std::string path, sha256;
  uint64_t bytes = 0;
};

struct Repository {
  std::string id, want;  // "owner/name"; a quantization, a file, or empty
};

std::optional<Repository> repository_of(std::string_view what) {
  const auto plain = [](std::string_view word) {
    return !word.empty() && std::ranges::all_of(word, [](unsigned char c) {
      return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
    });
  };
  const size_t colon = what.find(':');
  const auto parts = split(what.substr(0, colon), '/');
  if (parts.size() < 2 || !plain(parts[0]) || !plain(parts[1])) return std::nullopt;
  Repository out{fmt::format("{}/{}", parts[0], parts[1]), ""};
  if (colon != std::string_view::npos) out.want = what.substr(colon + 1);
  for (size_t i = 2; i < parts.size(); ++i) out.want += (out.want.empty() ? "" : "/") + std::string(parts[i]);
  return out;
}

// A member of another type than the hub tells counts as not told.
std::string text_in(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::vector<HubFile> model_files_of(const Json& listing) {
  std::vector<HubFile> out;
  for (const auto& entry : listing) {
    if (!entry.is_object()) continue;
    HubFile file{.path = text_in(entry, "path")};
    if (const auto size = entry.find("size"); size != entry.end() && size->is_number_unsigned())
      file.bytes = size->get<uint64_t>();
    if (const auto lfs = entry.find("lfs"); lfs != entry.end() && lfs->is_object()) file.sha256 = text_in(*lfs, "oid");
    const std::string lower = to_lower_ascii(file.path);
    const bool helper = lower.find("mmproj") != std::string::npos || lower.find("imatrix") != std::string::npos;
    if (lower.ends_with(".gguf") && !helper) out.push_back(std::move(file));
  }
  return out;
}

const HubFile* choose(const std::vector<HubFile>& files, const std::string& want) {
  const std::string lower = to_lower_ascii(want);
  if (!lower.empty()) {
    for (const auto& file : files) {
      if (to_lower_ascii(file.path) == lower) return &file;
    }
    for (const auto& file : files) {
      if (to_lower_ascii(file.path).find(lower) != std::string::npos) return &file;
    }
    return nullptr;
  }
  for (const auto preferred : kPreferred) {
    for (const auto& file : files) {
      if (to_lower_ascii(file.path).find(preferred) != std::string::npos) return &file;
    }
  }
  return files.empty() ? nullptr : &files.front();
}

std::string file_list(const std::vector<HubFile>& files) {
  std::vector<std::string> names;
  for (const auto& file : files) names.push_back(file.path);
  if (names.size() > 20) names.resize(20);
  return join(names, ", ");
}

Task<Result<PullSource>> ask_hub(net::HttpClients& clients, Repository repository, HubOptions hub, CancelToken cancel) {
  net::ClientRequest request;
  request.url = fmt::format("{}/api/models/{}/tree/main?recursive=true", hub.address, repository.id);
  request.max_response_bytes = kMaxListingBytes;
  request.guard = hub.guard;
  request.cancel = std::move(cancel);
  if (!hub.token.empty()) request.headers.set("authorization", "Bearer " + hub.token);
  auto answer = co_await clients.here().fetch(std::move(request));
  if (!answer) co_return fail(answer.error());
  if (answer->status == 401 || answer->status == 403 || answer->status == 404) {
    co_return fail(ErrorCode::kNotFound,
                   fmt::format("The hub has no repository '{}' that can be read{}", repository.id,
                               hub.token.empty() ? "; a gated one needs HF_TOKEN." : " with this HF_TOKEN."));
  }
  if (answer->status != 200)
    co_return fail(ErrorCode::kUpstreamError,
                   fmt::format("The hub answered {} for '{}'.", answer->status, repository.id));
  auto listing = parse_json(answer->body);
  if (!listing || !listing->is_array())
    co_return fail(ErrorCode::kUpstreamError, "The hub's answer is no list of files.");
  const auto files = model_files_of(*listing);
  const auto* file = choose(files, repository.want);
  if (file == nullptr) {
    co_return fail(
        ErrorCode::kNotFound,
        files.empty()
            ? fmt::format("'{}' holds no GGUF file; many models have a second repository that ends in -GGUF.",
                          repository.id)
            : fmt::format("'{}' has no file '{}'. It has: {}.", repository.id, repository.want, file_list(files)));
  }
  co_return PullSource{fmt::format("{}/{}/resolve/main/{}", hub.address, repository.id, file->path),
                       std::filesystem::path(file->path).filename().string(), file->sha256, hub.token};
}

}  // namespace

Task<Result<PullSource>> find_source(net::HttpClients& clients, std::string what, HubOptions hub, CancelToken cancel) {
  if (what.starts_with("https://") || what.starts_with("http://")) {
    PullSource source{what, "", "", ""};
    if (const size_t hash = what.find('#'); hash != std::string::npos) {
      const std::string fragment = what.substr(hash + 1);
      if (!fragment.starts_with("sha256="))
        co_return fail(ErrorCode::kInvalidRequest, "After '#' an address may say sha256=HEX.");
      source.sha256 = fragment.substr(7);
      source.url = what.substr(0, hash);
    }
    const std::string path = source.url.substr(0, source.url.find('?'));
    source.file_name = path.substr(path.rfind('/') + 1);
    co_return source;
  }
  auto repository = repository_of(what);
  if (!repository) {
    co_return fail(
        ErrorCode::kInvalidRequest,
        fmt::format("'{}' is neither an address (https://…) nor a repository (owner/name, owner/name:Q4_K_M).", what));
  }
  co_return co_await ask_hub(clients, std::move(*repository), std::move(hub), std::move(cancel));
}

}  // namespace steward::engine
