#include "library/extract/wire.h"

#include "base/json.h"
#include "base/json_bounded.h"
#include "base/text.h"

namespace steward::library::wire {
namespace {

constexpr size_t kMostHeadBytes = 64 << 10;
constexpr size_t kMostNotes = 20, kMostTypeBytes = 100, kMostNameBytes = 1024;
constexpr int64_t kMostPages = 10'000'000, kMostPixels = 1'000'000, kMostCounted = int64_t{1} << 40;

constexpr std::pair<std::string_view, std::string_view> kFaults[] = {
    {"protected", "The file is protected by a password: save a copy without one and attach that."},
    {"damaged", "The file is damaged: it can't be read as what it says it is."},
    {"bomb", "The file unpacks to far more than it holds, as only a trap does: it was not read."},
    {"memory", "Reading the file takes more memory than is given to one file: attach a smaller part of it."},
    {"timeout", "Reading the file takes too long: attach a smaller part of it, or save it anew."},
    {"crashed", "The file can't be read: its reader failed on it. Save it anew, or as PDF, and try again."},
};

std::optional<Kind> kind_of(const Json& name) {
  for (const Kind kind : {Kind::kText, Kind::kImage, Kind::kPdf, Kind::kOffice, Kind::kOther}) {
    if (name == name_of(kind)) return kind;
  }
  return std::nullopt;
}

bool is_media_type(std::string_view type) {
  constexpr std::string_view kMay = "abcdefghijklmnopqrstuvwxyz0123456789.+-/";
  return !type.empty() && type.size() <= kMostTypeBytes && std::ranges::count(type, '/') == 1 &&
         type.find_first_not_of(kMay) == std::string_view::npos;
}

bool is_clean(std::string_view text) {
  return is_valid_utf8(text) && std::ranges::none_of(text, [](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return byte == 0x7f || (byte < 0x20 && c != '\n' && c != '\t' && c != '\f');
         });
}

// A number in its bounds, or nothing where there is none; false where it is something else.
bool number(const Json& head, const char* name, int64_t most, std::optional<int64_t>& out) {
  const auto at = head.find(name);
  if (at == head.end()) return true;
  if (!at->is_number_integer()) return false;
  out = at->get<int64_t>();
  return *out >= 0 && *out <= most;
}

// Only words that are known: what a person reads of them is made here.
bool take_notes(const Json& head, std::vector<Note>& out) {
  const auto at = head.find("notes");
  if (at == head.end()) return true;
  if (!at->is_array() || at->size() > kMostNotes) return false;
  for (const Json& one : *at) {
    const Json code = one.is_object() ? one.value("code", Json()) : Json();
    if (!code.is_string() || !is_note(code.get_ref<const std::string&>())) return false;
    Note note{.code = code.get<std::string>()};
    if (!number(one, "count", kMostCounted, note.count) || !number(one, "kept", kMostCounted, note.kept)) return false;
    out.push_back(std::move(note));
  }
  return true;
}

Json told_notes(const std::vector<Note>& notes) {
  Json out = Json::array();
  for (const Note& note : notes) {
    Json one = {{"code", note.code}};
    if (note.count) one["count"] = *note.count;
    if (note.kept) one["kept"] = *note.kept;
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace

std::string asked(std::string_view name, std::string_view bytes) {
  std::string out(name.substr(0, kMostNameBytes));
  std::erase(out, '\n');
  out.reserve(out.size() + 1 + bytes.size());
  out += '\n';
  out += bytes;
  return out;
}

Asked read_asked(std::string_view input) {
  const size_t line = input.find('\n');
  if (line == std::string_view::npos) return {{}, input};
  return {input.substr(0, line), input.substr(line + 1)};
}

std::string told(const Extraction& extraction) {
  Json head = {{"kind", name_of(extraction.kind)}, {"type", extraction.type}, {"notes", told_notes(extraction.notes)}};
  if (extraction.pages) head["pages"] = *extraction.pages;
  if (extraction.width) head["width"] = *extraction.width;
  if (extraction.height) head["height"] = *extraction.height;
  return head.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n' + extraction.text;
}

std::string told_fault(std::string_view reason) { return Json{{"fault", reason}}.dump() + '\n'; }

Result<Extraction> read_told(std::string_view output) {
  const size_t line = output.substr(0, kMostHeadBytes).find('\n');
  if (line == std::string_view::npos) return fail(fault("crashed"));
  const Json head = parse_bounded(output.substr(0, line));
  if (!head.is_object()) return fail(fault("crashed"));
  if (const auto reason = head.find("fault"); reason != head.end())
    return fail(fault(reason->is_string() ? reason->get_ref<const std::string&>() : "crashed"));
  Extraction out;
  const auto kind = kind_of(head.value("kind", Json()));
  const Json type = head.value("type", Json());
  const std::string_view text = output.substr(line + 1);
  if (!kind || !type.is_string() || !is_media_type(type.get_ref<const std::string&>()) ||
      !number(head, "pages", kMostPages, out.pages) || !number(head, "width", kMostPixels, out.width) ||
      !number(head, "height", kMostPixels, out.height) || !take_notes(head, out.notes) || !is_clean(text))
    return fail(fault("crashed"));
  out.kind = *kind;
  out.type = type.get<std::string>();
  out.text = text;
  return out;
}

Error fault(std::string_view reason) {
  for (const auto& [name, sentence] : kFaults) {
    if (name == reason) return Error(ErrorCode::kInvalidRequest, std::string(sentence), {{"reason", name}});
  }
  return fault("crashed");
}

}  // namespace steward::library::wire
