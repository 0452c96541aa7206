#include "memory/asked.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "gateway/peek.h"

namespace steward::memory {
using gateway::peek;
namespace {

std::unexpected<Error> bad(std::string_view name, std::string sentence) {
  return fail(ErrorCode::kInvalidRequest, fmt::format("'{}' {}", name, sentence), {{"param", name}});
}

Status check_known(const Json& body, std::initializer_list<std::string_view> known, std::string_view inside) {
  for (const auto& [name, value] : body.items()) {
    if (std::ranges::find(known, name) != known.end()) continue;
    std::vector<std::string> names(known.begin(), known.end());
    const std::string near = nearest(name, names);
    return bad(std::string(inside) + name, near.empty()
                                               ? fmt::format("is not known here; known are {}.", join(names, ", "))
                                               : fmt::format("is not known here. Did you mean '{}'?", near));
  }
  return {};
}

Status read_size(const Json& body, const char* name, size_t most, size_t& out) {
  const Json& value = peek(body, name);
  if (value.is_null()) return {};
  if (!value.is_number_integer() || value.get<int64_t>() < 1 || value.get<int64_t>() > static_cast<int64_t>(most))
    return bad(name, fmt::format("must be a whole number from 1 to {}.", most));
  out = static_cast<size_t>(value.get<int64_t>());
  return {};
}

// Seconds since 1970.
Status read_time(const Json& body, const char* name, TimeUs& out) {
  constexpr int64_t kMost = 253'402'300'799;  // the end of the year 9999
  const Json& value = peek(body, name);
  if (value.is_null()) return {};
  if (!value.is_number_integer() || value.get<int64_t>() < 0 || value.get<int64_t>() > kMost)
    return bad(name, "must be a time in seconds since 1970.");
  out = value.get<int64_t>() * kSecondUs;
  return {};
}

Status read_order(const Json& body, std::optional<Order>& out) {
  const Json& value = peek(body, "order");
  if (value.is_null() || value == "auto") return {};
  if (value == "relevance")
    out = Order::kRelevance;
  else if (value == "latest")
    out = Order::kLatest;
  else if (value == "first")
    out = Order::kFirst;
  else
    return bad("order", "must be auto, relevance, latest or first.");
  return {};
}

Status read_scope(const Json& body, Reach& out) {
  const Json& scope = peek(body, "scope");
  if (scope.is_null()) return {};
  if (!scope.is_object()) return bad("scope", "must be an object.");
  if (auto known = check_known(scope, {"conversation", "project", "shared"}, "scope."); !known) return known;
  for (const char* name : {"conversation", "project"}) {
    const Json& value = peek(scope, name);
    if (!value.is_null() && !value.is_string()) return bad(std::string("scope.") + name, "must be an id.");
  }
  const Json& shared = peek(scope, "shared");
  if (!shared.is_null() && !shared.is_boolean()) return bad("scope.shared", "must be true or false.");
  out.conversation = gateway::peek_text(scope, "conversation");
  out.project = gateway::peek_text(scope, "project");
  out.only_own = shared == false;
  return {};
}

}  // namespace

Result<Asked> read_asked(const Json& body) {
  if (auto known = check_known(body, {"query", "limit", "budget", "order", "after", "before", "scope"}, ""); !known)
    return fail(std::move(known.error()));
  Asked out{.query = std::string(trim(gateway::peek_text(body, "query")))};
  if (out.query.empty() || out.query.size() > kMaxQuestionBytes)
    return bad("query", fmt::format("must be a text of 1 to {} bytes.", kMaxQuestionBytes));
  if (out.query.find('\0') != std::string::npos) return bad("query", "holds a NUL character.");
  for (auto done :
       {read_size(body, "limit", kMostPieces, out.limit), read_size(body, "budget", kMostTokens, out.budget),
        read_order(body, out.order), read_time(body, "after", out.reach.after),
        read_time(body, "before", out.reach.before), read_scope(body, out.reach)}) {
    if (!done) return fail(std::move(done.error()));
  }
  return out;
}

}  // namespace steward::memory
