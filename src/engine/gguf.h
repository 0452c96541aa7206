// Reads the header of a GGUF model file (ggml docs/gguf.md, versions 2 and 3): what the model is, without loading it.
//
// A model file comes from outside: every length, count and offset is checked against the bytes that are there before it
// is believed, and nothing is allocated by a number that the file names. A file that is cut short, damaged or no model
// gives kInvalidRequest with a sentence that says which. Pure functions; any thread. Reading a header of a 250,000-word
// vocabulary takes some milliseconds of disk.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.h"

namespace steward::engine {

enum class Pooling { kUnspecified = -1, kNone = 0, kMean = 1, kCls = 2, kLast = 3, kRank = 4 };

struct GgufInfo {
  uint32_t version = 0;
  std::string architecture;   // "llama", "bert"
  std::string name;           // general.name
  std::string license;        // general.license
  std::string quantization;   // "Q4_K_M"
  std::string chat_template;  // tokenizer.chat_template
  uint64_t parameters = 0;    // values in all tensors
  uint64_t tensor_bytes = 0;  // what the weights take
  uint64_t file_bytes = 0;
  uint64_t tensors = 0;
  int64_t context_tokens = 0;  // the length it was trained for
  int64_t embedding_dimensions = 0;
  int64_t blocks = 0;
  int64_t heads = 0;
  int64_t kv_heads = 0;    // the most of any layer
  int64_t key_length = 0;  // of one head
  int64_t value_length = 0;
  int64_t vocabulary = 0;
  int64_t experts = 0;
  int64_t feed_forward = 0;
  int64_t split_count = 0;  // parts of a model in several files; 0 or 1: one file
  int64_t split_number = 0;
  Pooling pooling = Pooling::kUnspecified;
  bool causal = true;

  bool is_embedding() const;  // made to embed, not to talk
};

// Where the bytes come from: a file, or memory in tests and the fuzzer.
class GgufSource {
 public:
  virtual ~GgufSource() = default;
  virtual uint64_t size() const = 0;
  // Exactly `count` bytes at `offset` into `out`; false if they are not there.
  virtual bool read(uint64_t offset, char* out, size_t count) = 0;
};

Result<GgufInfo> parse_gguf(GgufSource& source);
Result<GgufInfo> parse_gguf(std::string_view bytes);
Result<GgufInfo> read_gguf(const std::filesystem::path& path);

}  // namespace steward::engine
