#include <map>

#include "gateway/dialects/responses/responses.h"
#include "gateway/peek.h"

namespace steward::gateway::responses {
namespace {

constexpr size_t kMaxOpenItems = 10'000;

// What of a response object is the caller's own, or ours to say; the rest is the provider's word and travels.
Json told_members(const Json& response) {
  return members_but(response, {"id",           "object",
                                "created_at",   "completed_at",
                                "status",       "output",
                                "usage",        "model",
                                "error",        "incomplete_details",
                                "tools",        "tool_choice",
                                "instructions", "input",
                                "metadata",     "user",
                                "store",        "background",
                                "conversation", "previous_response_id",
                                "output_text",  "max_output_tokens",
                                "prompt",       "client_metadata",
                                "billing"});
}

// One answer, streamed or whole: the whole one takes the same way, each item being added and done at once. What a done
// item or part says beyond what was streamed of it is made up for then.
class Reader : public AnswerReader {
 public:
  explicit Reader(std::string provider) : provider_(std::move(provider)) {}

  Result<Deltas> event(std::string_view name, Json data) override {
    std::string type = peek_text(data, "type");
    if (type.empty()) type = name;
    Deltas out;
    if (type == "error") return fail(error_of_response(peek(data, "error").is_object() ? data["error"] : data));
    if (type == "response.failed") return fail(error_of_response(peek(peek(data, "response"), "error")));
    if (type == "response.created" || type == "response.in_progress" || type == "response.queued") {
      begin(out, peek(data, "response"));
      return out;
    }
    if (type == "response.completed" || type == "response.incomplete") {
      if (auto ok = complete(out, peek(data, "response")); !ok) return fail(std::move(ok.error()));
      return out;
    }
    if (!type.starts_with("response.")) return out;  // keep-alives, and what a provider tells beside the answer
    begin(out, Json());
    if (auto ok = item_event(out, type, data); !ok) return fail(std::move(ok.error()));
    return out;
  }

  Result<Deltas> whole(Json body) override {
    if (!peek(body, "output").is_array())
      return fail(ErrorCode::kUpstreamError, "The model's server answered with something that is no response.");
    if (peek(body, "error").is_object() || peek_text(body, "status") == "failed")
      return fail(error_of_response(peek(body, "error")));
    if (const std::string status = peek_text(body, "status"); status == "queued" || status == "in_progress")
      return fail(ErrorCode::kUpstreamError, "The model's server answered before its response was made.");
    Deltas out;
    begin(out, body);
    if (auto ok = complete(out, body); !ok) return fail(std::move(ok.error()));
    return out;
  }

  Result<Deltas> end() override {
    if (!finished_) return fail(ErrorCode::kUpstreamUnreachable, "The model's server ended its answer in the middle.");
    return Deltas{};
  }
  bool finished() const override { return finished_; }

 private:
  enum class Kind { kMessage, kReasoning, kCall, kForeign };
  struct Content {
    size_t part = 0;
    std::string told;
    size_t citations = 0;
    bool logprobs = false;
    bool refusal = false, foreign = false;
  };
  struct Item {
    Kind kind = Kind::kForeign;
    std::string id;
    Json own;                             // of a message: its members beside content, for the first part
    std::map<int64_t, Content> contents;  // of a message, by content_index
    Content single;                       // of the others
    std::vector<size_t> summaries;        // bytes told of each
    bool done = false;
  };

  void begin(Deltas& out, const Json& response) {
    if (begun_) return;
    begun_ = true;
    out.push_back(Begin{.from = Dialect::kResponses,
                        .id = peek_text(response, "id"),
                        .model = peek_text(response, "model"),
                        .created = peek_integer(response, "created_at"),
                        .extra = told_members(response)});
  }

  Result<Item*> item_at(Deltas& out, const Json& data, const char* implied) {
    const int64_t index = peek_integer(data, "output_index", -1);
    const auto found = items_.find(index);
    if (found != items_.end()) return &found->second;
    // Announced by nothing but what belongs to it.
    return add_item(out, index, {{"type", implied}, {"id", peek_text(data, "item_id")}});
  }

