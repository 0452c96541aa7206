// The body of one request, out of the bytes that follow its head: so many bytes, or chunks (RFC 9112, 7.1), strictly.
// Beast 1.81 reads heads here and no bodies: it asserts on a chunked trailer that comes in pieces.
//
// The verdict does not depend on how the bytes are cut. Refused: a bare CR or LF, white space in a chunk's line, a size
// that is no number of at most 16 digits, a malformed extension or trailer field, a line or a trailer over
// kMaxChunkLineBytes. Extensions and trailer fields are read and mean nothing.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace steward::net {

inline constexpr size_t kMaxChunkLineBytes = 4 * 1024;  // a chunk's size line with its extensions, or the whole trailer

class BodyReader {
 public:
  BodyReader() = default;  // no body
  static BodyReader of_length(uint64_t bytes);
  static BodyReader chunked();

  void set_limit(size_t max_bytes) { max_bytes_ = max_bytes; }
  // `bytes`: what is not taken yet. Appends content to `body`; returns bytes taken. Errors: 400, 413 (kBodyTooLarge).
  Result<size_t> feed(std::string_view bytes, std::string& body);
  bool done() const { return state_ == State::kDone; }

 private:
  enum class State { kLength, kChunkSize, kChunkData, kChunkEnd, kTrailer, kDone };

  Result<size_t> step(std::string_view bytes, std::string& body);
  size_t take_data(std::string_view bytes, std::string& body);
  Result<std::optional<std::string_view>> line(std::string_view bytes) const;  // without CR LF; empty: not whole yet
  Status read_size(std::string_view line);
  Status read_trailer(std::string_view line);

  State state_ = State::kDone;
  uint64_t left_ = 0;  // of the body, or of this chunk
  uint64_t sum_ = 0;   // content promised by the chunks so far
  size_t trailer_bytes_ = 0;
  size_t max_bytes_ = SIZE_MAX;
};

}  // namespace steward::net
