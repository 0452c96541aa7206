#include "net/sse.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace steward::net {
namespace {

constexpr std::string_view kBom = "\xef\xbb\xbf";

void append_lines(std::string& out, std::string_view field, std::string_view text) {
  for (;;) {
    size_t end = text.find_first_of("\r\n");
    out.append(field).append(text.substr(0, end)).push_back('\n');
    if (end == std::string_view::npos) return;
    bool crlf = text[end] == '\r' && end + 1 < text.size() && text[end + 1] == '\n';
    text.remove_prefix(end + (crlf ? 2 : 1));
  }
}

// The standard lets unknown fields pass, but noise before "data:" would make an event vanish without a word.
Error broken_line() {
  return Error(ErrorCode::kUpstreamError, "A line of the event stream is none: the stream is broken.");
}

// What came before a fault is right and is given first; the fault is told by the next call, and by in_event().
Result<std::vector<SseEvent>> end_with(std::vector<SseEvent> out, const Error& error) {
  if (out.empty()) return fail(error);
  return out;
}

// As anybody names a field: a word.
bool is_field_name(std::string_view name) {
  return std::ranges::all_of(name,
                             [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.'; });
}

// A field that is one line by nature: what follows a line break would be read as another field.
std::string_view first_line(std::string_view text) { return text.substr(0, text.find_first_of("\r\n")); }

}  // namespace

Result<std::vector<SseEvent>> SseReader::feed(std::string_view bytes) {
  std::vector<SseEvent> out;
  if (failed_)
    return fail(ErrorCode::kUpstreamError,
                "The event stream is over: it was broken, or an event larger than is taken.");
  while (!bom_done_ && !bytes.empty()) {  // one byte-order mark may open the stream
    if (bytes[0] == kBom[bom_matched_]) {
      bytes.remove_prefix(1);
      bom_done_ = ++bom_matched_ == kBom.size();
    } else {
      line_.append(kBom.substr(0, bom_matched_));
      bom_done_ = true;
    }
  }
  while (!bytes.empty()) {
    if (std::exchange(skip_lf_, false) && bytes[0] == '\n') {
      bytes.remove_prefix(1);
      continue;
    }
    size_t end = bytes.find_first_of("\r\n");
    if (auto status = take_bytes(bytes.substr(0, end)); !status) return end_with(std::move(out), status.error());
    if (end == std::string_view::npos) break;
    skip_lf_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    take_line(out);
    if (failed_) return end_with(std::move(out), broken_line());
  }
  return out;
}

Status SseReader::take_bytes(std::string_view bytes) {
  if (line_.size() + current_.data.size() + bytes.size() > max_event_bytes_) {
    failed_ = has_data_ = true;  // has_data_: should the stream end here, it ends in the middle of an event
    line_.clear();
    current_ = {};
    return fail(ErrorCode::kUpstreamError, fmt::format("An event of the stream is over {} bytes.", max_event_bytes_));
  }
  line_.append(bytes);
  return {};
}

void SseReader::take_line(std::vector<SseEvent>& out) {
  if (line_.empty()) {
    if (has_data_) {
      current_.data.pop_back();
      out.push_back(current_);
    }
    current_.event.clear();
    current_.data.clear();
    has_data_ = false;
    return;
  }
  std::string_view line = line_;
  size_t colon = line.find(':');
  if (colon != 0) {  // 0: a comment
    std::string_view value = colon == std::string_view::npos ? std::string_view{} : line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    take_field(line.substr(0, colon), value);
  }
  line_.clear();
}

void SseReader::take_field(std::string_view name, std::string_view value) {
  if (name == "data") {
    current_.data.append(value).push_back('\n');
    has_data_ = true;
  } else if (name == "event") {
    current_.event = value;
  } else if (name == "id") {
    if (value.find('\0') == std::string_view::npos) current_.id = value;
  } else if (name == "retry") {
    int64_t ms = 0;
    auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), ms);
    if (error == std::errc{} && end == value.data() + value.size() && ms >= 0) retry_ms_ = ms;
  } else if (!is_field_name(name)) {
    failed_ = has_data_ = true;
  }
}

std::string sse_data(std::string_view data) { return sse_event({}, data); }

std::string sse_event(std::string_view event, std::string_view data, std::string_view id) {
  std::string out;
  out.reserve(event.size() + data.size() + id.size() + 32);
  if (!event.empty()) out.append("event: ").append(first_line(event)).push_back('\n');
  if (!id.empty()) out.append("id: ").append(first_line(id)).push_back('\n');
  append_lines(out, "data: ", data);
  out.push_back('\n');
  return out;
}

std::string sse_comment(std::string_view text) {
  std::string out;
  append_lines(out, ": ", text);
  out.push_back('\n');
  return out;
}

}  // namespace steward::net