  Result<Item*> add_item(Deltas& out, int64_t index, const Json& json) {
    if (items_.size() >= kMaxOpenItems)
      return fail(ErrorCode::kUpstreamError, "The model's server answered with more items than are taken.");
    const std::string type = peek_text(json, "type");
    Item& item = items_[index];
    item = Item{.kind = Kind::kForeign, .id = peek_text(json, "id")};
    Part part;
    part.id = item.id;
    const std::string role = peek_text(json, "role");
    if (type == "message" && (role.empty() || role == "assistant")) {
      item.kind = Kind::kMessage;
      item.own = members_but(json, {"type", "id", "role", "content", "status"});
      return &item;
    }
    if (type == "reasoning") {
      item.kind = Kind::kReasoning;
      part.body = Reasoning{};
      part.own = {{"item", members_but(json, {"type", "id", "summary", "content", "encrypted_content", "status"})}};
    } else if (type == "function_call" || type == "custom_tool_call") {
      item.kind = Kind::kCall;
      const std::string name = peek_text(json, "name"), space = peek_text(json, "namespace");
      const bool custom = type == "custom_tool_call";
      part.body = ToolCall{.kind = custom ? ToolCall::Kind::kCustom : ToolCall::Kind::kFunction,
                           .id = peek_text(json, "call_id"),
                           .name = flat_name(space, name),
                           .arguments = {},
                           .space = space};
      part.own = {
          {"item", members_but(json, {"type", "id", "call_id", "name", "namespace", "arguments", "input", "status"})}};
      if (!space.empty()) part.own["name"] = name;
      has_calls_ = true;
    } else {
      part.body = Foreign{.from = Dialect::kResponses, .type = type, .raw = json};
    }
    item.single.part = parts_.open(out, 0, std::move(part));
    return &item;
  }

  Content& content_at(Deltas& out, Item& item, int64_t index, const Json& json) {
    const auto found = item.contents.find(index);
    if (found != item.contents.end()) return found->second;
    Content content;
    Part part;
    part.id = item.id;
    const std::string type = peek_text(json, "type");
    if (type == "refusal") {
      part.body = Refusal{};
      content.refusal = has_refusal_ = true;
    } else if (type.empty() || type == "output_text" || type == "text") {
      part.body = Text{};
    } else {
      part.body = Foreign{.from = Dialect::kResponses, .type = type, .raw = json};
      part.own = {{"content", true}};
      content.foreign = true;
    }
    if (item.contents.empty()) part.own["item"] = item.own.is_object() ? item.own : Json::object();
    content.part = parts_.open(out, 0, std::move(part));
    return item.contents.emplace(index, content).first->second;
  }

  static void append(Deltas& out, Content& content, std::string text) {
    if (text.empty()) return;
    content.told += text;
    out.push_back(Append{.choice = 0, .part = content.part, .text = std::move(text)});
  }
  // What `whole` says beyond what was told of it; where it says something else, what was told stands: it can't be
  // unsaid.
  static void append_rest(Deltas& out, Content& content, const std::string& whole) {
    if (whole.starts_with(content.told)) append(out, content, whole.substr(content.told.size()));
  }
  static void summarise(Deltas& out, Item& item, size_t index, std::string text, bool rest) {
    if (index >= kMaxOpenItems) return;
    const bool is_new = item.summaries.size() <= index;
    if (is_new) item.summaries.resize(index + 1);
    size_t& told = item.summaries[index];
    if (rest) text = text.size() > told ? text.substr(told) : std::string();
    if (text.empty() && !is_new) return;
    told += text.size();
    out.push_back(Summarise{.choice = 0, .part = item.single.part, .index = index, .text = std::move(text)});
  }
  static void tell_logprobs(Deltas& out, Content& content, const Json& entries) {
    if (!entries.is_array() || entries.empty()) return;
    content.logprobs = true;
    out.push_back(Logprobs{.choice = 0, .part = content.part, .entries = entries, .of_refusal = content.refusal});
  }
  static void cite(Deltas& out, Content& content, const Json& annotations) {
    for (auto& citation : read_annotations(annotations)) {
      ++content.citations;
      out.push_back(Cite{.choice = 0, .part = content.part, .citation = std::move(citation)});
    }
  }

