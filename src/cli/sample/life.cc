#include "cli/sample/life.h"

#include <algorithm>
#include <map>

#include "base/file.h"
#include "cli/sample/calls.h"
#include "cli/sample/house.h"
#include "cli/sample/use.h"
#include "gateway/output_count.h"
#include "gateway/peek.h"
#include "talk/call_facts.h"

namespace steward::cli {
using gateway::estimate_tokens;
using gateway::peek;
using gateway::peek_text;
namespace {

constexpr size_t kMostBytes = size_t{64} << 20;
constexpr DurationUs kWeekUs = 7LL * 24 * 3600 * kSecondUs;
constexpr uint64_t kLuck = 41;  // what the length of answers' waits is drawn from

Result<Json> read_json(const std::filesystem::path& file) {
  auto text = read_file(file, kMostBytes);
  if (!text) return fail(std::move(text.error()));
  return parse_json(*text);
}

// Whole weeks, ahead or back, after which `until` lies in the week before `now`.
DurationUs move_to(TimeUs until, TimeUs now) {
  const DurationUs gap = now - until;
  return (gap >= 0 ? gap / kWeekUs : -((-gap + kWeekUs - 1) / kWeekUs)) * kWeekUs;
}

void move_time(Json& object, const char* name, DurationUs by) {
  if (peek(object, name).is_number()) object[name] = object[name].get<double>() + static_cast<double>(by / kSecondUs);
}

void move_all(Json& conversations, DurationUs by) {
  for (auto& one : conversations) {
    move_time(one, "create_time", by);
    move_time(one, "update_time", by);
    if (!peek(one, "mapping").is_object()) continue;
    for (auto& node : one["mapping"]) {
      if (peek(node, "message").is_object()) move_time(node["message"], "create_time", by);
    }
  }
}

// All that happens, in the order of time; what happens at the same moment in the order in which it was added.
class Timeline {
 public:
  Timeline(server::Core& core, SampleClock& clock, Random& random, const SampleLife& life)
      : core_(core),
        clock_(clock),
        life_(life),
        house_(core, random),
        calls_(core, random, peek(life.home, "models")),
        luck_(kLuck) {}

  Status add_house();
  Status add_conversation(talk::Imported read);
  Status add_use();
  Status run(const std::function<void(int percent)>& progress);

  SampleCount count;

 private:
  void at(TimeUs time, std::function<Status()> act) { moments_.emplace(time, std::move(act)); }
  Status append(std::vector<journal::Draft> drafts);
  Status append_at(journal::Draft draft);
  Status add_answer(const std::shared_ptr<talk::Imported>& read, const talk::ImportedAnswer& answer, TimeUs& last);
  Status end_answer(talk::Imported& read, const talk::ImportedAnswer& answer, const SampleCall& call);
  void add_call(const std::shared_ptr<SampleCall>& call);
  Status begin(SampleCall& call);

