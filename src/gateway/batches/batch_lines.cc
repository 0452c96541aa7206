#include "gateway/batches/batch_lines.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "base/json_bounded.h"
#include "gateway/told_usage.h"
#include "gateway/upstream.h"

namespace steward::gateway {
namespace {

constexpr size_t kMaxIdBytes = 256;  // they have some forty
constexpr int kRpcCancelled = 1;     // google.rpc.Code
constexpr size_t kMostTextsOfLine = 2'048;

int status_of_type(std::string_view type) {
  static constexpr std::array<std::pair<std::string_view, int>, 9> kStatuses = {{{"invalid_request_error", 400},
                                                                                 {"authentication_error", 401},
                                                                                 {"billing_error", 402},
                                                                                 {"permission_error", 403},
                                                                                 {"not_found_error", 404},
                                                                                 {"request_too_large", 413},
                                                                                 {"rate_limit_error", 429},
                                                                                 {"timeout_error", 504},
                                                                                 {"overloaded_error", 529}}};
  for (const auto& [name, status] : kStatuses) {
    if (name == type) return status;
  }
  return 500;
}

// google.rpc.Code as HTTP has it (googleapis' google/rpc/code.proto); an HTTP status stays what it is.
int status_of_code(const Json& code) {
  static constexpr std::array<int, 17> kOfRpc = {200, 499, 500, 400, 504, 404, 409, 403, 429,
                                                 400, 409, 400, 501, 500, 503, 500, 401};
  if (!code.is_number_integer()) return 500;
  const auto value = code.get<int64_t>();
  if (value >= 400 && value <= 599) return static_cast<int>(value);
  return value > 0 && value < static_cast<int64_t>(kOfRpc.size()) ? kOfRpc[static_cast<size_t>(value)] : 500;
}

Error failed(const Json& why) {
  return {ErrorCode::kUpstreamError, fmt::format("The provider's batch failed: {}",
                                                 why.is_object() ? reason_of(dump(why)) : "It gave no reason.")};
}

// Null where there is none.
Json* inside(Json* object, const char* name) {
  if (object == nullptr || !object->is_object()) return nullptr;
  const auto found = object->find(name);
  return found == object->end() ? nullptr : &*found;
}

// "BATCH_STATE_SUCCEEDED", "JOB_STATE_SUCCEEDED": what follows STATE_.
std::string gemini_state(const Json& operation) {
  std::string state = text_of(member_of(operation, "metadata"), "state");
  if (state.empty()) state = text_of(operation, "state");
  const size_t at = state.find("STATE_");
  return at == std::string::npos ? state : state.substr(at + 6);
}

// In the operation's `response` and, the same, in `metadata.output`; the list by itself or one level deeper.
Json gemini_answers(Json& operation, bool& vectors) {
  for (Json* holder : {inside(&operation, "response"), inside(inside(&operation, "metadata"), "output"),
                       inside(&operation, "output")}) {
    Json* list = inside(holder, "inlinedEmbedContentResponses");
    vectors = list != nullptr;
    if (!vectors) list = inside(holder, "inlinedResponses");
    if (Json* inner = inside(list, "inlinedResponses")) list = inner;
    if (list != nullptr && list->is_array()) return std::move(*list);
  }
  return Json::array();
}

std::string gemini_key(const Json& answer) { return text_of(member_of(answer, "metadata"), "key"); }

// "line-12": 12; -1: not one of ours.
int64_t number_of(std::string_view key) {
  constexpr std::string_view kBefore = "line-";
  int64_t number = -1;
  if (!key.starts_with(kBefore)) return -1;
  key.remove_prefix(kBefore.size());
  const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), number);
  return error == std::errc() && end == key.data() + key.size() ? number : -1;
}

struct TextId {
  std::string line;
  size_t text = 0, texts = 1;
};

// "line-12", "line-12/0/3".
std::optional<TextId> read_text_id(std::string_view key) {
  TextId out;
  const size_t first = key.find('/'), last = key.rfind('/');
  out.line = key.substr(0, first);
  if (first == std::string_view::npos) return out;
  if (last == first) return {};
  const auto number = [](std::string_view digits, size_t& into) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), into);
    return error == std::errc() && end == digits.data() + digits.size();
  };
  const bool read =
      number(key.substr(first + 1, last - first - 1), out.text) && number(key.substr(last + 1), out.texts);
  if (!read || out.texts > kMostTextsOfLine || out.text >= out.texts) return {};
  return out;
}

