#include "gateway/directory.h"

#include <algorithm>

#include "base/json.h"
#include "base/json_bounded.h"
#include "base/text.h"
#include "ledger/model_facts.h"

namespace steward::gateway {
namespace {

constexpr DurationUs kAskAgainUs = 60 * kSecondUs;
constexpr DurationUs kRefusedForUs = 600 * kSecondUs;
constexpr std::string_view kLocalPrefix = "local/";

template <class Map>
auto value_or(const Map& map, const std::string& key, typename Map::mapped_type otherwise) {
  const auto it = map.find(key);
  return it == map.end() ? otherwise : it->second;
}

Target remote_target(const std::string& name, const std::string& model,
                     const std::shared_ptr<const ProviderOptions>& options, bool embedding) {
  return {.model = name,
          .upstream_model = value_or(options->rename, model, model),
          .provider = options->name,
          .options = options,
          .context_tokens = value_or(options->context_tokens, model, 0),
          .max_output_tokens = value_or(options->max_output_tokens, model, 0),
          .embedding = embedding};
}

bool lists(const std::vector<ListedModel>& models, std::string_view name) {
  return std::ranges::find(models, name, &ListedModel::name) != models.end();
}

}  // namespace

Directory::Directory(std::vector<ProviderOptions> providers, engine::Engine& engine, const ledger::Ledger& ledger,
                     net::HttpClients& clients, Clock& clock)
    : engine_(engine), ledger_(ledger), clients_(clients), clock_(clock) {
  reload(std::move(providers));
}

void Directory::reload(std::vector<ProviderOptions> providers) {
  std::vector<Provider> fresh;
  for (auto& options : providers) {
    Provider provider{.options = std::make_shared<const ProviderOptions>(std::move(options))};
    for (const std::string& model : provider.options->models) provider.models.push_back({.name = model});
    fresh.push_back(std::move(provider));
  }
  std::lock_guard lock(mutex_);
  for (Provider& now : fresh) {
    const auto before = std::ranges::find_if(providers_, [&](const Provider& one) { return is_same(one, now); });
    if (before == providers_.end()) continue;
    now.refused_us = before->refused_us;
    if (!now.options->models.empty() || !before->options->models.empty()) continue;
    now.models = std::move(before->models);
    now.asked_us = before->asked_us;
  }
  for (Provider& now : fresh) now.embeddings = embeddings_of(*now.options, now.models);
  providers_ = std::move(fresh);
}

std::set<std::string> Directory::embeddings_of(const ProviderOptions& options,
                                               const std::vector<ListedModel>& models) const {
  std::set<std::string> out;
  for (const ListedModel& model : models) {
    const std::string upstream = value_or(options.rename, model.name, model.name);
    const auto facts = ledger_.find_model_facts(options.name, upstream);
    const bool told = model.embedding || is_embedding_name(options.name, upstream);
    if (facts ? facts->mode == "embedding" : told) out.insert(model.name);
  }
  return out;
}

bool Directory::is_same(const Provider& one, const Provider& other) {
  return one.options->name == other.options->name && one.options->base_url == other.options->base_url &&
         one.options->key == other.options->key;
}

void Directory::told_models(const std::string& provider, std::vector<ListedModel> models) {
  std::lock_guard lock(mutex_);
  for (auto& one : providers_) {
    if (one.options->name != provider || !one.options->models.empty() || models.empty()) continue;
    one.models = std::move(models);
    one.embeddings = embeddings_of(*one.options, one.models);
    one.asked_us = clock_.monotonic_us();
    return;
  }
}

std::optional<Target> Directory::look_up(const std::string& name) const {
  const std::string here = name.starts_with(kLocalPrefix) ? name.substr(kLocalPrefix.size()) : name;
  if (const auto local = engine_.find(here)) {
    return Target{.model = name,
                  .upstream_model = here,
                  .provider = "local",
                  .context_tokens = local->context_tokens,
                  .embedding = local->kind == engine::ModelKind::kEmbedding};
  }
  std::lock_guard lock(mutex_);
  for (const auto& provider : providers_) {
    if (lists(provider.models, name))
      return remote_target(name, name, provider.options, provider.embeddings.contains(name));
  }
  const size_t slash = name.find('/');
  if (slash == std::string::npos) return {};
  const std::string first = name.substr(0, slash), rest = name.substr(slash + 1);
  for (const auto& provider : providers_) {
    if (provider.options->name == first && lists(provider.models, rest))
      return remote_target(name, rest, provider.options, provider.embeddings.contains(rest));
  }
  return {};
}

Task<Result<Target>> Directory::find(std::string name) {
  if (auto found = look_up(name)) co_return std::move(*found);
  co_await refresh();
  if (auto found = look_up(name)) co_return std::move(*found);
  std::vector<std::string> known;
  for (const auto& entry : entries()) known.push_back(entry.name);
  const std::string near = nearest(name, known), shown = replace_invalid_utf8(name.substr(0, 100));
  co_return fail(ErrorCode::kModelNotFound,
                 fmt::format("There is no model '{}' here{}. GET /v1/models lists those there are.", shown,
                             near.empty() ? "" : fmt::format("; did you mean '{}'?", near)),
                 {{"param", "model"}, {"model", shown}});
}

Task<void> Directory::refresh() {
  std::vector<std::pair<size_t, std::shared_ptr<const ProviderOptions>>> due;
  {
    std::lock_guard lock(mutex_);
    const TimeUs now = clock_.monotonic_us();
    for (size_t i = 0; i < providers_.size(); ++i) {
      Provider& p = providers_[i];
      if (!p.options->models.empty() || (p.asked_us != 0 && now - p.asked_us < kAskAgainUs)) continue;
      p.asked_us = now;
      due.emplace_back(i, p.options);
    }
  }
  for (auto& [index, options] : due) co_await ask(index, options);
}

Task<void> Directory::ask(size_t index, std::shared_ptr<const ProviderOptions> options) {
  auto request = listing_request(*options, clock_.now_us());
  if (!request || !*request) co_return;
  (*request)->deadlines.total = std::min((*request)->deadlines.total, std::chrono::milliseconds(10'000));
  auto answer = co_await clients_.here().fetch(std::move(**request));
  const bool refused = answer && is_key_refusal(answer->status, answer->body);
  if (answer && (answer->status == 200 || refused)) told_key(options->name, refused);
  if (!answer || answer->status != 200) co_return;
  std::vector<ListedModel> models = listed_models(parse_bounded(answer->body));
  if (models.empty()) co_return;
  std::set<std::string> embeddings = embeddings_of(*options, models);
  std::lock_guard lock(mutex_);
  if (index >= providers_.size() || providers_[index].options != options) co_return;
  providers_[index].models = std::move(models);
  providers_[index].embeddings = std::move(embeddings);
}

void Directory::told_key(const std::string& provider, bool refused) {
  std::lock_guard lock(mutex_);
  for (auto& one : providers_) {
    if (one.options->name == provider) one.refused_us = refused ? std::max<TimeUs>(1, clock_.monotonic_us()) : 0;
  }
}

bool Directory::refuses(const Provider& provider) const {
  return provider.refused_us != 0 && clock_.monotonic_us() - provider.refused_us < kRefusedForUs;
}

bool Directory::refuses_key(const std::string& provider) const {
  std::lock_guard lock(mutex_);
  return std::ranges::any_of(providers_,
                             [&](const Provider& one) { return one.options->name == provider && refuses(one); });
}

std::vector<ModelEntry> Directory::entries() const {
  std::vector<ModelEntry> out;
  for (const auto& model : engine_.models()) {
    out.push_back({.name = model.name,
                   .provider = "local",
                   .ready = model.state == engine::ModelState::kReady,
                   .context_tokens = model.context_tokens,
                   .kind = model.kind == engine::ModelKind::kEmbedding ? "embedding" : "chat"});
  }
  std::lock_guard lock(mutex_);
  for (const auto& provider : providers_) {
    for (const auto& model : provider.models) {
      out.push_back({.name = model.name,
                     .provider = provider.options->name,
                     .ready = !refuses(provider),
                     .context_tokens = value_or(provider.options->context_tokens, model.name, 0),
                     .kind = provider.embeddings.contains(model.name) ? "embedding" : "chat",
                     .problem = refuses(provider) ? std::string(kKeyIsRefused) : std::string()});
    }
  }
  return out;
}

}  // namespace steward::gateway
