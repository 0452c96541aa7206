// For tests: the recorded traffic of real providers (tests/recordings, or the folder in STEWARD_RECORDINGS), and what
// every dialect's tests do with it. Header only; one thread.
#pragma once
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/json.h"
#include "base/json_bounded.h"
#include "gateway/dialects/dialect.h"
#include "net/http_server.h"
#include "net/sse.h"

namespace steward::gateway::recordings {

struct Pair {  // of pydantic-ai: one call of one file
  std::string file;
  std::string method, uri;
  Json request;  // null: none, or no JSON
  int status = 0;
  Json response;       // null: it was a stream
  std::string stream;  // the raw text, or empty
};

inline std::filesystem::path folder() {
  if (const char* given = std::getenv("STEWARD_RECORDINGS")) return given;
  auto here = std::filesystem::path(__FILE__).parent_path();  // src/gateway/dialects
  const auto beside = here.parent_path().parent_path().parent_path() / "tests" / "recordings";
  if (std::filesystem::exists(beside)) return beside;
  // __FILE__ may stand relative to the build folder: then from wherever the program was started, upwards.
  for (auto at = std::filesystem::current_path(); at != at.root_path(); at = at.parent_path()) {
    if (std::filesystem::exists(at / "tests" / "recordings")) return at / "tests" / "recordings";
  }
  return beside;
}

inline std::string slurp(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

inline std::vector<std::filesystem::path> files(const std::string& under) {
  std::vector<std::filesystem::path> out;
  for (const auto& one : std::filesystem::recursive_directory_iterator(folder() / under)) {
    if (one.is_regular_file()) out.push_back(one.path());
  }
  std::ranges::sort(out);
  return out;
}

// Every recorded call whose address holds `part`.
inline std::vector<Pair> pairs(const std::string& part) {
  std::vector<Pair> out;
  for (const auto& path : files("pydantic-ai")) {
    if (path.extension() != ".json") continue;
    const Json all = parse_bounded(slurp(path));
    if (!all.is_array()) continue;
    for (const auto& one : all) {
      const std::string uri = one["request"]["uri"];
      if (uri.find(part) == std::string::npos) continue;
      Pair pair{.file = path.filename().string(), .method = one["request"]["method"], .uri = uri};
      pair.request = one["request"].value("body", Json());
      if (!pair.request.is_object()) pair.request = nullptr;
      pair.status = one["response"]["status"];
      const Json body = one["response"].value("body", Json());
      if (body.is_string())
        pair.stream = body;
      else
        pair.response = body;
      out.push_back(std::move(pair));
    }
  }
  return out;
}

// A file of one event's data a line as the bytes of a stream.
inline std::string as_stream(const std::string& lines) {
  std::string out;
  std::istringstream in(lines);
  for (std::string line; std::getline(in, line);) {
    if (!line.empty()) out += "data: " + line + "\n\n";
  }
  return out;
}

// All deltas of a stream given in these pieces; the error's sentence where it has one.
inline std::expected<Deltas, std::string> read_pieces(AnswerReader& reader,
                                                      const std::vector<std::string_view>& pieces) {
  net::SseReader sse;
  Deltas all;
  const auto take = [&](Result<Deltas> deltas) {
    if (!deltas) return std::string(deltas.error().message);
    for (auto& delta : *deltas) all.push_back(std::move(delta));
    return std::string();
  };
  for (const std::string_view piece : pieces) {
    auto events = sse.feed(piece);
    if (!events) return std::unexpected(events.error().message);
    for (const auto& event : *events) {
      if (event.data == "[DONE]") continue;
      Json data = parse_bounded(event.data);
      if (data.is_null()) continue;
      if (auto why = take(reader.event(event.event, std::move(data))); !why.empty()) return std::unexpected(why);
    }
  }
  if (auto why = take(reader.end()); !why.empty()) return std::unexpected(why);
  return all;
}

// Cut in two at every byte, a stream gives the same events: what the bytes before the cut left in the reader is fed
// what follows until an event is complete again (from there on both readers have nothing in hand and can't differ).
inline void expect_same_events_at_every_cut(const std::string& bytes, const std::string& what) {
  std::vector<net::SseEvent> whole;
  std::vector<size_t> ends;  // where each event was complete
  net::SseReader reader;
  for (size_t i = 0; i < bytes.size(); ++i) {
    auto events = reader.feed(std::string_view(bytes).substr(i, 1));
    ASSERT_TRUE(events) << what;
    for (auto& event : *events) {
      whole.push_back(std::move(event));
      ends.push_back(i + 1);
    }
  }
  auto at_once = net::SseReader().feed(bytes);
  ASSERT_TRUE(at_once) << what;
  ASSERT_EQ(at_once->size(), whole.size()) << what;
  net::SseReader before;
  size_t next = 0;
  for (size_t cut = 0; cut < bytes.size(); ++cut) {
    while (next < ends.size() && ends[next] <= cut) ++next;
    const size_t until = next + 1 < ends.size() ? ends[next + 1] : bytes.size();
    net::SseReader rest = before;
    auto events = rest.feed(std::string_view(bytes).substr(cut, until - cut));
    ASSERT_TRUE(events) << what;
    for (size_t i = 0; i < events->size(); ++i) {
      ASSERT_EQ((*events)[i].data, (*at_once)[next + i].data) << what << " cut at " << cut;
      ASSERT_EQ((*events)[i].event, (*at_once)[next + i].event) << what << " cut at " << cut;
    }
    ASSERT_EQ(next + events->size(), std::min(next + 2, whole.size())) << what << " cut at " << cut;
    ASSERT_TRUE(before.feed(std::string_view(bytes).substr(cut, 1))) << what;
  }
}

// The deltas as text, for comparing.
inline std::string shape_of(const Deltas& deltas) {
  std::string out;
  for (const auto& delta : deltas) {
    out += std::to_string(delta.index()) + ":";
    if (const auto* append = std::get_if<Append>(&delta))
      out += fmt::format("{} {} {}", append->choice, append->part, append->text);
    if (const auto* open = std::get_if<Open>(&delta))
      out += fmt::format("{} {} {}", open->choice, open->part, open->value.body.index());
    if (const auto* close = std::get_if<Close>(&delta))
      out += fmt::format("{} {} {} {}", close->choice, close->part, close->signature.value, dump(close->raw));
    if (const auto* finish = std::get_if<Finish>(&delta)) out += finish->raw;
    if (const auto* usage = std::get_if<UsageTold>(&delta)) out += dump(usage->raw);
    if (const auto* begin = std::get_if<Begin>(&delta)) out += begin->id + dump(begin->extra);
    out += "\n";
  }
  return out;
}

// The order that answer.h promises.
inline void expect_order(const Deltas& deltas, const std::string& what) {
  std::map<int64_t, std::map<size_t, bool>> open;
  std::map<int64_t, bool> finished;
  bool begun = false;
  const auto is_open = [&](int64_t choice, size_t part) { return open[choice].contains(part) && open[choice][part]; };
  for (const auto& delta : deltas) {
    if (std::holds_alternative<Begin>(delta)) {
      EXPECT_FALSE(begun) << what;
      begun = true;
      continue;
    }
    EXPECT_TRUE(begun) << what;
    if (const auto* one = std::get_if<Open>(&delta)) {
      EXPECT_EQ(one->part, open[one->choice].size()) << what;
      EXPECT_FALSE(finished[one->choice]) << what;
      open[one->choice][one->part] = true;
    }
    if (const auto* one = std::get_if<Append>(&delta))
      EXPECT_TRUE(is_open(one->choice, one->part)) << what << one->text;
    if (const auto* one = std::get_if<Summarise>(&delta)) EXPECT_TRUE(is_open(one->choice, one->part)) << what;
    if (const auto* one = std::get_if<Cite>(&delta)) EXPECT_TRUE(is_open(one->choice, one->part)) << what;
    if (const auto* one = std::get_if<Close>(&delta)) {
      EXPECT_TRUE(is_open(one->choice, one->part)) << what;
      open[one->choice][one->part] = false;
    }
    if (const auto* one = std::get_if<Finish>(&delta)) {
      EXPECT_FALSE(finished[one->choice]) << what;
      finished[one->choice] = true;
      for (const auto& [part, still] : open[one->choice]) EXPECT_FALSE(still) << what << " part " << part;
    }
  }
}

inline WholeAnswer sum_of(const Deltas& deltas, const std::string& what) {
  AnswerSum sum;
  for (const auto& delta : deltas) {
    auto ok = sum.add(delta);
    EXPECT_TRUE(ok) << what;
  }
  return sum.take();
}

}  // namespace steward::gateway::recordings