  Status item_event(Deltas& out, const std::string& type, const Json& data) {
    const std::string what = type.substr(std::string_view("response.").size());
    const int64_t index = peek_integer(data, "output_index", -1);
    if (what == "output_item.added") {
      if (items_.contains(index)) return {};
      auto added = add_item(out, index, peek(data, "item"));
      return added ? Status{} : Status(fail(std::move(added.error())));
    }
    if (what == "output_item.done") return done_item(out, index, peek(data, "item"));
    if (what.starts_with("content_part.") || what.starts_with("output_text.") || what.starts_with("refusal.") ||
        what.starts_with("reasoning_text.") || what.starts_with("reasoning_summary_"))
      return text_event(out, what, data);
    if (what == "function_call_arguments.delta" || what == "custom_tool_call_input.delta") {
      const bool custom = what.starts_with("custom");
      auto item = item_at(out, data, custom ? "custom_tool_call" : "function_call");
      if (!item) return fail(std::move(item.error()));
      if ((*item)->kind == Kind::kCall) append(out, (*item)->single, peek_text(data, "delta"));
      return {};
    }
    if (what == "function_call_arguments.done" || what == "custom_tool_call_input.done") return {};  // the item says it
    foreign_event(out, type, data);
    return {};
  }

  Status text_event(Deltas& out, const std::string& what, const Json& data) {
    const bool thinks = what.starts_with("reasoning");
    auto found = item_at(out, data, thinks ? "reasoning" : "message");
    if (!found) return fail(std::move(found.error()));
    Item& item = **found;
    if (item.kind == Kind::kReasoning) {
      const auto index = static_cast<size_t>(std::max<int64_t>(peek_integer(data, "summary_index"), 0));
      if (what == "reasoning_text.delta") append(out, item.single, peek_text(data, "delta"));
      if (what == "reasoning_summary_text.delta") summarise(out, item, index, peek_text(data, "delta"), false);
      if (what == "reasoning_summary_text.done") summarise(out, item, index, peek_text(data, "text"), true);
      return {};
    }
    if (item.kind != Kind::kMessage || thinks) return {};
    const Json& part = peek(data, "part");
    const Json kind = part.is_object() ? part : Json{{"type", what.starts_with("refusal") ? "refusal" : "output_text"}};
    Content& content = content_at(out, item, peek_integer(data, "content_index"), kind);
    if (content.foreign && what != "content_part.done") return {};  // whole when it is done
    if (what == "output_text.delta" || what == "refusal.delta") {
      append(out, content, peek_text(data, "delta"));
      tell_logprobs(out, content, peek(data, "logprobs"));
    } else if (what == "output_text.annotation.added") {
      cite(out, content, Json::array({peek(data, "annotation")}));
    } else if (what == "content_part.done") {
      done_content(out, content, part);
    }
    return {};
  }

  void done_content(Deltas& out, Content& content, const Json& json) {
    if (!parts_.is_open(0, content.part)) return;
    if (content.foreign) return parts_.close(out, 0, content.part, {}, Json::object(), json);
    append_rest(out, content, peek_text(json, content.refusal ? "refusal" : "text"));
    if (!content.logprobs) tell_logprobs(out, content, peek(json, "logprobs"));
    const Json& annotations = peek(json, "annotations");
    if (annotations.is_array() && annotations.size() > content.citations) {
      Json rest = Json::array();
      for (size_t i = content.citations; i < annotations.size(); ++i) rest.push_back(annotations[i]);
      cite(out, content, rest);
    }
    parts_.close(out, 0, content.part, {}, members_but(json, {"type", "text", "refusal", "annotations", "logprobs"}));
  }

  Status done_item(Deltas& out, int64_t index, const Json& json) {
    if (!items_.contains(index)) {
      auto added = add_item(out, index, json);
      if (!added) return fail(std::move(added.error()));
    }
    Item& item = items_[index];
    if (item.done) return {};
    item.done = true;
    switch (item.kind) {
      case Kind::kMessage: done_message(out, item, json); break;
      case Kind::kReasoning: done_reasoning(out, item, json); break;
      case Kind::kCall:
        append_rest(out, item.single, peek_text(json, peek(json, "input").is_string() ? "input" : "arguments"));
        parts_.close(out, 0, item.single.part);
        break;
      case Kind::kForeign: parts_.close(out, 0, item.single.part, {}, Json::object(), json); break;
    }
    return {};
  }

