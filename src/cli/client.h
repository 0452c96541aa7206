// The way to a server: the one that runs in this home, over its Unix socket (whoever can open it owns the home), or -
// where none runs - one in this process, without TCP, that takes the home's lock for as long as the command lasts.
// Either way the same functions answer.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "base/json.h"
#include "base/percent.h"
#include "cli/context.h"
#include "net/http_client.h"
#include "server/app.h"

namespace steward::cli {

class Client {
 public:
  enum class Need { kRunning, kAny };  // only a running server will do, or either
  static Result<std::unique_ptr<Client>> connect(const Context& context, Need need = Need::kAny);
  ~Client();

  Result<Json> get(const std::string& path) { return call("GET", path, Json()); }
  Result<Json> post(const std::string& path, const Json& body) { return call("POST", path, body); }
  Result<Json> call(const std::string& method, const std::string& path, const Json& body);
  Result<std::vector<Json>> list(const std::string& path);  // all pages
  // The bytes of an answer as they come. An answer of 400 and more is an error, as in call().
  Status stream(const std::string& method, const std::string& path, const Json& body, CancelToken cancel,
                const std::function<void(std::string_view)>& sink);

  bool in_process() const { return app_ != nullptr; }
  const std::string& address() const { return address_; }

 private:
  Client() = default;
  net::ClientRequest request(const std::string& method, const std::string& path, const Json& body) const;
  bool reach(const Context& context);
  Status start_here(const Context& context);

  std::unique_ptr<server::App> app_;
  std::unique_ptr<net::IoThreads> threads_;
  std::unique_ptr<net::HttpClients> clients_;
  std::filesystem::path socket_;
  std::string address_;
};

}  // namespace steward::cli
