#include "talk/sink.h"

#include <algorithm>
#include <utility>

#include "gateway/peek.h"
#include "talk/records.h"

namespace steward::talk {
using gateway::peek;
using gateway::peek_text;

namespace {

Error error_named(const std::string& code, std::string message) {
#define STEWARD_ERROR(name, wire, ...) \
  if (code == wire) return Error(ErrorCode::k##name, std::move(message));
#include "base/errors.def"
#include "base/json.h"
#undef STEWARD_ERROR
  return Error(ErrorCode::kUpstreamError, std::move(message));
}

bool is_of_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

}  // namespace

std::string_view joint(std::string_view before, std::string_view after) {
  if (before.empty() || after.empty() || !is_of_word(after.front())) return {};
  size_t fences = 0;
  for (size_t at = before.find("```"); at != std::string_view::npos; at = before.find("```", at + 3)) ++fences;
  const bool ends =
      is_of_word(before.back()) || std::string_view(".,;:!?)").find(before.back()) != std::string_view::npos;
  return ends && fences % 2 == 0 ? " " : "";
}

std::string joined_to(std::string_view before, std::string_view after) {
  if (before.ends_with(' ')) after.remove_prefix(std::min(after.find_first_not_of(' '), after.size()));
  return std::string(joint(before, after)) + std::string(after);
}

Json error_json(const Error& error) {
  Json out = {{"code", info(error.code).name}, {"message", error.message}};
  if (error.details.is_object() && !error.details.empty()) out["details"] = error.details;
  return out;
}

// Takes the first choice's texts; whatever else an answer holds is not shown.
class SinkWriter final : public gateway::AnswerWriter {
 public:
  explicit SinkWriter(Sink& sink) : sink_(sink) {}

  std::string delta(const gateway::Delta& delta) override {
    std::visit([this](const auto& one) { take(one); }, delta);
    return {};
  }
  std::string finish(const ledger::Usage&, const Json&) override { return {}; }
  std::string fail(const Error& error) override {
    sink_.outcome_.error = error;
    return {};
  }
  std::string keep_alive() const override { return {}; }

 private:
  enum class Kind { kText, kReasoning, kOther };

  void take(const gateway::Open& open) {
    if (open.choice != 0) return;
    Kind kind = Kind::kOther;
    std::string text;
    if (const auto* said = std::get_if<gateway::Text>(&open.value.body)) kind = Kind::kText, text = said->text;
    if (const auto* refused = std::get_if<gateway::Refusal>(&open.value.body)) kind = Kind::kText, text = refused->text;
    if (const auto* thought = std::get_if<gateway::Reasoning>(&open.value.body))
      kind = Kind::kReasoning, text = thought->text;
    kinds_[open.part] = kind;
    pass(kind, text);
  }
  void take(const gateway::Append& more) {
    if (more.choice == 0) pass(kinds_[more.part], more.text);
  }
  void take(const gateway::Summarise& more) {
    if (more.choice != 0) return;
    if (more.index != summary_) pass(Kind::kReasoning, "\n\n");
    summary_ = more.index;
    pass(Kind::kReasoning, more.text);
  }
  void take(const gateway::Finish& finish) {
    if (finish.choice == 0) sink_.outcome_.finished = finish.reason;
  }
  template <class Other>
  void take(const Other&) {}

  void pass(Kind kind, const std::string& text) {
    if (kind == Kind::kText) sink_.take(Run::Part::kText, text);
    if (kind == Kind::kReasoning) sink_.take(Run::Part::kReasoning, text);
  }

  Sink& sink_;
  std::map<size_t, Kind> kinds_;
  size_t summary_ = 0;
};

// The first piece of either part goes on from what there is; thoughts that begin anew stand below those before them.
std::string Sink::joined(Run::Part part, const std::string& piece) {
  bool& done = part == Run::Part::kText ? text_joined_ : reasoning_joined_;
  if (piece.empty() || !run_.ask.continues || done) return piece;
  std::string out = part == Run::Part::kText     ? joined_to(run_.ask.text, piece)
                    : run_.ask.reasoning.empty() ? piece
                                                 : "\n\n" + piece;
  done = !out.empty();
  return out;
}

void Sink::take(Run::Part part, const std::string& piece) {
  const std::string text = joined(part, piece);
  if (text.empty()) return;
  const size_t offset = run_.append(part, text);
  tell_({.stream = conversation_stream(run_.ask.conversation),
         .tenant = run_.ask.caller.tenant,
         .owner = run_.ask.caller.principal,
         .readers = run_.readers,
         .event = "delta",
         .data = dump(Json{{"conversation", run_.ask.conversation},
                           {"message", run_.ask.answer},
                           {"attempt", run_.attempt},
                           {"part", part == Run::Part::kText ? "text" : "reasoning"},
                           {"offset", offset},
                           {"text", text}})});
}

const Outcome& Sink::outcome() {
  outcome_.call = headers_.get("x-steward-call");
  outcome_.route = headers_.get("x-steward-route");
  return outcome_;
}

Result<gateway::Request> Sink::read_request(Json, const gateway::IncomingCall&) const {
  return fail(ErrorCode::kInternal);  // a request of Talk is made, never read
}

std::unique_ptr<gateway::AnswerWriter> Sink::writer(const gateway::Request&, gateway::AnswerContext) const {
  return std::make_unique<SinkWriter>(const_cast<Sink&>(*this));  // one Sink serves one answer
}

Json Sink::write_answer(const gateway::WholeAnswer&, const gateway::Request&, const gateway::AnswerContext&,
                        const ledger::Usage&, const Json&) const {
  return Json::object();  // answers of Talk are streamed
}

Json Sink::write_error(const Error& error) const { return {{"error", error_json(error)}}; }

// An error before anything was streamed: in this dialect, or, from before the call had one, in that of chat.
Task<Status> Sink::send(int status, std::string, std::string body) {
  begun_ = true;
  const Json error = peek(read_own(body), "error");
  if (status >= 400) {
    outcome_.error = error_named(peek_text(error, "code"), peek_text(error, "message"));
    if (peek(error, "details").is_object()) outcome_.error->details = peek(error, "details");
  }
  co_return Status{};
}

Task<Status> Sink::begin(int, std::string) {
  begun_ = true;
  run_.set_call(Id(headers_.get("x-steward-call")));
  co_return Status{};
}

Task<Status> Sink::write(std::string) {
  co_return run_.cancel.cancelled() ? Status(fail(ErrorCode::kCancelled)) : Status{};
}

}  // namespace steward::talk
