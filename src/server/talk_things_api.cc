// What stands around conversations: attachments, projects, search, shares and exports.
#include "base/percent.h"
#include "server/admin.h"
#include "server/page.h"
#include "server/people_api.h"
#include "server/people_json.h"
#include "server/sign_in.h"
#include "server/talk.h"
#include "server/web_session.h"
#include "talk/talk.h"

namespace steward::server {
namespace {

using talk::Talk;

Task<Result<Reply>> told(int status, Task<Result<Json>> answer) {
  auto body = co_await std::move(answer);
  if (!body) co_return fail(std::move(body.error()));
  co_return Reply{status, std::move(*body)};
}

Endpoint raw_endpoint(std::string method, std::string pattern, EndpointDoc doc, RawHandler handler) {
  Endpoint endpoint;
  endpoint.method = std::move(method);
  endpoint.pattern = std::move(pattern);
  endpoint.access = Access::kKey;
  endpoint.doc = std::move(doc);
  endpoint.raw = std::move(handler);
  return endpoint;
}

// RFC 8187.
std::string file_name_field(std::string_view name) { return "filename*=UTF-8''" + percent_encoded(name); }

// Whatever its bytes are, a page of ours runs none of them.
void head_of_file(net::Headers& headers, std::string_view name, bool shown) {
  headers.set("content-disposition", (shown ? "inline; " : "attachment; ") + file_name_field(name));
  headers.set("x-content-type-options", "nosniff");
  headers.set("content-security-policy", "default-src 'none'; sandbox");
  headers.set("cache-control", "private, no-store");
}

Task<void> send_content(net::Request& request, net::Responder& responder, Result<Talk::Content> content) {
  if (!content) co_return co_await write_error(request, responder, std::move(content.error()));
  head_of_file(responder.headers(), content->name, content->shown);
  (void)co_await responder.send(200, content->type, std::move(content->bytes));
}

Task<void> attach(Core& core, identity::Caller caller, net::Request& request, net::Responder& responder) {
  auto made = co_await core.talk->attach(caller, query_text(request, "name"), std::move(request.body));
  if (!made) co_return co_await write_error(request, responder, std::move(made.error()));
  responder.headers().set("cache-control", "no-store");
  (void)co_await responder.send(201, "application/json", dump(*made));
}

Task<void> attachment_content(Core& core, identity::Caller caller, net::Request& request, net::Responder& responder) {
  co_await send_content(request, responder,
                        co_await core.talk->attachment_content(std::move(caller), request.params.at("id")));
}

Task<void> exported(Core& core, identity::Caller caller, net::Request& request, net::Responder& responder) {
  const Id id = request.params.at("id");
  auto file = co_await core.talk->exported(std::move(caller), id, query_text(request, "format"));
  if (!file) co_return co_await write_error(request, responder, std::move(file.error()));
  auto piece = co_await file->next();
  if (!piece) co_return co_await write_error(request, responder, std::move(piece.error()));
  head_of_file(responder.headers(), file->name, false);
  if (!co_await responder.begin(200, file->type)) co_return;
  while (piece && !piece->empty()) {
    if (!co_await responder.write(std::move(*piece))) co_return;
    piece = co_await file->next();
  }
  if (piece) (void)co_await responder.end();  // else the line is cut: half a file must not look like a whole one
}

Task<Result<Reply>> remove_attachment(Core& core, AdminCall call) {
  const Id id = call.request.params.at("id");
  if (auto done = co_await core.talk->remove_attachment(call.caller, id); !done) co_return fail(done.error());
  co_return Reply{200, {{"id", id}, {"object", "attachment.deleted"}, {"deleted", true}}};
}

Task<Result<Reply>> share(Core& core, AdminCall call) {
  auto made = co_await core.talk->share(call.caller, call.request.params.at("id"), std::move(call.body));
  if (!made) co_return fail(made.error());
  if (!made->token.empty()) {
    const auto config = core.config.get();
    made->share["url"] = public_address(*config, listening_address(core)) + "/shared#" + made->token;
  }
  co_return Reply{201, std::move(made->share)};
}

// A token that leads nowhere is a guess, and there are only so many.
Task<Result<Reply>> shared(Core& core, AdminCall call) {
  const std::string address = address_of(call.request);
  if (auto may = core.sign_in->begin_link(address); !may) co_return fail(may.error());
  auto found = co_await core.talk->shared(std::string(call.request.headers.get("x-steward-share")), call.request.query);
  if (!found && found.error().code == ErrorCode::kLinkInvalid)
    co_return fail(ErrorCode::kNotFound, found.error().message);
  core.sign_in->link_was_good(address);
  if (!found) co_return fail(found.error());
  co_return Reply{200, std::move(*found)};
}

std::vector<Endpoint> attachment_endpoints(Core& core) {
  const std::string tag = "Attachments", all = "/v1/attachments", one = all + "/{id}";
  Endpoint add = raw_endpoint("POST", all,
                              {.tag = tag,
                               .summary = "Attach a file: the body is its bytes",
                               .response_schema = "Attachment",
                               .success = 201,
                               .query = {{"name", "What it is called", "string"}}},
                              [&core](identity::Caller caller, net::Request& request, net::Responder& responder) {
                                return attach(core, std::move(caller), request, responder);
                              });
  add.max_body_bytes = static_cast<size_t>(core.config.get()->integer("talk.attachment_mb")) << 20;
  Endpoint show = person_endpoint(
      "GET", one, {.tag = tag, .summary = "Show an attachment", .response_schema = "Attachment"},
      [&core](AdminCall call) { return told(200, core.talk->attachment(call.caller, call.request.params.at("id"))); });
  Endpoint remove = person_endpoint(
      "DELETE", one, {.tag = tag, .summary = "Erase an attachment that was not sent", .response_schema = "Deleted"},
      [&core](AdminCall call) { return remove_attachment(core, std::move(call)); });
  show.access = remove.access = Access::kKey;
  return {std::move(add), std::move(show), std::move(remove),
          raw_endpoint("GET", one + "/content",
                       {.tag = tag, .summary = "An attachment's bytes", .content_type = "application/octet-stream"},
                       [&core](identity::Caller caller, net::Request& request, net::Responder& responder) {
                         return attachment_content(core, std::move(caller), request, responder);
                       })};
}

std::vector<Endpoint> project_endpoints(Core& core) {
  const std::string tag = "Projects", all = "/v1/projects", one = all + "/{id}";
  return {
      person_endpoint("GET", all, {.tag = tag, .summary = "My projects and folders", .response_schema = "ProjectList"},
                      [&core](AdminCall call) { return told(200, core.talk->projects(call.caller)); }),
      person_endpoint(
          "POST", all,
          {.tag = tag,
           .summary = "Make a project",
           .request_schema = "NewProject",
           .response_schema = "Project",
           .success = 201},
          [&core](AdminCall call) { return told(201, core.talk->make_project(call.caller, std::move(call.body))); },
          false),
      person_endpoint(
          "POST", one,
          {.tag = tag, .summary = "Change a project", .request_schema = "NewProject", .response_schema = "Project"},
          [&core](AdminCall call) {
            const Id id = call.request.params.at("id");
            return told(200, core.talk->change_project(call.caller, id, std::move(call.body)));
          }),
      person_endpoint("DELETE", one,
                      {.tag = tag,
                       .summary = "Remove a project",
                       .description = "Its conversations stay, without it.",
                       .response_schema = "Deleted"},
                      [&core](AdminCall call) {
                        return told(200, core.talk->remove_project(call.caller, call.request.params.at("id")));
                      }),
  };
}

std::vector<Endpoint> share_endpoints(Core& core) {
  const std::string tag = "Shares", all = "/v1/conversations/{id}/shares";
  Endpoint look = json_endpoint("GET", "/v1/shared",
                                {.tag = tag,
                                 .summary = "A shared conversation, for whoever has its link",
                                 .description = "The token of the link stands in the header x-steward-share.",
                                 .response_schema = "SharedConversation",
                                 .query = {{"before", "Those that end before this message", "string"},
                                           {"after", "Those that begin after this message", "string"},
                                           {"limit", "1 to 200; 50 unless told", "integer"}}},
                                [&core](AdminCall call) { return shared(core, std::move(call)); });
  look.access = Access::kVisitor;
  return {
      person_endpoint(
          "GET", all, {.tag = tag, .summary = "With whom a conversation is shared", .response_schema = "ShareList"},
          [&core](AdminCall call) { return told(200, core.talk->shares(call.caller, call.request.params.at("id"))); }),
      person_endpoint(
          "POST", all,
          {.tag = tag,
           .summary = "Share a conversation, read only, down to a message",
           .description = "By link (its address is told once), or with a person or a team.",
           .request_schema = "NewShare",
           .response_schema = "Share",
           .success = 201},
          [&core](AdminCall call) { return share(core, std::move(call)); }, false),
      person_endpoint("DELETE", all + "/{share}",
                      {.tag = tag, .summary = "Take a share back", .response_schema = "Deleted"},
                      [&core](AdminCall call) {
                        const Id id = call.request.params.at("id"), share = call.request.params.at("share");
                        return told(200, core.talk->take_back(call.caller, id, share));
                      }),
      std::move(look),
  };
}

}  // namespace

std::vector<Endpoint> talk_thing_endpoints(Core& core) {
  std::vector<Endpoint> out = attachment_endpoints(core);
  for (auto& endpoint : project_endpoints(core)) out.push_back(std::move(endpoint));
  for (auto& endpoint : share_endpoints(core)) out.push_back(std::move(endpoint));
  out.push_back(person_endpoint(
      "GET", "/v1/search",
      {.tag = "Search",
       .summary = "Find words in all that I may read: titles, messages, attachments",
       .response_schema = "SearchList",
       .query = {{"q", "Words that all occur; \"several words\" in this order", "string"},
                 {"conversation", "In this one alone", "string"},
                 {"limit", "1 to 50; 20 unless told", "integer"},
                 {"after", "last_id of the page before", "string"}}},
      [&core](AdminCall call) { return told(200, core.talk->search(call.caller, call.request.query)); }));
  out.push_back(raw_endpoint("GET", "/v1/conversations/{id}/export",
                             {.tag = "Conversations",
                              .summary = "A conversation as a file",
                              .content_type = "text/markdown",
                              .query = {{"format", "markdown, json or html", "string"}}},
                             [&core](identity::Caller caller, net::Request& request, net::Responder& responder) {
                               return exported(core, std::move(caller), request, responder);
                             }));
  return out;
}

}  // namespace steward::server
