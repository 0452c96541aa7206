#include "gateway/dialects/chat/reading.h"

#include <algorithm>

#include "base/json.h"
#include "base/text.h"
#include "gateway/peek.h"

namespace steward::gateway::chat {
namespace {

constexpr std::string_view kGap = "\n\n";
constexpr std::string_view kDeltaOwn[] = {"role",          "content",          "refusal",       "reasoning",
                                          "index",         "tool_calls",       "function_call", "reasoning_content",
                                          "annotations",   "images",           "x_steward",     "reasoning_details",
                                          "extra_content", "thought_signature"};

std::string words_in(const Json& value) {
  if (value.is_string()) return value;
  return value.is_object() || value.is_array() ? dump(value) : "";
}

std::string all_said(const Json& details) {
  std::string out;
  for (const auto& entry : details) {
    for (const char* name : {"summary", "text"}) {
      const std::string said = peek_text(entry, name);
      if (!said.empty()) out += (out.empty() ? "" : "\n\n") + said;
    }
  }
  return out;
}

}  // namespace

void ChoiceReader::close_text(Deltas& out) {
  if (kind_ == Kind::kNone) return;
  Signature signature;
  if (kind_ == Kind::kReasoning) signature = reasoning_.signature;
  if (kind_ == Kind::kText) signature = std::exchange(loose_, {});
  parts_.close(out, index_, part_, std::move(signature), kind_ == Kind::kReasoning ? reasoning_.extra : Json::object());
  if (auto* close = std::get_if<Close>(&out.back()); close && kind_ == Kind::kReasoning) close->id = reasoning_.id;
  kind_ = Kind::kNone;
}

void ChoiceReader::switch_to(Kind kind, Deltas& out) {
  if (kind_ == kind) return;
  close_text(out);
  Part part;
  if (kind == Kind::kText) part.body = Text{};
  if (kind == Kind::kRefusal) part.body = Refusal{};
  if (kind == Kind::kReasoning) {
    part.body = Reasoning{};
    reasoning_ = part;
    thought_.clear();
  }
  last_ = part_ = parts_.open(out, index_, std::move(part));
  if (kind == Kind::kText) text_part_ = part_;
  kind_ = kind;
}

void ChoiceReader::text_to(Kind kind, const std::string& text, Deltas& out) {
  if (text.empty()) return;
  if (kind == Kind::kReasoning && kind_ == kind && !reasoning_.signature.empty()) close_text(out);
  // A blank line between two parts of reasoning is no part's: writers put it there.
  if (kind == Kind::kReasoning && kind_ != kind && reasoned_ && text.starts_with(kGap))
    return text_to(kind, text.substr(kGap.size()), out);
  reasoned_ = reasoned_ || kind == Kind::kReasoning;
  switch_to(kind, out);
  refused_ = refused_ || kind == Kind::kRefusal;
  if (kind == Kind::kReasoning) thought_ += text;
  out.push_back(Append{.choice = index_, .part = part_, .text = text});
}

void ChoiceReader::content(const Json& value, Deltas& out) {
  if (value.is_string()) return text_to(Kind::kText, value, out);
  if (!value.is_array()) return;
  for (const auto& part : value) {
    const std::string type = peek_text(part, "type");
    if (type == "text") {
      text_to(Kind::kText, peek_text(part, "text"), out);
    } else if (type == "refusal") {
      text_to(Kind::kRefusal, peek_text(part, "refusal"), out);
    } else if (type == "thinking") {  // Mistral's
      const Json& thinking = peek(part, "thinking");
      if (thinking.is_string()) text_to(Kind::kReasoning, thinking, out);
      for (const auto& one : thinking) text_to(Kind::kReasoning, peek_text(one, "text"), out);
    } else if (part.is_object()) {
      foreign(Part{.body = Foreign{.from = Dialect::kChat, .type = type, .raw = part}}, out);
    }
  }
}

// An entry belongs to the open reasoning, or begins another. True: it told text, so that `reasoning` says it again.
bool ChoiceReader::details(const Json& entries, Deltas& out) {
  bool told = false;
  if (!entries.is_array()) return false;
  // Steward says a text again, whole, beside its proof; what stands before a gap was an earlier part's.
  const std::string said = all_said(entries);
  const bool repeats = kind_ == Kind::kReasoning && !thought_.empty() &&
                       (said == thought_ || (!said.empty() && thought_.ends_with(std::string(kGap) + said)));
  for (const auto& each : entries) {
    if (!each.is_object()) continue;
    Json entry = each;
    for (const char* name : {"text", "summary"}) {
      if (repeats) entry.erase(name);
    }
    detail(entry, out);
    told = told || !peek_text(entry, "text").empty() || !peek_text(entry, "summary").empty();
  }
  return told;
}

void ChoiceReader::detail(const Json& entry, Deltas& out) {
  const std::string text = peek_text(entry, "text"), summary = peek_text(entry, "summary");
  const bool proof = !peek_text(entry, "signature").empty() || !peek_text(entry, "data").empty();
  if (text.empty() && summary.empty() && !proof) return;
  const size_t before =
      std::holds_alternative<Reasoning>(reasoning_.body) ? std::get<Reasoning>(reasoning_.body).summary.size() : 0;
  if (kind_ != Kind::kReasoning || !join_detail(reasoning_, entry)) {
    Part part = part_of_detail(entry);
    close_text(out);
    kind_ = Kind::kReasoning;
    reasoning_ = part;
    thought_.clear();
    part.body = Reasoning{.redacted = text.empty() && summary.empty()};
    part.signature = {};
    last_ = part_ = parts_.open(out, index_, std::move(part));
    if (!summary.empty()) out.push_back(Summarise{.choice = index_, .part = part_, .index = 0, .text = summary});
  } else if (!summary.empty()) {
    // Streamed summaries come piece by piece in entries of their own: pieces of one summary.
    auto& all = std::get<Reasoning>(reasoning_.body).summary;
    if (before > 0) all.resize(before);
    out.push_back(Summarise{.choice = index_, .part = part_, .index = 0, .text = summary});
  }
  if (!text.empty()) out.push_back(Append{.choice = index_, .part = part_, .text = text});
  thought_ += text;
  if (std::string format = peek_text(entry, "format"); !format.empty()) reasoning_.extra["format"] = std::move(format);
  if (!reasoning_.signature.empty() && reasoning_.signature.provider.empty()) reasoning_.signature.provider = provider_;
}

ChoiceReader::Call& ChoiceReader::call_at(const Json& json, int64_t position, Deltas& out) {
  int64_t index = peek(json, "index").is_number_integer() ? peek_integer(json, "index") : position;
  const std::string id = peek_text(json, "id");
  const auto found = calls_.find(index);
  // Some tell every parallel call as index 0, each with an id of its own; some leave the index away.
  if (found != calls_.end() && !id.empty() && !found->second.call.id.empty() && found->second.call.id != id) {
    const auto same = std::ranges::find_if(calls_, [&](const auto& one) { return one.second.call.id == id; });
    index = same != calls_.end() ? same->first : calls_.rbegin()->first + 1;
  }
  const bool fresh = !calls_.contains(index);
  if (fresh) {
    close_text(out);
    for (auto& [other, one] : calls_) {
      if (one.part && !one.closed && is_json(one.said)) close_call(one, out);  // nothing can follow
    }
  }
  return calls_[index];
}

void ChoiceReader::open_call(Call& call, Deltas& out) {
  ToolCall named = call.call;
  named.arguments.clear();
  call.part = last_ = parts_.open(out, index_, Part{.body = std::move(named)});
  if (!call.said.empty()) out.push_back(Append{.choice = index_, .part = *call.part, .text = call.said});
}

void ChoiceReader::close_call(Call& call, Deltas& out) {
  if (call.signature.empty()) call.signature = std::exchange(loose_, {});
  parts_.close(out, index_, *call.part, call.signature);
  call.closed = true;
}

void ChoiceReader::say(Call& call, const std::string& words, Deltas& out) {
  if (call.closed) return;
  call.said += words;
  if (call.part) {
    if (!words.empty()) out.push_back(Append{.choice = index_, .part = *call.part, .text = words});
  } else if (!call.call.name.empty()) {
    open_call(call, out);
  }
}

void ChoiceReader::call(const Json& json, int64_t position, Deltas& out) {
  if (!json.is_object() || calls_.size() >= kMaxToolCalls) return;
  Call& into = call_at(json, position, out);
  const Json& custom = peek(json, "custom");
  const Json& about = custom.is_object() ? custom : peek(json, "function");
  if (custom.is_object()) into.call.kind = ToolCall::Kind::kCustom;
  if (into.call.id.empty()) into.call.id = peek_text(json, "id");
  if (into.call.name.empty()) into.call.name = peek_text(about, "name");
  const std::string sealed = peek_text(peek(peek(json, "extra_content"), "google"), "thought_signature");
  if (!sealed.empty()) into.signature = ours(sealed);
  say(into, words_in(peek(about, custom.is_object() ? "input" : "arguments")), out);
}

void ChoiceReader::calls(const Json& value, Deltas& out) {
  if (!value.is_array()) return;
  int64_t position = 0;
  for (const auto& json : value) call(json, position++, out);
}

void ChoiceReader::foreign(Part part, Deltas& out) {
  close_text(out);
  last_ = parts_.open(out, index_, std::move(part));
  parts_.close(out, index_, last_);
}

void ChoiceReader::annotations(const Json& value, Deltas& out) {
  const auto citations = read_annotations(value);
  if (citations.empty()) return;
  if (!text_part_ || !parts_.is_open(index_, *text_part_)) switch_to(Kind::kText, out);
  cited_ = true;
  for (const auto& citation : citations)
    out.push_back(Cite{.choice = index_, .part = *text_part_, .citation = citation});
}

void ChoiceReader::images(const Json& value, Deltas& out) {
  if (!value.is_array()) return;
  for (const auto& one : value) {
    Media media{.kind = Media::Kind::kImage};
    std::string address = peek_text(peek(one, "image_url"), "url");
    if (address.empty()) continue;
    if (!split_data_url(address, media.mime, media.data)) media.url = std::move(address);
    foreign(Part{.body = std::move(media)}, out);
  }
}

// Another Steward answered: it told parts that Chat Completions has no words for.
void ChoiceReader::steward_parts(const Json& value, Deltas& out) {
  for (const Dialect from : {Dialect::kChat, Dialect::kResponses, Dialect::kMessages, Dialect::kGemini}) {
    if (peek_text(value, "from") != to_text(from) || !peek(value, "parts").is_array()) continue;
    for (const auto& entry : peek(value, "parts")) {
      if (!peek(entry, "raw").is_object()) continue;
      foreign(Part{.body = Foreign{.from = from, .type = peek_text(entry, "type"), .raw = entry["raw"]}}, out);
    }
  }
}

void ChoiceReader::other_members(const Json& delta, Deltas& out) {
  std::string sealed = peek_text(peek(peek(delta, "extra_content"), "google"), "thought_signature");
  if (sealed.empty()) sealed = peek_text(delta, "thought_signature");
  if (!sealed.empty()) loose_ = ours(sealed);
  Json rest = others(delta, kDeltaOwn);
  if (!rest.empty())
    foreign(Part{.body = Foreign{.from = Dialect::kChat, .type = "message", .raw = std::move(rest)}}, out);
}

void ChoiceReader::read(const Json& delta, Deltas& out) {
  if (!details(peek(delta, "reasoning_details"), out)) {
    std::string text = peek_text(delta, "reasoning_content");
    if (text.empty()) text = peek_text(delta, "reasoning");
    text_to(Kind::kReasoning, text, out);
  }
  content(peek(delta, "content"), out);
  text_to(Kind::kRefusal, peek_text(delta, "refusal"), out);
  annotations(peek(delta, "annotations"), out);
  other_members(delta, out);
  images(peek(delta, "images"), out);
  steward_parts(peek(delta, "x_steward"), out);
  calls(peek(delta, "tool_calls"), out);
  if (const Json& old = peek(delta, "function_call"); old.is_object()) call({{"function", old}}, 0, out);
}

void ChoiceReader::logprobs(const Json& told, Deltas& out) {
  for (const char* name : {"content", "refusal"}) {
    const Json& entries = peek(told, name);
    if (!entries.is_array() || entries.empty()) continue;
    const bool refusal = std::string_view(name) == "refusal";
    if (kind_ == Kind::kNone && calls_.empty()) switch_to(refusal ? Kind::kRefusal : Kind::kText, out);
    out.push_back(Logprobs{.choice = index_, .part = last_, .entries = entries, .of_refusal = refusal});
  }
}

void ChoiceReader::cite_sources(const Json& body, Deltas& out) {
  const Json& urls = peek(body, "citations");
  if (cited_ || !text_part_ || !urls.is_array() || urls.size() > kMaxParts) return;
  if (!parts_.is_open(index_, *text_part_)) return;
  const Json& found = peek(body, "search_results");
  for (const auto& url : urls) {
    if (!url.is_string()) continue;
    Citation citation{.url = url, .title = {}, .cited_text = {}, .file_id = {}, .raw = nullptr};
    for (const auto& one : found) {
      if (peek_text(one, "url") == citation.url) citation.title = peek_text(one, "title");
    }
    out.push_back(Cite{.choice = index_, .part = *text_part_, .citation = std::move(citation)});
  }
}

void ChoiceReader::finish(const std::string& word, Deltas& out) {
  close_text(out);
  for (auto& [index, call] : calls_) {
    if (!call.part) open_call(call, out);
    if (!call.closed) close_call(call, out);
  }
  parts_.close_all(out, index_);
  FinishReason reason = finish_of(word);
  if (reason == FinishReason::kStop && refused_) reason = FinishReason::kRefusal;
  if (reason == FinishReason::kStop && !calls_.empty()) reason = FinishReason::kToolCalls;
  out.push_back(Finish{.choice = index_, .reason = reason, .raw = word, .extra = extra_});
  finished_ = true;
}

}  // namespace steward::gateway::chat
