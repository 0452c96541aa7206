// Calls: their metadata, and their content where it is kept; and the job that takes kept content away in time.
#include "base/crypto.h"
#include "base/json.h"
#include "base/money.h"
#include "base/text.h"
#include "ledger/calls.h"
#include "server/admin.h"
#include "server/admin_json.h"
#include "server/content_view.h"
#include "server/kept.h"
#include "server/page.h"
#include "server/people_api.h"
#include "server/worker.h"

namespace steward::server {
namespace {

constexpr std::string_view kPurgeContent = "content.purge";
constexpr size_t kErasedAtOnce = 1'000;

Json call_json(const ledger::CallRow& call) {
  const auto text_or_null = [](const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); };
  Json costs = Json::object();
  for (const auto& [kind, cost] : call.costs) costs[kind] = to_microusd_decimal(cost);
  return {{"id", call.call},
          {"object", "call"},
          {"at", to_rfc3339(call.at)},
          {"settled_at", time_json(call.settled_at)},
          {"key", text_or_null(call.key)},
          {"owner", text_or_null(call.owner)},
          {"team", text_or_null(call.team)},
          {"endpoint", call.endpoint},
          {"model", call.model},
          {"provider", call.provider},
          {"outcome", call.settled_at == 0 ? "under_way" : call.outcome},
          {"error", text_or_null(call.error)},
          {"usage",
           {{"prompt_tokens", call.prompt_tokens},
            {"cached_tokens", call.cached_tokens},
            {"cache_write_tokens", call.cache_write_tokens},
            {"completion_tokens", call.completion_tokens},
            {"reasoning_tokens", call.reasoning_tokens},
            {"tool_calls", call.tool_calls},
            {"estimated", call.estimated}}},
          {"priced", call.priced},
          {"reserved_microusd", to_microusd_decimal(call.reserved)},
          {"cost_microusd", to_microusd_decimal(call.cost)},
          {"overrun_microusd", to_microusd_decimal(call.overrun)},
          {"costs_microusd", std::move(costs)},
          {"attempts", text_or_null(call.attempts)},
          {"duration_us", call.duration_us},
          {"first_token_us", call.first_token_us}};
}

// A body as people read it: JSON as JSON, text as text.
Json readable(std::string bytes) {
  Json parsed = read_own(bytes);
  if (!parsed.is_discarded()) return parsed;
  return is_valid_utf8(bytes) ? Json(std::move(bytes)) : Json{{"base64", to_base64(bytes)}};
}

Json content_json(Core& core, const journal::Record& record) {
  const Json body = read_own(record.body);
  Json out = {{"record", record.id}};
  if (record.erased || !body.is_object()) {
    out["erased"] = true;
    return out;
  }
  out["until"] = to_rfc3339(body.value("until_us", TimeUs{0}));
  out["status"] = body.value("status", 0);
  out["content_type"] = body.value("content_type", "");
  out["whole"] = body.value("whole", true);
  for (const char* part : {"request", "answer"}) {
    auto bytes = core.blobs->get(record.tenant, body.value(part, ""));
    out[part] = bytes ? readable(std::move(*bytes)) : Json(nullptr);
  }
  return out;
}

struct Found {
  std::optional<ledger::CallRow> call;
  std::vector<Id> content;
};

Task<Result<Reply>> get_call(Core& core, AdminCall call, Id owner) {
  const Id id = call.request.params.at("id"), tenant = call.caller.tenant;
  if (auto applied = co_await core.views->wait_applied(tenant, core.journal->written_seq(tenant)); !applied)
    co_return fail(applied.error());
  const std::function<Found(journal::Db&)> query = [tenant, id](journal::Db& db) {
    return Found{ledger::find_call(db, tenant, id), content_of_call(db, tenant, id)};
  };
  const Found found = co_await core.views->query(query);
  if (!found.call || (!owner.empty() && found.call->owner != owner))
    co_return fail(ErrorCode::kNotFound, fmt::format("There is no call '{}'.", id.substr(0, 80)));
  Json body = call_json(*found.call);
  const std::function<Result<Json>()> read = [&core, records = found.content]() -> Result<Json> {
    Json content = Json::array();
    for (const auto& record : records) {
      auto stored = core.journal->find(record);
      if (!stored) return fail(stored.error());
      content.push_back(content_json(core, *stored));
    }
    return content;
  };
  auto content = co_await core.worker->run<Json>(read);
  if (!content) co_return fail(content.error());
  body["content"] = content->empty() ? Json(nullptr) : std::move(*content);
  co_return Reply{200, std::move(body)};
}

// One more than the page holds: whether there are more.
Result<ledger::CallQuery> call_query(const AdminCall& call, const PageQuery& page) {
  ledger::CallQuery query{.tenant = call.caller.tenant, .before = page.cursor, .limit = page.limit + 1};
  query.key = query_text(call.request, "key");
  query.owner = query_text(call.request, "owner");
  query.team = query_text(call.request, "team");
  query.model = query_text(call.request, "model");
  query.provider = query_text(call.request, "provider");
  query.endpoint = query_text(call.request, "endpoint");
  auto from = query_time(call.request, "from"), to = query_time(call.request, "to");
  if (!from) return fail(from.error());
  if (!to) return fail(to.error());
  query.from = *from;
  query.to = *to;
  return query;
}

// `owner`: whose alone; empty: everybody's.
Task<Result<Reply>> list_calls(Core& core, AdminCall call, Id owner) {
  auto page = page_query(call.request);
  if (!page) co_return fail(page.error());
  const Id tenant = call.caller.tenant;
  auto asked = call_query(call, *page);
  if (!asked) co_return fail(asked.error());
  if (!owner.empty()) asked->owner = owner;
  if (auto applied = co_await core.views->wait_applied(tenant, core.journal->written_seq(tenant)); !applied)
    co_return fail(applied.error());
  const std::function<std::vector<ledger::CallRow>(journal::Db&)> query = [asked = *asked](journal::Db& db) {
    return ledger::list_calls(db, asked);
  };
  auto rows = co_await core.views->query(query);
  const bool more = rows.size() > page->limit;
  if (more) rows.pop_back();
  Json data = Json::array();
  for (const auto& row : rows) data.push_back(call_json(row));
  co_return Reply{
      200,
      {{"object", "list"}, {"data", std::move(data)}, {"next_cursor", more ? Json(rows.back().call) : Json(nullptr)}}};
}

// Erases what is past its time, then cleans the files of it.
Result<Json> purge_content(Core& core, const jobs::Job& job, jobs::JobContext& context) {
  size_t erased = 0;
  while (!context.cancelled()) {
    std::vector<Id> due;
    core.views->query_blocking(
        [&](journal::Db& db) { due = content_due(db, job.tenant, core.clock.now_us(), kErasedAtOnce); });
    if (due.empty()) break;
    // Only what is past its time itself: what was drawn from it has its own.
    const journal::ErasureRequest request{
        .ids = due, .cascade = false, .actor = core.owner().principal, .on_behalf_of = {}, .reason = "retention"};
    auto done = core.journal->erase_blocking(job.tenant, request);
    if (!done && done.error().code != ErrorCode::kNotFound) return fail(done.error());
    erased += due.size();
    if (auto clean = purge_files(core, job, context); !clean) return clean;
  }
  return Json{{"erased", erased}};
}

}  // namespace

