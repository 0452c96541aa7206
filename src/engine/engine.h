// The embedded engine: local models on llama.cpp, each in a supervised child process (lib/steward-engine) on a private
// Unix socket.
//
// Models are loaded on demand and evicted when idle, within the memory that is there. A crash, hang or out-of-memory of
// inference is a retried or clearly failed request, never an outage. Embeddings (multilingual-e5-small) run in the same
// engine. Any io thread may call.
#pragma once
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/async.h"
#include "base/log.h"
#include "net/http_client.h"

namespace steward::engine {

enum class ModelKind { kChat, kEmbedding };
enum class ModelState { kIdle, kLoading, kReady, kFailed };

struct LocalModel {
  std::string name;  // "smollm2-135m-instruct"
  std::filesystem::path path;
  ModelKind kind = ModelKind::kChat;
  uint64_t file_bytes = 0;
  uint64_t parameters = 0;
  int64_t context_tokens = 0;  // what it is served with
  int64_t train_context_tokens = 0;
  int64_t slots = 1;       // calls at once
  int64_t dimensions = 0;  // embeddings
  std::string architecture, quantization, chat_template, license;
  bool shipped = false;  // came with Steward
  ModelState state = ModelState::kIdle;
  uint64_t resident_bytes = 0;  // while loaded
  std::string problem;          // why it failed
};

// What one model is served with, where it differs from the rest.
struct ModelOptions {
  std::filesystem::path path;          // of a model outside the models folder, or empty
  int64_t context_tokens = 0;          // of each slot; 0: as all
  int slots = 0;                       // 0: as all
  int threads = 0;                     // 0: as all
  std::vector<std::string> arguments;  // further ones of its process
};

struct Options {
  std::filesystem::path program;         // lib/steward-engine
  std::filesystem::path shipped_models;  // share/steward/models
  std::filesystem::path models;          // home/models
  std::filesystem::path sockets;         // private folder
  uint64_t memory_bytes = 0;             // 0: three quarters of what is available
  int threads = 0;                       // 0: the cores
  int slots = 4;                         // per chat model
  int64_t context_tokens = 0;            // per slot; 0: the model's own, at most 8192
  std::chrono::seconds idle_unload{900};
  std::chrono::seconds load_timeout{180};
  std::chrono::seconds hang_timeout{60};  // no health answer for so long while it should serve: it is killed
  std::map<std::string, ModelOptions> by_model;

  ModelOptions of(const std::string& model) const {
    const auto found = by_model.find(model);
    return found == by_model.end() ? ModelOptions{} : found->second;
  }
};

// While a lease lives, its model stays loaded. Ask it at `socket`.
class Lease {
 public:
  virtual ~Lease() = default;
  virtual const LocalModel& model() const = 0;
  virtual const std::filesystem::path& socket() const = 0;
  virtual uint64_t generation() const = 0;  // of the child process; a retry after a crash gets another
};

struct Embeddings {
  std::vector<std::vector<float>> vectors;  // L2-normalised
  int64_t tokens = 0;
};
enum class InputType { kQuery, kPassage };

class Engine {
 public:
  virtual ~Engine() = default;
  virtual Status start() = 0;
  virtual void stop() = 0;  // ends every child
  virtual std::vector<LocalModel> models() const = 0;
  virtual std::optional<LocalModel> find(std::string_view name) const = 0;
  virtual void rescan() = 0;  // after models were added or removed
  // Loads if need be. kModelNotFound, kModelUnavailable (memory, damaged file: says which), kEngineFailed,
  // kUpstreamTimeout, kCancelled.
  virtual Task<Result<std::shared_ptr<Lease>>> acquire(std::string model, Deadline deadline, CancelToken cancel) = 0;
  // The caller saw the child fail (connection reset, 5xx without body): it is checked and restarted.
  virtual void report_failure(const Lease& lease) = 0;

  // Exact counts by the model's own tokenizer; the chat form renders the model's template first.
  virtual Task<Result<int64_t>> count_tokens(std::shared_ptr<Lease> lease, std::string text) = 0;
  virtual Task<Result<int64_t>> count_chat_tokens(std::shared_ptr<Lease> lease, Json chat_request) = 0;
  // NFKC-normalised, prefixed by the input type (e5), windowed over 512 tokens and averaged.
  virtual Task<Result<Embeddings>> embed(std::string model, std::vector<std::string> inputs, InputType type,
                                         Deadline deadline, CancelToken cancel) = 0;
  virtual Task<Result<int64_t>> count_embedding_tokens(std::string model, const std::vector<std::string>& inputs,
                                                       InputType type, Deadline deadline) = 0;
};

std::unique_ptr<Engine> make_engine(Options options, net::IoThreads& threads, net::HttpClients& clients, Random& random,
                                    Log log);

}  // namespace steward::engine
