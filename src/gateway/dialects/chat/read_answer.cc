// Reads answers of OpenAI-compatible servers, streamed or whole (a whole message is read as one delta), and mends what
// they get wrong: missing indexes, parallel calls that all say index 0, arguments that are no string, names that come
// late, finish reasons that nobody knows, the same reasoning under two names.
#include <algorithm>
#include <map>

#include "base/text.h"
#include "gateway/dialects/chat/chat.h"
#include "gateway/dialects/chat/reading.h"
#include "gateway/dialects/repeating.h"
#include "gateway/peek.h"

namespace steward::gateway::chat {
namespace {

constexpr std::string_view kAnswerOwn[] = {"id", "object", "created", "model", "choices", "usage", "obfuscation"};
constexpr std::string_view kChoiceOwn[] = {"index", "delta", "message", "finish_reason", "logprobs", "text"};
constexpr std::string_view kTiers[] = {"auto", "default", "flex", "scale", "priority", "fast"};

class Reader final : public AnswerReader, public RepeatingReader {
 public:
  explicit Reader(std::string provider) : provider_(std::move(provider)) {}

  Result<Deltas> event(std::string_view name, Json data) override {
    if (name == "[DONE]") {
      done_ = true;
      return Deltas{};
    }
    if (!data.is_object())
      return fail(ErrorCode::kUpstreamError, "The model's server sent an event that is no object.");
    if (name == "error" || !peek(data, "error").is_null()) return broke_off(data);
    return read(data);
  }

  Result<Deltas> whole(Json body) override {
    if (body.is_object() && !peek(body, "error").is_null()) return broke_off(body);
    if (!peek(body, "choices").is_array())
      return fail(ErrorCode::kUpstreamError, "The model's provider answered with something that is no completion.");
    auto deltas = read(body);
    if (!deltas) return deltas;
    for (auto& [index, choice] : choices_) {
      if (!choice.finished()) choice.finish("", *deltas);
    }
    return deltas;
  }

  Result<Deltas> end() override {
    if (!finished()) return fail(ErrorCode::kUpstreamUnreachable, "The model's server ended its answer in the middle.");
    Deltas out;
    for (auto& [index, choice] : choices_) {
      if (!choice.finished()) choice.finish("", out);
    }
    return out;
  }

  bool finished() const override {
    return done_ ||
           (!choices_.empty() && std::ranges::all_of(choices_, [](const auto& one) { return one.second.finished(); }));
  }

  bool repeats(const Append& append) const override {
    const auto found = choices_.find(append.choice);
    return found != choices_.end() && found->second.in_text(append.part);
  }

 private:
  static std::unexpected<Error> broke_off(const Json& data) {
    return fail(ErrorCode::kUpstreamError,
                fmt::format("The model's server broke off: {}", reason_of(data, dump(data))));
  }

  Result<Deltas> read(const Json& body) {
    Deltas out;
    begin(body, out);
    int64_t position = 0;
    for (const auto& one : peek(body, "choices")) {
      const int64_t index = peek(one, "index").is_number_integer() ? peek_integer(one, "index") : position;
      ++position;
      if (!one.is_object() || index < 0 || index >= kMaxChoices) continue;
      auto [found, added] = choices_.try_emplace(index, index, provider_);
      read_choice(one, found->second, body, out);
    }
    if (auto usage = read_usage(body)) {
      const Json& told = peek(body, "usage");
      if (const auto tier = ledger::service_from_text(peek_text(told_, "service_tier"))) usage->service = *tier;
      out.push_back(UsageTold{.usage = std::move(*usage), .raw = told.is_object() ? told : Json()});
    }
    return out;
  }

  void begin(const Json& body, Deltas& out) {
    Json extra = others(body, kAnswerOwn);
    if (std::ranges::find(kTiers, peek_text(extra, "service_tier")) == std::end(kTiers)) extra.erase("service_tier");
    if (!begun_) {
      begun_ = true;
      told_ = extra;
      out.push_back(Begin{.from = Dialect::kChat,
                          .id = peek_text(body, "id"),
                          .model = peek_text(body, "model"),
                          .created = peek_integer(body, "created"),
                          .extra = std::move(extra)});
      return;
    }
    Json news = Json::object();
    for (const auto& [name, value] : extra.items()) {
      if (peek(told_, name.c_str()) != value) news[name] = told_[name] = value;
    }
    if (!news.empty()) out.push_back(AnswerExtra{.extra = std::move(news)});
  }

  static void read_choice(const Json& json, ChoiceReader& choice, const Json& body, Deltas& out) {
    if (choice.finished()) return;  // some say it twice, with nothing in it
    choice.keep(others(json, kChoiceOwn));
    const Json& delta = peek(json, "delta").is_object() ? peek(json, "delta") : peek(json, "message");
    if (delta.is_object()) choice.read(delta, out);
    choice.logprobs(peek(json, "logprobs"), out);
    const Json& reason = peek(json, "finish_reason");
    if (!reason.is_string() || reason.get_ref<const std::string&>().empty()) return;
    choice.cite_sources(body, out);
    choice.finish(reason, out);
  }

  std::string provider_;
  std::map<int64_t, ChoiceReader> choices_;
  Json told_;
  bool begun_ = false;
  bool done_ = false;
};

}  // namespace

FinishReason finish_of(std::string_view word) {
  static constexpr std::pair<std::string_view, FinishReason> kWords[] = {
      {"stop", FinishReason::kStop},
      {"eos", FinishReason::kStop},
      {"", FinishReason::kStop},
      {"end_turn", FinishReason::kStop},
      {"length", FinishReason::kLength},
      {"model_length", FinishReason::kLength},
      {"max_tokens", FinishReason::kLength},
      {"tool_calls", FinishReason::kToolCalls},
      {"function_call", FinishReason::kToolCalls},
      {"tool_use", FinishReason::kToolCalls},
      {"content_filter", FinishReason::kContentFilter},
      {"sensitive", FinishReason::kContentFilter},
      {"refusal", FinishReason::kRefusal}};
  for (const auto& [known, reason] : kWords) {
    if (known == word) return reason;
  }
  return FinishReason::kOther;
}

std::unique_ptr<AnswerReader> make_reader(std::string provider) {
  return std::make_unique<Reader>(std::move(provider));
}

}  // namespace steward::gateway::chat
