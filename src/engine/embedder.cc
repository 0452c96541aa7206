#include "engine/embedder.h"

#include <cmath>
#include <cstring>

#include "base/crypto.h"
#include "base/text.h"

namespace steward::engine {
namespace {

// Of one request to the process: others get their turn in between. Bounded in tokens too, since 32 whole windows would
// keep a short query waiting for ten seconds on two cores.
constexpr size_t kPassesAtOnce = 32;
constexpr size_t kTokensAtOnce = 2048;

// About the tokens of a pass; those of a text, which is shorter than a window, are guessed from its bytes.
size_t about_tokens(const Json& content) {
  return content.is_string() ? content.get_ref<const std::string&>().size() / 2 : content.size();
}

std::string_view prefix_of(InputType type) { return type == InputType::kQuery ? "query: " : "passage: "; }

bool is_e5(const std::string& name, const std::string& title) {
  return to_lower_ascii(name).find("e5-") != std::string::npos ||
         to_lower_ascii(title).find("e5-") != std::string::npos;
}

Result<std::vector<float>> vector_of(const Json& item) {
  const auto found = item.find("embedding");
  if (found == item.end()) return fail(ErrorCode::kEngineFailed, "The embedder's answer has no vector.");
  if (found->is_array()) return found->get<std::vector<float>>();
  auto bytes = from_base64(found->get<std::string>());
  if (!bytes || bytes->size() % sizeof(float) != 0)
    return fail(ErrorCode::kEngineFailed, "The embedder's vector can't be read.");
  std::vector<float> out(bytes->size() / sizeof(float));
  std::memcpy(out.data(), bytes->data(), bytes->size());
  return out;
}

}  // namespace

void normalise(std::vector<float>& vector) {
  double sum = 0;
  for (const float value : vector) sum += static_cast<double>(value) * value;
  if (sum <= 0) return;
  const auto scale = static_cast<float>(1.0 / std::sqrt(sum));
  for (float& value : vector) value *= scale;
}

std::vector<std::vector<int64_t>> cut_windows(const std::vector<int64_t>& tokens, size_t prefix, int64_t window) {
  if (static_cast<int64_t>(tokens.size()) <= window) return {tokens};
  const size_t head = 1 + prefix;
  const size_t part = static_cast<size_t>(window) - head - 1;
  std::vector<std::vector<int64_t>> out;
  for (size_t at = head; at + 1 < tokens.size(); at += part) {
    std::vector<int64_t> one(tokens.begin(), tokens.begin() + static_cast<int64_t>(head));
    const size_t end = std::min(at + part, tokens.size() - 1);
    one.insert(one.end(), tokens.begin() + static_cast<int64_t>(at), tokens.begin() + static_cast<int64_t>(end));
    one.push_back(tokens.back());
    out.push_back(std::move(one));
  }
  return out;
}

Result<std::vector<std::string>> Embedder::prepare(const std::string& model, const std::vector<std::string>& inputs,
                                                   InputType type) const {
  if (inputs.empty() || inputs.size() > kMaxInputs) {
    return fail(ErrorCode::kInvalidRequest,
                fmt::format("'input' must hold 1 to {} texts, not {}.", kMaxInputs, inputs.size()),
                {{"param", "input"}});
  }
  const bool e5 = is_e5(model, supervisor_.title(model));
  std::vector<std::string> out;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const auto bad = [&](ErrorCode code, std::string_view what) {
      return fail(code, fmt::format("Input {} {}.", i, what), {{"param", "input"}});
    };
    if (inputs[i].empty()) return bad(ErrorCode::kInvalidRequest, "is empty");
    if (inputs[i].size() > kMaxInputBytes)
      return bad(ErrorCode::kContextTooLong, fmt::format("is longer than {} bytes", kMaxInputBytes));
    if (inputs[i].find('\0') != std::string::npos) return bad(ErrorCode::kInvalidRequest, "holds a NUL character");
    auto normal = nfkc(inputs[i]);
    if (!normal) return bad(ErrorCode::kInvalidUtf8, "is not valid UTF-8");
    std::string text = collapse_whitespace(*normal);
    if (text.size() > 4 * kMaxInputBytes) return bad(ErrorCode::kContextTooLong, "is too long once normalised");
    out.push_back(e5 ? std::string(prefix_of(type)) + text : text);
  }
  return out;
}

Task<Result<std::vector<int64_t>>> Embedder::tokens(std::shared_ptr<Lease> lease, std::string text, Deadline deadline,
                                                    CancelToken cancel) {
  auto answer = co_await ask(clients_, std::move(lease), "/tokenize",
                             {{"content", std::move(text)}, {"add_special", true}}, deadline, std::move(cancel));
  if (!answer) co_return fail(answer.error());
  if (!answer->contains("tokens") || !(*answer)["tokens"].is_array())
    co_return fail(ErrorCode::kEngineFailed, "The embedder did not count the text.");
  co_return (*answer)["tokens"].get<std::vector<int64_t>>();
}

