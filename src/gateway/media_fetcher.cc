#include "gateway/media_fetcher.h"

#include "base/crypto.h"
#include "base/text.h"
#include "gateway/peek.h"

namespace steward::gateway {
namespace {

// What lies in the provider's own store, or what it alone can read.
bool is_providers_own(const ProviderProfile& profile, std::string_view url) {
  if (profile.dialect != ProviderDialect::kGemini) return false;
  return url.starts_with("gs://") || url.starts_with("https://generativelanguage.googleapis.com/") ||
         url.starts_with("https://www.youtube.com/") || url.starts_with("https://youtube.com/") ||
         url.starts_with("https://youtu.be/");
}

std::vector<std::string> types_of(Media::Kind kind) {
  switch (kind) {
    case Media::Kind::kImage: return {"image/"};
    case Media::Kind::kDocument: return {"application/pdf", "text/"};
    case Media::Kind::kAudio: return {"audio/", "video/ogg"};
    case Media::Kind::kVideo: return {"video/"};
  }
  return {};
}

std::string_view word_of(Media::Kind kind) {
  static constexpr std::string_view kWords[] = {"image", "document", "sound", "video"};
  return kWords[static_cast<size_t>(kind)];
}

std::unexpected<Error> failed(std::string why) {
  return fail(ErrorCode::kUrlFailed, "The address could not be fetched: " + std::move(why));
}

// The bytes into the part, if they are what the part says.
Status take(Media& media, net::Fetched fetched) {
  std::string type(sniffed_type(fetched.body));
  const bool text = media.kind == Media::Kind::kDocument && type.empty() && is_valid_utf8(fetched.body) &&
                    fetched.body.find('\0') == std::string::npos;
  if (text) type = fetched.content_type.starts_with("text/") ? fetched.content_type : "text/plain";
  const auto types = types_of(media.kind);
  const bool fits = std::ranges::any_of(types, [&](const auto& one) { return type.starts_with(one); });
  if (!fits) return failed(fmt::format("what is there is no {} of a known kind.", word_of(media.kind)));
  if (text)
    media.text = std::move(fetched.body);
  else
    media.data = to_base64(fetched.body);
  media.mime = std::move(type);
  if (media.name.empty() && media.kind == Media::Kind::kDocument) {
    const std::string path = media.url.substr(0, media.url.find_first_of("?#"));
    media.name = path.substr(path.rfind('/') + 1);
  }
  media.url.clear();
  return {};
}

void collect(std::vector<Part>& parts, std::vector<Media*>& out) {
  for (Part& part : parts) {
    if (auto* result = std::get_if<ToolResult>(&part.body)) collect(result->content, out);
    if (auto* media = std::get_if<Media>(&part.body); media != nullptr && !media->url.empty()) out.push_back(media);
  }
}

void collect(const std::vector<Part>& parts, std::vector<const Media*>& out) {
  for (const Part& part : parts) {
    if (const auto* result = std::get_if<ToolResult>(&part.body)) collect(result->content, out);
    if (const auto* media = std::get_if<Media>(&part.body); media != nullptr && !media->url.empty())
      out.push_back(media);
  }
}

std::vector<const Media*> addresses_of(const Request& request) {
  std::vector<const Media*> out;
  for (const auto& message : request.messages) collect(message.parts, out);
  return out;
}

// Of servers that the provider is to call (MCP), by where they stand in the request.
std::vector<std::pair<std::string, std::string>> tool_addresses(const Request& request) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& tool : request.tools) {
    if (const auto url = peek_text(tool.extra, "server_url"); !url.empty()) out.emplace_back("tools.server_url", url);
  }
  for (const auto& server : peek(request.extra, "mcp_servers")) {
    if (const auto url = peek_text(server, "url"); !url.empty()) out.emplace_back("mcp_servers.url", url);
  }
  return out;
}

// Not over the web at all (gs://): the provider's, or refused by the guard as any other scheme.
Status check_one(const Media& media, const net::Guard& guard) {
  if (media.url.starts_with("gs://")) return {};
  auto url = guard.check(media.url);
  if (url) return {};
  return fail(url.error().code, url.error().message, {{"param", std::string(word_of(media.kind))}});
}

