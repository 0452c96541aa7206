#include "talk/steps.h"

#include <algorithm>

#include "base/crash_point.h"
#include "gateway/peek.h"

namespace steward::talk {
using gateway::peek;
using gateway::peek_integer;
using gateway::peek_text;
namespace {

constexpr size_t kPageOfSteps = 200;
constexpr size_t kLongestWord = 64;

void put_piece(std::string& into, const Json& content, const char* at_name, const char* name) {
  const int64_t at = peek_integer(content, at_name, -1);
  if (at < 0 || static_cast<size_t>(at) > into.size()) return;
  into.resize(static_cast<size_t>(at));
  into += peek_text(content, name);
}

bool goes_on_a_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

}  // namespace

std::chrono::milliseconds step_after(std::chrono::milliseconds made_for) {
  return std::clamp(made_for / kStepShare, kStepEvery, kLongestStep);
}

void put_step(Kept& into, const Json& content) {
  put_piece(into.text, content, "text_at", "text");
  put_piece(into.reasoning, content, "reasoning_at", "reasoning");
}

std::string_view whole_words(std::string_view text) {
  size_t end = text.size();
  while (end > 0 && goes_on_a_word(text[end - 1])) --end;
  const bool of_another_script = end > 0 && (static_cast<unsigned char>(text[end - 1]) & 0x80U) != 0;
  return text.size() - end > kLongestWord || of_another_script ? text : text.substr(0, end);
}

Task<void> Steps::follow(std::shared_ptr<Run> run) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  const auto began = std::chrono::steady_clock::now();
  for (size_t made = 0;;) {
    const auto so_far = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
    timer.expires_after(step_after(so_far));
    co_await timer.async_wait(asio::use_awaitable);
    if (made >= kMostSteps || !run->has_unkept()) continue;
    auto done = co_await keep(run, journal::Wait::kWritten);
    if (!done) {
      parts_.services.log.warn("a step of an answer could not be kept; it is tried again",
                               {{"message", run->ask.answer}, {"code", info(done.error().code).name}});
      continue;
    }
    ++made;
    crash_point("answer_step_kept");
  }
}

Task<Status> Steps::keep(std::shared_ptr<Run> run, journal::Wait wait) {
  if (!run->has_unkept()) co_return Status{};
  const Ask& ask = run->ask;
  const Run::Piece piece = run->unkept();
  Json about = {{"conversation", ask.conversation}, {"item", ask.answer}};
  if (!piece.call.empty()) about["call"] = piece.call;
  auto draft = co_await store_.draft(ask.caller, answer_stream(ask.answer), std::string(kAnswerKept), std::move(about),
                                     {{"text_at", piece.text_at},
                                      {"text", piece.text},
                                      {"reasoning_at", piece.reasoning_at},
                                      {"reasoning", piece.reasoning}});
  if (!draft) co_return fail(std::move(draft.error()));
  draft->sources = {ask.answer};
  std::vector<journal::Draft> drafts;
  drafts.push_back(std::move(*draft));
  auto done = co_await parts_.services.journal.append(ask.caller.tenant, std::move(drafts), wait);
  if (!done) co_return fail(std::move(done.error()));
  run->note_kept(piece);
  co_return Status{};
}

Task<Result<Kept>> Steps::read(Id tenant, MessageRow row) {
  Kept out;
  journal::Seq since = 0;
  auto& journal = parts_.services.journal;
  const auto record =
      row.record.empty() ? Result<journal::Record>(fail(ErrorCode::kNotFound)) : journal.find(row.record);
  if (record && !record->erased) {
    auto item = co_await store_.content_of(*record);
    if (!item && item.error().code != ErrorCode::kNotFound) co_return fail(std::move(item.error()));
    if (item) {
      Said said = said_in(*item);
      out.text = std::move(said.text), out.reasoning = std::move(said.reasoning);
      since = record->seq;
    }
  }
  out.firm = out.text.size();
  for (const auto& one : peek(row.asked, "calls")) {
    if (one.is_string()) out.calls.push_back(one.get<Id>());
  }
  for (uint64_t after = 0;;) {
    auto page = journal.read_stream(tenant, answer_stream(row.id), after, kPageOfSteps);
    if (!page) co_return fail(std::move(page.error()));
    for (const auto& step : *page) {
      if (step.erased || step.seq <= since || step.kind != kAnswerKept) continue;
      auto content = co_await store_.content_of(step);
      if (!content) continue;  // erased this moment
      put_step(out, *content);
      const Id call = peek_text(read_own(step.body), "call");
      if (!call.empty() && std::ranges::find(out.calls, call) == out.calls.end()) out.calls.push_back(call);
    }
    if (page->size() < kPageOfSteps) break;
    after = page->back().version;
  }
  co_return out;
}

}  // namespace steward::talk
