// A batch's lines by way of the providers' own batches, at their batch price: posted together, looked at again and
// again, read once they are answered. What is asked live is the rest. Its coroutines run on one io thread.
#pragma once
#include <set>
#include <span>

#include "server/batches/batch_keeping.h"

namespace steward::server {

// A reservation of a posted line stands for so long: the window, and the time in which a provider ends what is over.
inline constexpr DurationUs kPostedGraceUs = 2 * 3600 * kSecondUs;

class PostedLines {
 public:
  PostedLines(Core& core, const BatchTargets& targets, BatchKeeping& keeping, const BatchInput& input);

  // Reads, routes and reserves lines. Where a provider takes them as a batch they are gathered, and posted as soon as
  // they are enough; what is refused has its answer then.
  Task<Status> gather(std::span<const size_t> lines);
  // Posts what is gathered, and gives back what is to be asked live.
  Task<Result<std::vector<size_t>>> post();

  // Takes the answers of what has ended; `answered`: lines that have theirs. True: of `open` nothing is under way any
  // more. `stop`: they are cancelled at their providers.
  Task<Result<bool>> look(std::vector<Sent> open, std::set<int64_t> answered, bool stop);

 private:
  struct Group {  // lines that go into one batch at a provider
    std::string provider, model;
    gateway::UpstreamPath path;
    std::vector<SentLine> calls;
    std::vector<gateway::PostedLine> lines;
    size_t bytes = 0, answers = 0;
  };
  struct Prepared {
    std::optional<gateway::Posting> posting;
    std::optional<Answered> refusal;  // neither: it goes live
  };

  Task<Prepared> prepare(size_t line);
  Task<Prepared> prepare_once(size_t line, const identity::Caller& caller);
  Task<Status> add(size_t line, gateway::Posting posting);
  Task<Status> flush(Group group);
  Task<Result<std::string>> hand_over(gateway::ProviderBatches& batches, const Group& group);
  Task<Status> refuse_all(const std::vector<SentLine>& lines, Error error);
  Task<Result<bool>> look_at(const Sent& sent, const std::set<int64_t>& answered, bool stop);
  Task<Status> take(const SentLine& sent, gateway::LineAnswer answer);
  Task<Answered> in_dialect(size_t line, Error error);
  Endpoint endpoint_of(size_t line, RawHandler handler) const;
  Question question_of(size_t line);
  gateway::Services& services() const;

  Core& core_;
  const BatchTargets& targets_;
  BatchKeeping& keeping_;
  const BatchInput& input_;
  IdMaker ids_;
  std::map<std::string, Group> groups_;  // by place
  std::vector<size_t> live_;
  std::set<std::string> without_;  // providers that turned out to have no batches
};

}  // namespace steward::server
