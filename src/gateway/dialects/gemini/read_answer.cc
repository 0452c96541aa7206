#include <algorithm>
#include <map>

#include "gateway/dialects/gemini/gemini.h"
#include "gateway/dialects/gemini/reading.h"
#include "gateway/peek.h"

namespace steward::gateway::gemini {
namespace {

constexpr int64_t kMaxCandidates = 128;

class Reader final : public AnswerReader {
 public:
  explicit Reader(std::string provider) : provider_(std::move(provider)) {}

  Result<Deltas> event(std::string_view name, Json data) override {
    if (name == "[DONE]") return Deltas{};
    return read(data);
  }

  Result<Deltas> whole(Json body) override {
    if (!body.is_object() ||
        (!body.contains("candidates") && !body.contains("promptFeedback") && !body.contains("error")))
      return fail(ErrorCode::kUpstreamError, "The model's provider answered with something that is no content.");
    auto deltas = read(body);
    if (!deltas) return deltas;
    finish_all(*deltas);
    return deltas;
  }

  Result<Deltas> end() override {
    if (!finished()) return fail(ErrorCode::kUpstreamUnreachable, "The model's server ended its answer in the middle.");
    Deltas out;
    finish_all(out);
    return out;
  }

  bool finished() const override {
    return !candidates_.empty() &&
           std::ranges::all_of(candidates_, [](const auto& one) { return one.second.finished(); });
  }

 private:
  void finish_all(Deltas& out) {
    for (auto& [index, candidate] : candidates_) {
      if (!candidate.finished()) candidate.finish("", out);
    }
  }

  Result<Deltas> read(const Json& raw) {
    if (!raw.is_object()) return fail(ErrorCode::kUpstreamError, "The model's server sent an event that is no object.");
    if (!peek(raw, "error").is_null())
      return fail(ErrorCode::kUpstreamError,
                  fmt::format("The model's server broke off: {}", reason_of(raw, dump(raw))));
    const Json body = camel_case(raw);
    Deltas out;
    begin(body, out);
    int64_t position = 0;
    for (const auto& one : peek(body, "candidates")) {
      const int64_t index = peek_integer(one, "index", position++);
      if (!one.is_object() || index < 0 || index >= kMaxCandidates) continue;
      candidates_.try_emplace(index, index, provider_).first->second.read(one, out);
    }
    if (const std::string reason = peek_text(peek(body, "promptFeedback"), "blockReason");
        !reason.empty() && candidates_.empty())
      candidates_.try_emplace(0, 0, provider_).first->second.finish(reason, out);
    read_usage_of(body, out);
    return out;
  }

  void begin(const Json& body, Deltas& out) {
    static constexpr std::string_view kOwn[] = {"candidates", "usageMetadata", "modelVersion", "responseId"};
    Json extra = Json::object();
    for (const auto& [name, value] : body.items()) {
      if (!value.is_null() && std::ranges::find(kOwn, name) == std::end(kOwn) && peek(told_, name.c_str()) != value)
        extra[name] = told_[name] = value;
    }
    if (!begun_) {
      begun_ = true;
      model_ = peek_text(body, "modelVersion");
      out.push_back(Begin{
          .from = Dialect::kGemini, .id = peek_text(body, "responseId"), .model = model_, .extra = std::move(extra)});
    } else if (!extra.empty()) {
      out.push_back(AnswerExtra{.extra = std::move(extra)});
    }
  }

  // A grounded answer is one search; from Gemini 3 on each of its queries is.
  void read_usage_of(const Json& body, Deltas& out) {
    const Json& told = peek(body, "usageMetadata");
    if (told.is_object() && told.contains("promptTokenCount")) usage_ = told;
    if (!usage_.is_object()) return;
    int64_t searches = 0, maps = 0;
    for (const auto& [index, candidate] : candidates_) {
      searches += thinks_in_levels(model_) ? candidate.searches() : std::min<int64_t>(candidate.searches(), 1);
      maps += candidate.maps() ? 1 : 0;
    }
    const bool news = searches != searches_ || maps != maps_;
    if (!told.is_object() && !news) return;
    searches_ = searches;
    maps_ = maps;
    ledger::Usage usage = read_usage(usage_);
    if (searches > 0) usage.tool_calls[std::string(ledger::kWebSearch)] = searches;
    if (maps > 0) usage.tool_calls[std::string(ledger::kMaps)] = maps;
    out.push_back(UsageTold{.usage = std::move(usage), .raw = usage_});
  }

  std::string provider_, model_;
  std::map<int64_t, CandidateReader> candidates_;
  Json told_, usage_;
  int64_t searches_ = 0, maps_ = 0;
  bool begun_ = false;
};

}  // namespace

FinishReason finish_of(std::string_view word) {
  if (word == "STOP" || word.empty()) return FinishReason::kStop;
  if (word == "MAX_TOKENS") return FinishReason::kLength;
  static constexpr std::string_view kFiltered[] = {"SAFETY",
                                                   "RECITATION",
                                                   "LANGUAGE",
                                                   "BLOCKLIST",
                                                   "PROHIBITED_CONTENT",
                                                   "SPII",
                                                   "IMAGE_SAFETY",
                                                   "IMAGE_RECITATION",
                                                   "IMAGE_PROHIBITED_CONTENT",
                                                   "MODEL_ARMOR",
                                                   "BLOCKED_REASON_UNSPECIFIED"};
  if (std::ranges::find(kFiltered, word) != std::end(kFiltered)) return FinishReason::kContentFilter;
  return FinishReason::kOther;
}

std::unique_ptr<AnswerReader> make_reader(std::string provider) {
  return std::make_unique<Reader>(std::move(provider));
}

}  // namespace steward::gateway::gemini
