// The vectors of passages: a cache in a file of its own (home/vectors/memory.db), keyed by content.
//
// A key is an HMAC of the text under a key of the tenant (view.h), so that it confirms no guess and two tenants share
// nothing. What is in it can be made again at any time, so a damaged file is thrown away; and it is no view: a rebuild
// keeps it, and calls no model. A vector is 384 signed bytes and a scale: a text's meaning, roughly, so that sweep()
// takes out what no passage names any more, and out of the file (secure_delete, and a truncated log).
//
// Any thread.
#pragma once
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/error.h"
#include "journal/db.h"

namespace steward::memory {

struct Vector {
  float scale = 0;
  std::vector<int8_t> values;
};
Vector quantised(std::span<const float> vector);
// Of a vector of length 1 and one that was: their cosine.
float product(std::span<const float> query, float scale, const int8_t* values);

class VectorStore {
 public:
  explicit VectorStore(std::filesystem::path file);
  Status open();  // makes it; anew if it is damaged
  std::vector<std::optional<Vector>> find(const std::vector<std::string>& keys);
  bool has(const std::string& key);
  // Which of these keys a passage has still. It may wait for a reader thread, which may wait for find().
  using Standing = std::function<std::unordered_set<std::string>(const std::vector<std::string>& keys)>;
  // Takes those that stand: asked while no sweep runs, so that what is erased meanwhile does not come back.
  void put(const std::vector<std::pair<std::string, Vector>>& vectors, const Standing& standing);
  size_t sweep(const Standing& standing);  // answers how many went
  bool empty();
  std::vector<std::string> keys();
  uint64_t generation() const { return generation_; }     // another after every put and sweep
  static void remove(const std::filesystem::path& file);  // with all that SQLite keeps beside it

 private:
  std::filesystem::path file_;
  std::mutex changing_;  // held over a whole put or sweep; taken before the other
  std::mutex mutex_;     // of the connection; never held while somebody else is waited for
  std::optional<journal::Db> db_;
  std::atomic<uint64_t> generation_{1};
};

}  // namespace steward::memory
