// A provider's stream, cut into pieces by its first byte, in the dialect that its second says: errors or an answer,
// never a crash; the same events however it is cut; counts never negative; what a reader gives, every writer can write.
#include "gateway/completions/answer.h"
#include "gateway/dialects/dialect.h"
#include "gateway/output_count.h"
#include "gateway/upstream_testing.h"

namespace {

using namespace steward;
using namespace steward::gateway;

class Written {  // one client a dialect
 public:
  Written() {
    for (const Dialect dialect : {Dialect::kChat, Dialect::kResponses, Dialect::kMessages, Dialect::kGemini}) {
      request_.from = dialect;
      writers_.push_back(
          ingress_of(dialect).writer(request_, {.call = "call_01J0000000000000000000000", .model = "m", .now = 1}));
    }
  }
  void take(const Deltas& deltas) {
    count_.add(deltas);
    for (const Delta& delta : deltas) {
      if (!sum_.add(delta)) __builtin_trap();  // a reader's bug
      if (const auto* told = std::get_if<UsageTold>(&delta))
        if (told->usage.prompt_tokens < 0 || told->usage.completion_tokens < 0) __builtin_trap();
      for (auto& writer : writers_) (void)writer->delta(delta);
    }
  }
  void end() {
    if (count_.at_least() < 0 || count_.estimate() < 0) __builtin_trap();
    for (auto& writer : writers_) (void)writer->finish({}, Json::object());
    for (const Dialect dialect : {Dialect::kChat, Dialect::kResponses, Dialect::kMessages, Dialect::kGemini})
      (void)dump(ingress_of(dialect).write_answer(sum_.whole(), request_, {.call = "call_01J0000000000000000000000"},
                                                  {}, Json::object()));
  }

 private:
  Request request_;
  std::vector<std::unique_ptr<AnswerWriter>> writers_;
  AnswerSum sum_;
  OutputCount count_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 3) return 0;
  const size_t piece = 1 + data[0] % 64;
  const auto dialect = static_cast<Dialect>(data[1] % 4);
  const bool amazon = data[1] >= 128;
  const std::string bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  testing_support::Given given;
  if (amazon) given.content_type = "application/vnd.amazon.eventstream";
  testing_support::Given uncut = given;
  uncut.pieces = {bytes};
  for (size_t at = 0; at < bytes.size(); at += piece) given.pieces.push_back(bytes.substr(at, piece));
  const auto told = testing_support::tell(std::move(given));
  const auto whole = testing_support::tell(std::move(uncut));
  if (told.error.has_value() != whole.error.has_value()) __builtin_trap();
  if (!told.error && told.events != whole.events) __builtin_trap();  // what came before an error may differ
  TextGatherer completion;
  Written written;
  auto reader = egress_of(dialect).reader("p");
  for (const auto& event : told.named) {
    completion.add(event.data);
    (void)read_usage(event.data);
    auto deltas = reader->event(event.name, event.data);
    if (!deltas) break;
    written.take(*deltas);
  }
  if (auto owed = reader->end()) written.take(*owed);
  written.end();
  (void)dump(completion.choices());
  if (const auto body = parse_json(bytes, {.max_depth = 256, .allow_duplicate_keys = true});
      body && body->is_object()) {
    Written other;
    if (auto deltas = egress_of(dialect).reader("p")->whole(*body)) other.take(*deltas);
    other.end();
  }
  return 0;
}
