#include "memory/recall.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "memory/view.h"

namespace steward::memory {
using journal::Db;
namespace {

constexpr float kMeant = 1.5;         // deviations over the mean from which a meaning counts as a reason
constexpr size_t kNearest = 5;        // passages by which nearness is judged
constexpr double kMeaningNear = 0.2;  // what a deviation of meaning adds to nearness

class Recalling {
 public:
  Recalling(Db& db, Shelves& shelves, VectorStore& vectors, const Asking& asking)
      : db_(db), asking_(asking), reach_(asking.reach), partition_(partition_of(reach_.tenant, reach_.principal)) {
    own_ = shelves.of(db, partition_);
    if (!reach_.only_own && reach_.project.empty()) read_shared(vectors);
    count_ = own_->entries.size() + extra_.entries.size();
  }

  Recalled run(size_t limit) {
    Recalled out;
    mark_reachable();
    out.question = read_question(asking_.text, asking_.asked_at, asking_.zone, languages());
    for (size_t i = 0; i < count_; ++i) {
      if (signals_.counts[i] == 0) continue;
      ++out.passages;
      out.waiting += at(i).embedded ? 0 : 1;
    }
    by_words(out.question);
    by_meaning();
    by_time(out.question);
    by_name(out.question);
    const auto scores = fused(signals_, before(), asking_.weights);
    const auto best = best_of(scores, signals_.counts, limit);
    for (const size_t i : best) out.found.push_back(found(i, scores[i]));
    for (size_t i = 0; i < std::min(best.size(), kNearest); ++i)
      out.nearness = std::max(out.nearness, nearness(best[i]));
    return out;
  }

 private:
  const Entry& at(size_t i) const {
    return i < own_->entries.size() ? own_->entries[i] : extra_.entries[i - own_->entries.size()];
  }
  const std::string& conversation(size_t i) const {
    const Shelf& shelf = i < own_->entries.size() ? *own_ : extra_;
    return shelf.conversations[static_cast<size_t>(at(i).conversation)];
  }
  const std::string& speaker(size_t i) const {
    const Shelf& shelf = i < own_->entries.size() ? *own_ : extra_;
    return shelf.speakers[static_cast<size_t>(at(i).speaker)];
  }

  void read_shared(VectorStore& vectors) {
    std::vector<Id> messages;
    for (const auto& one : reach_.shared) {
      messages.insert(messages.end(), one.messages.begin(), one.messages.end());
      partitions_[one.conversation] = partition_of(reach_.tenant, one.owner);
    }
    extra_ = shelf_of(db_, reach_.tenant, messages, vectors);
  }

  std::vector<Language> languages() const {
    std::vector<Language> out = own_->languages;
    for (const Language one : extra_.languages) {
      if (std::ranges::find(out, one) == out.end()) out.push_back(one);
    }
    return out;
  }

  std::set<Id> conversations_where(const char* sql, const Id& what) {
    std::set<Id> out;
    auto& row = db_.prepare(sql).bind(1, reach_.tenant).bind(2, what);
    while (row.step()) out.insert(row.text(0));
    row.reset();
    return out;
  }

  void mark_reachable() {
    std::set<Id> hidden = conversations_where(
        "SELECT id FROM memory_conversations WHERE tenant = ? AND owner = ? AND deleted != 0", reach_.principal);
    for (const auto& [id, partition] : partitions_)
      hidden.merge(
          conversations_where("SELECT id FROM memory_conversations WHERE tenant = ? AND id = ? AND deleted != 0", id));
    std::set<Id> in_project;
    if (!reach_.project.empty())
      in_project =
          conversations_where("SELECT id FROM memory_conversations WHERE tenant = ? AND project = ?", reach_.project);
    signals_.counts.assign(count_, 0);
    signals_.embedded.assign(count_, 0);
    for (size_t i = 0; i < count_; ++i) {
      const Entry& entry = at(i);
      const Id& place = conversation(i);
      const bool there = (reach_.conversation.empty() || place == reach_.conversation) && place != reach_.elsewhere;
      const bool placed = reach_.project.empty() || in_project.contains(place);
      const bool then = entry.time >= reach_.after && entry.time < reach_.before;
      signals_.counts[i] = there && placed && then && !hidden.contains(place) ? 1 : 0;
      signals_.embedded[i] = entry.embedded ? 1 : 0;
    }
  }

  // How often one word of the question, in any of its forms, stands in each passage: (place, count), by place.
  std::vector<std::pair<size_t, double>> occurrences(const Wanted& wanted) {
    std::map<size_t, double> most;
    const auto take = [&](size_t i, double count) {
      if (signals_.counts[i] != 0) most[i] = std::max(most[i], count);
    };
    for (const auto& term : wanted.terms) {
      auto& row =
          db_.prepare("SELECT passage, count FROM memory_terms WHERE partition = ? AND term = ? ORDER BY passage")
              .bind(1, partition_)
              .bind(2, term);
      size_t i = 0;
      while (row.step()) {
        const int64_t number = row.integer(0);
        while (i < own_->entries.size() && own_->entries[i].number < number) ++i;
        if (i < own_->entries.size() && own_->entries[i].number == number) take(i, static_cast<double>(row.integer(1)));
      }
      row.reset();
      // Of others' passages only those that may be read are looked up, one by one: how long it takes tells nothing
      // else.
      for (size_t k = 0; k < extra_.entries.size(); ++k) take_extra(k, term, take);
    }
    return {most.begin(), most.end()};
  }

