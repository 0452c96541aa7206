#include "library/extract/readers/text_out.h"

#include "base/text.h"

namespace steward::library::readers {

TextOut::TextOut(const Limits& limits)
    : max_bytes_(limits.text_bytes), until_(std::chrono::steady_clock::now() + limits.patience) {}

void TextOut::add(std::string_view text) {
  if (text_.size() + text.size() > max_bytes_) {
    full_ = true;
    note({.code = "text_cut", .kept = static_cast<int64_t>(max_bytes_)});
    text = text.substr(0, max_bytes_ - std::min(max_bytes_, text_.size()));
    text.remove_suffix(incomplete_utf8_tail(text));
  }
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\r') {
      if (i + 1 == text.size() || text[i + 1] != '\n') text_ += '\n';
    } else if (c == '\f' || c == '\v') {
      text_ += ' ';
    } else if (static_cast<unsigned char>(c) >= 0x20 ? c != 0x7f : (c == '\n' || c == '\t')) {
      text_ += c;
    }
  }
}

void TextOut::line() {
  if (!text_.empty() && text_.back() != '\n' && text_.back() != '\f') text_ += '\n';
}

void TextOut::page() {
  text_.erase(text_.find_last_not_of(" \t\n") + 1);
  line();
  text_ += '\f';
  ++pages_;
}

void TextOut::note(Note note) {
  if (std::ranges::find(notes_, note) == notes_.end()) notes_.push_back(std::move(note));
}

bool TextOut::full() {
  if (!full_ && std::chrono::steady_clock::now() > until_) {
    full_ = true;
    note({.code = "time_cut"});
  }
  return full_;
}

bool TextOut::empty() const { return text_.find_first_not_of(" \t\n\f") == std::string::npos; }

std::string TextOut::take() {
  text_.erase(text_.find_last_not_of(" \t\n") + 1);
  line();
  return replace_invalid_utf8(std::exchange(text_, {}));
}

}  // namespace steward::library::readers
