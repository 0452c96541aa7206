#include "talk/run.h"

#include "gateway/peek.h"
#include "talk/words.h"

namespace steward::talk {
using gateway::peek;
namespace {

constexpr size_t kMaxWithout = 100;  // messages that are not to be given

std::unexpected<Error> bad_field(std::string_view name, std::string_view why) {
  return fail(ErrorCode::kInvalidRequest, fmt::format("'{}' {}", name, why), {{"param", name}});
}

}  // namespace

Status read_memory(const Json& body, Ask& ask) {
  const Json &memory = peek(body, "memory"), &without = peek(body, "without");
  if (!memory.is_null() && !memory.is_boolean()) return bad_field("memory", "must be true or false.");
  ask.memory = memory != false;
  if (without.is_null()) return {};
  if (!without.is_array() || without.size() > kMaxWithout)
    return bad_field("without", fmt::format("must be an array of up to {} ids of messages.", kMaxWithout));
  for (const auto& one : without) {
    if (!one.is_string() || one.get_ref<const std::string&>().size() > 128)
      return bad_field("without", "must hold ids.");
    ask.without.push_back(one.get<Id>());
  }
  return {};
}

Json body_of(const Ask& ask) {
  Json body = {{"owner", ask.caller.principal}, {"item", ask.answer}, {"parent", ask.parent}, {"model", ask.model}};
  if (ask.caller.key) body["key"] = ask.caller.key->id;
  if (!ask.instructions.empty()) body["instructions"] = ask.instructions;
  if (ask.continues) body["continues"] = true;
  if (!ask.calls.empty()) body["calls"] = ask.calls;
  if (!ask.without.empty()) body["without"] = ask.without;
  if (!ask.memory) body["memory"] = false;
  return body;
}

size_t Run::append(Part part, std::string_view more) {
  const std::lock_guard lock(mutex_);
  std::string& into = part == Part::kText ? text_ : reasoning_;
  size_t& units = part == Part::kText ? text_units_ : reasoning_units_;
  if (units == SIZE_MAX) units = utf16_length(into);
  const size_t before = units;
  into += more;
  units += utf16_length(more);
  return before;
}

Run::Snapshot Run::now() const {
  const std::lock_guard lock(mutex_);
  return {.text = text_, .reasoning = reasoning_, .begun = text_units_ != SIZE_MAX || reasoning_units_ != SIZE_MAX};
}

bool Run::has_unkept() const {
  const std::lock_guard lock(mutex_);
  return text_.size() > text_kept_ || reasoning_.size() > reasoning_kept_;
}

Run::Piece Run::unkept() const {
  const std::lock_guard lock(mutex_);
  return {.text_at = text_kept_,
          .reasoning_at = reasoning_kept_,
          .text = text_.substr(text_kept_),
          .reasoning = reasoning_.substr(reasoning_kept_),
          .call = call_};
}

void Run::note_kept(const Piece& piece) {
  const std::lock_guard lock(mutex_);
  text_kept_ = piece.text_at + piece.text.size();
  reasoning_kept_ = piece.reasoning_at + piece.reasoning.size();
}

void Run::set_call(Id call) {
  const std::lock_guard lock(mutex_);
  call_ = std::move(call);
}

void Run::finish() {
  std::vector<std::function<void()>> wake;
  {
    const std::lock_guard lock(mutex_);
    done_ = true;
    wake = std::exchange(waiting_, {});
  }
  for (const auto& one : wake) one();
}

bool Run::done() const {
  const std::lock_guard lock(mutex_);
  return done_;
}

Task<void> Run::wait() {
  co_await await_callback<bool>([this](std::function<void(bool)> done) {
    {
      const std::lock_guard lock(mutex_);
      if (!done_) {
        waiting_.push_back([done] { done(true); });
        return;
      }
    }
    done(true);
  });
}

}  // namespace steward::talk
