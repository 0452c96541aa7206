#include "server/record_kinds.h"

#include "gateway/conversations/conversation_store.h"
#include "gateway/serve.h"
#include "identity/people_records.h"
#include "identity/records.h"
#include "jobs/state.h"
#include "journal/erasure.h"
#include "ledger/records.h"
#include "server/batches/batch_view.h"
#include "server/idempotency.h"
#include "server/kept.h"
#include "server/settings.h"
#include "talk/records.h"

namespace steward::server {

std::vector<journal::RecordKind> record_kinds() {
  std::vector<journal::RecordKind> all;
  const auto add = [&](const auto& list) { all.insert(all.end(), std::begin(list), std::end(list)); };
  add(journal::kRecordKinds);
  add(jobs::kRecordKinds);
  add(identity::kRecordKinds);
  add(identity::kPeopleRecordKinds);
  add(ledger::kRecordKinds);
  add(gateway::kCallRecordKinds);
  add(gateway::kResponseRecordKinds);
  add(gateway::kConversationRecordKinds);
  add(talk::kRecordKinds);
  add(kContentRecordKinds);
  add(kIdempotencyRecordKinds);
  add(kSettingRecordKinds);
  add(kBatchRecordKinds);
  return all;
}

}  // namespace steward::server
