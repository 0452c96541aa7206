#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <thread>

#include "net/http_server.h"

namespace steward::net {

struct IoThreads::Impl {
  struct One {
    asio::io_context context{1};  // run by one thread only: Asio then skips needless wake-ups
    asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
    std::thread thread;
  };
  std::vector<std::unique_ptr<One>> all;
};

IoThreads::IoThreads(size_t count) : impl_(std::make_unique<Impl>()) {
  for (size_t i = 0; i < std::max<size_t>(count, 1); ++i) {
    auto one = std::make_unique<Impl::One>();
    one->thread = std::thread([context = &one->context] { context->run(); });
    impl_->all.push_back(std::move(one));
  }
}

IoThreads::~IoThreads() { stop(); }

asio::io_context& IoThreads::context(size_t index) { return impl_->all.at(index)->context; }
size_t IoThreads::count() const { return impl_->all.size(); }

void IoThreads::stop() {
  for (auto& one : impl_->all) one->context.stop();
  for (auto& one : impl_->all) {
    if (one->thread.joinable()) one->thread.join();
  }
}

}  // namespace steward::net
