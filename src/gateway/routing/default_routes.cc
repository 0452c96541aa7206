#include "gateway/routing/default_routes.h"

#include <algorithm>
#include <map>
#include <optional>

namespace steward::gateway::routing {
namespace {

constexpr size_t kMostOfDefault = 4;  // deployments of a default route

// Names of models with '*' for any letters, the preferred first. What is not here ranks behind, as its provider lists
// it.
constexpr std::string_view kQuick[] = {"claude-haiku-*",  "claude-*-haiku*", "gpt-5*-mini*",   "gpt-4.1-mini*",
                                       "gemini-*-flash*", "gpt-4o-mini*",    "mistral-small*", "grok-*-fast*",
                                       "deepseek-chat*",  "llama-*-8b*",     "qwen*-flash*"};
constexpr std::string_view kBest[] = {
    "claude-opus-*", "claude-*-opus*", "gpt-5*",   "gemini-*-pro*", "claude-sonnet-*",    "claude-*-sonnet*",
    "o3*",           "grok-*",         "gpt-4.1*", "gpt-4o*",       "deepseek-reasoner*", "mistral-large*",
    "qwen*-max*",    "llama-*-70b*"};
constexpr std::string_view kLesser[] = {"mini",  "nano", "lite", "flash",       "haiku",
                                        "small", "fast", "-8b",  "chat-latest", "codex"};
constexpr std::string_view kOther[] = {"image",     "audio",       "tts",        "embed",   "realtime",
                                       "search",    "transcribe",  "moderation", "whisper", "dall-e",
                                       "instruct-", "vision-only", "live"};

bool matches(std::string_view pattern, std::string_view text) {
  size_t star = std::string_view::npos, mark = 0, p = 0, t = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p, ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  return std::ranges::all_of(pattern.substr(p), [](char c) { return c == '*'; });
}

template <size_t n>
bool holds_any(std::string_view name, const std::string_view (&words)[n]) {
  return std::ranges::any_of(words, [&](std::string_view word) { return name.find(word) != std::string_view::npos; });
}

template <size_t n>
size_t rank(std::string_view name, const std::string_view (&patterns)[n]) {
  if (holds_any(name, kOther)) return n + 1;
  for (size_t at = 0; at < n; ++at) {
    if (matches(patterns[at], name)) return at;
  }
  return n;
}

struct Pick {
  size_t rank;
  const OfferedModel* model;
};

// The best-ranked model of each provider; of one rank the last by name, which is the newest.
template <class Rank>
std::vector<Pick> picks(const std::vector<OfferedModel>& offered, Rank rank_of) {
  std::map<std::string, Pick> by_provider;
  std::vector<std::string> providers;
  for (const auto& model : offered) {
    if (model.local() || model.kind != "chat") continue;
    const std::string bare = model.name.substr(model.name.rfind('/') + 1);
    const Pick pick{rank_of(bare), &model};
    const auto [it, fresh] = by_provider.try_emplace(model.provider, pick);
    if (fresh) providers.push_back(model.provider);
    const bool known = pick.rank < std::size(kQuick) || pick.rank < std::size(kBest);
    if (pick.rank < it->second.rank || (known && pick.rank == it->second.rank && model.name > it->second.model->name))
      it->second = pick;
  }
  std::multimap<size_t, Pick> by_rank;  // keeps the providers' order among equals
  for (const auto& provider : providers) by_rank.emplace(by_provider.at(provider).rank, by_provider.at(provider));
  std::vector<Pick> out;
  for (const auto& [rank, pick] : by_rank) out.push_back(pick);
  if (out.size() > kMostOfDefault) out.resize(kMostOfDefault);
  return out;
}

std::optional<std::string> local_of(const std::vector<OfferedModel>& offered, const std::string& wanted) {
  std::optional<std::string> first;
  for (const auto& model : offered) {
    if (!model.local() || model.kind != "chat") continue;
    if (model.name == wanted) return model.name;
    if (!first) first = model.name;
  }
  return first;
}

Route made(std::string_view name, std::string doc, std::vector<std::string> models, const Route& like) {
  Route out = like;
  out.name = std::string(name);
  out.doc = std::move(doc);
  out.origin = "default";
  out.offered = true;
  out.affinity = true;
  out.deployments.clear();
  for (auto& model : models) out.deployments.push_back(Deployment{.model = std::move(model)});
  return out;
}

std::vector<std::string> names(const std::vector<Pick>& picks) {
  std::vector<std::string> out;
  for (const auto& pick : picks) out.push_back(pick.model->provider + "/" + pick.model->name);
  return out;
}

}  // namespace

std::vector<Route> default_routes(const std::vector<OfferedModel>& offered, const std::string& default_model,
                                  const Route& like) {
  auto quick = names(picks(offered, [](std::string_view name) { return rank(name, kQuick); }));
  auto best = names(picks(offered, [](std::string_view name) {
    const size_t of_name = rank(name, kBest);
    return of_name < std::size(kBest) && holds_any(name, kLesser) ? std::size(kBest) : of_name;
  }));
  if (const auto local = local_of(offered, default_model)) {
    quick.insert(!default_model.empty() && *local == default_model ? quick.begin() : quick.end(), *local);
    if (best.empty()) best.push_back(*local);
  }
  std::vector<Route> out;
  if (!quick.empty())
    out.push_back(made(kFastRoute, "Quick and cheap: for what is easy or often asked.", std::move(quick), like));
  if (!best.empty()) out.push_back(made(kDeepRoute, "The best that is here: for what is hard.", std::move(best), like));
  return out;
}

}  // namespace steward::gateway::routing
