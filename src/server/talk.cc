#include "server/talk.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "base/text.h"
#include "identity/people.h"
#include "library/extract/extractor.h"
#include "server/admin.h"
#include "server/events.h"
#include "server/memory.h"
#include "server/people_json.h"
#include "server/responses.h"
#include "talk/talk.h"

namespace steward::server {
namespace {

constexpr std::chrono::minutes kLongestReading{3};  // of one attachment, waiting for its turn included

talk::Limits limits_of(const Core& core) {
  const auto config = core.config.get();
  return {.undo_seconds = config->integer("talk.undo_seconds"),
          .unsent_days = config->integer("talk.unsent_days"),
          .attachment_bytes = static_cast<size_t>(config->integer("talk.attachment_mb")) << 20,
          .title_model = config->text("talk.title_model")};
}

std::string default_model(const Core& core, const Id& person) {
  const Json settings = core.people->state().settings(person);
  const auto found = settings.find("default_model");
  return found != settings.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string sentences_of(const std::vector<library::Note>& notes) {
  std::string out;
  for (const auto& note : notes) out += (out.empty() ? "" : " ") + library::sentence_of(note);
  return out;
}

Json reasons_of(const std::vector<library::Note>& notes) {
  Json out = Json::array();
  for (const auto& note : notes) {
    Json one = {{"code", note.code}};
    if (note.count) one["count"] = *note.count;
    if (note.kept) one["kept"] = *note.kept;
    out.push_back(std::move(one));
  }
  return out;
}

// Bytes from outside are looked at by a child in a sandbox.
Task<Result<talk::FileText>> read_file_text(std::shared_ptr<library::Extractor> extractor, std::string bytes,
                                            std::string name) {
  auto read = co_await extractor->extract(std::move(bytes), std::move(name), Deadline::in(kLongestReading));
  if (!read) co_return fail(std::move(read.error()));
  co_return talk::FileText{.type = std::move(read->type),
                           .kind = std::string(library::name_of(read->kind)),
                           .text = std::move(read->text),
                           .pages = read->pages,
                           .note = sentences_of(read->notes),
                           .reasons = reasons_of(read->notes)};
}

std::shared_ptr<library::Extractor> make_extractor(const Core& core) {
  return std::make_shared<library::Extractor>(library::Extractor::Options{
      .program = library::Extractor::shipped_program(), .max_bytes = limits_of(core).attachment_bytes});
}

Task<void> take_up(Core& core) { co_await core.talk->resume(core.tenant); }

}  // namespace

void make_talk(Core& core, std::string share_key) {
  talk::Parts parts{
      .services = core.gateway->services(),
      .views = *core.views,
      .jobs = *core.jobs,
      .threads = *core.threads,
      .disk = blob_disk(core),
      .share_key = std::move(share_key),
      .limits = [&core] { return limits_of(core); },
      .tell = [&core](talk::Live live) { core.events->tell(std::move(live)); },
      .read_file = [extractor = make_extractor(core)](
                       std::string bytes,
                       std::string name) { return read_file_text(extractor, std::move(bytes), std::move(name)); },
      .default_model = [&core](const Id& person) { return default_model(core, person); },
      .name_of = [&core](const Id& principal) { return name_of(core, principal); },
      .remember = [&core](const talk::Ask& ask, std::string message,
                          size_t tokens) { return remember_for(core, ask, std::move(message), tokens); },
      .remember_again =
          [&core](identity::Caller caller, talk::Remembered given) {
            return remember_again(core, std::move(caller), std::move(given));
          },
      .purge = [&core](const jobs::Job& job, jobs::JobContext& context) { return purge_files(core, job, context); }};
  core.talk = std::make_unique<talk::Talk>(std::move(parts));
  core.talk->register_jobs();
}

Task<void> tidy_talk(Core& core) { co_await core.talk->tidy(core.tenant); }

void open_talk(Core& core) {
  asio::co_spawn(core.threads->context(0), take_up(core), asio::detached);  // ends with the views
}

}  // namespace steward::server