  template <class Take>
  void take_extra(size_t k, const std::string& term, const Take& take) {
    const size_t i = own_->entries.size() + k;
    auto& row = db_.prepare("SELECT count FROM memory_terms WHERE partition = ? AND term = ? AND passage = ?")
                    .bind(1, partitions_[conversation(i)])
                    .bind(2, term)
                    .bind(3, at(i).number);
    if (row.step()) take(i, static_cast<double>(row.integer(0)));
    row.reset();
  }

  void by_words(const Question& question) {
    signals_.words.assign(count_, 0);
    coverage_.assign(count_, 0);
    words_.assign(count_, 0);
    double passages = 0, length = 0, all = 0;
    for (size_t i = 0; i < count_; ++i) {
      if (signals_.counts[i] == 0) continue;
      ++passages;
      length += at(i).words;
    }
    const double mean = passages > 0 ? length / passages : 0;
    for (const Wanted& wanted : question.wanted) {
      const auto found = occurrences(wanted);
      const double rarity = idf(passages, static_cast<double>(found.size()));
      all += rarity;
      for (const auto& [i, count] : found) {
        signals_.words[i] += static_cast<float>(bm25(rarity, count, at(i).words, mean, asking_.weights));
        coverage_[i] += rarity;
        ++words_[i];
      }
    }
    for (double& one : coverage_) one = all > 0 ? one / all : 0;
  }

  void by_meaning() {
    if (asking_.vector.empty()) return;
    signals_.meaning = own_->meanings(asking_.vector);
    const auto others = extra_.meanings(asking_.vector);
    signals_.meaning.insert(signals_.meaning.end(), others.begin(), others.end());
    std::vector<char> known = signals_.counts;
    for (size_t i = 0; i < count_; ++i) known[i] = known[i] != 0 && signals_.embedded[i] != 0 ? 1 : 0;
    meaning_ = z_scores(signals_.meaning, known);
  }

  // 1 in the time that is named; around it less and less, since people speak of things a little later.
  void by_time(const Question& question) {
    constexpr double kFadesUs = 7.0 * 86'400 * kSecondUs;
    signals_.time.assign(count_, 0);
    for (size_t i = 0; i < count_; ++i) {
      for (const When& when : question.times) {
        double near = 0;
        if (when.holds(at(i).time))
          near = 1;
        else if (when.to != kAlways && at(i).time >= when.to)
          near = std::exp(-static_cast<double>(at(i).time - when.to) / kFadesUs);
        signals_.time[i] = std::max(signals_.time[i], static_cast<float>(near));
      }
    }
  }

  void by_name(const Question& question) {
    signals_.name.assign(count_, 0);
    std::map<std::string, bool> known;
    const bool self = question.of_self || (!asking_.own_name.empty() && is_named(question, asking_.own_name));
    for (size_t i = 0; i < count_; ++i) {
      const std::string& name = speaker(i);
      bool named = false;
      if (!name.empty()) {
        const auto [found, fresh] = known.try_emplace(name, false);
        if (fresh) found->second = is_named(question, name);
        named = found->second;
      } else if (i < own_->entries.size()) {
        named = at(i).role == Role::kUser ? self : question.of_assistant;
      }
      signals_.name[i] = named ? 1 : 0;
    }
  }

  std::vector<int32_t> before() const {
    std::vector<int32_t> out(count_, -1);
    const auto own = static_cast<int32_t>(own_->entries.size());
    for (size_t i = 0; i < count_; ++i) {
      const int32_t one = at(i).before;
      if (one >= 0) out[i] = i < own_->entries.size() ? one : own + one;
    }
    return out;
  }

  double nearness(size_t i) const {
    const double meaning = meaning_.empty() ? 0 : std::max(0.0F, meaning_[i]);
    return coverage_[i] + kMeaningNear * meaning;
  }

  Found found(size_t i, float score) const {
    return {.number = at(i).number,
            .score = score,
            .covered = coverage_[i],
            .meant = meaning_.empty() ? 0 : meaning_[i],
            .words = words_[i],
            .by_words = coverage_[i] >= kCoveredEnough,
            .by_meaning = !meaning_.empty() && meaning_[i] >= kMeant,
            .by_time = signals_.time[i] >= 1,
            .by_name = signals_.name[i] > 0};
  }

  Db& db_;
  const Asking& asking_;
  const Reach& reach_;
  int64_t partition_;
  std::shared_ptr<const Shelf> own_;
  Shelf extra_;
  std::map<Id, int64_t> partitions_;  // of conversations that are shared
  size_t count_ = 0;
  Signals signals_;
  std::vector<double> coverage_;  // the share of the question's words that stand in it, by rarity
  std::vector<int> words_;        // how many of them
  std::vector<float> meaning_;    // in deviations
};

}  // namespace

Recalled recall(Db& db, Shelves& shelves, VectorStore& vectors, const Asking& asking, size_t limit) {
  return Recalling(db, shelves, vectors, asking).run(limit);
}

}  // namespace steward::memory
