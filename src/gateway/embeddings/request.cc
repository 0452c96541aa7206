#include "gateway/embeddings/request.h"

#include "gateway/fields.h"

namespace steward::gateway {
namespace {

using enum FieldType;

constexpr Field kEmbeddingFields[] = {
    {"model", kString},           {"input", kStringOrArray},
    {"encoding_format", kString}, {"dimensions", kInteger, 1, 100'000},
    {"input_type", kString},      {"user", kString},
};

bool is_token(const Json& value) { return value.is_number_integer() && value.get<int64_t>() >= 0; }

bool are_tokens(const Json& list) { return list.is_array() && !list.empty() && std::ranges::all_of(list, is_token); }

// A text, texts, token numbers, or lists of token numbers.
Status read_inputs(const Json& input, EmbeddingRequest& into) {
  if (input.is_string()) {
    into.inputs.push_back(input);
    return {};
  }
  if (!input.is_array() || input.empty())
    return bad_field("input", "'input' is missing: a string or an array of strings.");
  if (are_tokens(input)) {
    into.tokens = static_cast<int64_t>(input.size());
    into.inputs.emplace_back();
    return {};
  }
  for (const auto& one : input) {
    if (one.is_string() && into.tokens == 0) {
      into.inputs.push_back(one);
    } else if (are_tokens(one) && (into.tokens > 0 || into.inputs.empty())) {
      into.tokens += static_cast<int64_t>(one.size());
      into.inputs.emplace_back();
    } else {
      return bad_field("input", "'input' must be a text, a list of texts, or lists of token numbers, and all alike.");
    }
  }
  return {};
}

std::string text_or(const Json& body, const char* name, std::string otherwise) {
  const auto found = body.find(name);
  return found != body.end() && found->is_string() ? found->get<std::string>() : otherwise;
}

}  // namespace

size_t EmbeddingRequest::bytes() const {
  size_t sum = 0;
  for (const auto& text : inputs) sum += text.size();
  return sum;
}

Result<EmbeddingRequest> read_embedding(Json body) {
  if (auto ok = check_fields(body, kEmbeddingFields); !ok) return fail(std::move(ok.error()));
  EmbeddingRequest request{.body = std::move(body)};
  const Json& b = request.body;
  if (!b.contains("model") || !b["model"].is_string()) return bad_field("model", "'model' is missing.");
  request.model = b["model"];
  if (auto ok = read_inputs(b.value("input", Json()), request); !ok) return fail(std::move(ok.error()));
  if (request.inputs.size() > kMaxEmbeddingInputs)
    return bad_field("input", fmt::format("'input' has more than {} texts.", kMaxEmbeddingInputs));
  for (const auto& text : request.inputs) {
    if (text.empty() && request.tokens == 0)
      return bad_field("input", "'input' has an empty text: there is nothing to embed.");
  }
  const std::string format = text_or(b, "encoding_format", "float");
  if (format != "float" && format != "base64")
    return bad_field("encoding_format", "'encoding_format' must be float or base64.");
  request.base64 = format == "base64";
  const std::string type = text_or(b, "input_type", "passage");
  if (type != "query" && type != "passage") return bad_field("input_type", "'input_type' must be query or passage.");
  request.query = type == "query";
  request.typed = b.contains("input_type") && !b["input_type"].is_null();
  if (b.contains("dimensions") && b["dimensions"].is_number_integer())
    request.dimensions = b["dimensions"].get<int64_t>();
  return request;
}

std::string_view dimensions_name(Dialect from) {
  return from == Dialect::kGemini ? "outputDimensionality" : "dimensions";
}
std::string_view type_name(Dialect from) { return from == Dialect::kGemini ? "taskType" : "input_type"; }
std::string_view inputs_name(Dialect from) { return from == Dialect::kGemini ? "content" : "input"; }

}  // namespace steward::gateway
