#include "engine/engine.h"

#include "engine/embedder.h"
#include "engine/in_use.h"
#include "engine/process_options.h"
#include "engine/supervisor.h"

namespace steward::engine {
namespace {

constexpr std::chrono::seconds kCountTimeout{60};

class LocalEngine final : public Engine {
 public:
  LocalEngine(Options options, ProcessOptions process, net::IoThreads& threads, net::HttpClients& clients, Log log)
      : supervisor_(std::make_shared<Supervisor>(std::move(options), process, threads, clients, std::move(log))),
        clients_(clients),
        embedder_(*supervisor_, clients) {}
  ~LocalEngine() override { supervisor_->stop(); }

  Status start() override { return supervisor_->start(); }
  void stop() override { supervisor_->stop(); }
  std::vector<LocalModel> models() const override { return supervisor_->models(); }
  std::optional<LocalModel> find(std::string_view name) const override { return supervisor_->find(name); }
  int64_t calls_under_way(std::string_view name) const { return supervisor_->calls_under_way(name); }
  void rescan() override { supervisor_->rescan(); }
  Task<Result<std::shared_ptr<Lease>>> acquire(std::string model, Deadline deadline, CancelToken cancel) override {
    return supervisor_->acquire(std::move(model), deadline, std::move(cancel));
  }
  void report_failure(const Lease& lease) override { supervisor_->report_failure(lease); }
  Task<Result<int64_t>> count_tokens(std::shared_ptr<Lease> lease, std::string text) override {
    return count(std::move(lease), std::move(text));
  }
  Task<Result<int64_t>> count_chat_tokens(std::shared_ptr<Lease> lease, Json chat_request) override {
    return count_chat(std::move(lease), std::move(chat_request));
  }
  Task<Result<Embeddings>> embed(std::string model, std::vector<std::string> inputs, InputType type, Deadline deadline,
                                 CancelToken cancel) override {
    return embedder_.embed(std::move(model), std::move(inputs), type, deadline, std::move(cancel));
  }
  Task<Result<int64_t>> count_embedding_tokens(std::string model, const std::vector<std::string>& inputs,
                                               InputType type, Deadline deadline) override {
    return embedder_.count(std::move(model), inputs, type, deadline);
  }

 private:
  Task<Result<int64_t>> count(std::shared_ptr<Lease> lease, std::string text) {
    Json body = {{"content", std::move(text)}, {"add_special", true}, {"parse_special", true}};
    auto answer =
        co_await ask(clients_, std::move(lease), "/tokenize", std::move(body), Deadline::in(kCountTimeout), {});
    if (!answer) co_return fail(answer.error());
    if (!answer->contains("tokens") || !(*answer)["tokens"].is_array())
      co_return fail(ErrorCode::kEngineFailed, "The model did not count the text.");
    co_return static_cast<int64_t>((*answer)["tokens"].size());
  }

  Task<Result<int64_t>> count_chat(std::shared_ptr<Lease> lease, Json request) {
    request.erase("stream");
    const std::string path = "/v1/chat/completions/input_tokens";  // by the same template as the call itself
    auto answer = co_await ask(clients_, std::move(lease), path, std::move(request), Deadline::in(kCountTimeout), {});
    if (!answer) co_return fail(answer.error());
    const Json count = answer->value("input_tokens", Json());
    if (!count.is_number_integer())
      co_return fail(ErrorCode::kEngineFailed, "The model did not count the conversation.");
    co_return count.get<int64_t>();
  }

  std::shared_ptr<Supervisor> supervisor_;
  net::HttpClients& clients_;
  Embedder embedder_;
};

}  // namespace

int64_t calls_under_way(const Engine& engine, std::string_view model) {
  const auto* local = dynamic_cast<const LocalEngine*>(&engine);
  return local != nullptr ? local->calls_under_way(model) : 0;
}

std::unique_ptr<Engine> make_engine(Options options, net::IoThreads& threads, net::HttpClients& clients, Random& random,
                                    Log log) {
  return make_engine(std::move(options), {}, threads, clients, random, std::move(log));
}

std::unique_ptr<Engine> make_engine(Options options, ProcessOptions process, net::IoThreads& threads,
                                    net::HttpClients& clients, Random& random, Log log) {
  (void)random;
  return std::make_unique<LocalEngine>(std::move(options), process, threads, clients, std::move(log));
}

}  // namespace steward::engine
