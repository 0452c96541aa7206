// Talk's projects: conversations under common instructions.
#include "base/text.h"
#include "gateway/peek.h"
#include "talk/records.h"
#include "talk/show.h"
#include "talk/talk.h"

namespace steward::talk {
using gateway::peek_text;
namespace {

constexpr size_t kMaxName = 200, kMaxInstructions = 32 * 1024, kMaxModel = 200;
constexpr size_t kMaxProjects = 1'000;  // of one person

Error no_project(const Id& id) {
  return Error(ErrorCode::kNotFound, fmt::format("There is no project '{}'.", id.substr(0, 80)),
               {{"param", "project"}});
}

Status check(const Json& body) {
  const std::pair<const char*, size_t> kTexts[] = {
      {"name", kMaxName}, {"instructions", kMaxInstructions}, {"model", kMaxModel}};
  for (const auto& [name, most] : kTexts) {
    const Json& value = gateway::peek(body, name);
    if (value.is_null() || (value.is_string() && value.get_ref<const std::string&>().size() <= most)) continue;
    return fail(ErrorCode::kInvalidRequest, fmt::format("'{}' must be a text of at most {} bytes.", name, most),
                {{"param", name}});
  }
  return {};
}

}  // namespace

Task<Result<Json>> Talk::projects(Caller caller) {
  struct Found {
    std::vector<ProjectRow> rows;
    std::vector<std::pair<std::string, int64_t>> folders;
  };
  const auto found = co_await read<Found>([tenant = caller.tenant, me = caller.principal](journal::Db& db) {
    return Found{.rows = projects_of(db, tenant, me), .folders = folders_of(db, tenant, me)};
  });
  Json data = Json::array(), folders = Json::array();
  for (const auto& row : found.rows) data.push_back(project_json(row));
  for (const auto& [name, count] : found.folders) folders.push_back({{"name", name}, {"conversations", count}});
  Json out = list_json(std::move(data), false);
  out["folders"] = std::move(folders);
  co_return out;
}

Task<Result<Json>> Talk::make_project(Caller caller, Json body) {
  if (auto ok = check(body); !ok) co_return fail(std::move(ok.error()));
  const std::string name = collapse_whitespace(peek_text(body, "name"));
  if (name.empty()) co_return fail(ErrorCode::kInvalidRequest, "'name' is missing.", {{"param", "name"}});
  const auto mine = co_await read<size_t>(
      [tenant = caller.tenant, me = caller.principal](journal::Db& db) { return projects_of(db, tenant, me).size(); });
  if (mine >= kMaxProjects)
    co_return fail(ErrorCode::kInvalidRequest, fmt::format("One person has at most {} projects.", kMaxProjects));
  const Id id = parts_.services.ids.make("proj");
  std::vector<journal::Draft> drafts;
  drafts.push_back(draft_of(caller, project_stream(id), kProjectMade,
                            {{"owner", caller.principal},
                             {"name", name},
                             {"instructions", peek_text(body, "instructions")},
                             {"model", peek_text(body, "model")}}));
  if (auto done = co_await commit(caller.tenant, std::move(drafts)); !done) co_return fail(std::move(done.error()));
  auto row = co_await read<std::optional<ProjectRow>>(
      [tenant = caller.tenant, id](journal::Db& db) { return find_project(db, tenant, id); });
  if (!row) co_return fail(no_project(id));
  co_return project_json(*row);
}

Task<Result<Json>> Talk::change_project(Caller caller, Id id, Json body) {
  if (auto ok = check(body); !ok) co_return fail(std::move(ok.error()));
  auto row = co_await read<std::optional<ProjectRow>>(
      [tenant = caller.tenant, id](journal::Db& db) { return find_project(db, tenant, id); });
  if (!row || row->owner != caller.principal) co_return fail(no_project(id));
  if (body.contains("name")) row->name = collapse_whitespace(peek_text(body, "name"));
  if (body.contains("instructions")) row->instructions = peek_text(body, "instructions");
  if (body.contains("model")) row->model = peek_text(body, "model");
  if (row->name.empty()) co_return fail(ErrorCode::kInvalidRequest, "'name' is empty.", {{"param", "name"}});
  std::vector<journal::Draft> drafts;
  drafts.push_back(draft_of(
      caller, project_stream(id), kProjectChanged,
      {{"owner", row->owner}, {"name", row->name}, {"instructions", row->instructions}, {"model", row->model}}));
  if (auto done = co_await commit(caller.tenant, std::move(drafts)); !done) co_return fail(std::move(done.error()));
  co_return project_json(*row);
}

// Its conversations stay; its name and instructions are erased.
Task<Result<Json>> Talk::remove_project(Caller caller, Id id) {
  const auto row = co_await read<std::optional<ProjectRow>>(
      [tenant = caller.tenant, id](journal::Db& db) { return find_project(db, tenant, id); });
  if (!row || row->owner != caller.principal) co_return fail(no_project(id));
  std::vector<Id> words;
  for (uint64_t after = 0;;) {
    auto page = parts_.services.journal.read_stream(caller.tenant, project_stream(id), after, 1'000);
    if (!page) co_return fail(std::move(page.error()));
    for (const auto& record : *page) {
      if (!record.erased) words.push_back(record.id);
    }
    if (page->size() < 1'000) break;
    after = page->back().version;
  }
  std::vector<journal::Draft> drafts;
  drafts.push_back(draft_of(caller, project_stream(id), kProjectRemoved, Json::object()));
  if (auto done = co_await commit(caller.tenant, std::move(drafts)); !done) co_return fail(std::move(done.error()));
  if (auto done = co_await store_.erase_records(caller, std::move(words)); !done)
    co_return fail(std::move(done.error()));
  if (auto done = co_await store_.erase_drawn_from(caller, id); !done) co_return fail(std::move(done.error()));
  co_return Json{{"id", id}, {"object", "project.deleted"}, {"deleted", true}};
}

}  // namespace steward::talk