// What a text counts, where it is told: an int64, which proto's JSON writes as text.
std::optional<int64_t> tokens_told(const Json& response) {
  for (const Json* told :
       {&member_of(response, "tokenCount"), &member_of(member_of(response, "usageMetadata"), "promptTokenCount")}) {
    const std::string digits = told->is_string() ? told->get<std::string>() : told->is_null() ? "" : dump(*told);
    int64_t count = -1;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
    const bool whole = !digits.empty() && error == std::errc() && end == digits.data() + digits.size();
    if (whole && count >= 0 && count <= kMostToldTokens) return count;
  }
  return {};
}

// Google says that answers stand in the order of the requests and bring their keys back; both were seen to fail
// (github.com/googleapis/python-genai/issues/1909 and 2008). An answer without a key is told by its place only where
// none is missing and whoever has a key stands in order.
bool stand_in_order(const Json& answers, const Json& stats) {
  const Json& count = member_of(stats, "requestCount");  // int64: as text, in proto's JSON
  const std::string told = count.is_string() ? count.get<std::string>() : count.is_null() ? "" : dump(count);
  if (!told.empty() && told != std::to_string(answers.size())) return false;
  int64_t last = -1;
  for (const Json& answer : answers) {
    const std::string key = gemini_key(answer);
    if (key.empty()) continue;
    const int64_t number = number_of(key);
    if (number <= last) return false;
    last = number;
  }
  return true;
}

}  // namespace

std::string text_of(const Json& object, const char* name) {
  const Json& found = member_of(object, name);
  return found.is_string() ? found.get<std::string>() : "";
}

const Json& member_of(const Json& object, const char* name) {
  static const Json kNull;
  if (!object.is_object()) return kNull;
  const auto found = object.find(name);
  return found == object.end() ? kNull : *found;
}

std::string id_in(const Json& object, const char* name) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:";  // of Gemini: "batches/…"
  std::string id = text_of(object, name);
  const bool good = id.size() <= kMaxIdBytes && id.find_first_not_of(kPlain) == std::string::npos &&
                    id.find("..") == std::string::npos;
  return good ? id : "";
}

BatchState read_openai_batch(const Json& batch) {
  const std::string status = text_of(batch, "status");
  BatchState out;
  out.ended = status == "completed" || status == "failed" || status == "expired" || status == "cancelled";
  for (const char* name : {"input_file_id", "output_file_id", "error_file_id"}) out.at[name] = id_in(batch, name);
  if (status != "failed") return out;
  const Json& why = member_of(member_of(batch, "errors"), "data");
  out.refused = failed(why.is_array() && !why.empty() ? why.front() : Json());
  return out;
}

BatchState read_anthropic_batch(const Json& batch) {
  BatchState out;
  out.ended = text_of(batch, "processing_status") == "ended";
  return out;
}

BatchState read_gemini_batch(Json operation) {
  const std::string state = gemini_state(operation);
  const bool gave_answers = state == "SUCCEEDED" || state == "CANCELLED" || state == "EXPIRED";
  const Json& error = member_of(operation, "error");
  BatchState out;
  out.ended = gave_answers || state == "FAILED" || member_of(operation, "done") == true;
  if (!out.ended) return out;
  if (!gave_answers && (state == "FAILED" || error.is_object())) out.refused = failed(error);
  bool vectors = false;
  Json answers = gemini_answers(operation, vectors);
  out.at["vectors"] = vectors;
  out.at["by_place"] = stand_in_order(answers, member_of(member_of(operation, "metadata"), "batchStats"));
  out.at["answers"] = std::move(answers);
  return out;
}

std::optional<LineAnswer> read_openai_line(const Json& line) {
  LineAnswer out{.id = text_of(line, "custom_id"), .status = 0, .body = {}};
  if (out.id.empty()) return {};
  const Json& response = member_of(line, "response");
  const Json& error = member_of(line, "error");
  if (response.is_object()) {
    const Json& status = member_of(response, "status_code");
    const Json& body = member_of(response, "body");
    const int64_t value = status.is_number_integer() ? status.get<int64_t>() : 0;
    if (value < 100 || value > 599 || !body.is_object()) return {};
    out.status = static_cast<int>(value);
    out.body = dump(body);
    return out;
  }
  if (!error.is_object()) return {};
  const std::string code = text_of(error, "code");
  if (code == "batch_expired" || code == "batch_cancelled") {
    out.body = text_of(error, "message");
    return out;
  }
  out.status = 500;
  out.body = dump(Json{{"error", error}});
  return out;
}

