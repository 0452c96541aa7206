// What a provider's batch says of itself and of its lines, in each form. Outside bytes: whatever can't be read is
// nullopt, and a batch that doesn't say that it has ended has not. Any thread.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace steward::gateway {

struct LineAnswer {
  std::string id;    // as it was posted, or "#3": of the fourth that was posted
  int status = 0;    // as a live call's would be; 0: it was cancelled or expired before it was answered
  std::string body;  // the answer's JSON, or the error's; of status 0 the reason in a sentence
};

// How far a batch at a provider is.
struct BatchState {
  bool ended = false;            // nothing more will be answered
  std::optional<Error> refused;  // it ended as a whole without answering anything, and why
  Json at = Json::object();      // where its answers and files lie, for each_answer() and forget(); each form's own
};

std::string text_of(const Json& object, const char* name);    // or empty
const Json& member_of(const Json& object, const char* name);  // or null
// What a provider calls a batch or a file; empty where it could not stand in an address.
std::string id_in(const Json& object, const char* name);

BatchState read_openai_batch(const Json& batch);  // at: {"input_file_id", "output_file_id", "error_file_id"}
BatchState read_anthropic_batch(const Json& batch);
// at: {"answers": […], "by_place": whether "#3" can be trusted, "vectors": whether they are of embeddings}
BatchState read_gemini_batch(Json operation);

using LineReader = std::optional<LineAnswer>(const Json&);
LineReader read_openai_line;
LineReader read_anthropic_line;
std::optional<LineAnswer> read_gemini_answer(const Json& answer, std::optional<size_t> place);

// Answers to the texts of embeddings calls (asyncBatchEmbedContent), each posted by itself as "line-12" or, where the
// call has several, "line-12/0/3": the first of three. Put together they are the lines' answers, in the form of
// batchEmbedContents.
class GeminiVectorLines {
 public:
  std::optional<LineAnswer> add(const Json& answer);  // nullopt: its line isn't whole yet

 private:
  struct Line {
    std::vector<std::string> vectors;  // each as JSON; empty: not there yet
    size_t missing = 0;
    int64_t tokens = 0;
    bool counted = true, over = false;
  };
  std::map<std::string, Line, std::less<>> lines_;
};
std::string gemini_text_id(const std::string& line, size_t text, size_t texts);

// JSON Lines that come in pieces, however they are cut. A line that is no object, or longer than `longest`, is passed
// over.
class JsonLines {
 public:
  explicit JsonLines(size_t longest) : longest_(longest) {}
  void add(std::string_view bytes) { held_ += bytes; }
  void end() { held_ += '\n'; }
  std::optional<Json> next();  // nullopt: more bytes are needed

 private:
  size_t longest_;
  std::string held_;
  size_t begin_ = 0, seen_ = 0;  // of the next line; up to where no line ends
  bool skipping_ = false;        // the line's beginning was too long, and is gone
};

}  // namespace steward::gateway
