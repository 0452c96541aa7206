// Any bytes as an event stream: the same events however they are cut, and what is read can be written and read again.
#include "net/sse.h"

namespace {

std::vector<steward::net::SseEvent> read_all(std::string_view bytes, size_t step, bool& over) {
  steward::net::SseReader reader(256);
  std::vector<steward::net::SseEvent> out;
  for (; !bytes.empty() && !over; bytes.remove_prefix(std::min(step, bytes.size()))) {
    auto events = reader.feed(bytes.substr(0, step));
    over = !events;
    if (events) out.insert(out.end(), events->begin(), events->end());
  }
  over = over || !reader.feed({});  // a fault may be told only after the events before it
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  bool whole_over = false, cut_over = false;
  auto whole = read_all(bytes, std::max<size_t>(size, 1), whole_over);
  auto cut = read_all(bytes, 1, cut_over);
  if (whole_over != cut_over) __builtin_trap();
  if (whole.size() != cut.size()) __builtin_trap();
  for (size_t i = 0; i < whole.size(); ++i) {
    if (whole[i].data != cut[i].data || whole[i].event != cut[i].event || whole[i].id != cut[i].id) __builtin_trap();
    bool over = false;
    auto again = read_all(steward::net::sse_event({}, whole[i].data), 3, over);
    if (!over && (again.size() != 1 || again[0].data != whole[i].data)) __builtin_trap();
  }
  return 0;
}
