#include "gateway/completions/request.h"

#include "gateway/fields.h"
#include "gateway/peek.h"

namespace steward::gateway {
namespace {

using enum FieldType;
using Support = Field::Support;
constexpr double kMost = 1e18;
constexpr double kMostTokens = 10'000'000;

constexpr Field kCompletionFields[] = {
    {"model", kString},
    {"prompt", kStringOrArray},
    {"stream", kBoolean},
    {"stream_options", kObject},
    {"n", kInteger, 1, kMaxCompletionChoices},
    {"max_tokens", kInteger, 1, kMostTokens},
    {"temperature", kNumber, 0, 2},
    {"top_p", kNumber, 0, 1},
    {"presence_penalty", kNumber, -2, 2},
    {"frequency_penalty", kNumber, -2, 2},
    {"stop", kStringOrArray},
    {"seed", kInteger, -kMost, kMost},
    {"logit_bias", kObject},
    {"logprobs", kInteger, 0, 5},
    {"user", kString},
    {"echo", kBoolean, -kMost, kMost, Support::kRemoteOnly, "put the prompt before the answer yourself."},
    {"suffix", kString, -kMost, kMost, Support::kRemoteOnly, "use a provider's model that fills in the middle."},
    {"best_of", kInteger, 1, 20, Support::kNever, "ask for 'n' choices and choose."},
};

Status check_stop(const Json& body) {
  const Json stop = body.value("stop", Json());
  if (!stop.is_array()) return {};
  if (stop.size() > kMaxCompletionStops)
    return bad_field("stop", fmt::format("'stop' takes at most {} strings.", kMaxCompletionStops));
  for (const auto& s : stop) {
    if (!s.is_string()) return bad_field("stop", "'stop' must be a string or an array of strings.");
  }
  return {};
}

Status check_stream(const Json& body, CompletionRequest& request) {
  request.stream = body.value("stream", Json()).is_boolean() && body["stream"].get<bool>();
  const Json options = body.value("stream_options", Json());
  if (options.is_null()) return {};
  if (!request.stream)
    return bad_field("stream_options", "'stream_options' is only for a streamed call ('stream': true).");
  static constexpr Field kOptions[] = {{"include_usage", kBoolean}, {"include_obfuscation", kBoolean}};
  if (auto ok = check_fields(options, kOptions); !ok) return ok;
  request.include_usage = options.value("include_usage", Json()) == true;
  return {};
}

Status read_common(CompletionRequest& request) {
  const Json& body = request.body;
  if (!body.contains("model") || !body["model"].is_string() || body["model"].get_ref<const std::string&>().empty())
    return bad_field("model", "'model' is missing.");
  request.model = body["model"];
  if (auto ok = check_stream(body, request); !ok) return ok;
  if (auto ok = check_stop(body); !ok) return ok;
  if (body.contains("n") && body["n"].is_number_integer()) request.n = body["n"];
  if (body.contains("max_tokens") && body["max_tokens"].is_number_integer())
    request.max_output = body["max_tokens"].get<int64_t>();
  return {};
}

}  // namespace

Result<CompletionRequest> read_completion(Json body) {
  if (auto ok = check_fields(body, kCompletionFields); !ok) return fail(std::move(ok.error()));
  CompletionRequest request{.body = std::move(body)};
  if (auto ok = read_common(request); !ok) return fail(std::move(ok.error()));
  const Json prompt = request.body.value("prompt", Json());
  if (prompt.is_null() || (prompt.is_array() && prompt.empty())) return bad_field("prompt", "'prompt' is missing.");
  const bool tokens = prompt.is_array() && prompt[0].is_number_integer();
  if (prompt.is_string() || tokens) {
    request.prompts.push_back(prompt);
  } else {
    for (const auto& one : prompt) {
      if (!one.is_string() && !one.is_array())
        return bad_field("prompt", "'prompt' must be a string, an array of strings, or tokens.");
      request.prompts.push_back(one);
    }
  }
  if (request.choices() > kMaxCompletionChoices)
    return bad_field("prompt", fmt::format("More than {} choices in one call.", kMaxCompletionChoices));
  return request;
}

Status check_for_local(const CompletionRequest& request) { return check_local_fields(request.body, kCompletionFields); }

}  // namespace steward::gateway
