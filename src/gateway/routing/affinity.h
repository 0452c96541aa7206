// Which deployment holds a conversation's prompt cache: a bounded map from a conversation's key to where it was last
// answered. What is not touched for its time to live, or is oldest when the map is full, is forgotten. Thread-safe.
#pragma once
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"

namespace steward::gateway::routing {

struct AffinityOptions {
  size_t most = 100'000;                      // conversations remembered; about 20 MB
  DurationUs time_to_live_us = 3600'000'000;  // providers keep a prompt's cache for minutes up to an hour
};

// The key of a conversation: what the caller named (x-session-affinity, prompt_cache_key, a conversation's id, user),
// the first that is not empty; else its first texts (system prompt, tools, first message), which every turn begins
// with. Hashed with tenant and key, so that nobody meets another's. Empty where there is nothing to hash.
std::string affinity_key(std::string_view tenant, std::string_view key, const std::vector<std::string_view>& named,
                         const std::vector<std::string_view>& first_texts);

class Affinity {
 public:
  Affinity(AffinityOptions options, Clock& clock) : options_(options), clock_(clock) {}
  std::optional<std::string> find(const std::string& route, const std::string& key);
  void remember(const std::string& route, const std::string& key, std::string deployment);
  void reload(AffinityOptions options);
  size_t size() const;

 private:
  struct Entry {
    std::string key, deployment;
    TimeUs touched_us;
  };
  void drop_old();

  AffinityOptions options_;
  Clock& clock_;
  mutable std::mutex mutex_;
  std::list<Entry> entries_;  // newest first
  std::unordered_map<std::string, std::list<Entry>::iterator> by_key_;
};

}  // namespace steward::gateway::routing
