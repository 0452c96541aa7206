// Talk's attachments: kept as blobs, read by a child elsewhere, given to a message.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>

#include "talk/records.h"
#include "talk/show.h"
#include "talk/sniff.h"
#include "talk/talk.h"
#include "talk/words.h"

namespace steward::talk {
namespace {

constexpr int kReadingTries = 3;
constexpr std::chrono::seconds kBetweenTries{5};

// Not the file's fault, and over soon.
bool passes(const Error& error) {
  return error.code == ErrorCode::kQueueFull || error.code == ErrorCode::kRequestTimeout;
}

// "protected", "bomb" … where it is the file; else the error's own code.
std::string reason_of(const Error& error) { return error.details.value("reason", std::string(info(error.code).name)); }

Error no_attachment(const Id& id) {
  return Error(ErrorCode::kNotFound, fmt::format("There is no attachment '{}'.", id.substr(0, 80)),
               {{"param", "attachment"}});
}

}  // namespace

Task<Result<Json>> Talk::attach(Caller caller, std::string name, std::string bytes) {
  if (auto ok = may_keep(caller); !ok) co_return fail(std::move(ok.error()));
  const size_t most = parts_.limits().attachment_bytes;
  if (bytes.size() > most)
    co_return fail(ErrorCode::kBodyTooLarge,
                   fmt::format("An attachment has at most {} MB; this one has {:.1f}.", most >> 20,
                               static_cast<double>(bytes.size()) / (1 << 20)),
                   {{"reason", "file_large"}, {"most_mb", most >> 20}});
  if (bytes.empty())
    co_return fail(ErrorCode::kInvalidRequest, "The file is empty.", {{"param", "body"}, {"reason", "file_empty"}});
  const Sniffed sniffed = sniff(bytes);
  const Id id = parts_.services.ids.make("att");
  name = safe_name(name);
  auto blob = co_await parts_.disk.put(caller.tenant, bytes);
  if (!blob) co_return fail(std::move(blob.error()));
  std::vector<journal::Draft> drafts;
  drafts.push_back(draft_of(caller, attachment_stream(id), kAttachmentAdded,
                            {{"owner", caller.principal},
                             {"name", name},
                             {"type", sniffed.type},
                             {"kind", sniffed.kind},
                             {"bytes", bytes.size()},
                             {"state", "reading"},
                             {"blob", *blob}},
                            id));
  drafts.back().blobs = {*blob};
  drafts.back().label = "outside";
  if (auto done = co_await commit(caller.tenant, std::move(drafts)); !done) co_return fail(std::move(done.error()));
  asio::co_spawn(parts_.threads.context(0), read_attachment(caller, id, name, std::move(bytes)), asio::detached);
  co_return co_await attachment(std::move(caller), id);
}

// What is in it, as a record. A server that stops meanwhile reads it after its start (resume).
Task<void> Talk::read_attachment(Caller caller, Id id, std::string name, std::string bytes) {
  auto text = co_await parts_.read_file(bytes, name);
  for (int i = 1; i < kReadingTries && !text && passes(text.error()); ++i) {
    asio::steady_timer timer(co_await asio::this_coro::executor, kBetweenTries);
    co_await timer.async_wait(asio::use_awaitable);
    text = co_await parts_.read_file(bytes, name);
  }
  Json about = {{"state", text ? "ready" : "failed"}};
  std::vector<std::string> blobs;
  if (text) {
    about["type"] = text->type;
    about["kind"] = text->kind;
    if (text->pages) about["pages"] = *text->pages;
    if (!text->note.empty()) about["error"] = text->note;
    if (!text->reasons.empty()) about["reasons"] = text->reasons;
    if (!text->text.empty()) {
      about["characters"] = utf16_length(text->text);
      auto blob = co_await parts_.disk.put(caller.tenant, text->text);
      if (!blob) co_return;  // it stays unread: tried again after a start
      about["blob"] = *blob;
      blobs = {*blob};
    }
  } else {
    about["error"] = text.error().message;
    about["reasons"] = Json::array({{{"code", reason_of(text.error())}}});
  }
  std::vector<journal::Draft> drafts;
  drafts.push_back(draft_of(caller, attachment_stream(id), kAttachmentRead, about, id));
  drafts.back().label = "outside";
  drafts.back().blobs = std::move(blobs);
  if (auto done = co_await commit(caller.tenant, std::move(drafts)); !done) {
    parts_.services.log.warn("what was read of an attachment could not be kept",
                             {{"attachment", id}, {"code", info(done.error().code).name}});
    co_return;
  }
  const auto row = co_await read<std::optional<AttachmentRow>>(
      [tenant = caller.tenant, id](journal::Db& db) { return find_attachment(db, tenant, id); });
  if (row) co_return;
  // It was erased while it was being read: what was read goes too.
  if (auto gone = co_await erase_streams(caller, {attachment_stream(id)}); !gone)
    parts_.services.log.error("what was read of an erased attachment could not be erased",
                              {{"attachment", id}, {"code", info(gone.error().code).name}});
}

Task<Result<Json>> Talk::attachment(Caller caller, Id id) {
  const auto row = co_await read<std::optional<AttachmentRow>>(
      [tenant = caller.tenant, id](journal::Db& db) { return find_attachment(db, tenant, id); });
  if (!row) co_return fail(no_attachment(id));
  if (row->owner != caller.principal) {
    if (auto seen = co_await sees_attachment(caller, *row); !seen) co_return fail(no_attachment(id));
  }
  co_return attachment_json(*row);
}

// Another's, where a message of the path that is shared carries it.
Task<Status> Talk::sees_attachment(Caller caller, AttachmentRow row) {
  if (row.conversation.empty()) co_return fail(no_attachment(row.id));
  auto seen = co_await see(caller, row.conversation);
  if (!seen) co_return fail(std::move(seen.error()));
  const bool carried = co_await read<bool>([tenant = caller.tenant, leaf = seen->leaf, id = row.id](journal::Db& db) {
    return path_to(db, tenant, leaf).carried.contains(id);
  });
  co_return carried ? Status{} : Status(fail(no_attachment(row.id)));
}

Task<Result<Talk::Content>> Talk::attachment_content(Caller caller, Id id) {
  const auto row = co_await read<std::optional<AttachmentRow>>(
      [tenant = caller.tenant, id](journal::Db& db) { return find_attachment(db, tenant, id); });
  if (!row) co_return fail(no_attachment(id));
  if (row->owner != caller.principal) {
    if (auto seen = co_await sees_attachment(caller, *row); !seen) co_return fail(no_attachment(id));
  }
  auto bytes = co_await parts_.disk.get(caller.tenant, row->blob);
  if (!bytes) co_return fail(std::move(bytes.error()));
  co_return Content{
      .bytes = std::move(*bytes), .name = row->name, .type = row->type, .shown = is_shown_inline(row->type)};
}

Task<Status> Talk::remove_attachment(Caller caller, Id id) {
  const auto row = co_await read<std::optional<AttachmentRow>>(
      [tenant = caller.tenant, id](journal::Db& db) { return find_attachment(db, tenant, id); });
  if (!row || row->owner != caller.principal) co_return fail(no_attachment(id));
  if (!row->conversation.empty())
    co_return fail(ErrorCode::kConflict, "It was sent with a message and goes with its conversation.");
  const Id tenant = caller.tenant;
  if (auto done = co_await erase_streams(std::move(caller), {attachment_stream(id)}); !done) co_return done;
  (void)co_await parts_.views.wait_applied(tenant, parts_.services.journal.written_seq(tenant));
  co_return Status{};
}

}  // namespace steward::talk
