#include "net/multipart.h"

#include <fmt/format.h>

#include "base/text.h"

namespace steward::net {
namespace {

std::unexpected<Error> bad(std::string why) {
  return fail(ErrorCode::kInvalidRequest, "The form can't be read: " + std::move(why), {{"param", "file"}});
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

// The value of `name` among the parameters of a header field: name="value" or name=value.
std::string parameter(std::string_view field, std::string_view name) {
  for (size_t at = field.find(';'); at != std::string_view::npos;) {
    std::string_view rest = trim(field.substr(at + 1));
    const size_t equals = rest.find('=');
    if (equals == std::string_view::npos) return "";
    const bool wanted = lower(trim(rest.substr(0, equals))) == name;
    rest = rest.substr(equals + 1);
    std::string value;
    size_t used = 0;
    if (rest.starts_with('"')) {
      for (used = 1; used < rest.size() && rest[used] != '"'; ++used) {
        if (rest[used] == '\\' && used + 1 < rest.size() && (rest[used + 1] == '"' || rest[used + 1] == '\\')) ++used;
        value += rest[used];
      }
    } else {
      used = std::min(rest.find(';'), rest.size());
      value = std::string(trim(rest.substr(0, used)));
    }
    if (wanted) return value;
    const size_t next = rest.find(';', used);
    at = next == std::string_view::npos ? next : static_cast<size_t>(rest.data() - field.data()) + next;
  }
  return "";
}

Result<FormPart> read_part(std::string_view part) {
  const size_t end = part.find("\r\n\r\n");
  if (end == std::string_view::npos || end > kMaxPartHead) return bad("a part has no end of its header fields.");
  FormPart out{.name = {}, .filename = {}, .content = part.substr(end + 4)};
  std::string_view head = part.substr(0, end);
  while (!head.empty()) {
    const size_t line_end = std::min(head.find("\r\n"), head.size());
    const std::string_view line = head.substr(0, line_end);
    head.remove_prefix(std::min(line_end + 2, head.size()));
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos || lower(trim(line.substr(0, colon))) != "content-disposition") continue;
    out.name = parameter(line, "name");
    out.filename = parameter(line, "filename");
  }
  if (out.name.empty()) return bad("a part has no name.");
  if (!is_valid_utf8(out.name) || !is_valid_utf8(out.filename)) return bad("a name in it is not UTF-8.");
  return out;
}

}  // namespace

Result<std::vector<FormPart>> read_form(std::string_view content_type, std::string_view body) {
  if (!lower(content_type).starts_with("multipart/form-data")) {
    return bad("send it as multipart/form-data, with the fields 'purpose' and 'file'.");
  }
  const std::string boundary = parameter(content_type, "boundary");
  if (boundary.empty() || boundary.size() > 70) return bad("its content-type has no good boundary.");
  const std::string first = "--" + boundary, between = "\r\n--" + boundary;
  size_t at = body.starts_with(first) ? first.size() : body.find(between);
  if (at == std::string_view::npos) return bad("its boundary does not occur in it.");
  if (!body.starts_with(first)) at += between.size();
  std::vector<FormPart> parts;
  for (;;) {
    if (body.substr(at).starts_with("--")) return parts;
    const size_t line_end = body.find("\r\n", at);
    const size_t next = line_end == std::string_view::npos ? line_end : body.find(between, line_end);
    if (next == std::string_view::npos) return bad("its last part is cut off.");
    if (parts.size() >= kMaxParts) return bad(fmt::format("it has more than {} parts.", kMaxParts));
    const size_t begin = line_end + 2;
    auto part = read_part(body.substr(begin, next > begin ? next - begin : 0));
    if (!part) return fail(std::move(part.error()));
    parts.push_back(std::move(*part));
    at = next + between.size();
  }
}

}  // namespace steward::net
