// The view of Talk: conversations, their trees of messages, attachments, shares and projects as tables, and every word
// of them in a full-text index (FTS5 with secure-delete, cut as talk/words.h says).
//
// A page of Talk is opened by this view alone: the path of a conversation is walked upwards from its leaf, a window at
// a time, so neither the length of a conversation nor that of anybody else's matters. Texts themselves stay in the
// journal and its blobs (`record`, `blob`); here are the index and 120 characters to recognise them by.
//
// Folded on the applier's thread; large texts are read from their blobs by `blob`, which answers the same bytes
// whenever it is asked, or nothing once they are erased. A row's number is the seq of its record, twice, plus one for
// an answer that was made with its question: the same live and rebuilt.
#pragma once
#include <functional>
#include <string>

#include "base/json.h"
#include "journal/view.h"

namespace steward::talk {

using BlobReader = std::function<Result<std::string>(const Id& tenant, const std::string& blob)>;

class TalkView final : public journal::View {
 public:
  explicit TalkView(BlobReader blob) : blob_(std::move(blob)) {}
  std::string_view name() const override { return "talk"; }
  int version() const override { return 4; }
  void create(journal::Db& db) override;
  void apply(journal::Db& db, const journal::Record& record) override;

 private:
  void fold_conversation(journal::Db& db, const journal::Record& record, const Json& body);
  void fold_tree(journal::Db& db, const journal::Record& record, const Json& body);
  void fold_content(journal::Db& db, const journal::Record& record, const Json& body);
  void fold_item(journal::Db& db, const journal::Record& record, const Json& body);
  void fold_attachment(journal::Db& db, const journal::Record& record, const Json& body);
  void index_attachment(journal::Db& db, const Id& tenant, const Id& attachment);
  Json content_of(const journal::Record& record, const Json& body) const;

  BlobReader blob_;
};

namespace fold {  // the parts that need no blob (fold.cc)

// The number of a tenant in this view, for rows of the index; made at its first record.
int64_t tenant_number(journal::Db& db, const Id& tenant);
int64_t row_number(journal::Db& db, const journal::Record& record, int offset);
void index_words(journal::Db& db, int64_t number, const Id& owner, const Id& conversation, std::string_view text);
void forget_words(journal::Db& db, int64_t number);

void placed(journal::Db& db, const journal::Record& record, const Id& conversation, const Json& body);
void share(journal::Db& db, const journal::Record& record, const Id& conversation, const Json& body);
void project(journal::Db& db, const journal::Record& record, const Json& body);
void response(journal::Db& db, const journal::Record& record, const Json& body);
void step(journal::Db& db, const journal::Record& record, const Json& body);  // of an answer (steps.h)
void erased(journal::Db& db, const journal::Record& record);                  // a `record.erased`
void came_erased(journal::Db& db, const journal::Record& record);  // its body is gone: what can be told of it still

}  // namespace fold
}  // namespace steward::talk
