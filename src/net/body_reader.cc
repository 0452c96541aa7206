#include "net/body_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/text.h"

namespace steward::net {
namespace {

constexpr size_t kMaxSizeDigits = 16;

std::unexpected<Error> bad(std::string_view why) {
  return fail(ErrorCode::kInvalidRequest, fmt::format("The request is not valid HTTP/1.1: {}.", why));
}

bool is_token_char(char c) {  // RFC 9110, 5.6.2
  if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')) return true;
  return std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

// Takes the token at the front; how long it is.
size_t token_length(std::string_view text) {
  return static_cast<size_t>(std::ranges::find_if_not(text, is_token_char) - text.begin());
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// The length of the quoted string at the front with its quotes, or 0.
size_t quoted_length(std::string_view text) {
  if (!text.starts_with('"')) return 0;
  for (size_t at = 1; at < text.size(); ++at) {
    if (text[at] == '"') return at + 1;
    if (text[at] == '\\') ++at;
    if (at < text.size() && is_control(text[at]) && text[at] != '\t') return 0;
  }
  return 0;
}

// *( ";" token [ "=" ( token / quoted-string ) ] ), without the white space that RFC 9112 calls bad.
bool are_extensions(std::string_view text) {
  while (!text.empty()) {
    if (text[0] != ';') return false;
    text.remove_prefix(1);
    const size_t name = token_length(text);
    if (name == 0) return false;
    text.remove_prefix(name);
    if (!text.starts_with('=')) continue;
    text.remove_prefix(1);
    const size_t value = text.starts_with('"') ? quoted_length(text) : token_length(text);
    if (value == 0) return false;
    text.remove_prefix(value);
  }
  return true;
}

}  // namespace

BodyReader BodyReader::of_length(uint64_t bytes) {
  BodyReader reader;
  reader.left_ = bytes;
  reader.state_ = bytes > 0 ? State::kLength : State::kDone;
  return reader;
}

BodyReader BodyReader::chunked() {
  BodyReader reader;
  reader.state_ = State::kChunkSize;
  return reader;
}

Result<size_t> BodyReader::feed(std::string_view bytes, std::string& body) {
  size_t taken = 0;
  while (!done()) {
    const State before = state_;
    auto more = step(bytes.substr(taken), body);
    if (!more) return more;
    taken += *more;
    if (*more == 0 && state_ == before) break;
  }
  return taken;
}

Result<size_t> BodyReader::step(std::string_view bytes, std::string& body) {
  if (state_ == State::kLength || state_ == State::kChunkData) {
    if (state_ == State::kLength && left_ > max_bytes_) return fail(ErrorCode::kBodyTooLarge);
    return take_data(bytes, body);
  }
  auto whole = line(bytes);
  if (!whole) return fail(std::move(whole.error()));
  if (!*whole) return 0;
  Status status;
  if (state_ == State::kChunkSize)
    status = read_size(**whole);
  else if (state_ == State::kTrailer)
    status = read_trailer(**whole);
  else if (!(*whole)->empty())
    status = bad("a chunk is longer than its size says");
  else
    state_ = State::kChunkSize;
  if (!status) return fail(std::move(status.error()));
  return (*whole)->size() + 2;
}

size_t BodyReader::take_data(std::string_view bytes, std::string& body) {
  const size_t taken = static_cast<size_t>(std::min<uint64_t>(left_, bytes.size()));
  body.append(bytes.substr(0, taken));
  left_ -= taken;
  if (left_ == 0) state_ = state_ == State::kLength ? State::kDone : State::kChunkEnd;
  return taken;
}

Result<std::optional<std::string_view>> BodyReader::line(std::string_view bytes) const {
  if (state_ == State::kChunkEnd && !bytes.empty() && bytes[0] != '\r')
    return bad("a chunk is longer than its size says");
  const size_t end = bytes.find_first_of("\r\n");
  if (std::min(end, bytes.size()) > kMaxChunkLineBytes) return bad("a chunk's line or trailer is too long");
  if (end == std::string_view::npos || (bytes[end] == '\r' && end + 1 == bytes.size())) return std::nullopt;
  if (bytes[end] == '\n' || bytes[end + 1] != '\n') return bad("a line must end with CR LF");
  return bytes.substr(0, end);
}

Status BodyReader::read_size(std::string_view line) {
  const size_t digits = std::min(line.find(';'), line.size());
  uint64_t size = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + digits, size, 16);
  if (digits == 0 || digits > kMaxSizeDigits || line[0] == '-' || error != std::errc() || end != line.data() + digits) {
    return bad("a chunk's size must be a hexadecimal number");
  }
  if (!are_extensions(line.substr(digits))) return bad("a chunk's extension is malformed");
  if (size > max_bytes_ - std::min<uint64_t>(sum_, max_bytes_)) return fail(ErrorCode::kBodyTooLarge);
  sum_ += size;
  left_ = size;
  state_ = size == 0 ? State::kTrailer : State::kChunkData;
  return {};
}

Status BodyReader::read_trailer(std::string_view line) {
  if (line.empty()) {
    state_ = State::kDone;
    return {};
  }
  trailer_bytes_ += line.size() + 2;
  if (trailer_bytes_ > kMaxChunkLineBytes) return bad("a chunk's line or trailer is too long");
  const size_t name = token_length(line);
  if (name == 0 || name == line.size() || line[name] != ':') return bad("a trailer field is malformed");
  for (char c : line.substr(name)) {
    if (is_control(c) && c != '\t') return bad("a trailer field has a control character");
  }
  return {};
}

}  // namespace steward::net
