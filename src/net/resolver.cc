#include "net/resolver.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace steward::net {
namespace {

constexpr size_t kMaxAddresses = 16;  // of one name; more are not tried

class SystemResolver final : public Resolver {
 public:
  Task<Result<std::vector<std::string>>> resolve(std::string host, std::chrono::milliseconds within) override {
    auto executor = co_await asio::this_coro::executor;
    auto resolver = std::make_shared<asio::ip::tcp::resolver>(executor);
    asio::steady_timer timer(executor, within);
    timer.async_wait([weak = std::weak_ptr(resolver)](boost::system::error_code error) {
      if (auto alive = weak.lock(); alive && !error) alive->cancel();
    });
    boost::system::error_code error;
    const auto found = co_await resolver->async_resolve(host, "", asio::redirect_error(asio::use_awaitable, error));
    timer.cancel();
    std::vector<std::string> out;
    if (!error) {
      for (const auto& entry : found) {
        if (out.size() < kMaxAddresses) out.push_back(entry.endpoint().address().to_string());
      }
    }
    if (out.empty())
      co_return fail(ErrorCode::kUrlFailed, "The address could not be fetched: its host's name leads nowhere.");
    co_return out;
  }
};

}  // namespace

std::unique_ptr<Resolver> make_resolver() { return std::make_unique<SystemResolver>(); }

}  // namespace steward::net
