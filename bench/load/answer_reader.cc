#include "answer_reader.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace steward::bench {

void AnswerReader::begin() {
  part_ = Part::kHead;
  state_ = State::kHead;
  status_ = 0;
  keep_open_ = true;
  line_.clear();
}

AnswerReader::State AnswerReader::read(std::string_view bytes) {
  while (!bytes.empty() && state_ != State::kWhole && state_ != State::kBroken) {
    if (part_ == Part::kHead) {
      const size_t before = line_.size();
      line_ += bytes;
      const size_t end = line_.find("\r\n\r\n", before < 3 ? 0 : before - 3);
      if (end == std::string::npos) return state_;
      bytes.remove_prefix(end + 4 - before);
      line_.resize(end + 2);
      state_ = read_head() ? State::kBody : State::kBroken;
      if (part_ == Part::kLength && left_ == 0) state_ = State::kWhole;
    } else {
      bytes.remove_prefix(read_framed(bytes));
    }
  }
  return state_;
}

bool AnswerReader::read_head() {
  std::string head = std::move(line_);
  line_.clear();
  std::ranges::transform(head, head.begin(), [](unsigned char c) { return std::tolower(c); });
  if (!head.starts_with("http/1.") || head.size() < 12) return false;
  std::from_chars(head.data() + 9, head.data() + 12, status_);
  keep_open_ = head.find("\r\nconnection: close") == std::string::npos;
  if (head.find("\r\ntransfer-encoding: chunked") != std::string::npos) {
    part_ = Part::kSizeLine;
    return true;
  }
  constexpr std::string_view kLength = "\r\ncontent-length: ";
  const size_t at = head.find(kLength);
  if (at == std::string::npos) return false;
  left_ = 0;
  std::from_chars(head.data() + at + kLength.size(), head.data() + head.size(), left_);
  part_ = Part::kLength;
  return true;
}

size_t AnswerReader::read_framed(std::string_view bytes) {
  if (part_ != Part::kLength && part_ != Part::kChunk) return read_line(bytes);
  const size_t taken = std::min(left_, bytes.size());
  body_(bytes.substr(0, taken));
  left_ -= taken;
  if (left_ == 0 && part_ == Part::kLength) state_ = State::kWhole;
  if (left_ == 0) part_ = Part::kChunkEnd;
  return taken;
}

size_t AnswerReader::read_line(std::string_view bytes) {
  const size_t end = bytes.find('\n');
  line_ += bytes.substr(0, end);
  if (end == std::string_view::npos) return bytes.size();
  line_ended();
  line_.clear();
  return end + 1;
}

void AnswerReader::line_ended() {
  if (part_ == Part::kChunkEnd) {
    part_ = Part::kSizeLine;
  } else if (part_ == Part::kTrailer) {
    if (line_ == "\r" || line_.empty()) state_ = State::kWhole;
  } else {
    left_ = 0;
    const auto read = std::from_chars(line_.data(), line_.data() + line_.size(), left_, 16);
    if (read.ec != std::errc()) state_ = State::kBroken;
    part_ = left_ == 0 ? Part::kTrailer : Part::kChunk;
  }
}

}  // namespace steward::bench