  server::Core& core_;
  SampleClock& clock_;
  const SampleLife& life_;
  SampleHouse house_;
  SampleCalls calls_;
  SeededRandom luck_;
  std::multimap<TimeUs, std::function<Status()>> moments_;  // keeps the order of what is at the same time
};

Status Timeline::append(std::vector<journal::Draft> drafts) {
  auto done = core_.journal->append_blocking(core_.tenant, std::move(drafts));
  return done ? Status{} : Status(fail(std::move(done.error())));
}

Status Timeline::append_at(journal::Draft draft) {
  draft.time = clock_.now_us();
  std::vector<journal::Draft> one;
  one.push_back(std::move(draft));
  return append(std::move(one));
}

Status Timeline::add_house() {
  for (const auto& step : peek(life_.home, "steps")) {
    auto when = parse_rfc3339(peek_text(step, "at"));
    if (!when) return fail(std::move(when.error()));
    at(*when + life_.moved_us, [this, &step] { return house_.make(step); });
  }
  return {};
}

Status Timeline::begin(SampleCall& call) {
  auto done = calls_.begin(call);
  if (done) ++(call.admitted ? count.calls : count.refused);
  return done;
}

void Timeline::add_call(const std::shared_ptr<SampleCall>& call) {
  at(call->at, [this, call] { return begin(*call); });
  at(call->ends_at(), [this, call] { return calls_.end(*call); });
}

// As Talk has it: the answer is announced, its call begins, and both end together.
Status Timeline::add_answer(const std::shared_ptr<talk::Imported>& read, const talk::ImportedAnswer& answer,
                            TimeUs& last) {
  const SampleModel* model = calls_.find_model(answer.model);
  if (model == nullptr)
    return fail(ErrorCode::kConfig, fmt::format("home.json tells nothing of the model '{}'.", answer.model));
  const TimeUs began = read->drafts[answer.started].time;
  auto call = std::make_shared<SampleCall>(
      calls_.plan(*model, began, estimate_tokens(answer.asked_bytes), estimate_tokens(answer.answer_bytes), luck_));
  if (answer.cut) call->outcome = ledger::Outcome::kClientGone;
  at(began, [this, read, answer, call] {
    if (auto ok = append_at(std::move(read->drafts[answer.started])); !ok) return ok;
    return begin(*call);
  });
  at(call->ends_at(), [this, read, answer, call] { return end_answer(*read, answer, *call); });
  last = std::max(last, call->ends_at());
  return {};
}

Status Timeline::end_answer(talk::Imported& read, const talk::ImportedAnswer& answer, const SampleCall& call) {
  if (auto ok = calls_.end(call); !ok) return ok;
  if (!call.admitted) return fail(ErrorCode::kConfig, "The sample's budgets leave no room for its own conversations.");
  journal::Draft& ended = read.drafts[answer.ended];
  Json told = parse_own(ended.body);
  for (const auto& [name, value] : talk::facts_of_call(*core_.journal, core_.tenant, call.id).items())
    told[name] = value;
  ended.body = dump(told);
  read.drafts[answer.content].time = ended.time = clock_.now_us();
  std::vector<journal::Draft> drafts;
  for (const size_t place : {answer.content, answer.ended}) drafts.push_back(std::move(read.drafts[place]));
  return append(std::move(drafts));
}

Status Timeline::add_conversation(talk::Imported given) {
  auto read = std::make_shared<talk::Imported>(std::move(given));
  house_.name(read->title, read->conversation);
  ++count.conversations;
  std::vector<bool> of_answer(read->drafts.size());
  TimeUs last = 0;
  for (const auto& answer : read->answers) {
    for (const size_t place : {answer.started, answer.content, answer.ended}) of_answer[place] = true;
  }
  auto answer = read->answers.begin();
  for (size_t place = 0; place < read->drafts.size(); ++place) {
    if (answer != read->answers.end() && answer->started == place) {
      if (auto ok = add_answer(read, *answer++, last); !ok) return ok;
    }
    if (of_answer[place]) continue;
    last = std::max(last, read->drafts[place].time);
    const bool closes = place + 1 == read->drafts.size();  // it says which branch is shown: after all of them
    at(closes ? last : read->drafts[place].time,
       [this, read, place] { return append_at(std::move(read->drafts[place])); });
  }
  return {};
}

Status Timeline::add_use() {
  auto planned = plan_use(life_, calls_);
  if (!planned) return fail(std::move(planned.error()));
  for (auto& call : *planned) add_call(std::make_shared<SampleCall>(std::move(call)));
  return {};
}

Status Timeline::run(const std::function<void(int percent)>& progress) {
  size_t done = 0;
  int told = -1;
  for (const auto& [time, act] : moments_) {
    clock_.set(std::max(time, life_.from));
    if (auto ok = act(); !ok) return ok;
    const int percent = static_cast<int>(++done * 100 / moments_.size());
    if (percent != told) progress(told = percent);
  }
  clock_.set(life_.until);
  return wait(core_, core_.views->wait_applied(core_.tenant, core_.journal->written_seq(core_.tenant)));
}

}  // namespace

Result<SampleLife> read_sample(const std::filesystem::path& folder, TimeUs now) {
  auto conversations = read_json(folder / "conversations.json");
  if (!conversations) return fail(std::move(conversations.error()));
  auto home = read_json(folder / "home.json");
  if (!home) return fail(std::move(home.error()));
  auto from = parse_rfc3339(peek_text(*home, "from")), until = parse_rfc3339(peek_text(*home, "until"));
  if (!from || !until || *until <= *from)
    return fail(ErrorCode::kConfig, "home.json must tell from when until when the sample life goes.");
  SampleLife life{.conversations = std::move(*conversations), .home = std::move(*home)};
  life.moved_us = move_to(*until, now);
  life.from = *from + life.moved_us;
  life.until = *until + life.moved_us;
  move_all(life.conversations, life.moved_us);
  return life;
}

Result<SampleCount> live(server::Core& core, SampleClock& clock, Random& random, const SampleLife& life,
                         const std::function<void(int percent)>& progress) {
  auto read = talk::read_chat_export(core.owner(), life.conversations, random);
  if (!read) return fail(std::move(read.error()));
  Timeline timeline(core, clock, random, life);
  if (auto ok = timeline.add_house(); !ok) return fail(std::move(ok.error()));
  for (auto& one : *read) {
    if (auto ok = timeline.add_conversation(std::move(one)); !ok) return fail(std::move(ok.error()));
  }
  if (auto ok = timeline.add_use(); !ok) return fail(std::move(ok.error()));
  if (auto ok = timeline.run(progress); !ok) return fail(std::move(ok.error()));
  return timeline.count;
}

}  // namespace steward::cli
