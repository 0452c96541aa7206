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

}  // namespace

Result<EmbeddingRequest> read_embedding(Json body) {
  if (auto ok = check_fields(body, kEmbeddingFields); !ok) return fail(std::move(ok.error()));
  EmbeddingRequest request{.body = std::move(body)};
  const Json& b = request.body;
  if (!b.contains("model") || !b["model"].is_string()) return bad_field("model", "'model' is missing.");
  request.model = b["model"];
  const Json input = b.value("input", Json());
  if (input.is_string()) {
    request.inputs.push_back(input);
  } else if (input.is_array() && !input.empty()) {
    for (const auto& one : input) {
      if (!one.is_string()) {
        return fail(ErrorCode::kUnsupportedField,
                    "'input' as token numbers can't be honoured: another tokenizer made them. Send the text.",
                    {{"param", "input"}});
      }
      request.inputs.push_back(one);
    }
  } else {
    return bad_field("input", "'input' is missing: a string or an array of strings.");
  }
  if (request.inputs.size() > kMaxEmbeddingInputs)
    return bad_field("input", fmt::format("'input' has more than {} texts.", kMaxEmbeddingInputs));
  for (const auto& text : request.inputs) {
    if (text.empty()) return bad_field("input", "'input' has an empty text: there is nothing to embed.");
  }
  const std::string format = b.contains("encoding_format") && b["encoding_format"].is_string()
                                 ? b["encoding_format"].get<std::string>()
                                 : "float";
  if (format != "float" && format != "base64")
    return bad_field("encoding_format", "'encoding_format' must be float or base64.");
  request.base64 = format == "base64";
  const std::string type =
      b.contains("input_type") && b["input_type"].is_string() ? b["input_type"].get<std::string>() : "passage";
  if (type != "query" && type != "passage") return bad_field("input_type", "'input_type' must be query or passage.");
  request.query = type == "query";
  if (b.contains("dimensions") && b["dimensions"].is_number_integer())
    request.dimensions = b["dimensions"].get<int64_t>();
  return request;
}

}  // namespace steward::gateway
