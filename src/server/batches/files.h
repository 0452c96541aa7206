// Files as OpenAI's API has them: a name, a purpose, bytes. They feed batches and hold what came of them.
//
// A file is one record, `file/file_…`, that names the blob of its bytes. It belongs to the principal whose key sent it;
// to others there is none. Deleting erases the record (hidden at once, purged by a job), and with a batch's output the
// answers that it was made of.
#pragma once
#include "server/admin.h"
#include "server/batches/batch_view.h"

namespace steward::server {

inline constexpr size_t kMaxFileName = 255;  // bytes

struct NewFile {
  Id owner;
  Id actor;
  std::string name, purpose;
  std::string bytes;
  TimeUs expires_at = 0;  // 0: never; else it is erased then
  Id batch;               // whose output it is, or empty
};
// The record that keeps it; appending it makes the file. Its id is the stream's. On a thread that may block.
Result<journal::Draft> file_draft(Core& core, const Id& tenant, IdMaker& ids, const NewFile& file);

// Waits until the views have folded what is written, then asks on a reader thread. kNotFound also for another's.
Task<Result<FileRow>> file_of(Core& core, identity::Caller caller, Id id);
Result<std::string> file_bytes(Core& core, const Id& tenant, const FileRow& row);  // blocks

Task<Status> settle_views(Core& core, Id tenant);
Id actor_of(const identity::Caller& caller);
// When what a key's calls say is to be gone: where it keeps content for so many days; else 0.
TimeUs content_until(Core& core, const std::shared_ptr<const identity::Key>& key);

std::vector<Endpoint> file_endpoints(Core& core);   // /v1/files
std::vector<Endpoint> batch_endpoints(Core& core);  // /v1/batches

}  // namespace steward::server
