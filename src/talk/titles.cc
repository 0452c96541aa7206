#include "talk/titles.h"

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

bool is_markup(char c) { return std::string_view("#>*_`-~|= \t").find(c) != std::string_view::npos; }

// The first line that says something; a fence of code is none.
std::string_view first_line(std::string_view text) {
  for (const auto line : split(text, '\n')) {
    std::string_view bare = trim(line);
    if (bare.starts_with("```")) continue;
    while (!bare.empty() && is_markup(bare.front())) bare.remove_prefix(1);
    if (!bare.empty()) return bare;
  }
  return {};
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

}  // namespace

std::string title_by_rule(std::string_view asked) {
  constexpr size_t kLookedAt = 4'096;
  std::string_view head = asked.substr(0, kLookedAt);
  head.remove_suffix(incomplete_utf8_tail(head));
  std::string title = shortened(first_sentence(first_line(head)), kTitle);
  std::erase_if(title, [](char c) { return c == '`' || c == '*'; });
  while (title.ends_with('.') || title.ends_with(':') || title.ends_with(',')) title.pop_back();
  return title;
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
  std::string title = shortened(first_line(run.now().text), kTitle);
  while (title.starts_with('"')) title.erase(0, 1);
  while (title.ends_with('"') || title.ends_with('.')) title.pop_back();
  co_return title;
}

}  // namespace steward::talk
