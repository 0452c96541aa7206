// For tests and fuzzers: an HTTP client whose answers are given beforehand, piece by piece.
#pragma once
#include <deque>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include "gateway/upstream.h"

namespace steward::gateway::testing_support {

struct Given {
  int status = 200;
  std::string content_type = "text/event-stream";
  std::vector<std::string> pieces;
  std::optional<Error> end;  // instead of a clean end
};

class GivenStream final : public net::ClientStream {
 public:
  explicit GivenStream(Given given) : given_(std::move(given)) { headers_.add("content-type", given_.content_type); }
  int status() const override { return given_.status; }
  const net::Headers& headers() const override { return headers_; }
  Task<Result<std::optional<std::string>>> read() override {
    if (next_ < given_.pieces.size()) co_return given_.pieces[next_++];
    if (given_.end) co_return fail(*given_.end);
    co_return std::optional<std::string>();
  }

 private:
  Given given_;
  net::Headers headers_;
  size_t next_ = 0;
};

class GivenClient final : public net::HttpClient {
 public:
  explicit GivenClient(Given given) : given_(std::move(given)) {}
  Task<Result<net::ClientResponse>> fetch(net::ClientRequest) override { co_return fail(ErrorCode::kNotImplemented); }
  Task<Result<std::unique_ptr<net::ClientStream>>> open(net::ClientRequest) override {
    co_return std::make_unique<GivenStream>(given_);
  }

 private:
  Given given_;
};

struct Told {
  std::vector<Json> events;
  std::vector<UpstreamEvent> named;  // the same, with their names
  std::optional<Error> error;        // how it ended, if not well
};

inline Task<void> read_all(net::HttpClient& client, Told& told) {
  auto stream =
      co_await EventStream::open(client, {}, [](int status, std::string_view body, const net::Headers& headers) {
        return upstream_refusal(status, body, headers, false);
      });
  if (!stream) {
    told.error = std::move(stream.error());
    co_return;
  }
  ChoiceWatch watch;
  for (;;) {
    auto event = co_await (*stream)->next(watch.finished());
    Status ok;
    if (!event)
      ok = fail(std::move(event.error()));
    else
      ok = *event ? watch.take(**event) : watch.end();
    if (!ok) told.error = std::move(ok.error());
    if (!ok || !*event) co_return;
    told.events.push_back((*event)->data);
    told.named.push_back(std::move(**event));
  }
}

inline Told tell(Given given) {
  asio::io_context context;
  GivenClient client(std::move(given));
  Told told;
  asio::co_spawn(context, read_all(client, told), asio::detached);
  context.run();
  return told;
}

}  // namespace steward::gateway::testing_support
