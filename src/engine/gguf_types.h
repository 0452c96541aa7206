// The tensor types and quantisations of ggml (ggml/include/ggml.h, include/llama.h at v0.4.0): their block sizes and
// names.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace steward::engine {

struct TensorType {
  uint32_t id;
  uint32_t block_values;
  uint32_t block_bytes;
  std::string_view name;
};

std::optional<TensorType> find_tensor_type(uint32_t id);
// general.file_type as people write it ("Q4_K_M"); empty if unknown.
std::string_view quantization_name(int64_t file_type);

}  // namespace steward::engine
