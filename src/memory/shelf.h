// A shelf: the passages of one person as arrays, so that a question is answered by passing over them once. What is
// heavy (texts, terms) stays in the tables; what every question asks of every passage (when, by whom, what was said
// before it, its vector) is here.
//
// A shelf is made from the view and the cache of vectors and never changed: a newer one takes its place when the
// tables have moved on. It goes on from the older one where passages only came after it. Exact: every vector is looked
// at. An approximate index would answer in place of meanings() and take part in nothing else.
#pragma once
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "journal/db.h"
#include "memory/terms.h"
#include "memory/vectors.h"

namespace steward::memory {

enum class Role : uint8_t { kUser, kAssistant };

struct Entry {
  int64_t number = 0;
  TimeUs time = 0;
  int32_t before = -1;                    // the place of the passage said before it, in its conversation
  int32_t conversation = 0, speaker = 0;  // places in the shelf's names
  int32_t words = 0;
  Role role = Role::kUser;
  Language language = Language::kEnglish;
  bool embedded = false;
  std::string key;
};

class Shelf {
 public:
  std::vector<Entry> entries;  // by number
  std::vector<std::string> conversations, speakers;
  std::vector<Language> languages;  // that occur
  size_t waiting() const;           // for their vectors

  // Each passage's likeness to a question's vector; 0 where none is known.
  std::vector<float> meanings(const std::vector<float>& question) const;

 private:
  friend class ShelfMaker;
  size_t width_ = 0;            // of a vector
  std::vector<int8_t> values_;  // a row an entry
  std::vector<float> scales_;
  std::unordered_map<std::string, int32_t> last_of_;  // message → the place of its last passage
  std::unordered_map<std::string, int32_t> place_of_conversation_, place_of_speaker_;
  uint64_t vectors_at_ = 0;  // the cache's generation
};

// All passages of a partition. `older` may be null. Throws DbError.
std::shared_ptr<const Shelf> whole_shelf(journal::Db& db, int64_t partition, VectorStore& vectors,
                                         std::shared_ptr<const Shelf> older);
// The passages of these messages alone, in the order of their numbers.
Shelf shelf_of(journal::Db& db, const Id& tenant, const std::vector<Id>& messages, VectorStore& vectors);

// The shelves of people who ask, as long as there is room. Any thread.
class Shelves {
 public:
  explicit Shelves(VectorStore& vectors) : vectors_(vectors) {}
  std::shared_ptr<const Shelf> of(journal::Db& db, int64_t partition);

 private:
  struct Kept {
    std::shared_ptr<const Shelf> shelf;
    uint64_t used = 0;
  };
  void make_room();
  VectorStore& vectors_;
  std::mutex mutex_;
  std::unordered_map<int64_t, Kept> kept_;
  uint64_t uses_ = 0;
};

}  // namespace steward::memory
