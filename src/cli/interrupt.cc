#include "cli/interrupt.h"

#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <thread>

namespace steward::cli {

struct Interrupt::Impl {
  asio::io_context context{1};
  asio::signal_set signals{context, SIGINT};
  std::mutex mutex;
  std::optional<CancelToken> token;
  bool happened = false;
  std::thread thread;

  void wait() {
    signals.async_wait([this](boost::system::error_code error, int) {
      if (error) return;
      {
        const std::lock_guard lock(mutex);
        happened = true;
        if (token) token->cancel(CancelReason::kStopped);
      }
      wait();
    });
  }
};

Interrupt::Interrupt() : impl_(std::make_unique<Impl>()) {
  impl_->wait();
  sigset_t interrupt, before;
  sigemptyset(&interrupt);
  sigaddset(&interrupt, SIGINT);
  pthread_sigmask(SIG_BLOCK, &interrupt,
                  &before);  // the main thread takes the signal, so that a read from the terminal ends
  impl_->thread = std::thread([impl = impl_.get()] { impl->context.run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Interrupt::~Interrupt() {
  impl_->context.stop();
  impl_->thread.join();
}

CancelToken Interrupt::watch() {
  const std::lock_guard lock(impl_->mutex);
  impl_->happened = false;
  impl_->token = CancelToken();
  return *impl_->token;
}

void Interrupt::unwatch() {
  const std::lock_guard lock(impl_->mutex);
  impl_->token.reset();
}

bool Interrupt::happened() {
  const std::lock_guard lock(impl_->mutex);
  return impl_->happened;
}

}  // namespace steward::cli
