#include "memory/pieces.h"

#include <algorithm>
#include <set>
#include <span>

#include "memory/passages.h"

namespace steward::memory {
using journal::Db;
namespace {

// Of the best passage's score: below it something newer or older is not preferred to something nearer.
constexpr float kAboutIt = 0.5;

struct Told {
  Found found;
  Id conversation, message, parent;
  std::string role, key, text;
  int64_t part = 0;
  TimeUs time = 0;
};

std::optional<Told> read_passage(Db& db, const Found& found) {
  auto& row = db.prepare(
                    "SELECT p.conversation, p.message, p.part, p.time, p.role, p.key, p.text, coalesce(m.parent, '') "
                    "FROM memory_passages p LEFT JOIN memory_messages m ON m.tenant = p.tenant AND m.id = p.message "
                    "WHERE p.number = ?")
                  .bind(1, found.number);
  std::optional<Told> out;
  if (row.step())
    out = Told{.found = found,
               .conversation = row.text(0),
               .message = row.text(1),
               .parent = row.text(7),
               .role = row.text(4),
               .key = row.blob(5),
               .text = row.text(6),
               .part = row.integer(2),
               .time = row.integer(3)};
  row.reset();
  return out;
}

bool follows(const Told& later, const Told& earlier) {
  if (later.conversation != earlier.conversation) return false;
  if (later.message == earlier.message) return later.part == earlier.part + 1;
  return later.part == 0 && later.parent == earlier.message;
}

// A piece that is being put together: passages in the order in which they were said.
struct Group {
  std::vector<Told> passages;
  float best = 0;
  TimeUs newest() const { return passages.back().time; }
};

// Best first, as they came; each joins the group that it stands beside.
std::vector<Group> grouped(std::vector<Told> passages) {
  std::vector<Group> out;
  for (auto& one : passages) {
    Group* before = nullptr;
    Group* after = nullptr;
    for (auto& group : out) {
      if (!before && follows(one, group.passages.back())) before = &group;
      if (!after && follows(group.passages.front(), one)) after = &group;
    }
    if (before) {
      before->passages.push_back(std::move(one));
      if (after && after != before) {
        std::ranges::move(after->passages, std::back_inserter(before->passages));
        before->best = std::max(before->best, after->best);
        out.erase(out.begin() + (after - out.data()));
      }
    } else if (after) {
      after->passages.insert(after->passages.begin(), std::move(one));
    } else {
      const float score = one.found.score;
      out.push_back({{}, score});
      out.back().passages.push_back(std::move(one));
    }
  }
  return out;
}

// Equals keep their order. There are a few dozen at most.
template <class Before>
void sort_stably(std::span<Group> groups, Before before) {
  for (auto at = groups.begin(); at != groups.end(); ++at)
    std::rotate(std::upper_bound(groups.begin(), at, *at, before), at, at + 1);
}

void put_in_order(std::vector<Group>& groups, Order order) {
  sort_stably(groups, [](const Group& a, const Group& b) { return a.best > b.best; });
  if (order == Order::kRelevance || groups.empty()) return;
  const float enough = groups.front().best * kAboutIt;
  const auto about_it = std::ranges::find_if(groups, [&](const Group& one) { return one.best < enough; });
  sort_stably({groups.begin(), about_it}, [&](const Group& a, const Group& b) {
    return order == Order::kLatest ? a.newest() > b.newest() : a.newest() < b.newest();
  });
}

Piece piece_of(const Group& group) {
  Piece out{.conversation = group.passages.front().conversation, .score = group.best};
  for (const Told& one : group.passages) {
    if (out.messages.empty() || out.messages.back().id != one.message)
      out.messages.push_back({one.message, one.role, one.time, {}});
    out.messages.back().text += one.text;
    out.passages.push_back(one.found.number);
    out.by_words = out.by_words || one.found.by_words;
    out.by_meaning = out.by_meaning || one.found.by_meaning;
    out.by_time = out.by_time || one.found.by_time;
    out.by_name = out.by_name || one.found.by_name;
  }
  for (const auto& message : out.messages) out.tokens += about_tokens(message.text);
  return out;
}

bool has_any(const Piece& piece, const std::vector<Id>& messages) {
  return std::ranges::any_of(piece.messages, [&](const PieceMessage& message) {
    return std::ranges::find(messages, message.id) != messages.end();
  });
}

}  // namespace

Json why_of(const Piece& piece) {
  Json out = Json::array();
  if (piece.by_words) out.push_back("words");
  if (piece.by_meaning) out.push_back("meaning");
  if (piece.by_time) out.push_back("time");
  if (piece.by_name) out.push_back("name");
  return out;
}

std::vector<Piece> pieces_of(Db& db, const Recalled& recalled, const Cut& cut) {
  std::vector<Told> passages;
  std::set<std::string> seen;
  for (const Found& found : recalled.found) {
    auto one = read_passage(db, found);
    if (one && seen.insert(one->key).second) passages.push_back(std::move(*one));
  }
  auto groups = grouped(std::move(passages));
  put_in_order(groups, cut.order);
  std::vector<Piece> out;
  size_t left = cut.tokens;
  for (const Group& group : groups) {
    if (out.size() == cut.pieces) break;
    Piece piece = piece_of(group);
    if (piece.tokens > left || has_any(piece, cut.without)) continue;  // a shorter one may still fit
    left -= piece.tokens;
    out.push_back(std::move(piece));
  }
  return out;
}

std::optional<Piece> piece_again(Db& db, const Id& tenant, const std::vector<int64_t>& passages) {
  Group group;
  for (const int64_t number : passages) {
    auto& row = db.prepare(
                      "SELECT 1 FROM memory_passages p JOIN memory_conversations c ON c.tenant = p.tenant AND c.id = "
                      "p.conversation WHERE p.number = ? AND p.tenant = ? AND c.deleted = 0")
                    .bind(1, number)
                    .bind(2, tenant);
    const bool stands = row.step();
    row.reset();
    if (!stands) continue;
    if (auto one = read_passage(db, {.number = number})) group.passages.push_back(std::move(*one));
  }
  if (group.passages.empty()) return {};
  return piece_of(group);
}

}  // namespace steward::memory
