// Model files in the home: taken in, named, removed. The engine looks at the folder (Engine::rescan) after each change.
//
// A file is read as a GGUF before it is taken: what is no model, is damaged, or is one part of several is refused with
// a sentence. Files are copied under a temporary name and renamed, so that a model is whole or not there. Blocks on the
// disk; any thread.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.h"
#include "engine/gguf.h"

namespace steward::engine {

enum class Take { kCopy, kLink, kMove };

// "Qwen3-4B-Q4_K_M.gguf" → "qwen3-4b-q4_k_m": what a model is called in the API.
std::string model_name_of(std::string_view file_name);
Status check_model_name(std::string_view name);

// Whether the engine can serve it; kInvalidRequest says why not.
Result<GgufInfo> check_model_file(const std::filesystem::path& file);

struct TakenModel {
  std::string name;
  std::filesystem::path path;
  GgufInfo info;
};
// `name` empty: from the file's name. kConflict if the name is taken, unless `replace`.
Result<TakenModel> take_model(const std::filesystem::path& file, const std::filesystem::path& models, std::string name,
                              Take how, bool replace);
Status remove_model(const std::filesystem::path& models, std::string_view name);  // kNotFound

}  // namespace steward::engine
