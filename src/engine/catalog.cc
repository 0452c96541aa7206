#include "engine/catalog.h"

#include <cstdio>

#include "base/text.h"
#include "engine/model_files.h"

namespace steward::engine {
namespace fs = std::filesystem;
namespace {

constexpr int64_t kMostContext = 8192;          // of a slot, where nobody said otherwise: memory grows with it
constexpr int64_t kMostEmbeddingTokens = 2048;  // one pass must fit one batch
constexpr int64_t kEmbeddingSlots = 4;
constexpr int64_t kBatchTokens = 512;
constexpr uint64_t kProcessBytes = 120'000'000;
constexpr uint64_t kCacheValueBytes = 2;  // 16-bit floats

int64_t context_of(const Options& options, const ModelOptions& own, const GgufInfo& info) {
  const int64_t trained = info.context_tokens > 0 ? info.context_tokens : kMostContext;
  const int64_t asked = own.context_tokens > 0 ? own.context_tokens : options.context_tokens;
  return std::min(trained, asked > 0 ? asked : kMostContext);
}

// What the model is served with, once its name is known.
void serve_with(const Options& options, CatalogEntry& entry) {
  LocalModel& model = entry.model;
  if (model.state == ModelState::kFailed) return;
  const ModelOptions own = options.of(model.name);
  if (model.kind == ModelKind::kEmbedding) {
    model.slots = own.slots > 0 ? own.slots : kEmbeddingSlots;
    model.context_tokens = entry.window_tokens =
        std::min(std::max<int64_t>(entry.info.context_tokens, 1), kMostEmbeddingTokens);
  } else {
    model.slots = own.slots > 0 ? own.slots : std::max(1, options.slots);
    model.context_tokens = context_of(options, own, entry.info);
  }
  entry.memory_bytes = memory_need(entry.info, model.kind, model.context_tokens, model.slots);
}

CatalogEntry entry_of(const fs::path& file, bool shipped) {
  CatalogEntry entry;
  LocalModel& model = entry.model;
  model.name = model_name_of(file.filename().string());
  model.path = file;
  model.shipped = shipped;
  std::error_code error;
  model.file_bytes = fs::file_size(file, error);
  auto info = check_model_file(file);
  if (!info) {
    model.problem = info.error().message;
    model.state = ModelState::kFailed;
    return entry;
  }
  entry.info = std::move(*info);
  model.kind = entry.info.is_embedding() ? ModelKind::kEmbedding : ModelKind::kChat;
  model.parameters = entry.info.parameters;
  model.train_context_tokens = entry.info.context_tokens;
  model.architecture = entry.info.architecture;
  model.quantization = entry.info.quantization;
  model.chat_template = entry.info.chat_template;
  model.license = entry.info.license;
  if (model.kind == ModelKind::kEmbedding) model.dimensions = entry.info.embedding_dimensions;
  return entry;
}

// What comes with Steward is one file a model, so its name need not say how it is packed: "smollm2-135m-instruct".
std::string shipped_name(const CatalogEntry& entry) {
  const std::string suffix = "-" + to_lower_ascii(entry.info.quantization);
  std::string name = entry.model.name;
  if (suffix.size() > 1 && name.size() > suffix.size() && name.ends_with(suffix))
    name.resize(name.size() - suffix.size());
  return name;
}

void read_folder(const Options& options, const fs::path& folder, bool shipped,
                 std::map<std::string, CatalogEntry>& out) {
  std::error_code error;
  for (const auto& file : fs::directory_iterator(folder, error)) {
    const std::string name = file.path().filename().string();
    if (name.starts_with('.') || file.path().extension() != ".gguf") continue;
    CatalogEntry entry = entry_of(file.path(), shipped);
    if (shipped) entry.model.name = shipped_name(entry);
    serve_with(options, entry);
    std::string key = entry.model.name;
    out.insert_or_assign(std::move(key), std::move(entry));
  }
}

uint64_t number_in(const char* path) {
  unsigned long long value = 0;
  FILE* file = std::fopen(path, "re");
  if (file == nullptr) return 0;
  if (std::fscanf(file, "%llu", &value) != 1) value = 0;
  std::fclose(file);
  return value;
}

// Of the container: read files that are kept count as used there, but make way for whoever needs the memory.
uint64_t page_cache() {
  uint64_t sum = 0;
  FILE* file = std::fopen("/sys/fs/cgroup/memory.stat", "re");
  if (file == nullptr) return 0;
  char key[64];
  unsigned long long value = 0;
  while (std::fscanf(file, "%63s %llu", key, &value) == 2) {
    const std::string_view name = key;
    if (name == "inactive_file" || name == "active_file") sum += value;
  }
  std::fclose(file);
  return sum;
}

}  // namespace

std::map<std::string, CatalogEntry> read_catalog(const Options& options) {
  std::map<std::string, CatalogEntry> out;
  read_folder(options, options.shipped_models, true, out);
  read_folder(options, options.models, false, out);
  for (const auto& [name, own] : options.by_model) {
    if (own.path.empty()) continue;
    CatalogEntry entry = entry_of(own.path, false);
    entry.model.name = name;
    serve_with(options, entry);
    out.insert_or_assign(name, std::move(entry));
  }
  return out;
}

uint64_t memory_need(const GgufInfo& info, ModelKind kind, int64_t context_tokens, int64_t slots) {
  const auto u = [](int64_t value) { return static_cast<uint64_t>(std::max<int64_t>(value, 0)); };
  uint64_t heads = u(info.kv_heads > 0 ? info.kv_heads : info.heads);
  uint64_t head_values = u(info.key_length) + u(info.value_length);
  if (head_values == 0 && info.heads > 0) head_values = 2 * u(info.embedding_dimensions) / u(info.heads);
  const uint64_t cache = kind == ModelKind::kEmbedding
                             ? 0
                             : u(info.blocks) * heads * head_values * kCacheValueBytes * u(context_tokens) * u(slots);
  const uint64_t batch = u(kind == ModelKind::kEmbedding ? context_tokens : kBatchTokens);
  const uint64_t compute =
      batch * 4 * (u(info.feed_forward) + 8 * u(info.embedding_dimensions)) +
      // An embedder's process keeps a row as long as the vocabulary for every token of a pass (measured: 512 MB for
      // e5).
      (kind == ModelKind::kChat ? u(info.vocabulary) * u(slots) * 8
                                : batch * batch * 4 * u(info.heads) + batch * u(info.vocabulary) * 4);
  const uint64_t vocabulary = u(info.vocabulary) * 160;  // pieces with their index
  return info.file_bytes + cache + compute + vocabulary + kProcessBytes;
}

uint64_t available_memory() {
  unsigned long long kib = 0;
  if (FILE* file = std::fopen("/proc/meminfo", "re")) {
    char line[256];
    while (std::fgets(line, sizeof line, file) != nullptr && std::sscanf(line, "MemAvailable: %llu kB", &kib) != 1) {
    }
    std::fclose(file);
  }
  const uint64_t machine = kib * 1024, limit = number_in("/sys/fs/cgroup/memory.max"),
                 current = number_in("/sys/fs/cgroup/memory.current"), cached = page_cache();
  const uint64_t used = current > cached ? current - cached : 0;
  return limit == 0 ? machine : std::min(machine, limit > used ? limit - used : 0);
}

}  // namespace steward::engine
