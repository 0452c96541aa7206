#include "net/target.h"

#include "base/text.h"

namespace steward::net {
namespace {

std::unexpected<Error> bad(std::string_view why) {
  return fail(ErrorCode::kInvalidRequest, fmt::format("The address is not valid: {}.", why));
}

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<std::string> decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      int high = i + 2 < text.size() ? hex(text[i + 1]) : -1;
      int low = i + 2 < text.size() ? hex(text[i + 2]) : -1;
      if (high < 0 || low < 0) return bad("'%' is not followed by two hex digits");
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (plus_is_space && c == '+') {
      c = ' ';
    }
    out.push_back(c);
  }
  if (out.find('\0') != std::string::npos) return bad("it has a NUL");
  if (!is_valid_utf8(out)) return bad("it is not UTF-8");
  return out;
}

Status decode_query(std::string_view text, std::map<std::string, std::string>& out) {
  if (text.empty()) return {};
  for (std::string_view pair : split(text, '&')) {
    if (pair.empty()) continue;
    size_t equals = pair.find('=');
    auto name = decode(pair.substr(0, equals), true);
    auto value = decode(equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1), true);
    if (!name) return fail(name.error());
    if (!value) return fail(value.error());
    out.emplace(std::move(*name), std::move(*value));
  }
  return {};
}

Status check_segment(std::string_view segment) {
  for (std::string_view part : split(segment, '/')) {  // an encoded slash must not smuggle a dot segment in
    if (part == "." || part == "..") return bad("it has a dot segment");
  }
  for (char c : segment) {
    if (c == '\\' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      return bad("it has a control character or a backslash");
  }
  return {};
}

Status decode_path(std::string_view text, Target& out) {
  for (std::string_view raw : split(text.substr(1), '/')) {
    auto segment = decode(raw, false);
    if (!segment) return fail(segment.error());
    if (auto status = check_segment(*segment); !status) return status;
    out.path.append("/").append(*segment);
    out.segments.push_back(std::move(*segment));
  }
  return {};
}

// "http://host:port/path" to "/path": the form that proxies are sent, which a server must take too (RFC 9112, 3.2.2).
std::string_view without_authority(std::string_view target) {
  for (std::string_view scheme : {"http://", "https://"}) {
    if (target.size() < scheme.size() || !equal_ignoring_ascii_case(target.substr(0, scheme.size()), scheme)) continue;
    std::string_view rest = target.substr(scheme.size());
    size_t end = rest.find_first_of("/?");
    if (rest.empty() || end == 0) return target;  // no host
    return end == std::string_view::npos ? std::string_view("/") : rest.substr(end);
  }
  return target;
}

}  // namespace

Result<Target> parse_target(std::string_view target) {
  Target out;
  if (target == "*") {
    out.path = "*";
    return out;
  }
  if (target.find('#') != std::string_view::npos) return bad("it has a '#'");
  if (!is_valid_utf8(target)) return bad("it is not UTF-8");
  target = without_authority(target);
  size_t question = target.find('?');
  std::string_view path = target.substr(0, question);
  if (question == 0) path = "/";
  if (!path.starts_with('/')) return bad("it must begin with '/'");
  if (auto status = decode_path(path, out); !status) return fail(status.error());
  if (question != std::string_view::npos) {
    if (auto status = decode_query(target.substr(question + 1), out.query); !status) return fail(status.error());
  }
  return out;
}

}  // namespace steward::net
