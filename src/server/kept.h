// Answers that are kept: for a repeat under the same Idempotency-Key (a day), and, where a key's owner wants it,
// requests and answers for N days (docs/privacy.md).
//
// run_kept() stands around a handler of the model API that answers by itself (streamed or whole). With an
// Idempotency-Key the call runs to its end even if the client goes away, what it answered is durable before its end
// reaches the client, and a repeat gets the same bytes without a second call. An error is no answer: nothing is kept,
// and the request may be sent again. Content lies in blobs that a record names, so erasing the record takes it. On the
// request's io thread.
#pragma once
#include "journal/record_kind.h"
#include "server/endpoint.h"

namespace steward::server {

inline constexpr size_t kMaxKeptBytes = size_t{32} << 20;  // of one answer; a larger one is given, not kept
inline constexpr std::string_view kContentKind = "content.kept";
inline constexpr journal::RecordKind kContentRecordKinds[] = {{kContentKind}};

// As run by a handler, or as read back.
struct KeptAnswer {
  int status = 200;
  std::string content_type;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  bool streamed = false;
};

Task<void> run_kept(Core& core, const Endpoint& endpoint, identity::Caller caller, net::Request& request,
                    net::Responder& responder);

}  // namespace steward::server