Task<Status> fetch_one(Media& media, const Fetching& fetching, size_t left) {
  auto fetched = co_await net::guarded_fetch(*fetching.options.guard, fetching.resolver, fetching.client,
                                             {.url = media.url,
                                              .max_bytes = std::min(left, fetching.options.max_bytes),
                                              .total = fetching.options.total,
                                              .types = types_of(media.kind),
                                              .cancel = fetching.cancel});
  if (!fetched) {
    Error error = std::move(fetched.error());
    error.details["param"] = word_of(media.kind);
    co_return fail(std::move(error));
  }
  co_return take(media, std::move(*fetched));
}

}  // namespace

std::string_view sniffed_type(std::string_view bytes) {
  using namespace std::string_view_literals;
  static constexpr std::pair<std::string_view, std::string_view> kStarts[] = {{"\x89PNG\r\n\x1a\n"sv, "image/png"},
                                                                              {"\xff\xd8\xff"sv, "image/jpeg"},
                                                                              {"GIF87a"sv, "image/gif"},
                                                                              {"GIF89a"sv, "image/gif"},
                                                                              {"BM"sv, "image/bmp"},
                                                                              {"II*\0"sv, "image/tiff"},
                                                                              {"MM\0*"sv, "image/tiff"},
                                                                              {"%PDF-"sv, "application/pdf"},
                                                                              {"ID3"sv, "audio/mpeg"},
                                                                              {"\xff\xfb"sv, "audio/mpeg"},
                                                                              {"\xff\xf3"sv, "audio/mpeg"},
                                                                              {"\xff\xf2"sv, "audio/mpeg"},
                                                                              {"OggS"sv, "audio/ogg"},
                                                                              {"fLaC"sv, "audio/flac"},
                                                                              {"\x1a\x45\xdf\xa3"sv, "video/webm"}};
  if (bytes.size() >= 12 && bytes.starts_with("RIFF")) {
    if (bytes.substr(8, 4) == "WEBP") return "image/webp";
    if (bytes.substr(8, 4) == "WAVE") return "audio/wav";
  }
  if (bytes.size() >= 12 && bytes.substr(4, 4) == "ftyp") {
    const std::string_view brand = bytes.substr(8, 4);
    if (brand == "avif" || brand == "avis") return "image/avif";
    if (brand == "heic" || brand == "heix" || brand == "mif1" || brand == "hevc") return "image/heic";
    return brand == "M4A " ? "audio/mp4" : "video/mp4";
  }
  for (const auto& [start, type] : kStarts) {
    if (bytes.starts_with(start)) return type;
  }
  return {};
}

bool fetches_itself(const ProviderProfile& profile, const Media& media) {
  if (is_providers_own(profile, media.url)) return true;
  switch (media.kind) {
    case Media::Kind::kImage: return profile.quirks.image_urls;
    case Media::Kind::kDocument:
      return profile.dialect == ProviderDialect::kAnthropic || profile.dialect == ProviderDialect::kResponses ||
             profile.quirks.file_urls;
    case Media::Kind::kAudio:
    case Media::Kind::kVideo: return false;
  }
  return false;
}

bool needs_fetching(const Request& request, const ProviderProfile& profile) {
  return std::ranges::any_of(addresses_of(request),
                             [&](const Media* media) { return !fetches_itself(profile, *media); });
}

Status check_addresses(const Request& request, const FetchOptions& options) {
  if (!options.guard) return {};
  for (const auto& [at, url] : tool_addresses(request)) {
    if (auto good = options.guard->check(url); !good)
      return fail(good.error().code, good.error().message, {{"param", at}});
  }
  for (const Media* media : addresses_of(request)) {
    if (auto good = check_one(*media, *options.guard); !good) return good;
  }
  return {};
}

Task<Status> resolve_media(Request& request, const ProviderProfile& profile, Fetching fetching) {
  std::vector<Media*> all;
  for (auto& message : request.messages) collect(message.parts, all);
  size_t left = kMaxFetchedBytes, fetched = 0;
  for (Media* media : all) {
    if (fetches_itself(profile, *media)) continue;
    if (!fetching.options.guard || !fetching.options.enabled)
      co_return fail(ErrorCode::kUrlRefused, "Addresses aren't fetched here: send the bytes, as base64.");
    if (++fetched > kMaxFetches) co_return failed(fmt::format("a request may name {} of them.", kMaxFetches));
    if (auto done = co_await fetch_one(*media, fetching, left); !done) co_return done;
    left -= std::min(left, media->data.size() * 3 / 4 + media->text.size());
  }
  co_return Status{};
}

}  // namespace steward::gateway
