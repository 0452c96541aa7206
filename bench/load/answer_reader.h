// Reads HTTP/1.1 answers as they come, just well enough to time them: status, framing (a length or chunks), and the
// bytes of the body, which it hands on without copying.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace steward::bench {

class AnswerReader {
 public:
  enum class State { kHead, kBody, kWhole, kBroken };

  // Called with each run of body bytes, in order.
  using Body = std::function<void(std::string_view)>;
  explicit AnswerReader(Body body) : body_(std::move(body)) {}

  void begin();
  State read(std::string_view bytes);

  int status() const { return status_; }
  bool keeps_open() const { return keep_open_; }

 private:
  enum class Part { kHead, kLength, kSizeLine, kChunk, kChunkEnd, kTrailer };

  bool read_head();
  size_t read_framed(std::string_view bytes);
  size_t read_line(std::string_view bytes);
  void line_ended();

  Body body_;
  Part part_ = Part::kHead;
  State state_ = State::kHead;
  int status_ = 0;
  bool keep_open_ = true;
  size_t left_ = 0;
  std::string line_;  // the head, then the line of a chunk
};

}  // namespace steward::bench
