#include "gateway/form/answer.h"

#include <algorithm>

namespace steward::gateway {
namespace {

std::string* own_text(Part& part) {
  if (auto* text = std::get_if<Text>(&part.body)) return &text->text;
  if (auto* refusal = std::get_if<Refusal>(&part.body)) return &refusal->text;
  if (auto* reasoning = std::get_if<Reasoning>(&part.body)) return &reasoning->text;
  if (auto* call = std::get_if<ToolCall>(&part.body)) return &call->arguments;
  return nullptr;
}

void merge(Json& into, const Json& more) {
  if (!more.is_object()) return;
  if (!into.is_object()) into = Json::object();
  for (const auto& [name, value] : more.items()) into[name] = value;
}

std::unexpected<Error> unknown_part() {
  return fail(ErrorCode::kInternal, "An answer spoke of a part that was not opened.");
}

constexpr size_t kMaxSummaries = 10'000;

}  // namespace

Part* AnswerSum::part_of(int64_t choice, size_t part) {
  const auto found = whole_.choices.find(choice);
  if (found == whole_.choices.end() || part >= found->second.parts.size()) return nullptr;
  return &found->second.parts[part];
}

Status AnswerSum::add(const Delta& delta) {
  if (const auto* begin = std::get_if<Begin>(&delta)) {
    Json extra = std::move(whole_.begin.extra);
    whole_.begin = *begin;
    merge(whole_.begin.extra, extra);
  } else if (const auto* open = std::get_if<Open>(&delta)) {
    Choice& choice = whole_.choices[open->choice];
    choice.index = open->choice;
    if (open->part != choice.parts.size()) return unknown_part();
    choice.parts.push_back(open->value);
  } else if (const auto* append = std::get_if<Append>(&delta)) {
    Part* part = part_of(append->choice, append->part);
    std::string* text = part ? own_text(*part) : nullptr;
    if (!text) return unknown_part();
    *text += append->text;
  } else if (const auto* summarise = std::get_if<Summarise>(&delta)) {
    Part* part = part_of(summarise->choice, summarise->part);
    auto* reasoning = part ? std::get_if<Reasoning>(&part->body) : nullptr;
    if (!reasoning || summarise->index > kMaxSummaries) return unknown_part();
    if (reasoning->summary.size() <= summarise->index) reasoning->summary.resize(summarise->index + 1);
    reasoning->summary[summarise->index] += summarise->text;
  } else if (const auto* cite = std::get_if<Cite>(&delta)) {
    Part* part = part_of(cite->choice, cite->part);
    auto* text = part ? std::get_if<Text>(&part->body) : nullptr;
    if (!text) return unknown_part();
    text->citations.push_back(cite->citation);
  } else if (const auto* logprobs = std::get_if<Logprobs>(&delta)) {
    Json& all = whole_.choices[logprobs->choice].logprobs;
    if (all.is_null()) all = {{"content", nullptr}, {"refusal", nullptr}};
    Json& list = all[logprobs->of_refusal ? "refusal" : "content"];
    if (list.is_null()) list = Json::array();
    for (const auto& entry : logprobs->entries) list.push_back(entry);
  } else if (const auto* close = std::get_if<Close>(&delta)) {
    Part* part = part_of(close->choice, close->part);
    if (!part) return unknown_part();
    if (!close->signature.empty()) part->signature = close->signature;
    if (!close->id.empty()) part->id = close->id;
    merge(part->extra, close->extra);
    if (auto* foreign = std::get_if<Foreign>(&part->body); foreign && !close->raw.is_null()) foreign->raw = close->raw;
  } else if (const auto* finish = std::get_if<Finish>(&delta)) {
    whole_.choices[finish->choice].index = finish->choice;
    whole_.choices[finish->choice].finish = *finish;
  } else if (const auto* usage = std::get_if<UsageTold>(&delta)) {
    whole_.usage = *usage;
  } else if (const auto* extra = std::get_if<AnswerExtra>(&delta)) {
    merge(whole_.begin.extra, extra->extra);
  }
  return {};
}

size_t PartCounter::open(Deltas& out, int64_t choice, Part value) {
  State& state = choices_[choice];
  const size_t part = state.next++;
  state.open.push_back(part);
  out.push_back(Open{.choice = choice, .part = part, .value = std::move(value)});
  return part;
}

void PartCounter::close(Deltas& out, int64_t choice, size_t part, Signature signature, Json extra, Json raw) {
  if (std::erase(choices_[choice].open, part) == 0) return;
  out.push_back(Close{.choice = choice,
                      .part = part,
                      .signature = std::move(signature),
                      .extra = std::move(extra),
                      .raw = std::move(raw),
                      .id = {}});
}

void PartCounter::close_all(Deltas& out, int64_t choice) {
  for (const size_t part : std::exchange(choices_[choice].open, {})) {
    out.push_back(
        Close{.choice = choice, .part = part, .signature = {}, .extra = Json::object(), .raw = nullptr, .id = {}});
  }
}

bool PartCounter::is_open(int64_t choice, size_t part) const {
  const auto found = choices_.find(choice);
  return found != choices_.end() && std::ranges::find(found->second.open, part) != found->second.open.end();
}

}  // namespace steward::gateway
