#include "memory/memory.h"

#include "base/text.h"
#include "gateway/peek.h"
#include "identity/access.h"
#include "ledger/period.h"
#include "memory/asked.h"
#include "memory/pieces.h"

namespace steward::memory {
using namespace std::chrono_literals;
using gateway::peek_text;
namespace {

constexpr auto kQueryDeadline = 4s;      // for the meaning of a question: then it is answered by words alone
constexpr auto kAnswerDeadline = 500ms;  // the same, where an answer waits for it
constexpr size_t kPassagesOfPiece = 3;   // ranked for each piece that may be asked for: neighbours are joined
constexpr int64_t kMicroseconds = kSecondUs;

struct Outcome {
  Recalled recalled;
  std::vector<Piece> pieces;
};

Json piece_json(const Piece& piece) {
  Json messages = Json::array();
  std::string text;
  for (const auto& one : piece.messages) {
    messages.push_back(
        {{"id", one.id}, {"role", one.role}, {"created_at", one.time / kMicroseconds}, {"text", one.text}});
    if (!text.empty()) text += "\n\n";
    text += one.text;
  }
  return {{"id", piece.messages.front().id},
          {"object", "memory.piece"},
          {"conversation", piece.conversation},
          {"created_at", piece.messages.front().time / kMicroseconds},
          {"text", std::move(text)},
          {"messages", std::move(messages)},
          {"score", std::round(static_cast<double>(piece.score) * 1000) / 1000},
          {"why", why_of(piece)},
          {"tokens", piece.tokens}};
}

Json times_json(const std::vector<When>& times) {
  Json out = Json::array();
  for (const When& when : times) {
    out.push_back({{"after", when.from == kEver ? Json(nullptr) : Json(when.from / kMicroseconds)},
                   {"before", when.to == kAlways ? Json(nullptr) : Json(when.to / kMicroseconds)}});
  }
  return out;
}

std::string_view order_name(Order order) {
  return order == Order::kLatest ? "latest" : order == Order::kFirst ? "first" : "relevance";
}

}  // namespace

Status may_read(const identity::Caller& caller) {
  if (!caller.key || std::ranges::find(caller.key->spec.endpoints, "memory") != caller.key->spec.endpoints.end())
    return {};
  return fail(ErrorCode::kForbidden,
              fmt::format("The key {}… may not read memory: an administrator can add 'memory' to the key's endpoints.",
                          caller.key->visible),
              {{"endpoint", "memory"}, {"needed", "endpoint"}});
}

Memory::Memory(Parts parts) : parts_(std::move(parts)), vectors_(parts_.file) {}

Status Memory::start() {
  if (!parts_.enabled) {
    VectorStore::remove(parts_.file);
    return {};
  }
  // Without its cache memory answers by words alone.
  if (auto opened = vectors_.open(); !opened) {
    parts_.services.log.error("memory has no place for its embeddings", {{"message", opened.error().message}});
    return {};
  }
  embedding_ = std::make_unique<Embedding>(Embedding::Parts{.journal = parts_.services.journal,
                                                            .views = parts_.views,
                                                            .engine = parts_.services.engine,
                                                            .threads = parts_.threads,
                                                            .vectors = vectors_,
                                                            .log = parts_.services.log});
  embedding_->start();
  return {};
}

void Memory::stop() {
  if (embedding_) embedding_->stop();
}

Status Memory::purge() {
  if (!parts_.enabled) return {};
  try {
    vectors_.sweep([this](const auto& keys) { return standing_keys(parts_.views, keys); });
    return {};
  } catch (const journal::DbError& error) {
    return fail(ErrorCode::kStoreUnavailable, fmt::format("The vectors of memory can't be cleaned: {}", error.what()));
  }
}

Task<std::vector<float>> Memory::vector_of(std::string text, std::chrono::milliseconds patience) {
  auto& engine = parts_.services.engine;
  if (!engine.find(kEmbedder) || vectors_.empty()) co_return std::vector<float>();
  std::vector<std::string> texts;
  texts.push_back(std::move(text));
  auto done = co_await engine.embed(std::string(kEmbedder), std::move(texts), engine::InputType::kQuery,
                                    Deadline::in(patience), {});
  if (!done || done->vectors.empty()) co_return std::vector<float>();
  co_return std::move(done->vectors.front());
}

// Of whom, when, and what it means; when it returns, what the caller was told of before can be found.
Task<Result<Asking>> Memory::asking_of(Caller caller, std::string text, std::chrono::milliseconds patience) {
  Asking asking{.text = std::move(text), .asked_at = parts_.services.clock.now_us()};
  const auto snapshot = parts_.services.identity.snapshot();
  const auto person = snapshot->principals.find(caller.principal);
  const bool zoned = person != snapshot->principals.end() && !person->second.time_zone.empty();
  asking.zone = ledger::find_zone(zoned ? person->second.time_zone : parts_.time_zone);
  asking.own_name = parts_.name_of(caller.principal);
  asking.vector = co_await vector_of(asking.text, patience);
  asking.reach = {.tenant = caller.tenant, .principal = caller.principal};
  auto folded = co_await parts_.views.wait_applied(caller.tenant, parts_.services.journal.durable_seq(caller.tenant));
  if (!folded) co_return fail(std::move(folded.error()));
  co_return asking;
}

Status Memory::usable(const Caller& caller) const {
  if (!parts_.enabled)
    return fail(ErrorCode::kNotImplemented, "Memory is switched off here (memory.enabled): nothing is kept or read.");
  if (auto may = may_read(caller); !may) return may;
  if (!parts_.paused(caller.principal)) return {};
  return fail(ErrorCode::kConflict, "You have memory switched off (your settings, memory): nothing is kept or read.",
              {{"reason", "memory_off"}});
}

Task<Result<Json>> Memory::search(Caller caller, Json body) {
  if (auto may = usable(caller); !may) co_return fail(std::move(may.error()));
  auto read = read_asked(body);
  if (!read) co_return fail(std::move(read.error()));
  const Asked asked = std::move(*read);
  auto asking = co_await asking_of(caller, asked.query, kQueryDeadline);
  if (!asking) co_return fail(std::move(asking.error()));
  asking->reach = asked.reach;
  asking->reach.tenant = caller.tenant;
  asking->reach.principal = caller.principal;
  const bool meant = !asking->vector.empty();
  const auto selves = identity::acts_as(*parts_.services.identity.snapshot(), caller.tenant, caller.principal);
  auto outcome = co_await parts_.views.query<Outcome>(
      [this, asking = std::move(*asking), asked,
       readers = std::vector<Id>(selves.begin(), selves.end())](journal::Db& db) mutable {
        if (!asking.reach.only_own)
          asking.reach.shared = parts_.shared(db, asking.reach.tenant, asking.reach.principal, readers);
        Outcome out;
        out.recalled = recall(db, shelves_, vectors_, asking, asked.limit * kPassagesOfPiece);
        const Order order = asked.order.value_or(out.recalled.question.order);
        out.recalled.question.order = order;
        out.pieces = pieces_of(db, out.recalled, {.order = order, .pieces = asked.limit, .tokens = asked.budget});
        return out;
      });
  Json data = Json::array();
  for (const auto& piece : outcome.pieces) data.push_back(piece_json(piece));
  const Recalled& recalled = outcome.recalled;
  co_return Json{
      {"object", "memory.search"},
      {"data", std::move(data)},
      {"read", {{"order", order_name(recalled.question.order)}, {"times", times_json(recalled.question.times)}}},
      {"state", {{"passages", recalled.passages}, {"waiting", recalled.waiting}, {"meaning", meant}}}};
}

Task<Result<std::vector<Piece>>> Memory::for_answer(Caller caller, Wish wish) {
  std::vector<Piece> out;
  if (!parts_.enabled || wish.text.empty()) co_return out;
  if (wish.text.size() > kMaxQuestionBytes) wish.text.resize(kMaxQuestionBytes);
  wish.text.resize(wish.text.size() - incomplete_utf8_tail(wish.text));
  auto asking = co_await asking_of(caller, wish.text, kAnswerDeadline);
  if (!asking) co_return fail(std::move(asking.error()));
  asking->reach.only_own = true;
  asking->reach.elsewhere = wish.conversation;
  out = co_await parts_.views.query<std::vector<Piece>>(
      [this, asking = std::move(*asking), wish = std::move(wish)](journal::Db& db) {
        Recalled recalled = recall(db, shelves_, vectors_, asking, wish.pieces * kPassagesOfPiece);
        std::erase_if(recalled.found, [](const Found& one) { return !is_near(one); });
        return pieces_of(
            db, recalled,
            {.order = recalled.question.order, .pieces = wish.pieces, .tokens = wish.tokens, .without = wish.without});
      });
  co_return out;
}

Task<std::vector<std::optional<Piece>>> Memory::again(Id tenant, std::vector<std::vector<int64_t>> passages) {
  if (!parts_.enabled) co_return std::vector<std::optional<Piece>>(passages.size());
  co_return co_await parts_.views.query<std::vector<std::optional<Piece>>>(
      [tenant = std::move(tenant), passages = std::move(passages)](journal::Db& db) {
        std::vector<std::optional<Piece>> out;
        for (const auto& numbers : passages) out.push_back(piece_again(db, tenant, numbers));
        return out;
      });
}

}  // namespace steward::memory
