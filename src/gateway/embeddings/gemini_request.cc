// Gemini's embedContent and batchEmbedContents, as google-genai sends them. Each text of a batch brings its own
// settings there; what is to go to another dialect's provider must have the same ones for all.
#include "gateway/embeddings/request.h"
#include "gateway/fields.h"
#include "gateway/peek.h"

namespace steward::gateway {
namespace {

constexpr int64_t kMostDimensions = 100'000;

// The text of its parts, one after the other.
Status read_content(const Json& one, const std::string& at, EmbeddingRequest& into) {
  const Json& parts = peek(peek(one, "content"), "parts");
  if (!parts.is_array() || parts.empty())
    return bad_field(at + "content", fmt::format("'{}content' must have parts with the text to embed.", at));
  std::string text;
  for (const Json& part : parts) {
    const Json& said = peek(part, "text");
    if (said.is_string())
      text += said.get_ref<const std::string&>();
    else
      into.media = true;
  }
  if (text.empty() && !into.media)
    return bad_field(at + "content", fmt::format("'{}content' has an empty text: there is nothing to embed.", at));
  into.inputs.push_back(std::move(text));
  return {};
}

Status read_settings(const Json& one, const std::string& at, EmbeddingRequest& into, bool first) {
  const Json& asked = peek(one, "outputDimensionality");
  std::optional<int64_t> dimensions;
  if (!asked.is_null()) {
    dimensions = peek_integer(one, "outputDimensionality");
    if (*dimensions < 1 || *dimensions > kMostDimensions)
      return bad_field(at + "outputDimensionality", fmt::format("'{}outputDimensionality' must be a number.", at));
  }
  std::string task = peek_text(one, "taskType");
  if (task == "TASK_TYPE_UNSPECIFIED") task.clear();
  // What is no document to be found is embedded as a question is: so the local model was trained for comparisons too.
  into.query = !task.empty() && task != "RETRIEVAL_DOCUMENT";
  into.typed = !task.empty();
  if (!first && (dimensions != into.dimensions || task != into.task)) {
    return bad_field("requests",
                     "'requests' must agree in outputDimensionality and taskType: ask for the others in a "
                     "call of their own.");
  }
  into.dimensions = dimensions;
  into.task = std::move(task);
  return {};
}

}  // namespace

Result<EmbeddingRequest> read_gemini_embedding(Json body, std::string model, bool batch) {
  if (!body.is_object()) return fail(ErrorCode::kInvalidRequest, "The body must be a JSON object.");
  EmbeddingRequest out{.from = Dialect::kGemini, .model = std::move(model), .single = !batch};
  Json requests = batch ? Json(peek(body, "requests")) : Json::array({std::move(body)});
  if (!requests.is_array() || requests.empty()) return bad_field("requests", "'requests' is missing: what to embed.");
  if (requests.size() > kMaxEmbeddingInputs)
    return bad_field("requests", fmt::format("'requests' has more than {} texts.", kMaxEmbeddingInputs));
  for (size_t i = 0; i < requests.size(); ++i) {
    const std::string at = batch ? fmt::format("requests[{}].", i) : "";
    if (auto ok = read_content(requests[i], at, out); !ok) return fail(std::move(ok.error()));
    if (auto ok = read_settings(requests[i], at, out, i == 0); !ok) return fail(std::move(ok.error()));
  }
  out.body = Json{{"requests", std::move(requests)}};
  return out;
}

}  // namespace steward::gateway
