#include "server/web_app.h"

#include "base/json.h"
#include "base/text.h"
#include "server/endpoint.h"
#include "server/web_headers.h"

extern "C" const char steward_web_pack_begin[];
extern "C" const char steward_web_pack_end[];

namespace steward::server {
namespace {

constexpr std::string_view kMagic = "STWEB1\n";
constexpr std::string_view kPage = "/index.html";
// The addresses that are pages of the app; each is the same file, which reads its address itself.
constexpr std::string_view kPages[] = {
    "/", "/enter", "/shared", "/talk", "/talk/{rest*}", "/use", "/use/{rest*}", "/settings", "/settings/{rest*}"};
constexpr std::string_view kForEver = "public, max-age=31536000, immutable";
constexpr std::string_view kAskAnew = "no-cache";

// Whether `accepted` names the encoding without ruling it out (q=0).
bool takes(std::string_view accepted, std::string_view encoding) {
  for (const auto part : split(accepted, ',')) {
    const std::string_view item = trim(part);
    const std::string_view name = trim(item.substr(0, item.find(';')));
    if (!equal_ignoring_ascii_case(name, encoding)) continue;
    const size_t weight = item.find("q=");
    return weight == std::string_view::npos || item.substr(weight + 2).find_first_of("123456789") != item.npos;
  }
  return false;
}

Result<std::string_view> part_of(std::string_view blobs, const Json& place) {
  if (!place.is_array()) return std::string_view();
  const auto at = place.at(0).get<size_t>(), size = place.at(1).get<size_t>();
  if (at > blobs.size() || size > blobs.size() - at) return fail(ErrorCode::kInternal, "The web app's pack is cut.");
  return blobs.substr(at, size);
}

const WebApp& app() {
  static const WebApp kApp = WebApp::read(WebApp::embedded()).value_or(WebApp());
  return kApp;
}

Task<void> send_file(Core& core, int status, const WebApp::File& file, std::string_view keep, net::Request& request,
                     net::Responder& responder) {
  auto& headers = responder.headers();
  set_web_headers(core, headers);
  headers.set("cache-control", std::string(keep));
  headers.set("etag", file.etag);
  headers.set("vary", "accept-encoding");
  if (status == 200 && request.headers.get("if-none-match") == file.etag) {
    (void)co_await responder.send(304, "", "");
    co_return;
  }
  const auto [bytes, encoding] = WebApp::form_of(file, request.headers.get("accept-encoding"));
  if (!encoding.empty()) headers.set("content-encoding", std::string(encoding));
  (void)co_await responder.send(status, file.type, std::string(bytes));
}

Task<void> refuse_host(net::Request& request, net::Responder& responder) {
  co_await write_error(request, responder,
                       Error(ErrorCode::kForbidden,
                             "This server does not answer under that host name: add it to server.allowed_hosts."));
}

Task<void> page(Core& core, net::Request& request, net::Responder& responder) {
  co_await send_page(core, 200, request, responder);
}

Task<void> asset(Core& core, net::Request& request, net::Responder& responder) {
  if (!host_allowed(*core.config.get(), request, core.listens_on_loopback))
    co_return co_await refuse_host(request, responder);
  const auto* file = app().find("/assets/" + request.params.at("file"));
  if (file == nullptr) {
    co_return co_await write_error(request, responder,
                                   Error(ErrorCode::kNotFound, "There is no such file: load the page again."));
  }
  co_await send_file(core, 200, *file, kForEver, request, responder);
}

}  // namespace

std::string_view WebApp::embedded() {
  return {steward_web_pack_begin, static_cast<size_t>(steward_web_pack_end - steward_web_pack_begin)};
}

// STWEB1, the length of the table in ten digits, the table (JSON: path → type, etag, plain, br, gzip), the bytes.
Result<WebApp> WebApp::read(std::string_view pack) {
  constexpr size_t kDigits = 11;  // and a line's end
  const auto broken = [] { return fail(ErrorCode::kInternal, "The web app's pack can't be read."); };
  if (!pack.starts_with(kMagic) || pack.size() < kMagic.size() + kDigits) return broken();
  pack.remove_prefix(kMagic.size());
  const size_t length = std::strtoull(std::string(pack.substr(0, kDigits)).c_str(), nullptr, 10);
  pack.remove_prefix(kDigits);
  if (length > pack.size()) return broken();
  const Json table = read_own(pack.substr(0, length));
  if (!table.is_object()) return broken();
  const std::string_view blobs = pack.substr(length);
  WebApp out;
  for (const auto& [path, entry] : table.items()) {
    auto plain = part_of(blobs, entry.value("plain", Json())), brotli = part_of(blobs, entry.value("br", Json())),
         gzip = part_of(blobs, entry.value("gzip", Json()));
    if (!plain || !brotli || !gzip) return broken();
    out.files_[path] = {entry.value("type", ""), entry.value("etag", ""), *plain, *brotli, *gzip};
  }
  return out;
}

const WebApp::File* WebApp::find(std::string_view path) const {
  const auto found = files_.find(path);
  return found == files_.end() ? nullptr : &found->second;
}

std::pair<std::string_view, std::string_view> WebApp::form_of(const File& file, std::string_view accepted) {
  if (!file.brotli.empty() && takes(accepted, "br")) return {file.brotli, "br"};
  if (!file.gzip.empty() && takes(accepted, "gzip")) return {file.gzip, "gzip"};
  return {file.plain, ""};
}

bool wants_page(const net::Request& request) {
  const bool reads = request.method == "GET" || request.method == "HEAD";
  const bool api =
      request.path.starts_with("/v1") || request.path.starts_with("/admin/") || request.path.starts_with("/assets/");
  return reads && !api && request.headers.get("accept").find("text/html") != std::string_view::npos;
}

Task<void> send_page(Core& core, int status, net::Request& request, net::Responder& responder) {
  if (!host_allowed(*core.config.get(), request, core.listens_on_loopback))
    co_return co_await refuse_host(request, responder);
  const auto* file = app().find(kPage);
  if (file == nullptr) {
    co_return co_await write_error(request, responder,
                                   Error(ErrorCode::kInternal, "The web app is missing in this build."));
  }
  co_await send_file(core, status, *file, kAskAnew, request, responder);
}

void mount_web(Core& core, net::Router& router) {
  for (const auto pattern : kPages) {
    router.add("GET", std::string(pattern),
               [&core](net::Request& request, net::Responder& responder) { return page(core, request, responder); });
  }
  router.add("GET", "/assets/{file*}",
             [&core](net::Request& request, net::Responder& responder) { return asset(core, request, responder); });
}

}  // namespace steward::server
