#include <fmt/format.h>

#include "base/json.h"
#include "base/text.h"
#include "server/batches/runner.h"

namespace steward::server {
namespace {

void note(Json& problems, std::string_view code, std::string message, size_t line, Json param = nullptr) {
  if (problems.size() >= kMaxBatchErrors) return;
  problems.push_back({{"code", code}, {"message", std::move(message)}, {"line", line}, {"param", std::move(param)}});
}

std::string text_in(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::optional<BatchLine> read_line(std::string_view text, size_t number, const std::string& endpoint,
                                   std::set<std::string>& ids, Json& problems) {
  if (text.size() > kMaxLineBytes) {
    note(problems, "line_too_long", fmt::format("The line is longer than {} bytes.", kMaxLineBytes), number);
    return {};
  }
  auto json = parse_json(text);
  if (!json || !json->is_object()) {
    note(problems, "invalid_json_line", "The line is not a JSON object.", number);
    return {};
  }
  BatchLine line{.custom_id = text_in(*json, "custom_id"), .url = text_in(*json, "url"), .body = {}};
  if (line.custom_id.empty()) {
    note(problems, "missing_required_parameter", "'custom_id' is missing.", number, "custom_id");
    return {};
  }
  if (!ids.insert(line.custom_id).second) {
    note(problems, "duplicate_custom_id", "Another line has this custom_id.", number, "custom_id");
    return {};
  }
  if (text_in(*json, "method") != "POST") {
    note(problems, "invalid_method", "'method' must be POST.", number, "method");
    return {};
  }
  if (line.url != endpoint) {
    note(problems, "mismatched_endpoint", fmt::format("'url' must be the batch's endpoint, {}.", endpoint), number,
         "url");
    return {};
  }
  const auto body = json->find("body");
  if (body == json->end() || !body->is_object()) {
    note(problems, "missing_required_parameter", "'body' is missing.", number, "body");
    return {};
  }
  if (body->value("stream", Json()) == true || body->value("background", Json()) == true) {
    note(problems, "invalid_request", "A line of a batch can't be streamed or run in the background.", number, "body");
    return {};
  }
  line.body = std::move(*body);
  return line;
}

}  // namespace

BatchInput read_batch_input(std::string_view bytes, const std::string& endpoint) {
  BatchInput out;
  std::set<std::string> ids;
  size_t number = 0;
  if (bytes.starts_with("\xef\xbb\xbf")) bytes.remove_prefix(3);
  while (!bytes.empty()) {
    const size_t end = std::min(bytes.find('\n'), bytes.size());
    const std::string_view text = trim(bytes.substr(0, end));
    bytes.remove_prefix(std::min(end + 1, bytes.size()));
    ++number;
    if (text.empty()) continue;
    if (out.lines.size() >= kMaxBatchLines) {
      note(out.problems, "too_many_requests", fmt::format("More than {} lines.", kMaxBatchLines), number);
      break;
    }
    if (auto line = read_line(text, number, endpoint, ids, out.problems)) out.lines.push_back(std::move(*line));
  }
  if (out.lines.empty() && out.problems.empty()) note(out.problems, "empty_file", "The file holds no request.", 0);
  return out;
}

Result<BatchOrder> read_order(const journal::Record& record) {
  const Json body = read_own(record.body);
  if (!body.is_object()) return fail(ErrorCode::kNotFound, "The batch was erased.");
  return BatchOrder{.id = record.stream.substr(record.stream.find('/') + 1),
                    .owner = text_in(body, "owner"),
                    .key = text_in(body, "key"),
                    .input_file = text_in(body, "input_file"),
                    .actor = record.actor,
                    .endpoint = text_in(body, "endpoint"),
                    .input_blob = text_in(body, "input_blob"),
                    .metadata = body.value("metadata", Json()),
                    .created_at = record.time};
}

bool has_ended(std::string_view status) {
  return status == "completed" || status == "failed" || status == "expired" || status == "cancelled";
}

Json batch_json(const BatchOrder& order, const BatchRow& row) {
  const Json changes = read_own(row.changes);
  const auto when = [&](const char* status) -> Json {
    if (!changes.is_object() || !changes.contains(status)) return nullptr;
    return changes[status].get<int64_t>() / kSecondUs;
  };
  const auto id_or_null = [](const Id& id) { return id.empty() ? Json(nullptr) : Json(id); };
  return {{"id", order.id},
          {"object", "batch"},
          {"endpoint", order.endpoint},
          {"errors", nullptr},
          {"input_file_id", order.input_file},
          {"completion_window", "24h"},
          {"status", row.status},
          {"output_file_id", id_or_null(row.output_file)},
          {"error_file_id", id_or_null(row.error_file)},
          {"created_at", order.created_at / kSecondUs},
          {"in_progress_at", when("in_progress")},
          {"expires_at", (order.created_at + kBatchWindowUs) / kSecondUs},
          {"finalizing_at", when("finalizing")},
          {"completed_at", when("completed")},
          {"failed_at", when("failed")},
          {"expired_at", when("expired")},
          {"cancelling_at", when("cancelling")},
          {"cancelled_at", when("cancelled")},
          {"request_counts", {{"total", row.total}, {"completed", row.completed}, {"failed", row.failed}}},
          {"metadata", order.metadata}};
}

}  // namespace steward::server
