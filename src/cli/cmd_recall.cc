// `steward debug recall FILE`: memory's recall over conversations in a file, as `python -m tests.bench recall` measures
// it. What is folded, read and ranked is what the server folds, reads and ranks; only the vectors are handed in.
#include "base/crypto.h"
#include "base/file.h"
#include "cli/commands.h"
#include "gateway/peek.h"
#include "memory/pieces.h"
#include "memory/view.h"

namespace steward::cli {
using gateway::peek;
using gateway::peek_integer;
using gateway::peek_text;
namespace {

constexpr size_t kMostBytes = size_t{1} << 30;
constexpr const char* kTenant = "ten_recall";
constexpr const char* kPerson = "usr_recall";

// One person's memory, made of sessions: [{id, turns: [{id, role, time_us, text}]}].
class Remembered {
 public:
  explicit Remembered(const Json& sessions)
      : view_({.enabled = true,
               .blob = [](const Id&, const std::string&) { return fail(ErrorCode::kNotFound); },
               .key = [](const Id&) { return std::string("recall"); }}),
        db_(journal::Db::open(":memory:", journal::Db::Mode::kReadWrite)),
        vectors_(":memory:") {
    view_.create(db_);
    (void)vectors_.open();
    db_.execute("BEGIN");
    for (const auto& session : sessions) fold(session);
    db_.execute("COMMIT");
  }

  std::vector<std::string> texts() {
    std::vector<std::string> out;
    auto& row = db_.prepare("SELECT text FROM memory_passages ORDER BY number");
    while (row.step()) out.push_back(row.text(0));
    row.reset();
    return out;
  }

  // `known`: a passage's text → its vector in base64.
  void embed(const Json& known) {
    std::vector<std::pair<std::string, memory::Vector>> found;
    auto& row = db_.prepare("SELECT key, text FROM memory_passages");
    while (row.step()) {
      const auto vector = floats(peek_text(known, row.text(1).c_str()));
      if (!vector.empty()) found.emplace_back(row.blob(0), memory::quantised(vector));
    }
    row.reset();
    vectors_.put(found, [](const auto& keys) { return std::unordered_set<std::string>(keys.begin(), keys.end()); });
  }

  Json answer(const Json& question, const memory::Weights& weights, size_t limit) {
    memory::Asking asking{.text = peek_text(question, "text"),
                          .asked_at = peek_integer(question, "asked_at_us"),
                          .vector = floats(peek_text(question, "vector")),
                          .weights = weights};
    asking.reach.tenant = kTenant;
    asking.reach.principal = kPerson;
    const auto recalled = memory::recall(db_, shelves_, vectors_, asking, limit);
    Json ranked = Json::array(), near = Json::array();  // near: by words, by meaning, how many words
    std::set<std::string> seen;
    for (const auto& found : recalled.found) {
      auto& row = db_.prepare("SELECT message FROM memory_passages WHERE number = ?").bind(1, found.number);
      const std::string message = row.step() ? row.text(0) : "";
      row.reset();
      if (!seen.insert(message).second) continue;
      ranked.push_back(message);
      near.push_back({found.covered, found.meant, found.words});
    }
    return {{"id", peek(question, "id")},
            {"ranked", std::move(ranked)},
            {"near", std::move(near)},
            {"nearness", recalled.nearness}};
  }

 private:
  static std::vector<float> floats(const std::string& base64) {
    const auto bytes = from_base64(base64);
    std::vector<float> out(bytes ? bytes->size() / sizeof(float) : 0);
    if (!out.empty()) std::memcpy(out.data(), bytes->data(), out.size() * sizeof(float));
    return out;
  }

  void fold(const Json& session) {
    const Id conversation = peek_text(session, "id");
    append(conversation, "conversation.created", {{"owner", kPerson}}, 0, {});
    for (const auto& turn : peek(session, "turns")) {
      const Id id = peek_text(turn, "id");
      const Json item = {{"type", "message"}, {"role", peek(turn, "role")}, {"content", peek(turn, "text")}};
      append(conversation, "conversation.item_added", {{"item", id}, {"content", item}}, peek_integer(turn, "time_us"),
             id);
    }
  }

  void append(const Id& conversation, std::string kind, const Json& body, TimeUs time, const Id& source) {
    journal::Record record;
    record.tenant = kTenant;
    record.seq = ++seq_;
    record.id = fmt::format("rec_{}", seq_);
    record.stream = "conversation/" + conversation;
    record.kind = std::move(kind);
    record.time = time;
    record.body = dump(body);
    if (!source.empty()) record.sources = {source};
    view_.apply(db_, record);
  }

  memory::MemoryView view_;
  journal::Db db_;
  memory::VectorStore vectors_;
  memory::Shelves shelves_{vectors_};
  journal::Seq seq_ = 0;
};

memory::Weights weights_in(const Json& told) {
  memory::Weights out;
  const auto take = [&](const char* name, double& weight) {
    if (peek(told, name).is_number()) weight = peek(told, name).get<double>();
  };
  take("words", out.words);
  take("meaning", out.meaning);
  take("time", out.time);
  take("name", out.name);
  take("neighbours", out.neighbours);
  take("k1", out.k1);
  take("b", out.b);
  return out;
}

// {dialogues: [{sessions, questions: [{id, text, asked_at_us, vector}]}], vectors: {text: base64}, weights, limit};
// where no vectors are given, the texts are told that would have one.
Json answered(const Json& asked) {
  const auto limit = static_cast<size_t>(peek_integer(asked, "limit", 50));
  Json out = Json::array();
  for (const auto& dialogue : peek(asked, "dialogues")) {
    Remembered memory(peek(dialogue, "sessions"));
    if (!peek(asked, "vectors").is_object()) {
      out.push_back(memory.texts());
      continue;
    }
    memory.embed(peek(asked, "vectors"));
    Json answers = Json::array();
    for (const auto& question : peek(dialogue, "questions"))
      answers.push_back(memory.answer(question, weights_in(peek(asked, "weights")), limit));
    out.push_back(std::move(answers));
  }
  return out;
}

}  // namespace

void add_recall(Command& debug, const Context& context) {
  Command recall =
      debug.sub("recall", "Answer questions about conversations in a file as memory would, for its benchmark.");
  auto file = std::make_shared<std::string>();
  recall.examples("steward debug recall asked.json > answered.json");
  recall.argument("FILE", *file, "JSON: dialogues with sessions and questions, vectors, weights, limit")
      .run([file, &context] {
        auto text = read_file(*file, kMostBytes);
        if (!text) return context.failed(text.error());
        const Json asked = read_own(*text);
        if (!asked.is_object())
          return context.failed(Error(ErrorCode::kInvalidRequest, "The file holds no JSON object."));
        context.print(dump(answered(asked)) + "\n");
        return kDone;
      });
}

}  // namespace steward::cli
