// A call that goes into a provider's own batch: written and reserved now, answered hours later, perhaps by another
// process. What must outlive the process is a PostedCall; whoever posts keeps it in a record.
//
//   post_call() → (the provider's batch) → answer_posted() or drop_posted(). It settles exactly once, as any call.
#pragma once
#include <optional>

#include "gateway/asked.h"
#include "gateway/batches/provider_batches.h"
#include "gateway/call.h"
#include "gateway/completions/request.h"
#include "gateway/embeddings/request.h"

namespace steward::gateway {

struct PostedCall {
  Id call;
  std::string deployment;  // "openai/gpt-5-mini"
  int64_t input_bound = 0, output_tokens = 0;
  NanoUsd reserved = 0;
  TimeUs at = 0;
};

struct Posting {
  PostedCall call;
  std::string provider, model;  // as configured here; as the provider says it
  UpstreamPath path;
  std::string body;
  size_t answers = 1;  // as so many its answer counts towards what one batch may hold: an embedding of each text
};

// nullopt: whoever it would be sent to first takes no batches, so that it is to be asked live. The reservation stands
// for `longest`, also over a restart. Errors: as of any call, before anything is sent.
Task<Result<std::optional<Posting>>> post_call(Services& services, identity::Caller caller, const Asked& asked,
                                               const net::Headers& headers, DurationUs longest);
Task<Result<std::optional<Posting>>> post_call(Services& services, identity::Caller caller,
                                               const EmbeddingRequest& asked, const net::Headers& headers,
                                               DurationUs longest);
Task<Result<std::optional<Posting>>> post_call(Services& services, identity::Caller caller,
                                               const CompletionRequest& asked, const net::Headers& headers,
                                               DurationUs longest);

// Reads the provider's answer, settles at its batch price and writes the answer, or the error, in the caller's dialect.
// A call that was settled before, by a process that was then killed, is answered all the same.
Task<void> answer_posted(Services& services, identity::Caller caller, const Asked& asked, PostedCall posted,
                         LineAnswer answer, net::Request& request, net::Responder& responder);
Task<void> answer_posted(Services& services, identity::Caller caller, const EmbeddingRequest& asked, PostedCall posted,
                         LineAnswer answer, net::Request& request, net::Responder& responder);
Task<void> answer_posted(Services& services, identity::Caller caller, const CompletionRequest& asked, PostedCall posted,
                         LineAnswer answer, net::Request& request, net::Responder& responder);

// It was not answered and costs nothing.
Task<void> drop_posted(Services& services, Id tenant, PostedCall posted, Error why);

// How a configured provider takes batches; null: it does not, or is not configured any more.
std::unique_ptr<ProviderBatches> batches_of(Services& services, const std::string& provider);

Json to_json(const PostedCall& posted);
PostedCall read_posted_call(const Json& json);  // of our own record

}  // namespace steward::gateway
