// libcurl's multi interface run by an io_context: curl tells which sockets and which timer it waits for, asio does the
// waiting.
//
// On the context's thread only. A transfer is an easy handle whose CURLOPT_PRIVATE is its CurlTransfer; finished() is
// called when it is done, never from inside curl (posted), so that it may add and remove handles.
#pragma once
#include <curl/curl.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <unordered_map>
#include <vector>

namespace steward::net {

class CurlTransfer {
 public:
  virtual ~CurlTransfer() = default;
  virtual void finished(CURLcode result) = 0;
};

class CurlLoop {
 public:
  explicit CurlLoop(boost::asio::io_context& context);
  ~CurlLoop();
  CurlLoop(const CurlLoop&) = delete;
  CurlLoop& operator=(const CurlLoop&) = delete;

  // A handle without settings; given back, it serves another transfer.
  CURL* take();
  void give_back(CURL* easy);
  void add(CURL* easy);
  void remove(CURL* easy);  // an unfinished transfer's connection is closed at once
  void unpause(CURL* easy);
  boost::asio::io_context& context() { return context_; }

 private:
  struct Watch;
  static int on_socket(CURL* easy, curl_socket_t socket, int what, void* self, void* watch);
  static int on_timer(CURLM* multi, long timeout_ms, void* self);
  void watch(curl_socket_t socket, int what, Watch* known);
  void arm(const std::shared_ptr<Watch>& watch);
  void act(curl_socket_t socket, int events);
  void reap();

  boost::asio::io_context& context_;
  CURLM* multi_;
  std::vector<CURL*> idle_;
  boost::asio::steady_timer timer_;
  bool posted_ = false;  // a turn of curl's is on its way
  std::unordered_map<curl_socket_t, std::shared_ptr<Watch>> watches_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace steward::net
