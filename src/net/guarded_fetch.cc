#include "net/guarded_fetch.h"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>

#include "base/text.h"

namespace steward::net {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;
constexpr size_t kMaxTries = 2;  // addresses of one host that are tried

std::chrono::milliseconds left_until(SteadyTime until) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
}

std::unexpected<Error> failed(std::string why) {
  return fail(ErrorCode::kUrlFailed, "The address could not be fetched: " + std::move(why));
}

// What the far side's connection said is not passed on: it would tell a caller what answers inside.
Error as_fetch_error(const Error& error) {
  if (error.code == ErrorCode::kCancelled || error.code == ErrorCode::kUrlRefused) return error;
  if (error.code == ErrorCode::kUpstreamTimeout) return failed("its host did not answer in time.").error();
  if (error.code == ErrorCode::kUpstreamError) return failed("it is larger than is taken.").error();
  return failed("its host can't be reached, or broke off.").error();
}

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

std::string joined_url(const std::string& base, const std::string& location) {
  CURLU* url = curl_url();
  std::string out;
  char* text = nullptr;
  const bool good = curl_url_set(url, CURLUPART_URL, base.c_str(), 0) == CURLUE_OK &&
                    curl_url_set(url, CURLUPART_URL, location.c_str(), 0) == CURLUE_OK &&
                    curl_url_get(url, CURLUPART_URL, &text, 0) == CURLUE_OK;
  if (good) out = text;
  curl_free(text);
  curl_url_cleanup(url);
  return out;
}

std::string type_of(const Headers& headers) {
  const std::string_view value = headers.get("content-type");
  return to_lower_ascii(trim(value.substr(0, value.find(';'))));
}

Status check_head(const ClientStream& stream, const GuardedRequest& request) {
  const int status = stream.status();
  if (status != 200) return failed(fmt::format("its host answered with status {}.", status));
  const std::string_view length = stream.headers().get("content-length");
  uint64_t bytes = 0;
  std::from_chars(length.data(), length.data() + length.size(), bytes);
  if (bytes > request.max_bytes)
    return failed(fmt::format("it has {} bytes; at most {} are taken.", bytes, request.max_bytes));
  const std::string_view encoding = stream.headers().get("content-encoding");
  if (!encoding.empty() && !equal_ignoring_ascii_case(encoding, "identity"))
    return failed("it came compressed, which was not asked for.");
  const std::string type = type_of(stream.headers());
  const bool untold = type.empty() || type == "application/octet-stream" || type == "binary/octet-stream";
  const bool listed = std::ranges::any_of(request.types, [&](const auto& one) { return type.starts_with(one); });
  if (!untold && !request.types.empty() && !listed)
    return failed(fmt::format("it is '{}', and {} is taken here.", replace_invalid_utf8(type.substr(0, 80)),
                              join(request.types, ", ")));
  return {};
}

// The addresses that were judged, in the order in which to try them.
Task<Result<std::vector<std::string>>> addresses_of(const Guard& guard, Resolver& resolver, GuardedUrl url,
                                                    SteadyTime until) {
  if (url.is_address) co_return std::vector{url.host};
  auto found = co_await resolver.resolve(url.host, left_until(until));
  if (!found) co_return found;
  for (const auto& address : *found) {
    if (auto reach = guard.may_reach(url, address); !reach) co_return fail(reach.error());
  }
  if (found->size() > kMaxTries) found->resize(kMaxTries);
  co_return found;
}

Task<Result<std::unique_ptr<ClientStream>>> open(HttpClient& client, GuardedUrl url, std::string address,
                                                 size_t max_bytes, SteadyTime until, CancelToken cancel) {
  ClientRequest request;
  request.url = url.url;
  request.connect_to = std::move(address);
  request.max_response_bytes = max_bytes;
  request.cancel = std::move(cancel);
  const auto left = std::max(left_until(until), std::chrono::milliseconds(1));
  request.deadlines = {.connect = left, .first_byte = left, .between_bytes = left, .total = left};
  co_return co_await client.open(std::move(request));
}

Task<Result<std::unique_ptr<ClientStream>>> open_any(const Guard& guard, Resolver& resolver, HttpClient& client,
                                                     GuardedUrl url, size_t max_bytes, SteadyTime until,
                                                     CancelToken cancel) {
  auto addresses = co_await addresses_of(guard, resolver, url, until);
  if (!addresses) co_return fail(addresses.error());
  Error last(ErrorCode::kUrlFailed);
  for (const auto& address : *addresses) {
    if (left_until(until).count() <= 0) co_return failed("its host did not answer in time.");
    auto stream = co_await open(client, url, address, max_bytes, until, cancel);
    if (stream) co_return stream;
    last = as_fetch_error(stream.error());
    if (last.code == ErrorCode::kCancelled) break;
  }
  co_return fail(last);
}

Task<Result<std::string>> read_all(ClientStream& stream) {
  std::string body;
  for (;;) {
    auto bytes = co_await stream.read();
    if (!bytes) co_return fail(as_fetch_error(bytes.error()));
    if (!*bytes) co_return body;
    body += **bytes;
  }
}

}  // namespace

Task<Result<Fetched>> guarded_fetch(const Guard& guard, Resolver& resolver, HttpClient& client,
                                    GuardedRequest request) {
  const SteadyTime until = std::chrono::steady_clock::now() + request.total;
  std::string next = request.url;
  for (int hop = 0; hop <= kMaxRedirects; ++hop) {
    auto url = guard.check(next);
    if (!url) co_return fail(url.error());
    auto stream = co_await open_any(guard, resolver, client, *url, request.max_bytes, until, request.cancel);
    if (!stream) co_return fail(stream.error());
    if (is_redirect((*stream)->status())) {
      next = joined_url(url->url, std::string((*stream)->headers().get("location")));
      if (next.empty()) co_return failed("its host redirects to nowhere.");
      continue;
    }
    if (auto good = check_head(**stream, request); !good) co_return fail(good.error());
    auto body = co_await read_all(**stream);
    if (!body) co_return fail(body.error());
    co_return Fetched{url->url, type_of((*stream)->headers()), std::move(*body)};
  }
  co_return failed(fmt::format("it redirects more than {} times.", kMaxRedirects));
}

}  // namespace steward::net
