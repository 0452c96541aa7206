// What an MCP server answers to a request, whatever brought it: the greeting of older revisions, discovery of newer
// ones, the list of tools and their calls. Stateless: an answer depends on the request and its revision alone.
//
// What older revisions don't know (structured content, titles) is left out for them; what newer ones want of every
// result (its type, who answers, for how long it may be kept) is added for those. There is nothing to subscribe to and
// nothing to ask back, so no answer is a stream. Any io thread.
#pragma once
#include <vector>

#include "server/mcp/pace.h"
#include "server/mcp/revision.h"
#include "server/mcp/tool.h"

namespace steward::server::mcp {

class Protocol {
 public:
  Protocol(std::vector<Tool> tools, std::string instructions, Clock& clock)
      : tools_(std::move(tools)), instructions_(std::move(instructions)), pace_(clock) {}

  struct Answer {
    Json message;
    int status = 200;  // over HTTP
  };
  // Of a request (RpcMessage::Kind::kRequest).
  Task<Answer> answer(identity::Caller caller, RpcMessage request, Revision revision);

 private:
  using Outcome = std::expected<Json, RpcError>;
  Task<Outcome> outcome(identity::Caller caller, RpcMessage request, Revision revision);
  Outcome greeted(const Json& params) const;
  Json discovered() const;
  Json listed(Revision revision) const;
  Task<Outcome> called(identity::Caller caller, Json params, Revision revision);

  std::vector<Tool> tools_;
  std::string instructions_;
  Pace pace_;
};

}  // namespace steward::server::mcp
