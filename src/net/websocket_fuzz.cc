// Frames from outside: no bytes crash the reader, and its verdict does not depend on how they are cut.
#include <cstdint>
#include <cstdlib>

#include "base/json.h"
#include "net/websocket.h"

namespace {

std::string verdict(const std::vector<std::string_view>& pieces) {
  steward::net::FrameReader reader(1 << 16);
  std::string out;
  for (const auto piece : pieces) {
    const auto frames = reader.feed(piece);
    if (!frames) return "refused " + steward::dump(frames.error().details["close"]);
    for (const auto& frame : *frames) out += std::to_string(static_cast<int>(frame.kind)) + frame.payload + ";";
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  const size_t cut = bytes.empty() ? 0 : data[0] % bytes.size();
  if (verdict({bytes}) != verdict({bytes.substr(0, cut), bytes.substr(cut)})) std::abort();
  return 0;
}
