#include "net/websocket.h"

#include <openssl/sha.h>

#include "base/crypto.h"
#include "base/text.h"

namespace steward::net {
namespace {

constexpr size_t kMaxControlBytes = 125;
constexpr size_t kMaxReasonBytes = 120;

std::unexpected<Error> broken(uint16_t code, std::string why) {
  return fail(ErrorCode::kInvalidRequest, std::move(why), {{"close", code}});
}

}  // namespace

std::string accept_key(std::string_view client_key) {
  const std::string text = std::string(client_key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char digest[SHA_DIGEST_LENGTH];
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  return to_base64({reinterpret_cast<const char*>(digest), sizeof digest});
}

std::string frame_of(Opcode opcode, std::string_view payload) {
  std::string out;
  out.reserve(payload.size() + 10);
  out.push_back(static_cast<char>(0x80 | static_cast<uint8_t>(opcode)));
  const size_t size = payload.size();
  const int bytes = size < 126 ? 0 : size <= 0xffff ? 2 : 8;
  out.push_back(static_cast<char>(bytes == 0 ? size : bytes == 2 ? 126 : 127));
  for (int i = bytes - 1; i >= 0; --i)
    out.push_back(static_cast<char>((static_cast<uint64_t>(size) >> (8 * i)) & 0xff));
  out.append(payload);
  return out;
}

std::string close_payload(uint16_t code, std::string_view reason) {
  std::string out = {static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
  reason = reason.substr(0, kMaxReasonBytes);
  return out.append(reason.substr(0, reason.size() - incomplete_utf8_tail(reason)));
}

Result<std::vector<FrameReader::Frame>> FrameReader::feed(std::string_view bytes) {
  held_.append(bytes);
  std::vector<Frame> out;
  for (;;) {
    auto taken = take(out);
    if (!taken) return fail(std::move(taken.error()));
    if (*taken) continue;
    held_.erase(0, std::exchange(begin_, 0));
    return out;
  }
}

Result<bool> FrameReader::take(std::vector<Frame>& out) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(held_[begin_ + i]); };
  const size_t there = held_.size() - begin_;
  if (there < 2) return false;
  const bool last = (byte(0) & 0x80) != 0;
  const uint8_t opcode = byte(0) & 0x0f;
  if ((byte(0) & 0x70) != 0) return broken(kCloseProtocol, "No extension was agreed on.");
  if ((byte(1) & 0x80) == 0) return broken(kCloseProtocol, "A client's frames are masked.");
  uint64_t size = byte(1) & 0x7f;
  size_t at = 2;
  if (size >= 126) {
    const size_t bytes = size == 126 ? 2 : 8;
    if (there < at + bytes) return false;
    size = 0;
    for (size_t i = 0; i < bytes; ++i) size = (size << 8) | byte(at + i);
    at += bytes;
  }
  const bool control = opcode >= 8;
  if (control && (size > kMaxControlBytes || !last))
    return broken(kCloseProtocol, "A control frame is small and whole.");
  if (size > max_message_bytes_ || message_.size() + size > max_message_bytes_)
    return broken(kCloseTooBig, fmt::format("A message has at most {} bytes.", max_message_bytes_));
  if (there < at + 4 + size) return false;
  std::string payload = held_.substr(begin_ + at + 4, size);
  for (size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<char>(payload[i] ^ held_[begin_ + at + i % 4]);
  begin_ += at + 4 + size;
  if (auto ok = finish(out, opcode, last, std::move(payload)); !ok) return fail(std::move(ok.error()));
  return true;
}

Status FrameReader::finish(std::vector<Frame>& out, uint8_t opcode, bool last, std::string payload) {
  switch (opcode) {
    case 0:
    case 1:
      if ((opcode == 0) != in_message_) return broken(kCloseProtocol, "A message's frames are out of order.");
      message_ += payload;
      in_message_ = !last;
      if (!last) return {};
      if (!is_valid_utf8(message_)) return broken(kCloseBadText, "The text is not valid UTF-8.");
      out.push_back({.kind = Kind::kText, .payload = std::exchange(message_, {}), .code = 0});
      return {};
    case 8: {
      Frame frame{.kind = Kind::kClose, .payload = {}, .code = 0};
      if (payload.size() == 1) return broken(kCloseProtocol, "A goodbye names a whole code or none.");
      if (payload.size() >= 2) {
        frame.code = static_cast<uint16_t>((static_cast<uint8_t>(payload[0]) << 8) | static_cast<uint8_t>(payload[1]));
        frame.payload = payload.substr(2);
      }
      out.push_back(std::move(frame));
      return {};
    }
    case 9: out.push_back({.kind = Kind::kPing, .payload = std::move(payload), .code = 0}); return {};
    case 10: out.push_back({.kind = Kind::kPong, .payload = std::move(payload), .code = 0}); return {};
    case 2: return broken(kCloseUnsupported, "Only text is taken here.");
    default: return broken(kCloseProtocol, "There is no such frame.");
  }
}

}  // namespace steward::net
