#include "gateway/request.h"

#include <array>

#include <fmt/format.h>

#include "gateway/fields.h"
#include "gateway/peek.h"

namespace steward::gateway {
namespace {

using enum FieldType;
using Support = Field::Support;
constexpr double kMost = 1e18;
constexpr double kMostTokens = 10'000'000;

constexpr Field kChatFields[] = {
    {"model", kString},
    {"messages", kArray},
    {"stream", kBoolean},
    {"stream_options", kObject},
    {"n", kInteger, 1, kMaxChoices},
    {"max_tokens", kInteger, 1, kMostTokens},
    {"max_completion_tokens", kInteger, 1, kMostTokens},
    {"temperature", kNumber, 0, 2},
    {"top_p", kNumber, 0, 1},
    {"presence_penalty", kNumber, -2, 2},
    {"frequency_penalty", kNumber, -2, 2},
    {"stop", kStringOrArray},
    {"seed", kInteger, -kMost, kMost},
    {"logit_bias", kObject},
    {"logprobs", kBoolean},
    {"top_logprobs", kInteger, 0, 20},
    {"tools", kArray},
    {"tool_choice", kStringOrObject},
    {"parallel_tool_calls", kBoolean},
    {"response_format", kObject},
    {"user", kString},
    {"metadata", kObject},
    {"store", kBoolean},
    {"service_tier", kString},
    {"safety_identifier", kString},
    {"prompt_cache_key", kString},
    {"prompt_cache_retention", kString, -kMost, kMost, Support::kRemoteOnly,
     "the engine keeps its prompt cache by itself; leave it out."},
    {"reasoning_effort", kString, -kMost, kMost, Support::kRemoteOnly,
     "the shipped models do not reason; leave it out, or use a provider's model."},
    {"verbosity", kString, -kMost, kMost, Support::kRemoteOnly,
     "ask for brevity in the messages, or use a provider's model."},
    {"prediction", kObject, -kMost, kMost, Support::kNever,
     "what is rejected of it would cost more than can be reserved; leave it out."},
    {"modalities", kArray, -kMost, kMost, Support::kNever, "only text comes out; leave it out."},
    {"audio", kObject, -kMost, kMost, Support::kNever, "only text comes out; leave it out."},
    {"web_search_options", kObject, -kMost, kMost, Support::kNever, "give the model a tool that searches instead."},
    {"functions", kArray, -kMost, kMost, Support::kNever, "use 'tools'."},
    {"moderation", kObject, -kMost, kMost, Support::kRemoteOnly, "use a provider's model."},
    {"function_call", kStringOrObject, -kMost, kMost, Support::kNever, "use 'tool_choice'."},
};

constexpr Field kCompletionFields[] = {
    {"model", kString},
    {"prompt", kStringOrArray},
    {"stream", kBoolean},
    {"stream_options", kObject},
    {"n", kInteger, 1, kMaxChoices},
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

constexpr Field kEmbeddingFields[] = {
    {"model", kString},           {"input", kStringOrArray},
    {"encoding_format", kString}, {"dimensions", kInteger, 1, 100'000},
    {"input_type", kString},      {"user", kString},
};

constexpr std::string_view kPartTypes[] = {"text", "image_url", "input_audio", "file", "refusal"};
constexpr std::string_view kRoles[] = {"system", "developer", "user", "assistant", "tool"};

Status check_parts(const Json& content, const std::string& at) {
  for (const auto& part : content) {
    const std::string type = peek_text(part, "type");
    if (type.empty()) return bad_field(at, fmt::format("Each part of '{}' must be an object with a 'type'.", at));
    if (std::ranges::find(kPartTypes, type) == std::end(kPartTypes)) {
      return fail(ErrorCode::kUnsupportedField,
                  fmt::format("A part of type '{}' is not known: text, image_url, input_audio, file or refusal.",
                              type.substr(0, 40)),
                  {{"param", at}});
    }
    if (type == "file" && !peek(peek(part, "file"), "file_id").is_null()) {
      return fail(ErrorCode::kUnsupportedField,
                  "A file by its id can't be bounded in cost: send its bytes as 'file_data'.", {{"param", at}});
    }
    if (type == "text" && !peek(part, "text").is_string())
      return bad_field(at, fmt::format("A text part of '{}' has no text.", at));
  }
  return {};
}

Status check_message_calls(const Json& message, const std::string& at) {
  const Json& calls = peek(message, "tool_calls");
  if (calls.is_null()) return {};
  if (!calls.is_array()) return bad_field(at + ".tool_calls", fmt::format("'{}.tool_calls' must be an array.", at));
  for (const auto& call : calls) {
    const Json& function = peek(call, "function");
    if (!peek(call, "id").is_string() || !peek(function, "name").is_string() ||
        !peek(function, "arguments").is_string()) {
      return bad_field(at + ".tool_calls", fmt::format("Each call of '{}.tool_calls' needs an 'id' and a 'function' "
                                                       "with 'name' and 'arguments' (a string of JSON).",
                                                       at));
    }
  }
  return {};
}

Status check_message(const Json& message, size_t index) {
  const std::string at = fmt::format("messages[{}]", index);
  if (!message.is_object() || !message.contains("role") || !message["role"].is_string())
    return bad_field(at, fmt::format("'{}' must be an object with a 'role'.", at));
  const std::string role = message["role"];
  if (std::ranges::find(kRoles, role) == std::end(kRoles)) {
    return bad_field(at + ".role", fmt::format("'{}' is not a role: system, developer, user, assistant or tool.",
                                               role.substr(0, 40)));
  }
  if (auto ok = check_message_calls(message, at); !ok) return ok;
  const bool has_calls = peek(message, "tool_calls").is_array();
  const Json& content = peek(message, "content");
  if (role == "tool" && !peek(message, "tool_call_id").is_string())
    return bad_field(at + ".tool_call_id",
                     fmt::format("'{}.tool_call_id' is missing: which call is this the result of?", at));
  if (content.is_null()) {
    if (role == "assistant" && (has_calls || message.contains("refusal"))) return {};
    return bad_field(at + ".content", fmt::format("'{}.content' is missing.", at));
  }
  if (content.is_array()) return check_parts(content, at + ".content");
  return content.is_string()
             ? Status{}
             : Status(
                   bad_field(at + ".content", fmt::format("'{}.content' must be a string or an array of parts.", at)));
}

Status check_messages(const Json& body) {
  if (!body.contains("messages") || !body["messages"].is_array())
    return bad_field("messages", "'messages' is missing: an array of messages.");
  const Json& messages = body["messages"];
  if (messages.empty()) return bad_field("messages", "'messages' is empty: give at least one.");
  if (messages.size() > kMaxMessages)
    return bad_field("messages", fmt::format("'messages' has more than {} messages.", kMaxMessages));
  for (size_t i = 0; i < messages.size(); ++i) {
    if (auto ok = check_message(messages[i], i); !ok) return ok;
  }
  return {};
}

Status check_tools(const Json& body) {
  const Json tools = body.value("tools", Json());
  const Json choice = body.value("tool_choice", Json());
  if (tools.is_null() || tools.empty()) {
    return choice.is_null() || choice == "none" || choice == "auto"
               ? Status{}
               : Status(bad_field("tool_choice", "'tool_choice' needs 'tools'."));
  }
  if (tools.size() > kMaxTools) return bad_field("tools", fmt::format("'tools' has more than {} tools.", kMaxTools));
  for (size_t i = 0; i < tools.size(); ++i) {
    const std::string at = fmt::format("tools[{}]", i);
    if (peek_text(tools[i], "type") != "function") {
      return fail(ErrorCode::kUnsupportedField, fmt::format("'{}' must be of type 'function'.", at),
                  {{"param", at + ".type"}});
    }
    const Json& function = peek(tools[i], "function");
    if (!peek(function, "name").is_string()) return bad_field(at, fmt::format("'{}.function.name' is missing.", at));
    if (const Json& parameters = peek(function, "parameters"); !parameters.is_null() && !parameters.is_object())
      return bad_field(at, fmt::format("'{}.function.parameters' must be a JSON Schema.", at));
  }
  if (choice.is_string() && choice != "none" && choice != "auto" && choice != "required")
    return bad_field("tool_choice", "'tool_choice' must be none, auto, required or a function.");
  if (!choice.is_object()) return {};
  const std::string wanted = peek_text(peek(choice, "function"), "name");
  if (wanted.empty()) return bad_field("tool_choice", "'tool_choice' must name a function.");
  for (const auto& tool : tools) {
    if (peek_text(peek(tool, "function"), "name") == wanted) return {};
  }
  return bad_field("tool_choice",
                   fmt::format("'tool_choice' names '{}', which is none of 'tools'.", wanted.substr(0, 100)));
}

// A dearer tier than the priced one would break the reservation.
Status check_tier(const Json& body) {
  const std::string tier = peek_text(body, "service_tier");
  if (tier.empty() || tier == "auto" || tier == "default" || tier == "flex") return {};
  return fail(ErrorCode::kUnsupportedField,
              "'service_tier' can be auto, default or flex: dearer tiers have no price here.",
              {{"param", "service_tier"}});
}

Status check_format(const Json& body) {
  const Json format = body.value("response_format", Json());
  if (format.is_null()) return {};
  const std::string type = peek_text(format, "type");
  if (type == "text" || type == "json_object") return {};
  if (type != "json_schema")
    return bad_field("response_format", "'response_format.type' must be text, json_object or json_schema.");
  const Json schema = format.value("json_schema", Json());
  if (!schema.is_object() || !schema.contains("schema") || !schema["schema"].is_object())
    return bad_field("response_format", "'response_format.json_schema.schema' is missing.");
  return {};
}

Status check_stop(const Json& body) {
  const Json stop = body.value("stop", Json());
  if (!stop.is_array()) return {};
  if (stop.size() > kMaxStops) return bad_field("stop", fmt::format("'stop' takes at most {} strings.", kMaxStops));
  for (const auto& s : stop) {
    if (!s.is_string()) return bad_field("stop", "'stop' must be a string or an array of strings.");
  }
  return {};
}

Status check_stream(const Json& body, ModelRequest& request) {
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

Status read_common(ModelRequest& request) {
  const Json& body = request.body;
  if (!body.contains("model") || !body["model"].is_string() || body["model"].get_ref<const std::string&>().empty())
    return bad_field("model", "'model' is missing.");
  request.model = body["model"];
  if (auto ok = check_stream(body, request); !ok) return ok;
  if (auto ok = check_stop(body); !ok) return ok;
  if (body.contains("n") && body["n"].is_number_integer()) request.n = body["n"];
  if (!peek(body, "max_tokens").is_null() && !peek(body, "max_completion_tokens").is_null()) {
    return bad_field("max_tokens", "'max_tokens' and 'max_completion_tokens' say the same: give one.");
  }
  for (const char* name : {"max_completion_tokens", "max_tokens"}) {
    if (body.contains(name) && body[name].is_number_integer() && !request.max_output)
      request.max_output = body[name].get<int64_t>();
  }
  return {};
}

}  // namespace

std::unexpected<Error> bad_field(std::string_view field, std::string message) {
  return fail(ErrorCode::kInvalidRequest, std::move(message), {{"param", std::string(field)}});
}

Result<ModelRequest> read_chat(Json body) {
  if (auto ok = check_fields(body, kChatFields); !ok) return fail(std::move(ok.error()));
  ModelRequest request{.kind = CallKind::kChat, .body = std::move(body)};
  if (auto ok = read_common(request); !ok) return fail(std::move(ok.error()));
  for (auto* check : {check_messages, check_tools, check_format, check_tier}) {
    if (auto ok = check(request.body); !ok) return fail(std::move(ok.error()));
  }
  if (request.body.value("store", Json()) == true) {
    return fail(ErrorCode::kUnsupportedField, "'store' can't be honoured yet: send the conversation with each call.",
                {{"param", "store"}});
  }
  if (!request.body.value("top_logprobs", Json()).is_null() && request.body.value("logprobs", Json()) != true)
    return bad_field("top_logprobs", "'top_logprobs' needs 'logprobs': true.");
  const Json tools = request.body.value("tools", Json());
  request.has_tools = tools.is_array() && !tools.empty() && request.body.value("tool_choice", Json()) != "none";
  return request;
}

Result<ModelRequest> read_completion(Json body) {
  if (auto ok = check_fields(body, kCompletionFields); !ok) return fail(std::move(ok.error()));
  ModelRequest request{.kind = CallKind::kCompletion, .body = std::move(body)};
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
  if (request.choices() > kMaxChoices)
    return bad_field("prompt", fmt::format("More than {} choices in one call.", kMaxChoices));
  return request;
}

namespace {

// What a local model's template can say of a message; members that are null say nothing.
Status check_local_message(const Json& message, const std::string& at) {
  static constexpr std::string_view kKnown[] = {
      "role", "content", "name", "refusal", "tool_calls", "tool_call_id", "reasoning_content", "annotations"};
  for (const auto& [name, value] : message.items()) {
    if (value.is_null() || std::ranges::find(kKnown, name) != std::end(kKnown)) continue;
    return fail(ErrorCode::kUnsupportedField,
                fmt::format("'{}' of a message can't be honoured by a local model.", name.substr(0, 100)),
                {{"param", at + "." + name.substr(0, 100)}});
  }
  const Json& content = peek(message, "content");
  if (!content.is_array()) return {};
  for (const auto& part : content) {
    const std::string type = peek_text(part, "type");
    if (type == "text" || type == "refusal") continue;
    return fail(ErrorCode::kUnsupportedField,
                fmt::format("A part of type '{}' can't be read by this local model: it takes text.", type),
                {{"param", at + ".content"}});
  }
  return {};
}

}  // namespace

Status check_for_local(const ModelRequest& request) {
  const std::span<const Field> fields =
      request.kind == CallKind::kChat ? std::span<const Field>(kChatFields) : std::span<const Field>(kCompletionFields);
  if (auto ok = check_local_fields(request.body, fields); !ok) return ok;
  if (request.kind != CallKind::kChat) return {};
  const Json& messages = request.body["messages"];
  for (size_t i = 0; i < messages.size(); ++i) {
    if (auto ok = check_local_message(messages[i], fmt::format("messages[{}]", i)); !ok) return ok;
  }
  return {};
}

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
