// The stream that `steward chat` reads: the same text, use and end however it is cut.
#include <cstdlib>

#include "cli/conversation.h"

namespace {

struct Read {
  std::string text, printed, problem, reason, usage;
  bool operator==(const Read&) const = default;
};

Read read(std::string_view bytes, size_t step) {
  steward::cli::AnswerReader reader;
  Read out;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(step, bytes.size())))
    out.printed += reader.feed(bytes.substr(0, step));
  out.printed += reader.feed({});  // a fault may be told only after the events before it
  out.text = reader.text();
  out.problem = reader.problem();
  out.reason = reader.finish_reason();
  out.usage = steward::dump(reader.usage());
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Read whole = read(bytes, std::max<size_t>(size, 1));
  if (whole.text != whole.printed || whole != read(bytes, 1) || whole != read(bytes, 7)) std::abort();
  return 0;
}
