// One conversation of `steward chat`: its turns, how the next is asked, how it is kept in the home and saved as
// Markdown.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "base/json.h"
#include "net/sse.h"

namespace steward::cli {

class Conversation {
 public:
  std::string model, system;
  int64_t max_tokens = 0;  // of each answer; 0: as the server has it

  void say(std::string text) { turns_.push_back({{"role", "user"}, {"content", std::move(text)}}); }
  void answer(std::string text) { turns_.push_back({{"role", "assistant"}, {"content", std::move(text)}}); }
  void take_back();  // the last question, when it got no answer
  void clear() { turns_.clear(); }
  bool empty() const { return turns_.empty(); }
  size_t turns() const { return turns_.size(); }
  Json request() const;

  Status keep(const std::filesystem::path& file) const;
  static Result<Conversation> load(const std::filesystem::path& file);
  std::string markdown() const;

 private:
  std::vector<Json> turns_;
};

// Takes the bytes of a streamed answer and yields its text.
class AnswerReader {
 public:
  // The new text of these bytes; errors told in the stream are kept.
  std::string feed(std::string_view bytes);
  const std::string& text() const { return text_; }
  const std::string& problem() const { return problem_; }
  const Json& usage() const { return usage_; }
  const std::string& finish_reason() const { return finish_reason_; }

 private:
  net::SseReader reader_;
  std::string text_, problem_, finish_reason_;
  Json usage_;
};

}  // namespace steward::cli
