// What is wrong with the journal or the views, for /readyz and `steward doctor`. A capability of a store beside Journal
// and Views: one that has none is asked in vain. Any thread.
#pragma once
#include <mutex>
#include <string>
#include <vector>

#include "base/trouble.h"
#include "journal/db.h"

namespace steward::journal {

class Journal;
class Views;

class HealthSource {
 public:
  virtual ~HealthSource() = default;
  virtual std::vector<Trouble> troubles() const = 0;
};

std::vector<Trouble> troubles_of(const Journal& journal);
std::vector<Trouble> troubles_of(const Views& views);

// A failure behind which stands a refusal of the system's.
struct SystemError : DbError {
  SystemError(int code, const std::string& what, int os_error) : DbError(code, what), os_error(os_error) {}
  int os_error;  // errno
};

// The file itself is damaged: nothing that is written again makes it good.
bool is_damage(const DbError& e);
// What a failure of SQLite or of the system means for a person. `file` is what failed, as "the journal".
Trouble diagnose(const DbError& e, std::string_view file);
Trouble sync_refused();
Trouble views_mended();  // a note that stays until the next start
Trouble journal_damaged(std::string_view what);

// The trouble a part is in, shared between the thread that meets it and those that tell it.
class TroubleNote {
 public:
  void set(Trouble trouble);
  void clear();
  std::vector<Trouble> list() const;  // none or one
 private:
  mutable std::mutex mutex_;
  std::vector<Trouble> trouble_;
};

}  // namespace steward::journal
