#include "journal/health.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cerrno>

#include "journal/journal.h"
#include "journal/view.h"

namespace steward::journal {
namespace {

constexpr std::string_view kComesBack = "The server tries again twice a second and goes on by itself.";

template <class Part>
std::vector<Trouble> ask(const Part& part) {
  const auto* source = dynamic_cast<const HealthSource*>(&part);
  return source ? source->troubles() : std::vector<Trouble>{};
}

int os_error_of(const DbError& e) {
  const auto* system = dynamic_cast<const SystemError*>(&e);
  return system ? system->os_error : 0;
}

bool is_out_of_space(const DbError& e) {
  const int os_error = os_error_of(e);
  return (e.code & 0xff) == SQLITE_FULL || os_error == ENOSPC || os_error == EDQUOT || os_error == EFBIG;
}

bool is_read_only(const DbError& e) { return (e.code & 0xff) == SQLITE_READONLY || os_error_of(e) == EROFS; }

bool is_sync_failure(const DbError& e) { return e.code == SQLITE_IOERR_FSYNC || e.code == SQLITE_IOERR_DIR_FSYNC; }

}  // namespace

std::vector<Trouble> troubles_of(const Journal& journal) { return ask(journal); }
std::vector<Trouble> troubles_of(const Views& views) { return ask(views); }

bool is_damage(const DbError& e) {
  const int code = e.code & 0xff;
  return code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
}

Trouble diagnose(const DbError& e, std::string_view file) {
  if (is_damage(e)) return journal_damaged(e.what());
  if (is_out_of_space(e))
    return {"disk_full", fmt::format("There is no room left on the disk for {}, or its quota is used up.", file),
            fmt::format("Make room: delete old backups or other files, or enlarge the disk. {}", kComesBack), true};
  if (is_read_only(e))
    return {"disk_read_only", fmt::format("The disk takes no writes for {}: it is mounted read-only.", file),
            fmt::format("Look into the kernel's log why ('dmesg'), mend it and mount it writable. {}", kComesBack),
            true};
  if (const int os_error = os_error_of(e); os_error == EMFILE || os_error == ENFILE)
    return {"out_of_descriptors", fmt::format("There is no file descriptor left to open {}.", file),
            fmt::format("Raise the limit (LimitNOFILE= in the unit, 'ulimit -n'). {}", kComesBack), true, e.what()};
  if (is_sync_failure(e)) return sync_refused();
  return {"disk_io_error", fmt::format("The disk failed under {}.", file),
          fmt::format("Look into the kernel's log ('dmesg') and check the disk's health. {}", kComesBack), true,
          e.what()};
}

Trouble sync_refused() {
  return {"disk_sync_failed",
          "The disk refused to sync the journal, so it can't be said that new records survive a power cut.",
          fmt::format("Look into the kernel's log ('dmesg') and check the disk's health. {}", kComesBack), true};
}

Trouble views_mended() {
  return {"views_rebuilt", "views.db was damaged and has been folded again from the journal.",
          "Nothing is lost. Check the disk and the memory, since damage like this is how they begin to fail; this note "
          "goes with the next start."};
}

Trouble journal_damaged(std::string_view what) {
  return {"journal_corrupt", "The journal's file is damaged, so nothing is read from it or added to it.",
          "Stop the server, keep a copy of the home, and run 'steward journal verify' to see where. Then restore the "
          "last backup into an empty home ('steward restore'). Check the disk and the memory.",
          true, std::string(what)};
}

void TroubleNote::set(Trouble trouble) {
  const std::lock_guard lock(mutex_);
  trouble_.assign(1, std::move(trouble));
}

void TroubleNote::clear() {
  const std::lock_guard lock(mutex_);
  trouble_.clear();
}

std::vector<Trouble> TroubleNote::list() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

}  // namespace steward::journal