void register_content_job(Core& core) {
  core.jobs->handle(std::string(kPurgeContent), [&core](const jobs::Job& job, jobs::JobContext& context) {
    return purge_content(core, job, context);
  });
}

Task<void> purge_due_content(Core& core) {
  const Id tenant = core.tenant;
  const std::function<bool(journal::Db&)> query = [tenant, now = core.clock.now_us()](journal::Db& db) {
    return !content_due(db, tenant, now, 1).empty();
  };
  if (!co_await core.views->query(query)) co_return;
  auto job =
      co_await core.jobs->enqueue(tenant, core.owner().principal, {.kind = std::string(kPurgeContent), .once = "due"});
  if (!job) core.log.warn("kept content can't be purged now", {{"code", info(job.error().code).name}});
}

std::vector<Endpoint> call_endpoints(Core& core) {
  EndpointDoc list = {.tag = "Calls",
                      .summary = "List calls, newest first",
                      .response_schema = "Call",
                      .list = true,
                      .query = {{"key", "Of one key alone", "string"},
                                {"team", "Charged to one team alone", "string"},
                                {"model", "To one model alone", "string"},
                                {"provider", "By one provider alone; local: on this machine", "string"},
                                {"endpoint", "chat, completions or embeddings alone", "string"},
                                {"from", "Begun on this day or at this instant, or later", "string"},
                                {"to", "Begun before this day or instant", "string"},
                                {"limit", "Items of a page, 1 to 1000", "integer"},
                                {"cursor", "next_cursor of the page before", "string"}}};
  EndpointDoc one = {
      .tag = "Calls", .summary = "Show a call, with its content where its key keeps it", .response_schema = "Call"};
  EndpointDoc my_list = list, my_one = one;
  list.query.push_back({"owner", "Of one person or service alone", "string"});
  my_list.tag = my_one.tag = "Mine";
  my_list.summary = "List my calls, newest first";
  my_one.summary = "Show one of my calls, with its content where its key keeps it";
  return {
      json_endpoint("GET", "/admin/v1/calls", std::move(list),
                    [&core](AdminCall call) { return list_calls(core, std::move(call), ""); }),
      json_endpoint("GET", "/admin/v1/calls/{id}", std::move(one),
                    [&core](AdminCall call) { return get_call(core, std::move(call), ""); }),
      person_endpoint("GET", "/v1/me/calls", std::move(my_list),
                      [&core](AdminCall call) {
                        const Id me = call.caller.principal;
                        return list_calls(core, std::move(call), me);
                      }),
      person_endpoint("GET", "/v1/me/calls/{id}", std::move(my_one),
                      [&core](AdminCall call) {
                        const Id me = call.caller.principal;
                        return get_call(core, std::move(call), me);
                      }),
  };
}

}  // namespace steward::server
