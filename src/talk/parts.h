// What Talk is given by the server that runs it: everything below it, and the few things that only the server has.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "gateway/call.h"
#include "gateway/conversations/disk.h"
#include "jobs/jobs.h"
#include "journal/view.h"
#include "net/http_server.h"
#include "talk/remembered.h"

namespace steward::talk {

// Told to whoever follows events now, kept nowhere. `owner` and `readers` (people, teams) may see it.
struct Live {
  std::string stream;  // "conversation/conv_…"
  Id tenant, owner;
  std::vector<Id> readers;
  std::string event;  // "delta", "state"
  std::string data;   // JSON
};

// What a file is once its bytes were looked at, and its text (a sandboxed child reads it).
struct FileText {
  std::string type, kind;  // "application/pdf"; "text", "image", "pdf", "office", "other"
  std::string text;
  std::optional<int64_t> pages;
  std::string note;              // sentences for the person, or empty
  Json reasons = Json::array();  // the same for programs: {"code", "count"?, "kept"?} each (docs/attachments.md)
};

struct Limits {  // from the configuration, asked for each time
  int64_t undo_seconds = 30;
  int64_t unsent_days = 7;  // 0: what was never sent stays
  size_t attachment_bytes = size_t{64} << 20;
  std::string title_model;  // empty: titles are made by the rule alone
};

struct Parts {
  gateway::Services& services;
  journal::Views& views;
  jobs::Jobs& jobs;
  net::IoThreads& threads;
  gateway::BlobDisk disk;
  std::string share_key;  // under which tags of share links are made
  std::function<Limits()> limits;
  std::function<void(Live)> tell;
  std::function<Task<Result<FileText>>(std::string bytes, std::string name)> read_file;
  std::function<std::string(const Id& person)> default_model;  // as they set it, or empty
  std::function<std::string(const Id& principal)> name_of;
  // Of the person's earlier conversations, what is near the message that is answered; why not, in `off`.
  std::function<Task<Remembered>(const Ask&, std::string message, size_t tokens)> remember;
  // The words of pieces again, as far as they stand.
  std::function<Task<Result<Remembered>>(identity::Caller, Remembered given)> remember_again;
  // On a job's thread: what was erased is in no view and no file any more when it returns.
  std::function<Result<Json>(const jobs::Job&, jobs::JobContext&)> purge;
};

}  // namespace steward::talk