  void done_message(Deltas& out, Item& item, const Json& json) {
    if (item.contents.empty()) item.own = members_but(json, {"type", "id", "role", "content", "status"});
    const Json& content = peek(json, "content");
    for (size_t i = 0; content.is_array() && i < content.size() && i < kMaxParts; ++i)
      done_content(out, content_at(out, item, static_cast<int64_t>(i), content[i]), content[i]);
    if (item.contents.empty()) {  // an empty message is one too
      Part part = text_part({});
      part.id = item.id;
      part.own = {{"item", item.own}, {"empty", true}};
      parts_.close(out, 0, parts_.open(out, 0, std::move(part)));
    }
    for (const auto& [at, one] : item.contents) parts_.close(out, 0, one.part);
  }

  void done_reasoning(Deltas& out, Item& item, const Json& json) {
    const Reasoning whole = read_reasoning(json);
    for (size_t i = 0; i < whole.summary.size(); ++i) summarise(out, item, i, whole.summary[i], true);
    append_rest(out, item.single, whole.text);
    Signature signature;
    if (std::string proof = peek_text(json, "encrypted_content"); !proof.empty())
      signature = {.value = std::move(proof), .provider = provider_};
    parts_.close(out, 0, item.single.part, std::move(signature));
  }

  void foreign_event(Deltas& out, const std::string& type, Json data) {
    const auto item = items_.find(peek_integer(data, "output_index", -1));
    if (item != items_.end()) {
      // The part's number stands for the item until the answer is written: there it may be another item's.
      const Item& of = item->second;
      data["output_index"] = of.contents.empty() ? of.single.part : of.contents.begin()->second.part;
    }
    data.erase("sequence_number");
    out.push_back(ForeignEvent{.from = Dialect::kResponses, .name = type, .data = std::move(data)});
  }

  // Some servers leave items out of the whole answer that they streamed: then the places in it are others.
  bool was_told(const std::string& id) const {
    if (id.empty()) return false;
    return std::ranges::any_of(items_, [&](const auto& one) { return one.second.done && one.second.id == id; });
  }

  Status complete(Deltas& out, const Json& response) {
    if (finished_) return {};
    begin(out, response);
    const Json& output = peek(response, "output");
    for (size_t i = 0; output.is_array() && i < output.size(); ++i) {
      if (was_told(peek_text(output[i], "id"))) continue;
      if (auto ok = done_item(out, static_cast<int64_t>(i), output[i]); !ok) return ok;
    }
    parts_.close_all(out, 0);
    if (Json told = told_members(response); !told.empty()) out.push_back(AnswerExtra{.extra = std::move(told)});
    out.push_back(finish_of(response));
    if (peek(response, "usage").is_object())
      out.push_back(UsageTold{.usage = read_usage(response), .raw = response["usage"]});
    finished_ = true;
    return {};
  }

  Finish finish_of(const Json& response) const {
    const std::string status = peek_text(response, "status");
    const std::string why = peek_text(peek(response, "incomplete_details"), "reason");
    Finish out{.choice = 0, .reason = FinishReason::kStop, .raw = why.empty() ? status : why};
    if (status == "incomplete")
      out.reason = why == "content_filter" ? FinishReason::kContentFilter : FinishReason::kLength;
    else if (status == "queued" || status == "in_progress" || status == "cancelled")
      out.reason = FinishReason::kOther;
    else if (has_calls_)
      out.reason = FinishReason::kToolCalls;
    else if (has_refusal_)
      out.reason = FinishReason::kRefusal;
    return out;
  }

  std::string provider_;
  PartCounter parts_;
  std::map<int64_t, Item> items_;  // by output_index
  bool begun_ = false, finished_ = false, has_calls_ = false, has_refusal_ = false;
};

}  // namespace

std::unique_ptr<AnswerReader> make_reader(std::string provider) {
  return std::make_unique<Reader>(std::move(provider));
}

}  // namespace steward::gateway::responses
