#include "gateway/providers/sigv4.h"

#include <algorithm>
#include <ctime>

#include "base/crypto.h"
#include "base/percent.h"
#include "base/text.h"

namespace steward::gateway {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
using Fields = std::vector<std::pair<std::string, std::string>>;

struct UrlParts {
  std::string_view host, path, query;
};

UrlParts parts_of(std::string_view url) {
  UrlParts out;
  if (const size_t scheme = url.find("://"); scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find('#'));
  const size_t query = url.find('?');
  if (query != std::string_view::npos) out.query = url.substr(query + 1);
  url = url.substr(0, query);
  const size_t slash = url.find('/');
  out.host = url.substr(0, slash);
  out.path = slash == std::string_view::npos ? "/" : url.substr(slash);
  return out;
}

// The host as it is sent: a default port is left out.
std::string host_header(std::string_view url, std::string_view host) {
  if (url.starts_with("https://") && host.ends_with(":443")) host.remove_suffix(4);
  if (url.starts_with("http://") && host.ends_with(":80")) host.remove_suffix(3);
  return to_lower_ascii(host);
}

// Runs of spaces are one; the ends are trimmed.
std::string header_value(std::string_view value) {
  std::string out;
  for (const char c : trim(value)) {
    const bool space = c == ' ' || c == '\t';
    if (!space)
      out += c;
    else if (!out.empty() && out.back() != ' ')
      out += ' ';
  }
  return out;
}

// By name; those of one name joined in the order in which they came.
std::map<std::string, std::string> canonical_headers(const SigV4Request& request) {
  std::map<std::string, std::string> out;
  out["host"] = host_header(request.url, parts_of(request.url).host);
  for (const auto& [name, value] : request.headers) {
    const std::string lower = to_lower_ascii(name);
    if (lower == "host") {
      out[lower] = header_value(value);
      continue;
    }
    auto [at, fresh] = out.try_emplace(lower, header_value(value));
    if (!fresh) at->second += "," + header_value(value);
  }
  return out;
}

std::string signed_names(const SigV4Request& request) {
  std::vector<std::string> names;
  for (const auto& [name, value] : canonical_headers(request)) names.push_back(name);
  return join(names, ";");
}

std::string signing_key(const AwsCredentials& credentials, std::string_view date, const SigV4Scope& scope) {
  std::string key = hmac_sha256("AWS4" + credentials.secret_access_key, date);
  for (const std::string_view step :
       {std::string_view(scope.region), std::string_view(scope.service), std::string_view("aws4_request")}) {
    key = hmac_sha256(key, step);
  }
  return key;
}

}  // namespace

Result<AwsCredentials> AwsCredentials::parse(std::string_view text) {
  const auto parts = split(trim(text), ':');
  const bool good = (parts.size() == 2 || parts.size() == 3) && !parts[0].empty() && !parts[1].empty();
  if (!good) {
    return fail(ErrorCode::kConfig,
                "AWS's key is written ACCESS_KEY_ID:SECRET_ACCESS_KEY, with :SESSION_TOKEN if it is a temporary one.");
  }
  return AwsCredentials{std::string(parts[0]), std::string(parts[1]),
                        parts.size() == 3 ? std::string(parts[2]) : std::string()};
}

std::string amz_date(TimeUs time) {
  const std::time_t seconds = time / kSecondUs;
  std::tm utc = {};
  ::gmtime_r(&seconds, &utc);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour,
                     utc.tm_min, utc.tm_sec);
}

// Every service but S3 wants the path as sent, without dot segments and double slashes, encoded once more.
std::string canonical_path(std::string_view path) {
  std::vector<std::string_view> kept;
  for (const auto segment : split(path, '/')) {
    if (segment == ".." && !kept.empty())
      kept.pop_back();
    else if (!segment.empty() && segment != "." && segment != "..")
      kept.push_back(segment);
  }
  std::string out = "/";
  for (const auto segment : kept) out += (out.size() > 1 ? "/" : "") + percent_encoded(segment);
  const bool ends_in_slash = path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..");
  return ends_in_slash && out.size() > 1 ? out + "/" : out;
}

std::string canonical_query(std::string_view query) {
  if (query.empty()) return "";
  std::vector<std::pair<std::string_view, std::string_view>> fields;
  for (const auto field : split(query, '&')) {
    const size_t equals = field.find('=');
    fields.emplace_back(field.substr(0, equals),
                        equals == std::string_view::npos ? std::string_view() : field.substr(equals + 1));
  }
  std::ranges::sort(fields);
  std::string out;
  for (const auto& [name, value] : fields) out += fmt::format("{}{}={}", out.empty() ? "" : "&", name, value);
  return out;
}

std::string canonical_request(const SigV4Request& request) {
  const UrlParts parts = parts_of(request.url);
  std::string out =
      fmt::format("{}\n{}\n{}\n", request.method, canonical_path(parts.path), canonical_query(parts.query));
  for (const auto& [name, value] : canonical_headers(request)) out += fmt::format("{}:{}\n", name, value);
  return out + fmt::format("\n{}\n{}", signed_names(request), to_hex(sha256(request.body)));
}

Fields sign_v4(const SigV4Request& request, const AwsCredentials& credentials, const SigV4Scope& scope) {
  const std::string time = amz_date(scope.time);
  const std::string date = time.substr(0, 8);
  Fields added = {{"X-Amz-Date", time}};
  if (!credentials.session_token.empty()) added.emplace_back("X-Amz-Security-Token", credentials.session_token);
  SigV4Request whole = request;
  whole.headers.insert(whole.headers.end(), added.begin(), added.end());

  const std::string place = fmt::format("{}/{}/{}/aws4_request", date, scope.region, scope.service);
  const std::string to_sign =
      fmt::format("{}\n{}\n{}\n{}", kAlgorithm, time, place, to_hex(sha256(canonical_request(whole))));
  const std::string signature = to_hex(hmac_sha256(signing_key(credentials, date, scope), to_sign));
  added.emplace_back("Authorization", fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", kAlgorithm,
                                                  credentials.access_key_id, place, signed_names(whole), signature));
  return added;
}

}  // namespace steward::gateway
