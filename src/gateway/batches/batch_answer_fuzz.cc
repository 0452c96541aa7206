// Any bytes as what a provider says of its batch, in each of the three forms: the same lines however they are cut; what
// is read of a line has an id, a status that a call can have and JSON for a body; a line of several texts is answered
// once; a batch is refused only at its end, and names nothing that could lead elsewhere in an address.
#include <algorithm>
#include <cstdlib>
#include <set>

#include "base/json_bounded.h"
#include "gateway/batches/batch_lines.h"

namespace {

using namespace steward;
using namespace steward::gateway;

constexpr size_t kLongestLine = 2'000;

std::vector<Json> read_lines(std::string_view bytes, size_t piece) {
  JsonLines lines(kLongestLine);
  std::vector<Json> out;
  for (size_t at = 0; at <= bytes.size(); at += piece) {
    lines.add(bytes.substr(at, piece));
    if (at + piece > bytes.size()) lines.end();
    while (auto line = lines.next()) out.push_back(std::move(*line));
  }
  return out;
}

void check(const std::optional<LineAnswer>& answer) {
  if (!answer) return;
  if (answer->id.empty()) std::abort();
  if (answer->status == 0) return;
  if (answer->status < 100 || answer->status > 599) std::abort();
  if (!parse_json(answer->body, {.max_depth = kMaxForeignDepth})) std::abort();
}

void check(const BatchState& state) {
  if (state.refused && (!state.ended || state.refused->message.empty())) std::abort();
  for (const Json& one : state.at) {
    if (one.is_string() && one.get<std::string>().find_first_of("?#% \r\n") != std::string::npos) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::vector<Json> lines = read_lines(bytes, std::max<size_t>(size, 1));
  if (read_lines(bytes, 1 + size % 61) != lines) std::abort();
  for (const Json& line : lines) {
    check(read_openai_line(line));
    check(read_anthropic_line(line));
    check(read_gemini_answer(line, size));
    if (read_gemini_answer(line, {}) && text_of(member_of(line, "metadata"), "key").empty()) std::abort();
    check(read_openai_batch(line));
    check(read_anthropic_batch(line));
    const BatchState gemini = read_gemini_batch(line);
    check(gemini);
    GeminiVectorLines texts;
    std::set<std::string> whole;
    for (const Json& answer : member_of(gemini.at, "answers")) {
      check(read_gemini_answer(answer, {}));
      const auto vectors = texts.add(answer);
      check(vectors);
      if (vectors && !whole.insert(vectors->id).second) std::abort();
    }
  }
  return 0;
}
