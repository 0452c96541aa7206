#include "gateway/event_framing.h"

#include <boost/crc.hpp>

#include "base/crypto.h"
#include "base/json.h"
#include "base/json_bounded.h"
#include "gateway/peek.h"

namespace steward::gateway {
namespace {

class SseFraming final : public EventFraming {
 public:
  Result<std::vector<net::SseEvent>> feed(std::string_view bytes) override { return reader_.feed(bytes); }
  bool in_event() const override { return reader_.in_event(); }

 private:
  net::SseReader reader_;
};

uint32_t big_endian(std::string_view bytes, size_t at, size_t size = 4) {
  uint32_t out = 0;
  for (size_t i = 0; i < size; ++i) out = out << 8 | static_cast<unsigned char>(bytes[at + i]);
  return out;
}

uint32_t crc_of(std::string_view bytes) {
  boost::crc_32_type crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return crc.checksum();
}

std::unexpected<Error> garbage() {
  return fail(ErrorCode::kUpstreamError, "The model's provider sent something that is no event stream of Amazon's.");
}

// application/vnd.amazon.eventstream: total length, length of the headers, CRC of these; headers; payload; CRC of all.
class AmazonFraming final : public EventFraming {
 public:
  Result<std::vector<net::SseEvent>> feed(std::string_view bytes) override {
    if (broken_) return garbage();
    buffer_.append(bytes);
    std::vector<net::SseEvent> out;
    auto read_on = read_frames(out);
    if (read_on || !out.empty()) {  // what came before a fault is right and is given first
      broken_ = !read_on;
      return out;
    }
    return fail(std::move(read_on.error()));
  }
  bool in_event() const override { return broken_ || !buffer_.empty(); }

 private:
  static constexpr size_t kPrelude = 12, kTrailer = 4, kMaxFrame = 16 * 1024 * 1024;

  Status read_frames(std::vector<net::SseEvent>& out) {
    size_t at = 0;
    while (buffer_.size() - at >= kPrelude) {
      const std::string_view rest = std::string_view(buffer_).substr(at);
      const size_t total = big_endian(rest, 0), headers = big_endian(rest, 4);
      if (total > kMaxFrame || total < kPrelude + kTrailer || headers > total - kPrelude - kTrailer ||
          crc_of(rest.substr(0, 8)) != big_endian(rest, 8))
        return garbage();
      if (rest.size() < total) break;
      if (crc_of(rest.substr(0, total - kTrailer)) != big_endian(rest, total - kTrailer)) return garbage();
      auto event =
          read(rest.substr(kPrelude, headers), rest.substr(kPrelude + headers, total - kPrelude - kTrailer - headers));
      if (!event) return fail(std::move(event.error()));
      if (*event) out.push_back(std::move(**event));
      at += total;
    }
    buffer_.erase(0, at);
    return {};
  }

  // Headers that are texts, by name. Others are skipped, which needs their sizes.
  static Result<std::map<std::string, std::string>> read_headers(std::string_view bytes) {
    static constexpr std::array<size_t, 10> kFixed = {0, 0, 1, 2, 4, 8, 0, 0, 8, 16};
    constexpr size_t kBytes = 6, kText = 7;
    std::map<std::string, std::string> out;
    for (size_t at = 0; at < bytes.size();) {
      const size_t name_size = static_cast<unsigned char>(bytes[at]);
      if (at + 1 + name_size + 1 > bytes.size()) return garbage();
      std::string name(bytes.substr(at + 1, name_size));
      at += 1 + name_size;
      const size_t type = static_cast<unsigned char>(bytes[at++]);
      if (type >= kFixed.size()) return garbage();
      size_t size = kFixed[type];
      if (type == kBytes || type == kText) {
        if (at + 2 > bytes.size()) return garbage();
        size = big_endian(bytes, at, 2);
        at += 2;
      }
      if (at + size > bytes.size()) return garbage();
      if (type == kText) out.emplace(std::move(name), bytes.substr(at, size));
      at += size;
    }
    return out;
  }

  // nullopt: an event that holds nothing for us.
  static Result<std::optional<net::SseEvent>> read(std::string_view header_bytes, std::string_view payload) {
    auto headers = read_headers(header_bytes);
    if (!headers) return fail(std::move(headers.error()));
    const Json json = parse_bounded(payload);
    if ((*headers)[":message-type"] != "event") {
      std::string what = (*headers)[":exception-type"];
      if (what.empty()) what = (*headers)[":error-code"];
      std::string reason = peek_text(json, "message");
      if (reason.empty()) reason = (*headers)[":error-message"];
      const Json error = {{"type", "error"}, {"error", {{"type", what}, {"message", reason.empty() ? what : reason}}}};
      return net::SseEvent{.event = "error", .data = dump(error), .id = {}};
    }
    const std::string encoded = peek_text(json, "bytes");
    if (encoded.empty()) return std::optional<net::SseEvent>();
    auto data = from_base64(encoded);
    if (!data) return garbage();
    std::string name = peek_text(parse_bounded(*data), "type");
    return net::SseEvent{.event = std::move(name), .data = std::move(*data), .id = {}};
  }

  std::string buffer_;
  bool broken_ = false;
};

}  // namespace

std::unique_ptr<EventFraming> framing_of(std::string_view content_type) {
  if (content_type.starts_with("text/event-stream")) return std::make_unique<SseFraming>();
  if (content_type.starts_with("application/vnd.amazon.eventstream")) return std::make_unique<AmazonFraming>();
  return nullptr;
}

}  // namespace steward::gateway
