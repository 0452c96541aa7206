// Times, words and passages of any text: whatever people type or paste.
#include "memory/passages.h"
#include "memory/question.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace steward::memory;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  size_t at = 0;
  for (const Passage& one : passages_in(text)) {
    if (one.begin != at || one.end <= one.begin || one.end > text.size()) __builtin_trap();
    at = one.end;
  }
  const auto question = read_question(text, 1'795'597'200'000'000, nullptr, {Language::kGerman, Language::kSwedish});
  size_t last = 0;
  for (const When& when : question.times) {
    if (when.begin < last || when.end > text.size() || when.from >= when.to) __builtin_trap();
    last = when.end;
  }
  (void)speaker_in(text);
  (void)terms_in(text, language_of(text));
  return 0;
}
