// Bodies of the model API: whatever bytes come, a clear refusal or a request that every later step can use.
#include "gateway/completions/request.h"
#include "gateway/dialects/dialect.h"
#include "gateway/embeddings/request.h"
#include "gateway/engine_body.h"
#include "gateway/local_limits.h"
#include "gateway/providers/table.h"
#include "gateway/stop_filter.h"
#include "gateway/tools.h"
#include "net/http_server.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace steward;
  using namespace steward::gateway;
  auto body = parse_json({reinterpret_cast<const char*>(data), size});
  if (!body) return 0;
  const net::Headers headers;
  for (const Dialect dialect : {Dialect::kChat, Dialect::kResponses, Dialect::kMessages, Dialect::kGemini}) {
    auto request = ingress_of(dialect).read_request(*body, {.model = "m", .stream = false, .headers = &headers});
    if (!request) continue;
    if (request->n < 1) __builtin_trap();
    Refusals refusals(dialect, {"unsupported"});
    if (auto plain = for_local(*request, refusals)) {
      auto out = chat_egress().write_request(
          *plain,
          {.provider = "local", .model = "m", .profile = &local_profile(), .stream = true, .refusals = &refusals});
      if (out && out->contains("tools") && !(*out)["tools"].empty()) (void)with_described_tools(engine_body(*out));
    }
    for (const auto spoken : {ProviderDialect::kOpenAi, ProviderDialect::kResponses, ProviderDialect::kAnthropic,
                              ProviderDialect::kGemini, ProviderDialect::kBedrock}) {
      const Dialect out = spoken == ProviderDialect::kOpenAi      ? Dialect::kChat
                          : spoken == ProviderDialect::kResponses ? Dialect::kResponses
                          : spoken == ProviderDialect::kGemini    ? Dialect::kGemini
                                                                  : Dialect::kMessages;
      const OutgoingCall call{.provider = "p",
                              .model = "m",
                              .profile = &plain_profile(spoken),
                              .max_output = 9,
                              .stream = true,
                              .refusals = &refusals};
      if (auto written = egress_of(out).write_request(*request, call)) (void)dump(*written);
      (void)egress_of(out).path(*request, call);
    }
  }
  if (auto completion = read_completion(*body)) {
    (void)check_for_local(*completion);
    (void)stops_of(completion->body);
    if (completion->choices() < 1 || completion->choices() > kMaxCompletionChoices) __builtin_trap();
  }
  (void)read_gemini_embedding(Json(*body), "m", true);
  (void)read_gemini_embedding(Json(*body), "m", false);
  (void)read_embedding(std::move(*body));
  return 0;
}
