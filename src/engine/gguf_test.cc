// The header reader against files made here byte by byte (by the published layout, not by our own code), whole and
// damaged.
#include "engine/gguf.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/file.h"

namespace steward::engine {
namespace {

enum Type : uint32_t { kU32 = 4, kBool = 7, kString = 8, kArray = 9 };

struct Writer {
  std::string bytes;
  template <class T>
  Writer& put(T value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  Writer& text(std::string_view text) {
    put(static_cast<uint64_t>(text.size()));
    bytes += text;
    return *this;
  }
  Writer& number(std::string_view key, uint32_t value) { return text(key).put<uint32_t>(kU32).put(value); }
  Writer& word(std::string_view key, std::string_view value) { return text(key).put<uint32_t>(kString).text(value); }
};

// One tensor of 64 values in Q4_0 (two blocks of 18 bytes), aligned to 32.
std::string model(std::string_view type = "model", uint32_t tensor_type = 2, uint64_t values = 64) {
  Writer w;
  w.bytes = "GGUF";
  w.put<uint32_t>(3).put<uint64_t>(1).put<uint64_t>(12);
  w.number("llama.context_length", 2048).word("general.architecture", "llama").word("general.type", type);
  w.number("llama.embedding_length", 64).number("llama.block_count", 2).number("llama.attention.head_count", 4);
  w.text("llama.attention.head_count_kv")
      .put<uint32_t>(kArray)
      .put<uint32_t>(kU32)
      .put<uint64_t>(2)
      .put<uint32_t>(1)
      .put<uint32_t>(2);
  w.number("general.file_type", 2)
      .word("general.license", "apache-2.0")
      .word("tokenizer.chat_template", "{{ messages }}");
  w.text("tokenizer.ggml.tokens")
      .put<uint32_t>(kArray)
      .put<uint32_t>(kString)
      .put<uint64_t>(3)
      .text("a")
      .text("")
      .text("bc");
  w.text("tokenizer.ggml.add_bos_token").put<uint32_t>(kBool).put<uint8_t>(1);
  w.text("blk.0.w").put<uint32_t>(1).put<uint64_t>(values).put(tensor_type).put<uint64_t>(0);
  w.bytes.resize((w.bytes.size() + 31) / 32 * 32);
  w.bytes.append(36, '\x11');
  return w.bytes;
}

std::string problem(const std::string& bytes) {
  const auto info = parse_gguf(bytes);
  return info ? "" : info.error().message;
}

TEST(Gguf, SaysWhatTheModelIs) {
  const auto info = parse_gguf(model());
  ASSERT_TRUE(info.has_value()) << info.error().message;
  EXPECT_EQ(info->architecture, "llama");
  EXPECT_EQ(info->context_tokens, 2048);
  EXPECT_EQ(info->quantization, "Q4_0");
  EXPECT_EQ(info->license, "apache-2.0");
  EXPECT_EQ(info->chat_template, "{{ messages }}");
  EXPECT_EQ(info->vocabulary, 3);
  EXPECT_EQ(info->parameters, 64u);
  EXPECT_EQ(info->tensor_bytes, 36u);
  EXPECT_EQ(info->kv_heads, 2);     // the most of any layer
  EXPECT_EQ(info->key_length, 16);  // embedding over heads, where the file does not say
  EXPECT_FALSE(info->is_embedding());
}

TEST(Gguf, RefusesAFileThatIsCutAnywhere) {
  const std::string whole = model();
  for (size_t n = 0; n < whole.size(); ++n) {
    const auto info = parse_gguf(std::string_view(whole).substr(0, n));
    ASSERT_FALSE(info.has_value()) << n;
    ASSERT_EQ(info.error().code, ErrorCode::kInvalidRequest);
  }
}

// Whatever a byte is changed to, the answer is an answer: nothing is read or allocated beyond what is there.
TEST(Gguf, SurvivesEveryFlippedByte) {
  const std::string whole = model();
  for (size_t at = 0; at < whole.size(); ++at) {
    for (const char value : {'\0', '\x7f', '\xff'}) {
      std::string damaged = whole;
      damaged[at] = value;
      const auto info = parse_gguf(damaged);
      if (info) ASSERT_LE(info->tensor_bytes, damaged.size()) << at;
    }
  }
}

TEST(Gguf, SaysWhyItRefuses) {
  EXPECT_NE(problem("").find("does not begin"), std::string::npos);
  EXPECT_NE(problem(std::string(4096, 'x')).find("does not begin"), std::string::npos);
  EXPECT_NE(problem(model("adapter")).find("adapter"), std::string::npos);
  EXPECT_NE(problem(model("model", 4242)).find("tensor type"), std::string::npos);
  EXPECT_NE(problem(model("model", 2, 1 << 20)).find("cut short"), std::string::npos);
  EXPECT_NE(problem(model("model", 0, UINT64_MAX)).find("larger than any memory"), std::string::npos);
  std::string old = model();
  old[4] = 1;
  EXPECT_NE(problem(old).find("version 1"), std::string::npos);
  std::string turned = model();
  std::memcpy(turned.data() + 4, "\0\0\0\3", 4);
  EXPECT_NE(problem(turned).find("big-endian"), std::string::npos);
  std::string many = model();
  std::memset(many.data() + 8, 0xff, 8);
  EXPECT_NE(problem(many).find("more parts"), std::string::npos);
}

TEST(Gguf, ReadsTheShippedModels) {
  const auto folder = executable_dir().parent_path() / "share/steward/models";
  const auto embedder = folder / "multilingual-e5-small-q4_0.gguf";
  if (!std::filesystem::exists(embedder)) GTEST_SKIP() << "the models are not laid beside the program (make setup)";
  const auto info = read_gguf(embedder);
  ASSERT_TRUE(info.has_value()) << info.error().message;
  EXPECT_EQ(info->embedding_dimensions, 384);
  EXPECT_EQ(info->context_tokens, 512);
  EXPECT_EQ(info->pooling, Pooling::kMean);
  EXPECT_EQ(info->license, "mit");
  EXPECT_TRUE(info->is_embedding());
  EXPECT_FALSE(read_gguf(folder / "nothing.gguf").has_value());
  EXPECT_FALSE(read_gguf("/dev/null").has_value());
}

}  // namespace
}  // namespace steward::engine