Task<Result<std::vector<Embedder::Pass>>> Embedder::passes(std::shared_ptr<Lease> lease, std::vector<std::string> texts,
                                                           Deadline deadline, CancelToken cancel) {
  const int64_t window = lease->model().context_tokens;
  std::vector<Pass> out;
  std::optional<size_t> prefix;  // its tokens; asked once, if a text is long at all
  for (size_t i = 0; i < texts.size(); ++i) {
    if (static_cast<int64_t>(texts[i].size()) + 2 <= window) {
      out.push_back({i, std::move(texts[i]), 1});
      continue;
    }
    auto all = co_await tokens(lease, texts[i], deadline, cancel);
    if (!all) co_return fail(all.error());
    if (static_cast<int64_t>(all->size()) > kMaxInputTokens) {
      co_return fail(ErrorCode::kContextTooLong,
                     fmt::format("Input {} has {} tokens; at most {} are embedded.", i, all->size(), kMaxInputTokens),
                     {{"param", "input"}});
    }
    if (!prefix) {
      const bool has =
          texts[i].starts_with(prefix_of(InputType::kQuery)) || texts[i].starts_with(prefix_of(InputType::kPassage));
      auto of_prefix = has ? co_await tokens(lease, texts[i].substr(0, texts[i].find(':') + 1), deadline, cancel)
                           : Result<std::vector<int64_t>>(std::vector<int64_t>(2));
      if (!of_prefix) co_return fail(of_prefix.error());
      prefix = of_prefix->size() - std::min<size_t>(2, of_prefix->size());
    }
    for (auto& one : cut_windows(*all, *prefix, window)) {
      const auto weight = static_cast<int64_t>(one.size());
      out.push_back({i, std::move(one), weight});
    }
  }
  co_return out;
}

Task<Status> Embedder::run(std::shared_ptr<Lease> lease, std::vector<Pass> passes, Embeddings& out, Deadline deadline,
                           CancelToken cancel) {
  for (size_t from = 0, to = 0; from < passes.size(); from = to) {
    Json input = Json::array();
    for (size_t tokens = 0; to < passes.size() && input.size() < kPassesAtOnce && tokens < kTokensAtOnce; ++to) {
      tokens += about_tokens(passes[to].content);
      input.push_back(std::move(passes[to].content));
    }
    auto answer = co_await ask(clients_, lease, "/v1/embeddings",
                               {{"input", std::move(input)}, {"encoding_format", "base64"}}, deadline, cancel);
    if (!answer) co_return fail(answer.error());
    const Json& data = (*answer)["data"];
    if (!data.is_array() || data.size() != to - from)
      co_return fail(ErrorCode::kEngineFailed, "The embedder answered with another number of vectors.");
    out.tokens += answer->value("/usage/prompt_tokens"_json_pointer, int64_t{0});
    for (const auto& item : data) {
      const size_t index = from + item.value("index", size_t{0});
      auto vector = vector_of(item);
      if (!vector) co_return fail(vector.error());
      if (index >= to) co_return fail(ErrorCode::kEngineFailed, "The embedder numbered its vectors wrongly.");
      auto& sum = out.vectors[passes[index].input];
      sum.resize(vector->size());
      for (size_t k = 0; k < sum.size(); ++k) sum[k] += (*vector)[k] * static_cast<float>(passes[index].weight);
    }
  }
  co_return Status{};
}

Task<Result<Embeddings>> Embedder::embed_once(std::shared_ptr<Lease> lease, std::vector<std::string> texts,
                                              Deadline deadline, CancelToken cancel) {
  Embeddings out;
  out.vectors.resize(texts.size());
  auto all = co_await passes(lease, std::move(texts), deadline, cancel);
  if (!all) co_return fail(all.error());
  if (auto done = co_await run(lease, std::move(*all), out, deadline, cancel); !done) co_return fail(done.error());
  for (auto& vector : out.vectors) normalise(vector);
  co_return out;
}

Task<Result<Embeddings>> Embedder::embed(std::string model, std::vector<std::string> inputs, InputType type,
                                         Deadline deadline, CancelToken cancel) {
  auto texts = prepare(model, inputs, type);
  if (!texts) co_return fail(texts.error());
  for (int tries = 0;; ++tries) {
    auto lease = co_await supervisor_.acquire(model, deadline, cancel);
    if (!lease) co_return fail(lease.error());
    if ((*lease)->model().kind != ModelKind::kEmbedding)
      co_return fail(ErrorCode::kInvalidRequest, fmt::format("The model '{}' makes no embeddings.", model),
                     {{"param", "model"}});
    auto done = co_await embed_once(*lease, *texts, deadline, cancel);
    if (done || done.error().code != ErrorCode::kEngineFailed) co_return done;
    supervisor_.report_failure(**lease);
    if (tries > 0) co_return done;  // nothing was told to anybody yet, so once again was safe
  }
}

Task<Result<int64_t>> Embedder::count(std::string model, std::vector<std::string> inputs, InputType type,
                                      Deadline deadline) {
  auto texts = prepare(model, inputs, type);
  if (!texts) co_return fail(texts.error());
  auto lease = co_await supervisor_.acquire(model, deadline, {});
  if (!lease) co_return fail(lease.error());
  int64_t sum = 0;
  for (const auto& text : *texts) {
    auto all = co_await tokens(*lease, text, deadline, {});
    if (!all) co_return fail(all.error());
    sum += static_cast<int64_t>(all->size());
  }
  co_return sum;
}

}  // namespace steward::engine
