#include "engine/model_files.h"

#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

namespace steward::engine {
namespace fs = std::filesystem;
namespace {
constexpr size_t kMaxNameBytes = 100;

Status put(const fs::path& file, const fs::path& target, Take how) {
  std::error_code error;
  const fs::path temporary = target.string() + fmt::format(".{}.tmp", ::getpid());
  if (how == Take::kLink)
    fs::create_symlink(fs::absolute(file), temporary, error);
  else if (how == Take::kCopy)
    fs::copy_file(file, temporary, fs::copy_options::overwrite_existing, error);
  if (!error) fs::rename(how == Take::kMove ? file : temporary, target, error);
  if (!error) return {};
  const std::string why = error.message();
  fs::remove(temporary, error);
  return fail(ErrorCode::kIo, fmt::format("The model can't be put at {}: {}.", target.string(), why));
}
}  // namespace

std::string model_name_of(std::string_view file_name) {
  std::string name = to_lower_ascii(fs::path(file_name).filename().string());
  if (name.ends_with(".gguf")) name.resize(name.size() - 5);
  for (char& c : name) {
    const bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
    if (!good) c = '-';
  }
  while (name.starts_with('.') || name.starts_with('-')) name.erase(0, 1);
  return name.substr(0, kMaxNameBytes);
}

Status check_model_name(std::string_view name) {
  if (!name.empty() && model_name_of(name) == name) return {};
  return fail(ErrorCode::kInvalidRequest,
              fmt::format("'{}' is no name for a model: small letters, digits, '.', '-' and '_', at most {}.",
                          name.substr(0, kMaxNameBytes), kMaxNameBytes));
}

Result<GgufInfo> check_model_file(const fs::path& file) {
  std::error_code error;
  if (!fs::is_regular_file(file, error))
    return fail(ErrorCode::kNotFound, fmt::format("There is no file {}.", file.string()));
  auto info = read_gguf(file);
  if (!info) return info;
  if (info->split_count > 1) {
    return fail(ErrorCode::kInvalidRequest,
                fmt::format("{} is one of {} parts of a model: join them first (llama-gguf-split --merge).",
                            file.filename().string(), info->split_count));
  }
  return info;
}

Result<TakenModel> take_model(const fs::path& file, const fs::path& models, std::string name, Take how, bool replace) {
  auto info = check_model_file(file);
  if (!info) return fail(info.error());
  if (name.empty()) name = model_name_of(file.filename().string());
  if (auto good = check_model_name(name); !good) return fail(good.error());
  if (auto made = make_private_dir(models); !made) return fail(made.error());
  const fs::path target = models / (name + ".gguf");
  std::error_code error;
  if (fs::symlink_status(target, error).type() != fs::file_type::not_found && !replace) {
    return fail(ErrorCode::kConflict,
                fmt::format("There is a model '{}' already: give another name, or remove it first.", name));
  }
  if (auto done = put(file, target, how); !done) return fail(done.error());
  return TakenModel{name, target, std::move(*info)};
}

Status remove_model(const fs::path& models, std::string_view name) {
  if (auto good = check_model_name(name); !good) return good;
  std::error_code error;
  if (!fs::remove(models / (std::string(name) + ".gguf"), error)) {
    return fail(ErrorCode::kNotFound,
                fmt::format("There is no model '{}' in the home: 'steward models list' shows what is where.", name));
  }
  return {};
}

}  // namespace steward::engine
