// steward backup, steward restore.
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/text.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/journal_place.h"
#include "cli/table.h"
#include "journal/backup.h"

namespace steward::cli {
namespace {

struct BackupOptions {
  std::optional<std::string> folder;
  std::string backup;
  std::optional<int64_t> keep;
  bool json = false, list = false;
};

void print_report(const Context& context, const std::string& path, uint64_t bytes, uint64_t records, uint64_t blobs) {
  context.line(fmt::format("{}: {} records, {} blobs, {}.", path, thousands(static_cast<int64_t>(records)),
                           thousands(static_cast<int64_t>(blobs)), human_bytes(bytes)));
}

int list(const BackupOptions& options, Client& client, const Context& context) {
  auto found = client.list("/admin/v1/backups");
  if (!found) return context.failed(found.error());
  if (options.json) return context.line(Json(*found).dump(2)), kDone;
  Table table;
  for (const char* title : {"backup", "made at", "records", "by"}) table.column(title);
  for (const auto& one : *found)
    table.row({one["name"], one["made_at"], thousands(one["records"].get<int64_t>()), one["version"]});
  context.print(table.empty() ? "There is none in the home.\n" : table.text(context));
  return kDone;
}

// While the server copies: how much has been written, by the size of the unfinished folder.
class Progress {
 public:
  Progress(const Context& context, std::filesystem::path watched) : context_(context), watched_(std::move(watched)) {
    if (context_.err_is_terminal) thread_ = std::thread([this] { watch(); });
  }
  ~Progress() {
    {
      const std::lock_guard lock(mutex_);
      ends_ = true;
    }
    wakes_.notify_all();
    if (!thread_.joinable()) return;
    thread_.join();
    std::fputs("\r\x1b[K", context_.err);
  }

 private:
  void watch() {
    std::unique_lock lock(mutex_);
    while (!wakes_.wait_for(lock, std::chrono::milliseconds(250), [this] { return ends_; })) {
      std::fprintf(context_.err, "\r\x1b[K%s written", human_bytes(written()).c_str());
      std::fflush(context_.err);
    }
  }
  uint64_t written() const {
    uint64_t sum = 0;
    std::error_code error;
    for (std::filesystem::directory_iterator at(watched_, error), end; !error && at != end; at.increment(error)) {
      if (at->path().extension() != ".unfinished") continue;
      std::error_code inner;
      for (std::filesystem::recursive_directory_iterator file(at->path(), inner), last; !inner && file != last;
           file.increment(inner))
        if (file->is_regular_file(inner)) sum += file->file_size(inner);
    }
    return sum;
  }

  const Context& context_;
  std::filesystem::path watched_;
  std::mutex mutex_;
  std::condition_variable wakes_;
  bool ends_ = false;
  std::thread thread_;
};

int backup(const BackupOptions& options, const Context& context) {
  auto client = Client::connect(context);
  if (!client) return context.failed(client.error());
  if (options.list) return list(options, **client, context);
  Json body = Json::object();
  if (options.folder) body["path"] = std::filesystem::absolute(*options.folder).lexically_normal().string();
  if (options.keep) body["keep"] = *options.keep;
  Result<Json> done = Json();
  {
    const Progress progress(
        context, options.folder ? std::filesystem::path(body["path"]).parent_path() : context.home / "backups");
    done = (*client)->post("/admin/v1/backups", body);
  }
  if (!done) return context.failed(done.error());
  if (options.json) {
    context.line(done->dump(2));
    return kDone;
  }
  print_report(context, done->value("path", ""), done->value("bytes", uint64_t{0}), done->value("records", uint64_t{0}),
               done->value("blobs", uint64_t{0}));
  for (const auto& name : done->value("removed", Json::array()))
    context.line(fmt::format("Removed, as older: {}", name.get<std::string>()));
  context.line(
      context.dim("Not in it, on purpose: secrets/ and erasures.log of the home. Copy these apart; 'steward restore "
                  "--help' says why."));
  return kDone;
}

int restore(const BackupOptions& options, const Context& context) {
  const auto place = configured_journal(context);
  if (!place) return context.failed(place.error());
  auto done = journal::restore_home(std::filesystem::absolute(options.backup), *place);
  if (!done) return context.failed(done.error());
  if (options.json) {
    context.line(Json{{"object", "restore"},
                      {"path", done->path.string()},
                      {"bytes", done->bytes},
                      {"records", done->records},
                      {"blobs", done->blobs}}
                     .dump(2));
    return kDone;
  }
  print_report(context, done->path.string(), done->bytes, done->records, done->blobs);
  context.line("Every file was checked against the manifest and the whole chain holds.");
  return kDone;
}

}  // namespace

void add_backup(Command& program, const Context& context) {
  auto options = std::make_shared<BackupOptions>();
  Command backup_command =
      program.sub("backup", "Copy the journal, its blobs and the configuration into a new folder.");
  backup_command
      .describe(
          "Runs beside a server without stopping it. The folder must not be there yet; it appears whole or not at "
          "all.\n"
          "Models, views and logs are left out, since they can be made anew; secrets/ and erasures.log are left out "
          "on\n"
          "purpose, so that a stolen backup opens nothing and a restored one erases again what was erased after it.")
      .argument("FOLDER", options->folder, "Where to (default: a folder named after the time, in the home's backups/)")
      .option("--keep", options->keep,
              "Keep the newest N beside it that are named after their time; older ones are removed once it is whole",
              "N")
      .flag("--list", options->list, "List those in the home")
      .flag("--json", options->json, "Print JSON")
      .examples("steward backup --keep 7\nsteward backup /mnt/usb/steward-2026-11-25")
      .run([options, &context] { return backup(*options, context); });
  Command restore_command = program.sub("restore", "Put a backup into an empty home and prove it.");
  restore_command
      .describe(
          "The home ($STEWARD_HOME) must hold no journal; if journal.url is set, that database must hold none\n"
          "either, and the records go there. Each file is checked against the backup's manifest before, "
          "the\n"
          "whole chain of records after; if either fails, the home is left as it was. Put the erasures.log and "
          "secrets/ that\n"
          "you copied apart into the home first: what the log names is erased again at the next start.")
      .argument("FOLDER", options->backup, "The backup")
      .flag("--json", options->json, "Print JSON")
      .examples("STEWARD_HOME=/srv/steward steward restore /mnt/usb/steward-2026-11-25")
      .run([options, &context] { return restore(*options, context); });
}

}  // namespace steward::cli
