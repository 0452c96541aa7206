// Idempotency-Key: a request that a client repeats because the answer was lost takes effect once, also over a restart.
//
// Each key of each principal is a stream, `idempotency/HASH`: `idempotency.begun` before the work (with a fingerprint
// of method, address and body), `idempotency.answered` after it (status and body; a secret in it is left out, since
// secrets are never journaled). What an answer or its address names (people, conversations, messages, files, projects)
// are its sources, so that it is erased with them; after a day it is erased anyway. A model's answer is kept as bytes
// in a blob (kept.h). A repeat gets the stored answer; another request under the same key is refused; one that is still
// under way is told so. Work that a crash cut off is done again where doing it twice does no more than doing it once,
// else the client is told to look. Keys hold for a day.
#pragma once
#include <mutex>
#include <set>
#include <string>

#include "journal/record_kind.h"
#include "server/endpoint.h"

namespace steward::server {

inline constexpr journal::RecordKind kIdempotencyRecordKinds[] = {
    {"idempotency.begun"}, {"idempotency.answered"}, {"idempotency.released"}};

// The conversations, messages, attachments, projects and responses whose ids stand in an answer, whatever its form.
std::set<Id> told_of(std::string_view answer);

class Idempotency {
 public:
  Idempotency(journal::Journal& journal, Clock& clock) : journal_(journal), clock_(clock) {}

  struct Begun {
    std::string stream;
    std::optional<Reply> answer;  // an earlier one: nothing is to be done
    std::optional<Json> kept;     // the same of a model's answer: what keep() was given
  };
  // kConflict: under way, or cut off and not repeatable. kInvalidRequest: the key was used for another request, or is
  // malformed.
  Task<Result<Begun>> begin(identity::Caller caller, std::string key, std::string fingerprint, bool repeatable);
  // Returns once durable. `address` of the request may name what the answer is about.
  Task<Status> answered(identity::Caller caller, std::string stream, std::string address, Reply reply);
  // A model's answer, whose bytes lie in `blobs`; erasing the call, or something that it is about, takes it. Returns
  // once durable.
  Task<Status> keep(identity::Caller caller, std::string stream, Id call, std::set<Id> about, Json kept,
                    std::vector<std::string> blobs);
  // An error was answered, which is no answer: the key may be used again. Returns once written.
  Task<Status> release(identity::Caller caller, std::string stream);
  void forget(const std::string& stream);  // it is no longer under way

 private:
  Result<std::vector<journal::Record>> last_records(const Id& tenant, const std::string& stream);
  Task<Status> write(identity::Caller caller, journal::Draft draft, journal::Wait wait);
  Result<Begun> look(const identity::Caller& caller, const std::string& stream, const std::string& fingerprint,
                     bool repeatable, uint64_t& version);

  journal::Journal& journal_;
  Clock& clock_;
  std::mutex mutex_;
  std::set<std::string> under_way_;
};

}  // namespace steward::server
