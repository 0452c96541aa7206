// A provider's refusal, list of models or count, in any dialect (the first byte says with which status): an error that
// every client's dialect can tell, valid UTF-8 and of bounded length, with a wait that is none or positive.
#include <cstdlib>

#include "base/json_bounded.h"
#include "base/text.h"
#include "gateway/dialects/dialect.h"
#include "gateway/providers/listing.h"
#include "gateway/upstream.h"
#include "net/http_server.h"

namespace {

using namespace steward;
using namespace steward::gateway;

constexpr Dialect kDialects[] = {Dialect::kChat, Dialect::kResponses, Dialect::kMessages, Dialect::kGemini};
constexpr int kStatuses[] = {400, 401, 403, 404, 408, 413, 422, 429, 500, 502, 503, 529};
constexpr size_t kLongestSentence = 4096;

void hold(bool law) {
  if (!law) std::abort();
}

void check(const Error& error) {
  hold(!error.message.empty() && error.message.size() <= kLongestSentence);
  hold(info(error.code).http_status >= 400);
  if (error.details.contains("retry_after_us")) hold(error.details["retry_after_us"].get<int64_t>() > 0);
  for (const Dialect client : kDialects) {
    const Json told = ingress_of(client).write_error(error);
    hold(told.is_object() && is_valid_utf8(dump(told)));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const int status = kStatuses[data[0] % std::size(kStatuses)];
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  net::Headers headers;
  headers.add("retry-after", std::string(body.substr(0, 32)));
  check(upstream_refusal(status, body, headers, data[0] >= 128));
  hold(is_valid_utf8(reason_of(body)));
  const Json json = parse_bounded(body);
  for (const Dialect dialect : kDialects) {
    check(egress_of(dialect).read_error(status, body, headers));
    if (json.is_discarded()) continue;
    if (const auto count = egress_of(dialect).read_count(json)) hold(*count >= 0);
  }
  hold(listed_models(json).size() <= kMaxListedModels);
  return 0;
}
