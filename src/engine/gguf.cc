#include "engine/gguf.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <limits>

#include "base/text.h"
#include "engine/gguf_types.h"

namespace steward::engine {
namespace {

constexpr uint32_t kMagic = 0x46554747;              // "GGUF", little-endian
constexpr uint64_t kMaxPairs = 100'000;              // real files have under a hundred
constexpr uint64_t kMaxTensors = 1'000'000;          // the largest public models have tens of thousands
constexpr uint64_t kMaxNameBytes = 64 * 1024;        // a key's or tensor's name
constexpr uint64_t kMaxTextBytes = 4 * 1024 * 1024;  // a text that is kept: the chat template
constexpr uint64_t kMaxArrayDepth = 4;
constexpr uint32_t kMaxDimensions = 8;
constexpr uint64_t kDefaultAlignment = 32;

struct Damaged {
  std::string why;
};

enum class ValueType : uint32_t { kU8, kI8, kU16, kI16, kU32, kI32, kF32, kBool, kString, kArray, kU64, kI64, kF64 };

size_t scalar_bytes(ValueType type) {
  constexpr std::array<size_t, 13> kBytes{1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  const auto index = static_cast<size_t>(type);
  return index < kBytes.size() ? kBytes[index] : 0;
}

// A cursor that never passes the end. Throws Damaged, caught in parse_gguf: a header has hundreds of reads that all
// fail alike.
class Cursor {
 public:
  explicit Cursor(GgufSource& source) : source_(source) {}

  uint64_t position() const { return position_; }
  uint64_t left() const { return source_.size() - position_; }

  template <class T>
  T take() {
    T value;
    copy(reinterpret_cast<char*>(&value), sizeof value);
    return value;
  }

  std::string text(uint64_t longest) {
    const auto length = take<uint64_t>();
    need(length);
    if (length > longest) throw Damaged{"a text in its header is longer than any model's"};
    std::string out(length, '\0');
    copy(out.data(), length);
    return out;
  }

  void skip(uint64_t count) {
    need(count);
    position_ += count;
  }

  void skip_text() { skip(take<uint64_t>()); }

 private:
  void need(uint64_t count) const {
    if (count > left()) throw Damaged{"its header is cut short"};
  }

  void copy(char* out, size_t count) {
    need(count);
    while (count > 0) {
      if (position_ < window_start_ || position_ >= window_start_ + window_bytes_) fill();
      const size_t at = position_ - window_start_;
      const size_t now = std::min(count, window_bytes_ - at);
      std::memcpy(out, window_.data() + at, now);
      out += now;
      count -= now;
      position_ += now;
    }
  }

  void fill() {
    window_start_ = position_;
    window_bytes_ = std::min<uint64_t>(window_.size(), left());
    if (window_bytes_ == 0 || !source_.read(window_start_, window_.data(), window_bytes_))
      throw Damaged{"it can't be read"};
  }

  GgufSource& source_;
  uint64_t position_ = 0;
  std::array<char, 64 * 1024> window_;
  uint64_t window_start_ = 0;
  size_t window_bytes_ = 0;
};

int64_t clamp_signed(uint64_t value) {
  return static_cast<int64_t>(std::min<uint64_t>(value, std::numeric_limits<int64_t>::max()));
}

int64_t take_integer(Cursor& cursor, ValueType type) {
  switch (type) {
    case ValueType::kU8:
    case ValueType::kBool: return cursor.take<uint8_t>();
    case ValueType::kI8: return cursor.take<int8_t>();
    case ValueType::kU16: return cursor.take<uint16_t>();
    case ValueType::kI16: return cursor.take<int16_t>();
    case ValueType::kU32: return cursor.take<uint32_t>();
    case ValueType::kI32: return cursor.take<int32_t>();
    case ValueType::kU64: return clamp_signed(cursor.take<uint64_t>());
    case ValueType::kI64: return cursor.take<int64_t>();
    default: cursor.skip(scalar_bytes(type)); return 0;
  }
}

void skip_value(Cursor& cursor, ValueType type, uint64_t depth = 0);

void skip_array(Cursor& cursor, uint64_t depth) {
  if (depth >= kMaxArrayDepth) throw Damaged{"arrays in its header are nested too deep"};
  const auto type = static_cast<ValueType>(cursor.take<uint32_t>());
  const auto count = cursor.take<uint64_t>();
  if (count > cursor.left()) throw Damaged{"its header is cut short"};  // every element takes at least a byte
  if (const size_t bytes = scalar_bytes(type)) return cursor.skip(count * bytes);
  for (uint64_t i = 0; i < count; ++i) skip_value(cursor, type, depth + 1);
}

void skip_value(Cursor& cursor, ValueType type, uint64_t depth) {
  if (type == ValueType::kString) return cursor.skip_text();
  if (type == ValueType::kArray) return skip_array(cursor, depth);
  const size_t bytes = scalar_bytes(type);
  if (bytes == 0) throw Damaged{"its header holds a value of an unknown type"};
  cursor.skip(bytes);
}

// A number, or the largest of an array of numbers (some models give one per layer).
int64_t take_number(Cursor& cursor, ValueType type) {
  if (type != ValueType::kArray) {
    if (scalar_bytes(type) == 0) throw Damaged{"a number in its header is no number"};
    return take_integer(cursor, type);
  }
  const auto element = static_cast<ValueType>(cursor.take<uint32_t>());
  const auto count = cursor.take<uint64_t>();
  if (scalar_bytes(element) == 0 || count > cursor.left()) throw Damaged{"a number in its header is no number"};
  int64_t most = 0;
  for (uint64_t i = 0; i < count; ++i) most = std::max(most, take_integer(cursor, element));
  return most;
}

struct Reader {
  Cursor& cursor;
  GgufInfo info;
  std::string type;  // general.type
  int64_t file_type = -1;
  int64_t alignment = kDefaultAlignment;
  std::map<std::string, int64_t, std::less<>> numbers;  // of the architecture, by key

  void pair();
  bool general(const std::string& key, ValueType value_type);
  void tensors(uint64_t count);
  void settle();
  int64_t number(std::string_view name) const;
};

bool wanted_number(std::string_view key) {
  for (std::string_view end :
       {".context_length", ".embedding_length", ".block_count", ".attention.head_count", ".attention.head_count_kv",
        ".attention.key_length", ".attention.value_length", ".expert_count", ".feed_forward_length", ".pooling_type",
        ".attention.causal", ".vocab_size"})
    if (key.ends_with(end)) return true;
  return key == "split.count" || key == "split.no";
}

bool Reader::general(const std::string& key, ValueType value_type) {
  const std::map<std::string_view, std::string*> texts{{"general.architecture", &info.architecture},
                                                       {"general.name", &info.name},
                                                       {"general.license", &info.license},
                                                       {"general.type", &type},
                                                       {"tokenizer.chat_template", &info.chat_template}};
  if (const auto found = texts.find(key); found != texts.end()) {
    if (value_type != ValueType::kString) throw Damaged{key + " is no text"};
    *found->second = cursor.text(kMaxTextBytes);
    return true;
  }
  if (key == "general.file_type")
    file_type = take_number(cursor, value_type);
  else if (key == "general.alignment")
    alignment = take_number(cursor, value_type);
  else if (wanted_number(key))
    numbers[key] = take_number(cursor, value_type);
  else
    return false;
  return true;
}

void Reader::pair() {
  const std::string key = cursor.text(kMaxNameBytes);
  const auto value_type = static_cast<ValueType>(cursor.take<uint32_t>());
  if (general(key, value_type)) return;
  if (key == "tokenizer.ggml.tokens" && value_type == ValueType::kArray) {
    const auto element = static_cast<ValueType>(cursor.take<uint32_t>());
    const auto count = cursor.take<uint64_t>();
    if (element != ValueType::kString || count > cursor.left()) throw Damaged{"its vocabulary is damaged"};
    info.vocabulary = clamp_signed(count);
    for (uint64_t i = 0; i < count; ++i) cursor.skip_text();
    return;
  }
  skip_value(cursor, value_type);
}

struct TensorSize {
  uint32_t type;
  uint64_t values, bytes;
};

// Values of one tensor and the bytes they take; checked for overflow, since both are products of numbers in the file.
TensorSize tensor_size(Cursor& cursor) {
  const auto dimensions = cursor.take<uint32_t>();
  if (dimensions > kMaxDimensions) throw Damaged{"a tensor has more dimensions than any model's"};
  uint64_t values = 1;
  for (uint32_t i = 0; i < dimensions; ++i)
    if (__builtin_mul_overflow(values, cursor.take<uint64_t>(), &values))
      throw Damaged{"a tensor is larger than any memory"};
  const auto type = find_tensor_type(cursor.take<uint32_t>());
  if (!type) throw Damaged{"it uses a tensor type that this engine does not know"};
  uint64_t bytes = 0;
  if (__builtin_mul_overflow(values / type->block_values + (values % type->block_values != 0),
                             uint64_t{type->block_bytes}, &bytes))
    throw Damaged{"a tensor is larger than any memory"};
  return {type->id, values, bytes};
}

void Reader::tensors(uint64_t count) {
  uint64_t data_bytes = 0;  // how far the tensors reach into the data
  std::map<uint32_t, uint64_t> bytes_by_type;
  for (uint64_t i = 0; i < count; ++i) {
    cursor.skip_text();
    const TensorSize size = tensor_size(cursor);
    uint64_t end = 0;
    if (__builtin_add_overflow(cursor.take<uint64_t>(), size.bytes, &end))
      throw Damaged{"a tensor is larger than any memory"};
    data_bytes = std::max(data_bytes, end);
    bytes_by_type[size.type] += size.bytes;
    info.parameters += size.values;
    info.tensor_bytes += size.bytes;
  }
  const auto padding = static_cast<uint64_t>(alignment);
  const uint64_t data_start = (cursor.position() + padding - 1) / padding * padding;
  if (data_start + data_bytes < data_bytes || data_start + data_bytes > info.file_bytes)
    throw Damaged{
        fmt::format("its weights are cut short: {} are there, {} belong to it (a download that did not finish?)",
                    human_bytes(info.file_bytes), human_bytes(data_start + data_bytes))};
  if (info.quantization.empty() && !bytes_by_type.empty()) {
    const auto most = std::ranges::max_element(bytes_by_type, {}, [](const auto& entry) { return entry.second; });
    info.quantization = find_tensor_type(most->first)->name;
  }
}

int64_t Reader::number(std::string_view name) const {
  const auto found = numbers.find(info.architecture + std::string(name));
  return found == numbers.end() ? 0 : found->second;
}

// Sorts out what the pairs said, once all are read: their keys begin with the architecture, which may come after them.
void Reader::settle() {
  if (info.architecture.empty()) throw Damaged{"it does not say what architecture it is of"};
  info.context_tokens = number(".context_length");
  info.embedding_dimensions = number(".embedding_length");
  info.blocks = number(".block_count");
  info.heads = number(".attention.head_count");
  info.kv_heads = number(".attention.head_count_kv");
  info.experts = number(".expert_count");
  info.feed_forward = number(".feed_forward_length");
  if (info.kv_heads == 0) info.kv_heads = info.heads;
  const int64_t head = info.heads > 0 ? info.embedding_dimensions / info.heads : 0;
  info.key_length = number(".attention.key_length");
  if (info.key_length == 0) info.key_length = head;
  info.value_length = number(".attention.value_length");
  if (info.value_length == 0) info.value_length = head;
  if (info.vocabulary == 0) info.vocabulary = number(".vocab_size");
  if (numbers.contains(info.architecture + ".attention.causal")) info.causal = number(".attention.causal") != 0;
  if (numbers.contains(info.architecture + ".pooling_type")) {
    const int64_t pooling = number(".pooling_type");
    if (pooling >= -1 && pooling <= 4) info.pooling = static_cast<Pooling>(pooling);
  }
  const auto split = [&](std::string_view key) { return numbers.contains(key) ? numbers.find(key)->second : 0; };
  info.split_count = split("split.count");
  info.split_number = split("split.no");
  info.quantization = quantization_name(file_type);
  for (const int64_t value : {info.context_tokens, info.embedding_dimensions, info.blocks, info.heads, info.kv_heads,
                              info.key_length, info.value_length, info.vocabulary, info.feed_forward})
    if (value < 0 || value > std::numeric_limits<int32_t>::max())
      throw Damaged{"a number in its header is out of bounds"};
  if (!type.empty() && type != "model")
    throw Damaged{fmt::format("it is a {} (a part that belongs to a model), not a model",
                              replace_invalid_utf8(type.substr(0, 40)))};
  if (alignment < 1 || alignment > 1 << 20 || (alignment & (alignment - 1)) != 0)
    throw Damaged{"its alignment is out of bounds"};
}

void check_texts(GgufInfo& info) {
  for (std::string* text : {&info.architecture, &info.name, &info.license, &info.chat_template})
    if (!is_valid_utf8(*text)) *text = replace_invalid_utf8(*text);
}

GgufInfo parse(GgufSource& source) {
  Cursor cursor(source);
  if (source.size() < 24 || cursor.take<uint32_t>() != kMagic) throw Damaged{"it does not begin as a GGUF file does"};
  Reader reader{.cursor = cursor, .info = {}, .type = {}, .numbers = {}};
  reader.info.file_bytes = source.size();
  reader.info.version = cursor.take<uint32_t>();
  if ((reader.info.version & 0xFFFF) == 0) throw Damaged{"it is in big-endian order, which this machine does not read"};
  if (reader.info.version < 2 || reader.info.version > 3)
    throw Damaged{fmt::format("it is of GGUF version {}, and this engine reads 2 and 3", reader.info.version)};
  const auto tensors = cursor.take<uint64_t>();
  const auto pairs = cursor.take<uint64_t>();
  if (tensors > kMaxTensors || pairs > kMaxPairs) throw Damaged{"its header names more parts than any model has"};
  for (uint64_t i = 0; i < pairs; ++i) reader.pair();
  reader.settle();
  reader.info.tensors = tensors;
  reader.tensors(tensors);
  check_texts(reader.info);
  return std::move(reader.info);
}

class MemorySource final : public GgufSource {
 public:
  explicit MemorySource(std::string_view bytes) : bytes_(bytes) {}
  uint64_t size() const override { return bytes_.size(); }
  bool read(uint64_t offset, char* out, size_t count) override {
    if (offset > bytes_.size() || count > bytes_.size() - offset) return false;
    std::memcpy(out, bytes_.data() + offset, count);
    return true;
  }

 private:
  std::string_view bytes_;
};

class FileSource final : public GgufSource {
 public:
  FileSource(int descriptor, uint64_t size) : descriptor_(descriptor), size_(size) {}
  ~FileSource() override { ::close(descriptor_); }
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;
  uint64_t size() const override { return size_; }
  bool read(uint64_t offset, char* out, size_t count) override {
    while (count > 0) {
      const ssize_t got = ::pread(descriptor_, out, count, static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return false;
      out += got;
      offset += static_cast<uint64_t>(got);
      count -= static_cast<size_t>(got);
    }
    return true;
  }

 private:
  int descriptor_;
  uint64_t size_;
};

}  // namespace

bool GgufInfo::is_embedding() const {
  if (pooling != Pooling::kUnspecified && pooling != Pooling::kNone && chat_template.empty()) return true;
  return !causal || architecture == "bert" || architecture.ends_with("-bert") || architecture == "gemma-embedding";
}

Result<GgufInfo> parse_gguf(GgufSource& source) {
  try {
    return parse(source);
  } catch (const Damaged& damaged) {
    return fail(ErrorCode::kInvalidRequest, "This is no usable model file: " + damaged.why + ".");
  }
}

Result<GgufInfo> parse_gguf(std::string_view bytes) {
  MemorySource source(bytes);
  return parse_gguf(source);
}

Result<GgufInfo> read_gguf(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0)
    return fail(errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
                fmt::format("{} can't be opened: {}.", path.string(), std::strerror(errno)));
  struct stat status{};
  if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(descriptor);
    return fail(ErrorCode::kInvalidRequest, fmt::format("{} is no file.", path.string()));
  }
  FileSource source(descriptor, static_cast<uint64_t>(status.st_size));
  auto info = parse_gguf(source);
  if (!info) info.error().message = fmt::format("{}: {}", path.string(), info.error().message);
  return info;
}

}  // namespace steward::engine
