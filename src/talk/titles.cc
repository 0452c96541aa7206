#include "talk/titles.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/text.h"
#include "gateway/serve.h"
#include "talk/sink.h"
#include "talk/words.h"

namespace steward::talk {
namespace {

constexpr size_t kTitle = 60;       // characters of a made one
constexpr size_t kExcerpt = 1'500;  // of each side, for a model
constexpr int64_t kTitleTokens = 40;
constexpr std::string_view kAsk =
    "Give this conversation a title of at most six words, in its own language. Answer with the title alone: no quotes, "
    "no full stop.";

// What people open with that says nothing of what they ask. Each ends at a comma, a stop or an exclamation mark.
constexpr auto kGreetings = std::to_array<std::string_view>(
    {"hi", "hello", "hey", "good morning", "good afternoon", "good evening", "dear", "hallo", "hoi", "guten tag",
     "bonjour", "salut", "hola", "ciao", "你好", "您好", "早上好", "こんにちは", "안녕하세요"});
// And what only asks nicely. The longer ones first.
constexpr auto kNicely = std::to_array<std::string_view>({"could you please ",
                                                          "can you please ",
                                                          "would you please ",
                                                          "please can you ",
                                                          "please could you ",
                                                          "i would like you to ",
                                                          "i'd like you to ",
                                                          "i want you to ",
                                                          "i need you to ",
                                                          "please help me to ",
                                                          "please help me ",
                                                          "can you help me to ",
                                                          "can you help me ",
                                                          "could you help me ",
                                                          "help me to ",
                                                          "help me ",
                                                          "could you ",
                                                          "can you ",
                                                          "would you ",
                                                          "will you ",
                                                          "please ",
                                                          "kannst du bitte ",
                                                          "kannst du ",
                                                          "bitte ",
                                                          "请帮我",
                                                          "请你",
                                                          "麻烦你",
                                                          "请",
                                                          "帮我"});
// How an answer begins that is none: a model that is too small for it talks about the title instead of giving one.
constexpr auto kNoTitle = std::to_array<std::string_view>({"sure",
                                                           "certainly",
                                                           "of course",
                                                           "here is",
                                                           "here's",
                                                           "here are",
                                                           "i'm ",
                                                           "i am ",
                                                           "i ",
                                                           "as an ",
                                                           "as a ",
                                                           "the title",
                                                           "a title",
                                                           "this conversation",
                                                           "the conversation",
                                                           "the user",
                                                           "user",
                                                           "assistant",
                                                           "okay",
                                                           "ok,",
                                                           "asked",
                                                           "answered",
                                                           "let me",
                                                           "let's",
                                                           "you ",
                                                           "to ",
                                                           "it ",
                                                           "there ",
                                                           "sorry",
                                                           "untitled",
                                                           "answer"});

bool is_markup(char c) { return std::string_view("#>*_`-~|= \t").find(c) != std::string_view::npos; }

bool begins(std::string_view text, std::string_view with) {
  return text.size() >= with.size() && equal_ignoring_ascii_case(text.substr(0, with.size()), with);
}

std::string_view without_front_markup(std::string_view line) {
  line = trim(line);
  while (!line.empty() && is_markup(line.front())) line.remove_prefix(1);
  return line;
}

// The first line that says something: of the words around code if there are some, else of the code.
std::string_view first_line(std::string_view text) {
  std::string_view of_code;
  bool inside = false;
  for (const auto line : split(text, '\n')) {
    if (trim(line).starts_with("```")) {
      inside = !inside;
      continue;
    }
    const std::string_view bare = without_front_markup(line);
    if (bare.empty()) continue;
    if (!inside) return bare;
    if (of_code.empty()) of_code = bare;
  }
  return of_code;
}

// "Good morning!", "Hello Steward": a line that says nothing else.
bool only_greets(std::string_view line) {
  constexpr size_t kLongest = 30;
  for (const std::string_view mark : {"!", ".", ",", "！", "。", "，"}) {
    while (line.ends_with(mark)) line.remove_suffix(mark.size());
  }
  return line.size() <= kLongest && std::ranges::any_of(kGreetings, [&](std::string_view one) {
           if (!begins(line, one)) return false;
           const std::string_view rest = line.substr(one.size());
           return rest.empty() || (rest[0] == ' ' && std::ranges::count(rest, ' ') <= 2);
         });
}

// What stands after a greeting; the text itself where there is none, or nothing else.
std::string_view after_greeting(std::string_view text) {
  size_t at = std::string_view::npos, end = 0;
  for (const std::string_view mark : {",", "!", ".", "，", "！", "。"}) {
    if (const size_t found = text.find(mark); found < at) at = found, end = found + mark.size();
  }
  if (at == std::string_view::npos || !only_greets(text.substr(0, at))) return text;
  const std::string_view rest = trim(text.substr(end));
  return rest.empty() || begins(rest, "world") ? text : rest;
}

// Up to the end of the first sentence, if that is long enough to be a title.
std::string_view first_sentence(std::string_view line) {
  constexpr size_t kShortest = 12;
  for (const std::string_view end : {". ", "? ", "! ", "。", "？", "！"}) {
    const size_t at = line.find(end);
    if (at != std::string_view::npos && at >= kShortest) {
      const bool asks = end == "? " || end == "？";
      line = line.substr(0, at + (asks ? end.size() - (end == "? " ? 1 : 0) : 0));
    }
  }
  return line;
}

// "Can you explain tides?" is about explaining tides. What is left has to be long enough to say something.
std::string without_niceties(std::string_view sentence) {
  constexpr size_t kLeast = 10;  // bytes
  for (const std::string_view one : kNicely) {
    if (!begins(sentence, one)) continue;
    std::string_view rest = trim(sentence.substr(one.size()));
    for (const std::string_view mark : {"?", "？"}) {
      if (rest.ends_with(mark)) rest.remove_suffix(mark.size());
    }
    if (rest.size() < kLeast) break;
    std::string out(rest);
    if (out[0] >= 'a' && out[0] <= 'z') out[0] = static_cast<char>(out[0] - 'a' + 'A');
    return out;
  }
  return std::string(sentence);
}

std::string without_scheme(std::string_view sentence) {
  if (sentence.find(' ') == std::string_view::npos) {
    for (const std::string_view scheme : {"https://", "http://"}) {
      if (begins(sentence, scheme)) sentence.remove_prefix(scheme.size());
    }
    while (sentence.ends_with('/')) sentence.remove_suffix(1);
  }
  return std::string(sentence);
}

std::vector<std::string> folded_words(std::string_view text) {
  std::vector<std::string> out;
  each_word(text, [&](const Word& word) {
    out.push_back(word.folded);
    return out.size() < 4'096;
  });
  return out;
}

// Whether a word of the title was said: how it begins counts, so that "lamps" stands for "lamp".
bool shares_a_word(const std::vector<std::string>& title, const std::vector<std::string>& said) {
  constexpr size_t kMeans = 4;  // bytes in common; shorter words ("the", "and") say nothing
  return std::ranges::any_of(title, [&](const std::string& word) {
    const bool single = word.size() >= 3 && static_cast<unsigned char>(word[0]) >= 0xE0;
    return std::ranges::any_of(said, [&](const std::string& other) {
      const auto common = static_cast<size_t>(std::ranges::mismatch(word, other).in1 - word.begin());
      return common >= kMeans || (single && word == other);
    });
  });
}

// What a model answered, without what stands around a title.
std::string bare_title(std::string_view said) {
  std::string_view line = first_line(said);
  for (const std::string_view label : {"title:", "conversation title:", "titel:", "titre:", "标题：", "标题:"}) {
    if (begins(line, label)) line = without_front_markup(line.substr(label.size()));
  }
  bool again = true;
  while (again && !line.empty()) {
    again = false;
    for (const std::string_view mark : {"\"", "'", "“", "”", "«", "»", "「", "」", "《", "》", "*", "`", " "}) {
      if (line.starts_with(mark)) line.remove_prefix(mark.size()), again = true;
      if (line.ends_with(mark)) line.remove_suffix(mark.size()), again = true;
    }
    for (const std::string_view mark : {".", "。", ":", ",", ";"}) {
      if (line.ends_with(mark)) line.remove_suffix(mark.size()), again = true;
    }
  }
  return std::string(line);
}

}  // namespace

std::string title_by_rule(std::string_view asked) {
  constexpr size_t kLookedAt = 4'096;
  std::string_view head = asked.substr(0, kLookedAt);
  head.remove_suffix(incomplete_utf8_tail(head));
  const std::string_view line = first_line(head);
  std::string_view told = after_greeting(line);
  // "Good morning!" alone on its line: what it is about comes after it.
  if (told == line && only_greets(line)) {
    const auto rest = head.substr(static_cast<size_t>(line.data() - head.data()) + line.size());
    if (const auto next = first_line(rest); !next.empty()) told = next;
  }
  std::string title = without_scheme(without_niceties(first_sentence(told)));
  std::erase_if(title, [](char c) { return c == '`' || c == '*'; });
  title = shortened(title, kTitle);
  while (title.ends_with('.') || title.ends_with(':') || title.ends_with(',')) title.pop_back();
  return title;
}

std::string title_from_model(std::string_view said, std::string_view asked, std::string_view answered) {
  constexpr size_t kMostWords = 9, kMostSingle = 24;  // of those written without spaces
  const std::string title = bare_title(said);
  const auto words = folded_words(title);
  size_t singles = 0;
  each_word(title, [&](const Word& word) {
    singles += word.single ? 1 : 0;
    return true;
  });
  if (words.empty() || words.size() - singles > kMostWords || singles > kMostSingle) return {};
  if (utf16_length(title) > kTitle) return {};
  if (std::ranges::any_of(kNoTitle, [&](std::string_view one) { return begins(title, one); })) return {};
  for (const std::string_view end : {". ", "? ", "! ", "。", "？", "！", "\n", "://"}) {
    if (title.find(end) != std::string::npos && !title.ends_with(end)) return {};
  }
  const std::set<std::string> distinct(words.begin(), words.end());
  if (singles == 0 && distinct.size() * 3 < words.size() * 2) return {};  // it stutters
  auto there = folded_words(shortened(asked, kExcerpt));
  std::ranges::move(folded_words(shortened(answered, kExcerpt)), std::back_inserter(there));
  return shares_a_word(words, there) ? title : std::string();
}

Task<std::string> title_by_model(Parts& parts, Ask ask, std::string asked, std::string answered) {
  const std::string model = parts.limits().title_model;
  if (model.empty()) co_return std::string();
  gateway::Request request{.from = gateway::Dialect::kChat, .model = model};
  gateway::Message system{.role = gateway::Role::kSystem, .top_level = true};
  system.parts.push_back(gateway::text_part(std::string(kAsk)));
  gateway::Message user{.role = gateway::Role::kUser};
  user.parts.push_back(gateway::text_part(
      fmt::format("Asked: {}\n\nAnswered: {}", shortened(asked, kExcerpt), shortened(answered, kExcerpt))));
  request.messages = {std::move(system), std::move(user)};
  request.stream = true;
  request.max_output = kTitleTokens;
  std::function<void(Live)> nobody = [](Live) {};
  Run run(std::move(ask));
  Sink sink(run, nobody);
  net::Request http;
  http.method = "POST";
  http.path = "/v1/conversations";
  http.request_id = parts.services.ids.make("req");
  http.received_us = parts.services.clock.monotonic_us();
  gateway::Asked call{.request = std::move(request), .ingress = &sink, .endpoint = "chat", .may_drop = {"unsupported"}};
  co_await gateway::serve(parts.services, run.ask.caller, std::move(call), http, sink);
  if (sink.outcome().error) co_return std::string();
  co_return title_from_model(run.now().text, asked, answered);
}

}  // namespace steward::talk
