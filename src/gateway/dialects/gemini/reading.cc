#include "gateway/dialects/gemini/reading.h"

#include <algorithm>
#include <charconv>

#include "gateway/peek.h"

namespace steward::gateway::gemini {
namespace {

constexpr size_t kMaxIndex = 100'000;  // of a list in arguments
constexpr size_t kMaxSteps = 64;       // of a path in them
constexpr size_t kMaxGap = 16;         // elements of a list that a piece may leap over

struct Step {
  std::string name;
  std::optional<size_t> index;
};

// "$.a[0].b" or "$['a'][0]".
std::vector<Step> steps_of(std::string_view path) {
  std::vector<Step> out;
  if (path.starts_with('$')) path.remove_prefix(1);
  while (!path.empty() && out.size() < kMaxSteps) {
    if (path.starts_with('[')) {
      const size_t end = path.find(']');
      if (end == std::string_view::npos) return {};
      std::string_view inside = path.substr(1, end - 1);
      path.remove_prefix(end + 1);
      if (inside.size() >= 2 && (inside[0] == '\'' || inside[0] == '"')) {
        out.push_back({.name = std::string(inside.substr(1, inside.size() - 2)), .index = {}});
        continue;
      }
      size_t index = 0;
      const auto read = std::from_chars(inside.data(), inside.data() + inside.size(), index);
      if (read.ec != std::errc() || index > kMaxIndex) return {};
      out.push_back({.name = {}, .index = index});
    } else {
      if (path.starts_with('.')) path.remove_prefix(1);
      const size_t end = std::min(path.find_first_of(".["), path.size());
      if (end == 0) return {};
      out.push_back({.name = std::string(path.substr(0, end)), .index = {}});
      path.remove_prefix(end);
    }
  }
  return path.empty() ? out : std::vector<Step>();
}

}  // namespace

void put_argument(Json& args, const Json& piece) {
  const std::vector<Step> steps = steps_of(peek_text(piece, "jsonPath"));
  if (steps.empty()) return;
  Json* at = &args;
  for (const Step& step : steps) {
    if (step.index) {
      if (at->is_null()) *at = Json::array();
      if (!at->is_array() || *step.index > at->size() + kMaxGap) return;
      while (at->size() <= *step.index) at->push_back(nullptr);
      at = &(*at)[*step.index];
    } else {
      if (at->is_null()) *at = Json::object();
      if (!at->is_object()) return;
      at = &(*at)[step.name];
    }
  }
  if (const Json& text = peek(piece, "stringValue"); text.is_string()) {
    if (!at->is_string()) *at = "";
    at->get_ref<std::string&>() += text.get_ref<const std::string&>();
  } else if (const Json& number = peek(piece, "numberValue"); !number.is_null()) {
    *at = number;
  } else if (const Json& boolean = peek(piece, "boolValue"); !boolean.is_null()) {
    *at = boolean;
  } else if (piece.contains("nullValue")) {
    *at = nullptr;
  }
}

Signature CandidateReader::signature_of(const Json& part) const {
  Signature out = open_seal(peek_text(part, "thoughtSignature"));
  if (!out.empty() && out.provider.empty()) out.provider = provider_;
  return out;
}

void CandidateReader::close_text(Deltas& out) {
  if (kind_ == Kind::kNone) return;
  parts_.close(out, index_, part_, std::exchange(text_signature_, {}));
  kind_ = Kind::kNone;
}

void CandidateReader::text(const Json& json, bool first, Deltas& out) {
  const std::string said = peek_text(json, "text");
  const Signature signature = signature_of(json);
  const Kind kind = peek(json, "thought") == true ? Kind::kThought : Kind::kText;
  if (said.empty() && signature.empty()) return;
  // A part of its own: of another kind, after a signature, or beside another one of the same chunk.
  if (kind_ != kind || !text_signature_.empty() || (!first && fresh_ && !said.empty())) {
    close_text(out);
    Part part;
    if (kind == Kind::kThought)
      part.body = Reasoning{.summary = {}, .redacted = said.empty()};
    else
      part.body = Text{};
    last_ = part_ = parts_.open(out, index_, std::move(part));
    kind_ = kind;
    said_.clear();
  }
  fresh_ = true;
  said_ += said;
  if (!said.empty()) out.push_back(Append{.choice = index_, .part = part_, .text = said});
  text_signature_ = signature;
}

void CandidateReader::end_call(Deltas& out) {
  if (call_.is_null()) return;
  const Json call = std::exchange(call_, Json());
  last_ =
      parts_.open(out, index_, Part{.body = ToolCall{.id = peek_text(call, "id"), .name = peek_text(call, "name")}});
  const Json& args = peek(call, "args");
  out.push_back(Append{.choice = index_, .part = last_, .text = dump(args.is_null() ? Json::object() : args)});
  parts_.close(out, index_, last_, std::exchange(call_signature_, {}));
}

void CandidateReader::call(const Json& json, Deltas& out) {
  close_text(out);
  const Json& told = json["functionCall"];
  const std::string name = peek_text(told, "name");
  if (!name.empty()) {  // a new one; the one before may have come without an end
    end_call(out);
    call_ = {{"name", name}, {"id", peek_text(told, "id")}, {"args", peek(told, "args")}};
    calls_ = true;
  }
  if (call_.is_null()) return;
  if (Signature signature = signature_of(json); !signature.empty()) call_signature_ = std::move(signature);
  for (const auto& piece : peek(told, "partialArgs")) put_argument(call_["args"], piece);
  if (peek(told, "willContinue") != true && !peek(told, "partialArgs").is_array()) end_call(out);
}

void CandidateReader::part(const Json& json, bool first, Deltas& out) {
  if (!json.is_object()) return;
  if (peek(json, "functionCall").is_object()) return call(json, out);
  if (peek(json, "text") != "" || json.contains("thoughtSignature")) end_call(out);
  if (peek(json, "text").is_string()) return text(json, first, out);
  auto read = read_part(json, "part");
  if (!read) return;
  close_text(out);
  Signature signature = std::exchange(read->signature, {});
  if (!signature.empty() && signature.provider.empty()) signature.provider = provider_;
  last_ = parts_.open(out, index_, std::move(*read));
  parts_.close(out, index_, last_, std::move(signature));
}

// Grounding comes with the last chunk, while the text is still open.
void CandidateReader::cite(Deltas& out) {
  if (kind_ != Kind::kText) return;
  for (auto& citation : citations_of(extra_, said_))
    out.push_back(Cite{.choice = index_, .part = part_, .citation = std::move(citation)});
}

void CandidateReader::read(const Json& candidate, Deltas& out) {
  if (finished_) return;
  const Json& parts = peek(peek(candidate, "content"), "parts");
  fresh_ = false;
  bool first = true;
  if (parts.is_array()) {
    for (const auto& one : parts) part(one, std::exchange(first, false), out);
  }
  if (Json entries = logprobs_from(peek(candidate, "logprobsResult")); !entries.empty())
    out.push_back(Logprobs{.choice = index_, .part = last_, .entries = std::move(entries)});
  static constexpr std::string_view kOwn[] = {"content", "index", "finishReason", "logprobsResult"};
  for (const auto& [name, value] : candidate.items()) {
    if (!value.is_null() && std::ranges::find(kOwn, name) == std::end(kOwn)) extra_[name] = value;
  }
  const Json& grounding = peek(extra_, "groundingMetadata");
  if (const Json& queries = peek(grounding, "webSearchQueries"); queries.is_array()) searches_ = std::ssize(queries);
  maps_ = maps_ || std::ranges::any_of(peek(grounding, "groundingChunks"),
                                       [](const Json& chunk) { return !peek(chunk, "maps").is_null(); });
  if (const std::string word = peek_text(candidate, "finishReason");
      !word.empty() && word != "FINISH_REASON_UNSPECIFIED")
    finish(word, out);
}

void CandidateReader::finish(const std::string& word, Deltas& out) {
  cite(out);
  close_text(out);
  end_call(out);
  parts_.close_all(out, index_);
  FinishReason reason = finish_of(word);
  if (reason == FinishReason::kStop && calls_) reason = FinishReason::kToolCalls;
  out.push_back(Finish{.choice = index_, .reason = reason, .raw = word, .extra = extra_});
  finished_ = true;
}

}  // namespace steward::gateway::gemini
