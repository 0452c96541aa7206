// Which models there are and where a name leads: local models, and the providers' (as configured, or asked from their
// /models). Thread-safe: one mutex around small maps; providers are asked at most once a minute.
#pragma once
#include <memory>
#include <mutex>
#include <set>

#include "gateway/gateway.h"
#include "gateway/providers/listing.h"
#include "ledger/ledger.h"

namespace steward::gateway {

struct Target {
  std::string model;                               // as the caller says it
  std::string upstream_model;                      // as the server says it
  std::string provider;                            // "local" or a provider's name
  std::shared_ptr<const ProviderOptions> options;  // null for local
  int64_t context_tokens = 0;                      // 0: unknown
  int64_t max_output_tokens = 0;                   // 0: unknown
  bool embedding = false;                          // makes vectors
  bool local() const { return options == nullptr; }
};

class Directory {
 public:
  Directory(std::vector<ProviderOptions> providers, engine::Engine& engine, const ledger::Ledger& ledger,
            net::HttpClients& clients, Clock& clock);

  // "provider/model" and "local/model" name one outright; else local models come first, then providers in order.
  // kModelNotFound names the nearest.
  Task<Result<Target>> find(std::string name);
  std::optional<Target> known(const std::string& name) const { return look_up(name); }  // asks nobody
  Task<void> refresh();  // asks providers that list their models, if it is time
  std::vector<ModelEntry> entries() const;
  // What a provider's last answer says of the key that it was given. A refusal is shown beside its models, and routes
  // ask others before it, until an answer, another key or some minutes say that it may be tried again. Where nobody
  // else is, calls are sent to it all the same.
  void told_key(const std::string& provider, bool refused);
  bool refuses_key(const std::string& provider) const;
  // What a provider was just found to have, where it was asked by somebody else. Of one whose models are configured
  // nothing changes.
  void told_models(const std::string& provider, std::vector<ListedModel> models);
  // What was learned of a provider stays while its address and key are the same.
  void reload(std::vector<ProviderOptions> providers);

 private:
  struct Provider {
    std::shared_ptr<const ProviderOptions> options;
    std::vector<ListedModel> models;
    std::set<std::string> embeddings;  // those of them that make vectors
    TimeUs asked_us = 0;               // monotonic; 0: never
    TimeUs refused_us = 0;             // monotonic: when it last refused the key; 0: it did not
  };
  std::optional<Target> look_up(const std::string& name) const;
  // Those that make vectors: as the table of models knows them, else as the provider's list or their names tell.
  std::set<std::string> embeddings_of(const ProviderOptions& options, const std::vector<ListedModel>& models) const;
  static bool is_same(const Provider& one, const Provider& other);
  bool refuses(const Provider& provider) const;
  Task<void> ask(size_t index, std::shared_ptr<const ProviderOptions> options);

  engine::Engine& engine_;
  const ledger::Ledger& ledger_;
  net::HttpClients& clients_;
  Clock& clock_;
  mutable std::mutex mutex_;
  std::vector<Provider> providers_;
};

}  // namespace steward::gateway