std::optional<LineAnswer> read_anthropic_line(const Json& line) {
  LineAnswer out{.id = text_of(line, "custom_id"), .status = 0, .body = {}};
  const Json& result = member_of(line, "result");
  const std::string type = text_of(result, "type");
  if (out.id.empty()) return {};
  if (type == "succeeded") {
    const Json& message = member_of(result, "message");
    if (!message.is_object()) return {};
    out.status = 200;
    out.body = dump(message);
    return out;
  }
  if (type == "errored") {
    const Json& error = member_of(result, "error");
    out.status = status_of_type(text_of(member_of(error, "error"), "type"));
    out.body = dump(error);
    return out;
  }
  if (type != "canceled" && type != "expired") return {};
  out.body = fmt::format("The provider's batch was {} before it answered this request.", type);
  return out;
}

std::optional<LineAnswer> read_gemini_answer(const Json& answer, std::optional<size_t> place) {
  LineAnswer out{.id = gemini_key(answer), .status = 200, .body = {}};
  if (out.id.empty() && place) out.id = fmt::format("#{}", *place);
  if (out.id.empty()) return {};
  const Json& error = member_of(answer, "error");
  const Json& response = member_of(answer, "response");
  if (error.is_object()) {
    const bool cancelled = member_of(error, "code") == kRpcCancelled;
    out.status = cancelled ? 0 : status_of_code(member_of(error, "code"));
    out.body = cancelled ? text_of(error, "message") : dump(Json{{"error", error}});
    return out;
  }
  if (!response.is_object()) return {};
  out.body = dump(response);
  return out;
}

std::string gemini_text_id(const std::string& line, size_t text, size_t texts) {
  return texts == 1 ? line : fmt::format("{}/{}/{}", line, text, texts);
}

std::optional<LineAnswer> GeminiVectorLines::add(const Json& answer) {
  auto one = read_gemini_answer(answer, {});
  if (!one) return {};
  const auto id = read_text_id(one->id);
  if (!id) return {};
  Line& line = lines_[id->line];
  if (line.vectors.empty()) line.vectors.resize(id->texts), line.missing = id->texts;
  if (line.over || id->text >= line.vectors.size() || !line.vectors[id->text].empty()) return {};
  one->id = id->line;
  if (one->status != 200) {
    line.over = true;
    return one;
  }
  const Json& response = member_of(answer, "response");
  const Json& values = member_of(member_of(response, "embedding"), "values");
  const auto tokens = tokens_told(response);
  line.vectors[id->text] = values.is_array() ? dump(values) : "null";  // which whoever reads it takes for no vector
  line.tokens += tokens.value_or(0);
  line.counted = line.counted && tokens.has_value();
  if (--line.missing > 0) return {};
  line.over = true;
  one->body = R"({"embeddings":[)";
  for (std::string& vector : line.vectors) {
    if (&vector != &line.vectors.front()) one->body += ',';
    one->body += fmt::format(R"({{"values":{}}})", std::exchange(vector, "null"));
  }
  one->body += ']';
  if (line.counted) one->body += fmt::format(R"(,"usageMetadata":{{"promptTokenCount":{}}})", line.tokens);
  one->body += '}';
  return one;
}

std::optional<Json> JsonLines::next() {
  for (;;) {
    const size_t end = held_.find('\n', seen_);
    if (end == std::string::npos) break;
    const std::string_view line = std::string_view(held_).substr(begin_, end - begin_);
    begin_ = seen_ = end + 1;
    if (std::exchange(skipping_, false) || line.size() > longest_) continue;
    auto json = parse_json(line, {.max_depth = kMaxForeignDepth, .allow_duplicate_keys = true});
    if (json && json->is_object()) return std::move(*json);
  }
  held_.erase(0, begin_);
  if (held_.size() > longest_) skipping_ = true, held_.clear();
  begin_ = 0;
  seen_ = held_.size();
  return {};
}

}  // namespace steward::gateway
