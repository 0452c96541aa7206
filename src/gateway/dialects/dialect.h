// What a dialect can do, as two small capabilities: an Ingress (a client's side: reads its requests, writes its answers
// and errors) and an Egress (a provider's side: writes requests, reads answers and errors). Each dialect is a folder;
// none knows another. They translate only: no network, no clock, no ids but those handed in, no money. Objects of these
// interfaces are stateless and shared by all threads; readers and writers of one answer belong to one call.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "gateway/form/answer.h"
#include "gateway/form/request.h"

namespace steward::net {
class Headers;
}
namespace steward::gateway {

struct ProviderProfile;  // gateway/providers/table.h: a provider's quirks as data

// What an egress can't say. refuse() is called for each such member; it fails the call by the caller's own name of it,
// or, where the caller asked for that (header x-steward-drop: unsupported, or a list of names), notes it as dropped
// (told in the header x-steward-dropped).
class Refusals {
 public:
  Refusals(Dialect caller, std::vector<std::string> may_drop) : caller_(caller), may_drop_(std::move(may_drop)) {}
  // kUnsupportedField with "param" and what would work; or ok, noted as dropped.
  Status refuse(Setting setting, std::string_view why_and_what_works);
  Status refuse(std::string_view name,
                std::string_view why_and_what_works);  // a member by its path in the caller's dialect
  Status refuse_extra(const Json& extra, std::string_view at,
                      std::string_view why_and_what_works);  // each member of `extra`
  // A tool that another dialect's provider would run. Where it is merely on offer beside tools of the caller's own (as
  // coding agents offer theirs to every model), the model does without: noted as dropped. Where it is all that is
  // offered, or must be called, the call is refused.
  Status leave_out_hosted(const Request& request, size_t tool);
  // Noted without asking: what must not travel whoever asks (another provider's signature).
  void note_dropped(std::string name);
  const std::vector<std::string>& dropped() const { return dropped_; }

 private:
  Dialect caller_;
  std::vector<std::string> may_drop_;  // {"unsupported"}: all
  std::vector<std::string> dropped_;
};

struct IncomingCall {   // what of a client's HTTP request matters beside its body
  std::string model;    // Gemini: from the path; else empty
  bool stream = false;  // Gemini: from the path
  const net::Headers* headers = nullptr;
};

struct OutgoingCall {
  std::string provider;                      // as configured here
  std::string model;                         // as the provider says it
  const ProviderProfile* profile = nullptr;  // never null in calls
  int64_t max_output = 0;                    // tokens a choice: what was reserved; always sent
  bool stream = false;
  Refusals* refusals = nullptr;  // never null
};

struct UpstreamPath {
  std::string path;  // after the base URL: "/chat/completions", "/models/M:streamGenerateContent?alt=sse"
  std::vector<std::pair<std::string, std::string>>
      headers;  // of the dialect, not the key: anthropic-version, anthropic-beta
};

// A question to a provider: how many tokens a request is.
struct CountQuery {
  UpstreamPath path;
  Json body;
};

// Reads one answer. Errors: kUpstreamError for garbage or an error event of the provider.
class AnswerReader {
 public:
  virtual ~AnswerReader() = default;
  virtual Result<Deltas> event(std::string_view name,
                               Json data) = 0;  // one server-sent event's JSON; "[DONE]" is not given
  virtual Result<Deltas> whole(Json body) = 0;  // an answer that was not streamed
  virtual Result<Deltas>
  end() = 0;  // the stream ended: what was still owed, or kUpstreamUnreachable if it ended in the middle
  virtual bool finished() const = 0;  // everything that makes an answer whole came (its end may come as a reset)
};

class Egress {
 public:
  virtual ~Egress() = default;
  virtual UpstreamPath path(const Request& request, const OutgoingCall& call) const = 0;
  virtual Result<Json> write_request(const Request& request, const OutgoingCall& call) const = 0;
  virtual std::unique_ptr<AnswerReader> reader(std::string provider) const = 0;  // `provider` goes into signatures
  virtual Error read_error(int status, std::string_view body, const net::Headers& headers) const = 0;
  // nullopt: the dialect has no way to ask.
  virtual Result<std::optional<CountQuery>> write_count(const Request&, const OutgoingCall&) const {
    return std::nullopt;
  }
  virtual std::optional<int64_t> read_count(const Json&) const { return {}; }  // nullopt: garbage
};

struct AnswerContext {  // what a writer needs beside the deltas
  Id call;              // Steward's id of the call: ids of answers are made from it
  std::string model;    // as the caller said it
  int64_t now = 0;      // Unix seconds
};

// Writes one streamed answer as the bytes of server-sent events (empty: nothing yet). usage_told deltas are not written
// as they come: the sum that was charged is handed to finish().
class AnswerWriter {
 public:
  virtual ~AnswerWriter() = default;
  virtual std::string delta(const Delta& delta) = 0;
  // `report`: Steward's own words on the call (cost, reservation, what is left), for the usage block or a closing
  // comment.
  virtual std::string finish(const ledger::Usage& usage, const Json& report) = 0;
  virtual std::string fail(const Error& error) = 0;  // after begin: told in the stream
  virtual std::string keep_alive() const { return ": keep-alive\n\n"; }
};

class Ingress {
 public:
  virtual ~Ingress() = default;
  virtual Result<Request> read_request(Json body, const IncomingCall& call) const = 0;
  virtual std::unique_ptr<AnswerWriter> writer(const Request& request, AnswerContext context) const = 0;
  virtual Json write_answer(const WholeAnswer& answer, const Request& request, const AnswerContext& context,
                            const ledger::Usage& usage, const Json& report) const = 0;
  virtual Json write_error(const Error& error) const = 0;  // the body; the status is the error's own
  virtual Json write_count(int64_t tokens) const { return {{"input_tokens", tokens}}; }
};

const Ingress& ingress_of(Dialect dialect);
const Egress& egress_of(Dialect dialect);

// Each folder's: dialects/chat, dialects/responses, dialects/messages, dialects/gemini.
const Ingress& chat_ingress();
const Egress& chat_egress();
const Ingress& responses_ingress();
const Egress& responses_egress();
const Ingress& messages_ingress();
const Egress& messages_egress();
const Ingress& gemini_ingress();
const Egress& gemini_egress();

}  // namespace steward::gateway
