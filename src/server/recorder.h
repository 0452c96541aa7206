// Passes an answer on and remembers it, up to a limit; and can hold back its last step until what was remembered is
// safe. Belongs to one request.
#pragma once
#include "server/kept.h"

namespace steward::server {

class Recorder final : public net::Responder {
 public:
  using BeforeEnd = std::function<Task<Status>(const Recorder&)>;
  // `outlives_client`: writes go on succeeding after the client went, so that the handler works to the end.
  Recorder(net::Responder& inner, bool outlives_client, BeforeEnd before_end)
      : inner_(inner), outlives_client_(outlives_client), before_end_(std::move(before_end)) {}

  net::Headers& headers() override { return inner_.headers(); }
  Task<Status> send(int status, std::string content_type, std::string body) override;
  Task<Status> begin(int status, std::string content_type) override;
  Task<Status> write(std::string chunk) override;
  Task<Status> end() override;
  bool begun() const override { return inner_.begun(); }

  const KeptAnswer& answer() const { return answer_; }
  bool whole() const { return whole_; }          // it was answered to the end
  bool too_large() const { return too_large_; }  // of which only the head is remembered
  bool succeeded() const { return whole_ && answer_.status < 400; }

 private:
  void begin_answer(int status, const std::string& content_type);
  void add(const std::string& bytes);
  Status tolerant(Status status) const;
  Task<Status> finish();

  net::Responder& inner_;
  bool outlives_client_;
  BeforeEnd before_end_;
  KeptAnswer answer_;
  bool whole_ = false, too_large_ = false;
};

}  // namespace steward::server
