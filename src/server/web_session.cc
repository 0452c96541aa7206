#include "server/web_session.h"

#include <algorithm>

#include "base/crypto.h"
#include "base/text.h"
#include "identity/people.h"

namespace steward::server {
namespace {

constexpr size_t kNameChars = 8;  // of the organisation's id, enough to tell two homes on one host apart

std::string host_and_port(std::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return "";
  url.remove_prefix(scheme + 3);
  return to_lower_ascii(url.substr(0, url.find('/')));
}

bool is_own_origin(const Core& core, const net::Request& request, std::string_view origin) {
  const std::string named = host_and_port(origin);
  if (named.empty()) return false;  // "null" too: a sandboxed frame, a file
  if (named == to_lower_ascii(request.headers.get("host"))) return true;
  const std::string url = core.config.get()->text("server.public_url");
  return !url.empty() && named == host_and_port(url);
}

}  // namespace

bool is_served_over_tls(const Config& config) {
  return !config.path("server.tls_certificate").empty() || config.text("server.public_url").starts_with("https://");
}

std::string public_address(const Config& config, const std::string& listening) {
  std::string url = config.text("server.public_url");
  while (url.ends_with('/')) url.pop_back();
  return url.empty() ? listening : url;
}

std::string session_cookie_name(const Core& core) {
  const std::string name =
      "steward_" + to_lower_ascii(core.tenant.substr(core.tenant.size() - std::min(core.tenant.size(), kNameChars)));
  return is_served_over_tls(*core.config.get()) ? "__Host-" + name : name;
}

std::optional<std::string> session_token_of(const Core& core, const net::Request& request) {
  const std::string wanted = session_cookie_name(core);
  for (const auto& [name, value] : request.headers.all()) {
    if (!equal_ignoring_ascii_case(name, "cookie")) continue;
    for (const auto pair : split(value, ';')) {
      const std::string_view cookie = trim(pair);
      const size_t equals = cookie.find('=');
      if (equals != std::string_view::npos && cookie.substr(0, equals) == wanted)
        return std::string(cookie.substr(equals + 1));
    }
  }
  return std::nullopt;
}

std::pair<std::string, std::string> session_cookie(const Core& core, const std::string& token, DurationUs lasts_us) {
  const bool secure = is_served_over_tls(*core.config.get());
  return {"set-cookie", fmt::format("{}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}{}", session_cookie_name(core),
                                    token, lasts_us / kSecondUs, secure ? "; Secure" : "")};
}

std::pair<std::string, std::string> no_session_cookie(const Core& core) { return session_cookie(core, "", 0); }

Status check_same_site(const Core& core, const net::Request& request) {
  const std::string_view site = request.headers.get("sec-fetch-site");
  const bool reads = request.method == "GET" || request.method == "HEAD";
  const bool upgrades = request.headers.has("upgrade");
  if (!site.empty() && site != "same-origin" && site != "none" && (!reads || site == "cross-site"))
    return fail(ErrorCode::kCrossSite);
  const std::string_view origin = request.headers.get("origin");
  if (!origin.empty() && (!reads || upgrades || request.headers.has("cookie")) && !is_own_origin(core, request, origin))
    return fail(ErrorCode::kCrossSite);
  return {};
}

bool comes_from_own_page(const Core& core, const net::Request& request) {
  const std::string origin(request.headers.get("origin"));
  if (origin.empty() || is_own_origin(core, request, origin)) return true;
  const auto allowed = core.config.get()->list("server.cors_origins");
  return std::ranges::find(allowed, origin) != allowed.end();
}

Id session_of(const Core& core, const net::Request& request) {
  const auto token = names_a_key(request) ? std::nullopt : session_token_of(core, request);
  if (!token) return "";
  const auto session = core.people->find_session(*token);
  return session ? session->id : Id();
}

std::optional<Result<identity::SignedIn>> session_caller(Core& core, const net::Request& request) {
  const auto token = session_token_of(core, request);
  if (!token) return std::nullopt;
  if (auto own = check_same_site(core, request); !own) return fail(own.error());
  auto signed_in = core.people->authenticate(*token);
  if (!signed_in) return signed_in;
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (!reads && !equal_constant_time(request.headers.get("x-steward-csrf"), core.people->csrf_token(*token)))
    return fail(ErrorCode::kCsrfFailed);
  return signed_in;
}

std::string browser_name(std::string_view agent) {
  // The more telling name first: every browser claims to be several others.
  constexpr std::pair<std::string_view, std::string_view> kBrowsers[] = {
      {"Edg/", "Edge"},      {"OPR/", "Opera"}, {"Firefox/", "Firefox"}, {"Chrome/", "Chrome"},
      {"Safari/", "Safari"}, {"curl/", "curl"}, {"python-", "Python"}};
  constexpr std::pair<std::string_view, std::string_view> kSystems[] = {
      {"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"},  {"Windows", "Windows"},
      {"Mac OS X", "macOS"},  {"CrOS", "ChromeOS"}, {"Linux", "Linux"}};
  std::string_view browser = "a browser", system;
  for (const auto& [mark, name] : kBrowsers) {
    if (agent.find(mark) == std::string_view::npos) continue;
    browser = name;
    break;
  }
  for (const auto& [mark, name] : kSystems) {
    if (agent.find(mark) == std::string_view::npos) continue;
    system = name;
    break;
  }
  return system.empty() ? std::string(browser) : fmt::format("{} on {}", browser, system);
}

std::string address_of(const net::Request& request) {
  if (request.over_unix) return "this machine";
  std::string_view remote = request.remote;
  if (remote.starts_with('[')) return std::string(remote.substr(1, remote.find(']') - 1));
  return std::string(remote.substr(0, remote.rfind(':')));
}

}  // namespace steward::server
