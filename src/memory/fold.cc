// The parts of the fold that write passages and terms, and take them out again.
#include <array>

#include "base/crypto.h"
#include "journal/erasure.h"
#include "memory/passages.h"
#include "memory/terms.h"
#include "memory/view.h"

namespace steward::memory::fold {
using journal::Db;
using journal::Record;
using journal::Seq;
namespace {

constexpr int kPartBits = 12, kSeqBits = 48;  // a number: tenant, seq, part
static_assert(kMaxPassages <= size_t{1} << kPartBits);
constexpr size_t kKeyBytes = 16;

int64_t first_number(Db& db, const Id& tenant, Seq seq) {
  return (tenant_number(db, tenant) << kSeqBits) + (static_cast<int64_t>(seq) << kPartBits);
}

void forget_terms(Db& db, int64_t number, int64_t partition, Language language, const std::string& text) {
  for (const auto& [term, count] : terms_in(text, language).counts) {
    db.prepare("DELETE FROM memory_terms WHERE partition = ? AND term = ? AND passage = ?")
        .bind(1, partition)
        .bind(2, term)
        .bind(3, number)
        .run();
  }
}

struct Stored {
  int64_t number, partition;
  Language language;
  std::string text;
};

void forget_all(Db& db, journal::Statement& row) {
  std::vector<Stored> found;
  while (row.step())
    found.push_back({row.integer(0), row.integer(1), static_cast<Language>(row.integer(2)), row.text(3)});
  row.reset();
  for (const auto& one : found) {
    forget_terms(db, one.number, one.partition, one.language, one.text);
    db.prepare("DELETE FROM memory_passages WHERE number = ?").bind(1, one.number).run();
  }
}

std::vector<Id> ids_at(Db& db, const char* sql, const Id& tenant, Seq seq) {
  std::vector<Id> out;
  auto& row = db.prepare(sql).bind(1, tenant).bind(2, seq);
  while (row.step()) out.push_back(row.text(0));
  row.reset();
  return out;
}

// An item keeps its place; what was said loses it, and an item that stood below it comes after what was before that.
void forget_rows(Db& db, const Id& tenant, Seq seq) {
  db.prepare("UPDATE memory_messages SET role = 'other' WHERE tenant = ? AND seq = ? AND follows = 1")
      .bind(1, tenant)
      .bind(2, seq)
      .run();
  db.prepare(
        "UPDATE memory_messages SET parent = coalesce((SELECT b.id FROM memory_messages b WHERE b.tenant = "
        "memory_messages.tenant AND b.conversation = memory_messages.conversation AND b.seq < ?2 ORDER BY b.seq DESC, "
        "b.id DESC LIMIT 1), '') WHERE tenant = ?1 AND follows = 1 AND parent IN (SELECT id FROM memory_messages WHERE "
        "tenant = ?1 AND seq = ?2 AND follows = 0)")
      .bind(1, tenant)
      .bind(2, seq)
      .run();
  db.prepare("DELETE FROM memory_messages WHERE tenant = ? AND seq = ? AND follows = 0")
      .bind(1, tenant)
      .bind(2, seq)
      .run();
}

void forget_conversation(Db& db, const Id& tenant, const Id& conversation) {
  std::vector<Id> messages;
  auto& row = db.prepare("SELECT id FROM memory_messages WHERE tenant = ? AND conversation = ?")
                  .bind(1, tenant)
                  .bind(2, conversation);
  while (row.step()) messages.push_back(row.text(0));
  row.reset();
  for (const Id& id : messages) forget_message(db, tenant, id);
  db.prepare("DELETE FROM memory_messages WHERE tenant = ? AND conversation = ?")
      .bind(1, tenant)
      .bind(2, conversation)
      .run();
  db.prepare("DELETE FROM memory_conversations WHERE tenant = ? AND id = ?")
      .bind(1, tenant)
      .bind(2, conversation)
      .run();
}

}  // namespace

int64_t tenant_number(Db& db, const Id& tenant) {
  auto& row = db.prepare("SELECT number FROM memory_tenants WHERE tenant = ?").bind(1, tenant);
  const int64_t known = row.step() ? row.integer(0) : -1;
  row.reset();
  if (known >= 0) return known;
  db.prepare("INSERT INTO memory_tenants SELECT ?, count(*) FROM memory_tenants").bind(1, tenant).run();
  return tenant_number(db, tenant);
}

void remember(Db& db, const Record& record, const Message& message, std::string_view text, std::string_view key) {
  const int64_t partition = partition_of(record.tenant, message.owner);
  const int64_t first = first_number(db, record.tenant, record.seq);
  const Language language = language_of(text);
  const std::string speaker(speaker_in(text));
  const auto passages = passages_in(text);
  for (size_t part = 0; part < passages.size(); ++part) {
    const std::string piece(text.substr(passages[part].begin, passages[part].end - passages[part].begin));
    const Terms terms = terms_in(piece, language);
    const int64_t number = first + static_cast<int64_t>(part);
    db.prepare("INSERT OR REPLACE INTO memory_passages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(1, number)
        .bind(2, partition)
        .bind(3, record.tenant)
        .bind(4, message.conversation)
        .bind(5, message.id)
        .bind(6, static_cast<int64_t>(part))
        .bind(7, message.time)
        .bind(8, message.role)
        .bind(9, speaker)
        .bind(10, static_cast<int64_t>(language))
        .bind(11, terms.length)
        .bind_blob(12, hmac_sha256(key, piece).substr(0, kKeyBytes))
        .bind(13, piece)
        .run();
    for (const auto& [term, count] : terms.counts) {
      db.prepare("INSERT OR REPLACE INTO memory_terms VALUES (?, ?, ?, ?)")
          .bind(1, partition)
          .bind(2, term)
          .bind(3, number)
          .bind(4, count)
          .run();
    }
  }
}

void forget_message(Db& db, const Id& tenant, const Id& message) {
  forget_all(db, db.prepare("SELECT number, partition, language, text FROM memory_passages WHERE tenant = ? AND "
                            "message = ?")
                     .bind(1, tenant)
                     .bind(2, message));
}

void erased(Db& db, const Record& record) {
  for (const Seq seq : journal::erased_seqs(record)) {
    for (const Id& id :
         ids_at(db, "SELECT id FROM memory_conversations WHERE tenant = ? AND seq = ?", record.tenant, seq))
      forget_conversation(db, record.tenant, id);
    const int64_t first = first_number(db, record.tenant, seq);
    forget_all(db, db.prepare("SELECT number, partition, language, text FROM memory_passages WHERE number >= ? AND "
                              "number < ?")
                       .bind(1, first)
                       .bind(2, first + (int64_t{1} << kPartBits)));
    forget_rows(db, record.tenant, seq);
  }
}

}  // namespace steward::memory::fold
