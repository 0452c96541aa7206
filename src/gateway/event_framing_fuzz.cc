// Any bytes as an Amazon event stream: the same events however they are cut. The first byte says whether the checksums
// are mended first, so that what stands behind them is reached too.
#include <boost/crc.hpp>

#include "gateway/event_framing.h"

namespace {

using steward::net::SseEvent;

void put_crc(std::string& bytes, size_t from, size_t size, size_t at) {
  boost::crc_32_type crc;
  crc.process_bytes(bytes.data() + from, size);
  for (int i = 0; i < 4; ++i) bytes[at + i] = static_cast<char>(crc.checksum() >> (24 - 8 * i));
}

// One frame of all the bytes: lengths and checksums right, everything else as it came.
std::string as_frame(std::string bytes) {
  if (bytes.size() < 16) bytes.resize(16);
  const size_t headers = static_cast<unsigned char>(bytes[7]) % (bytes.size() - 15);
  for (int i = 0; i < 4; ++i) bytes[i] = static_cast<char>(bytes.size() >> (24 - 8 * i));
  for (int i = 0; i < 4; ++i) bytes[4 + i] = static_cast<char>(headers >> (24 - 8 * i));
  put_crc(bytes, 0, 8, 8);
  put_crc(bytes, 0, bytes.size() - 4, bytes.size() - 4);
  return bytes;
}

bool read_all(std::string_view bytes, size_t step, std::vector<SseEvent>& out) {
  const auto framing = steward::gateway::framing_of("application/vnd.amazon.eventstream");
  for (; !bytes.empty(); bytes.remove_prefix(std::min(step, bytes.size()))) {
    auto events = framing->feed(bytes.substr(0, step));
    if (!events) return false;
    out.insert(out.end(), events->begin(), events->end());
  }
  return framing->feed({}).has_value();  // a fault may be told only after the events before it
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 2 == 0) bytes = as_frame(std::move(bytes));
  std::vector<SseEvent> whole, cut;
  const bool good = read_all(bytes, std::max<size_t>(bytes.size(), 1), whole);
  if (read_all(bytes, 1, cut) != good) __builtin_trap();
  if (whole.size() != cut.size()) __builtin_trap();
  for (size_t i = 0; i < whole.size(); ++i) {
    if (whole[i].data != cut[i].data || whole[i].event != cut[i].event) __builtin_trap();
  }
  return 0;
}
