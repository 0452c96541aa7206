// libFuzzer: any bytes as a GGUF file give an answer or an error, without a read or an allocation beyond what is there.
#include "engine/gguf.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto info = steward::engine::parse_gguf(std::string_view(reinterpret_cast<const char*>(data), size));
  if (info && info->tensor_bytes > size) __builtin_trap();  // what it accepts is wholly there
  return 0;
}
