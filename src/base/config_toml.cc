#include "base/config_toml.h"

#include <toml++/toml.h>

#include "base/text.h"

namespace steward {
namespace {

Json scalar(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* integer = node.as_integer()) return integer->get();
  if (const auto* number = node.as_floating_point()) return number->get();
  if (const auto* truth = node.as_boolean()) return truth->get();
  return nullptr;  // dates have no place here
}

void walk(const toml::node& node, std::vector<std::string>& path, std::vector<TomlEntry>& out) {
  const uint32_t line = node.source().begin.line;
  if (const auto* table = node.as_table()) {
    if (table->empty() || path.size() >= kMaxConfigDepth) out.push_back({path, nullptr, line});
    if (path.size() >= kMaxConfigDepth) return;
    for (const auto& [key, child] : *table) {
      path.emplace_back(key.str());
      walk(child, path, out);
      path.pop_back();
    }
    return;
  }
  if (const auto* array = node.as_array()) {
    Json values = Json::array();
    for (const auto& child : *array) values.push_back(scalar(child));
    out.push_back({path, std::move(values), line});
    return;
  }
  out.push_back({path, scalar(node), line});
}

// What toml++ 3.3 does not survive and TOML forbids anyway: a table header without a name ("[!") and letters beyond
// ASCII outside of texts and comments. Found here, before the library reads it. Follows texts as TOML does: basic and
// literal, of one line and of several.
class Screen {
 public:
  explicit Screen(std::string_view text) : text_(text) {}

  // The line of the first fault, or 0.
  size_t fault() {
    bool at_start = true;  // of a line, white space aside
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\n')
        ++line_, at_start = true, ++at_;
      else if (c == ' ' || c == '\t' || c == '\r')
        ++at_;
      else if (c == '#')
        skip_comment();
      else if (c == '"' || c == '\'')
        skip_text(c), at_start = false;
      else if (static_cast<unsigned char>(c) >= 0x80)
        return line_;
      else if (at_start && c == '[' && !header_has_name())
        return line_;
      else
        ++at_, at_start = false;
    }
    return 0;
  }

 private:
  void skip_comment() {
    while (at_ < text_.size() && text_[at_] != '\n') ++at_;
  }
  void skip_text(char quote) {
    const bool several = text_.substr(at_, 3) == std::string(3, quote);
    at_ += several ? 3 : 1;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '\n') {
        if (!several) return;
        ++line_;
      }
      if (c == '\\' && quote == '"')
        ++at_;
      else if (c == quote && (!several || text_.substr(at_, 3) == std::string(3, quote)))
        break;
    }
    at_ = std::min(text_.size(), at_ + (several ? 3 : 1));
  }
  bool header_has_name() const {
    std::string_view rest = text_.substr(at_ + 1);
    if (rest.starts_with('[')) rest.remove_prefix(1);
    rest.remove_prefix(std::min(rest.size(), rest.find_first_not_of(" \t")));
    if (rest.empty()) return false;
    const char c = rest[0];
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '"' || c == '\'';
  }

  std::string_view text_;
  size_t at_ = 0, line_ = 1;
};

}  // namespace

Result<std::vector<TomlEntry>> parse_toml(std::string_view text, std::string_view name) {
  if (text.size() > kMaxConfigBytes)
    return fail(ErrorCode::kConfig, fmt::format("{} is larger than {} bytes.", name, kMaxConfigBytes));
  if (!is_valid_utf8(text)) return fail(ErrorCode::kConfig, fmt::format("{} is not valid UTF-8.", name));
  if (const size_t line = Screen(text).fault(); line != 0) {
    return fail(ErrorCode::kConfig,
                fmt::format("{}:{}: not valid TOML: a table header needs a name, and letters beyond ASCII need quotes.",
                            name, line));
  }
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    const auto& error = parsed.error();
    return fail(ErrorCode::kConfig, fmt::format("{}:{}: not valid TOML: {}.", name, error.source().begin.line,
                                                std::string_view(error.description())));
  }
  std::vector<TomlEntry> out;
  std::vector<std::string> path;
  walk(parsed.table(), path, out);
  return out;
}

}  // namespace steward
