#include "talk/search.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"

namespace steward::talk {
namespace {

constexpr int kPage = 64;       // rows of the index looked at in one go
constexpr int kMostPages = 50;  // of one search: beyond it stand matches of what is hidden or on other branches

std::string id_word(const Id& id) {
  std::string out;
  for (const char c : to_lower_ascii(id)) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) out += c;
  }
  return out;
}

class Searching {
 public:
  Searching(journal::Db& db, const Id& tenant, const SearchQuery& query) : db_(db), tenant_(tenant), query_(query) {
    for (const auto& share : shares_with(db, tenant, query.readers)) shared_.emplace(share.conversation, share.leaf);
  }

  std::vector<Hit> run() {
    std::vector<Hit> out;
    int64_t before = query_.before > 0 ? query_.before : INT64_MAX;
    for (int page = 0; page < kMostPages && out.size() < query_.limit; ++page) {
      const auto numbers = numbers_before(before);
      for (const int64_t number : numbers) {
        before = number;
        if (auto hit = hit_of(number); hit && out.size() < query_.limit) out.push_back(std::move(*hit));
        if (out.size() == query_.limit) break;
      }
      if (numbers.size() < kPage) break;
    }
    return out;
  }

 private:
  std::string scope() const {
    if (!query_.conversation.empty()) return "\"" + id_word(query_.conversation) + "\"";
    std::string out = "\"" + id_word(query_.principal) + "\"";
    for (const auto& [conversation, leaf] : shared_) out += " OR \"" + id_word(conversation) + "\"";
    return out;
  }

  std::vector<int64_t> numbers_before(int64_t before) {
    auto& row =
        db_.prepare("SELECT rowid FROM talk_words WHERE talk_words MATCH ? AND rowid < ? ORDER BY rowid DESC LIMIT ?")
            .bind(1, fmt::format("words : ({}) AND scope : ({})", match_of(query_.terms), scope()))
            .bind(2, before)
            .bind(3, kPage);
    std::vector<int64_t> out;
    while (row.step()) out.push_back(row.integer(0));
    row.reset();
    return out;
  }

  std::optional<Hit> hit_of(int64_t number) {
    Hit hit{.number = number};
    if (auto id = text_of("SELECT id FROM talk_messages WHERE number = ?1 AND tenant = ?2", number); !id.empty()) {
      hit.message = find_message(db_, tenant_, id);
    } else if (auto file = text_of("SELECT id FROM talk_attachments WHERE number = ?1 AND tenant = ?2", number);
               !file.empty()) {
      hit.attachment = find_attachment(db_, tenant_, file);
      if (hit.attachment) hit.conversation = hit.attachment->conversation;
    } else {
      hit.conversation = text_of("SELECT id FROM talk_conversations WHERE number = ?1 AND tenant = ?2", number);
    }
    if (hit.message) hit.conversation = hit.message->conversation;
    const auto row = hit.conversation.empty() ? std::nullopt : find_conversation(db_, tenant_, hit.conversation);
    if (!row || row->deleted != 0) return {};
    hit.title = row->title;
    hit.owner = row->owner;
    const bool readable = row->owner == query_.principal ? is_mine(*row, hit) : is_shared(*row, hit);
    return readable ? std::optional(std::move(hit)) : std::nullopt;
  }

  // One's own file is found where the conversation goes on, else in the branch that it was sent in.
  bool is_mine(const ConversationRow& row, Hit& hit) {
    if (!hit.attachment || carried_by(row.current, hit)) return true;
    hit.message = find_message(db_, tenant_, hit.attachment->message);
    return hit.message.has_value();
  }

  bool is_shared(const ConversationRow& row, Hit& hit) {
    const auto [first, last] = shared_.equal_range(row.id);
    return std::any_of(first, last, [&](const auto& share) {
      if (hit.attachment) return carried_by(share.second, hit);
      return !hit.message || path(share.second).messages.contains(hit.message->id);
    });
  }

  bool carried_by(const Id& leaf, Hit& hit) {
    const auto& carried = path(leaf).carried;
    const auto found = carried.find(hit.attachment->id);
    if (found != carried.end()) hit.message = find_message(db_, tenant_, found->second);
    return found != carried.end();
  }

  // Walked once a search: a word that stands in every message of a long conversation asks for it as often.
  const Path& path(const Id& leaf) {
    const auto [found, fresh] = paths_.try_emplace(leaf);
    if (fresh) found->second = path_to(db_, tenant_, leaf);
    return found->second;
  }

  std::string text_of(const char* sql, int64_t number) {
    auto& row = db_.prepare(sql).bind(1, number).bind(2, tenant_);
    std::string out = row.step() ? row.text(0) : "";
    row.reset();
    return out;
  }

  journal::Db& db_;
  const Id& tenant_;
  const SearchQuery& query_;
  std::multimap<Id, Id> shared_;  // conversation → leaf
  std::map<Id, Path> paths_;      // by leaf
};

}  // namespace

std::vector<Hit> search_words(journal::Db& db, const Id& tenant, const SearchQuery& query) {
  return Searching(db, tenant, query).run();
}

}  // namespace steward::talk
