#include "memory/shelf.h"

#include <algorithm>

namespace steward::memory {
using journal::Db;
namespace {

constexpr size_t kMostKept = 400'000;  // passages on shelves: some 200 MB

constexpr std::string_view kColumns =
    "SELECT p.number, p.time, p.conversation, p.message, p.part, p.speaker, p.role, p.language, p.words, p.key, "
    "coalesce(m.parent, '') FROM memory_passages p LEFT JOIN memory_messages m ON m.tenant = p.tenant AND m.id = "
    "p.message ";

int32_t place_in(std::unordered_map<std::string, int32_t>& places, std::vector<std::string>& names,
                 const std::string& name) {
  const auto [found, fresh] = places.try_emplace(name, static_cast<int32_t>(names.size()));
  if (fresh) names.push_back(name);
  return found->second;
}

}  // namespace

class ShelfMaker {
 public:
  explicit ShelfMaker(Shelf shelf) : shelf_(std::move(shelf)) {}

  void add(journal::Statement& row) {
    while (row.step()) {
      Entry entry{.number = row.integer(0), .time = row.integer(1)};
      entry.conversation = place_in(shelf_.place_of_conversation_, shelf_.conversations, row.text(2));
      const std::string message = row.text(3);
      const auto place = static_cast<int32_t>(shelf_.entries.size());
      const auto before = shelf_.last_of_.find(row.integer(4) > 0 ? message : row.text(10));
      if (before != shelf_.last_of_.end()) entry.before = before->second;
      entry.speaker = place_in(shelf_.place_of_speaker_, shelf_.speakers, row.text(5));
      entry.role = row.text(6) == "assistant" ? Role::kAssistant : Role::kUser;
      entry.language = static_cast<Language>(std::min<int64_t>(row.integer(7), kLanguages - 1));
      entry.words = static_cast<int32_t>(row.integer(8));
      entry.key = row.blob(9);
      shelf_.last_of_[message] = place;
      if (std::ranges::find(shelf_.languages, entry.language) == shelf_.languages.end())
        shelf_.languages.push_back(entry.language);
      shelf_.entries.push_back(std::move(entry));
    }
    row.reset();
  }

  Shelf made(VectorStore& vectors) {
    std::vector<std::string> keys;
    std::vector<size_t> places;
    shelf_.vectors_at_ = vectors.generation();
    for (size_t i = 0; i < shelf_.entries.size(); ++i) {
      if (shelf_.entries[i].embedded) continue;
      keys.push_back(shelf_.entries[i].key);
      places.push_back(i);
    }
    const auto found = vectors.find(keys);
    for (size_t i = 0; i < found.size(); ++i) {
      if (found[i]) take(places[i], *found[i]);
    }
    shelf_.scales_.resize(shelf_.entries.size());
    shelf_.values_.resize(shelf_.entries.size() * shelf_.width_);
    return std::move(shelf_);
  }

  static bool is_current(const Shelf& shelf, const VectorStore& vectors) {
    return shelf.waiting() == 0 || shelf.vectors_at_ == vectors.generation();
  }

 private:
  void take(size_t place, const Vector& vector) {
    if (shelf_.width_ == 0) shelf_.width_ = vector.values.size();
    if (vector.values.size() != shelf_.width_) return;  // of another model
    shelf_.scales_.resize(shelf_.entries.size());
    shelf_.values_.resize(shelf_.entries.size() * shelf_.width_);
    std::ranges::copy(vector.values, shelf_.values_.begin() + static_cast<ptrdiff_t>(place * shelf_.width_));
    shelf_.scales_[place] = vector.scale;
    shelf_.entries[place].embedded = true;
  }

  Shelf shelf_;
};

size_t Shelf::waiting() const {
  return static_cast<size_t>(std::ranges::count_if(entries, [](const Entry& one) { return !one.embedded; }));
}

std::vector<float> Shelf::meanings(const std::vector<float>& question) const {
  std::vector<float> out(entries.size(), 0);
  if (question.size() != width_) return out;
  for (size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].embedded) out[i] = product(question, scales_[i], values_.data() + i * width_);
  }
  return out;
}

std::shared_ptr<const Shelf> whole_shelf(Db& db, int64_t partition, VectorStore& vectors,
                                         std::shared_ptr<const Shelf> older) {
  const int64_t last = older && !older->entries.empty() ? older->entries.back().number : -1;
  auto& row = db.prepare("SELECT count(*), coalesce(sum(number > ?2), 0) FROM memory_passages WHERE partition = ?1")
                  .bind(1, partition)
                  .bind(2, last);
  row.step();
  const auto all = static_cast<size_t>(row.integer(0)), later = static_cast<size_t>(row.integer(1));
  row.reset();
  const bool goes_on = older && older->entries.size() + later == all;
  if (goes_on && later == 0 && ShelfMaker::is_current(*older, vectors)) return older;
  ShelfMaker maker(goes_on ? *older : Shelf());
  maker.add(db.prepare(std::string(kColumns) + "WHERE p.partition = ? AND p.number > ? ORDER BY p.number")
                .bind(1, partition)
                .bind(2, goes_on ? last : -1));
  return std::make_shared<const Shelf>(maker.made(vectors));
}

Shelf shelf_of(Db& db, const Id& tenant, const std::vector<Id>& messages, VectorStore& vectors) {
  ShelfMaker maker{Shelf()};
  for (const Id& message : messages) {
    maker.add(db.prepare(std::string(kColumns) + "WHERE p.tenant = ? AND p.message = ? ORDER BY p.part")
                  .bind(1, tenant)
                  .bind(2, message));
  }
  return maker.made(vectors);
}

std::shared_ptr<const Shelf> Shelves::of(Db& db, int64_t partition) {
  std::shared_ptr<const Shelf> older;
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = kept_.find(partition); found != kept_.end()) older = found->second.shelf;
  }
  auto shelf = whole_shelf(db, partition, vectors_, older);
  const std::lock_guard lock(mutex_);
  kept_[partition] = {shelf, ++uses_};
  make_room();
  return shelf;
}

void Shelves::make_room() {
  for (;;) {
    size_t all = 0;
    auto oldest = kept_.begin();
    for (auto it = kept_.begin(); it != kept_.end(); ++it) {
      all += it->second.shelf->entries.size();
      if (it->second.used < oldest->second.used) oldest = it;
    }
    if (all <= kMostKept || kept_.size() <= 1) return;
    kept_.erase(oldest);
  }
}

}  // namespace steward::memory
