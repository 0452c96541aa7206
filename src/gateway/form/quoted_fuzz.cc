// What callers and models quote inside of JSON strings: sealed signatures, data: URLs, a tool call's arguments, a text
// that is to be a tool call. Sealing and custom input come back as they went in.
#include <cstdlib>

#include "base/json.h"
#include "base/text.h"
#include "gateway/form/custom_tools.h"
#include "gateway/form/request.h"
#include "gateway/tools.h"

namespace {

void hold(bool law) {
  if (!law) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace steward;
  using namespace steward::gateway;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const Signature opened = open_signature(text);
  const Signature sealed{.value = text, .provider = "openai"};
  const Signature back = open_signature(seal_signature(sealed));
  hold(text.empty() || (back.value == text && back.provider == "openai"));
  if (!opened.provider.empty()) hold(open_signature(seal_signature(opened)).value == opened.value);

  std::string mime, base64;
  if (split_data_url(text, mime, base64)) {
    Media media{.mime = mime, .data = base64};
    std::string mime_again, base64_again;
    hold(split_data_url(data_url(media), mime_again, base64_again) && base64_again == base64);
  }
  if (is_valid_utf8(text)) hold(custom_tool_input(custom_tool_arguments(text)) == text);
  (void)custom_tool_input(text);
  (void)dump(read_tool_answer(text, "stop", "call_1").delta);
  const Json call = {{"id", "c"}, {"type", "function"}, {"function", {{"name", "f"}, {"arguments", text}}}};
  const Json tool = {{"type", "function"}, {"function", {{"name", "f"}, {"parameters", {{"type", "object"}}}}}};
  const Json turn = {{"role", "assistant"}, {"content", nullptr}, {"tool_calls", Json::array({call})}};
  (void)dump(with_described_tools({{"messages", Json::array({turn})}, {"tools", Json::array({tool})}}));
  return 0;
}
