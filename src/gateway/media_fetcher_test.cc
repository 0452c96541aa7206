// What a provider fetches itself, what is fetched for it, and what the bytes are. Signatures of files from their
// formats' specifications.
#include "gateway/media_fetcher.h"

#include <gtest/gtest.h>

namespace steward::gateway {
namespace {

using namespace std::string_view_literals;

TEST(Sniffed, ByTheFirstBytes) {
  EXPECT_EQ(sniffed_type("\x89PNG\r\n\x1a\n...."sv), "image/png");
  EXPECT_EQ(sniffed_type("\xff\xd8\xff\xe0\0\x10JFIF"sv), "image/jpeg");
  EXPECT_EQ(sniffed_type("GIF89a"sv), "image/gif");
  EXPECT_EQ(sniffed_type("RIFF\x24\0\0\0WEBPVP8 "sv), "image/webp");
  EXPECT_EQ(sniffed_type("RIFF\x24\0\0\0WAVEfmt "sv), "audio/wav");
  EXPECT_EQ(sniffed_type("%PDF-1.7\n"sv), "application/pdf");
  EXPECT_EQ(sniffed_type("\0\0\0\x20"
                         "ftypavif\0\0\0\0"sv),
            "image/avif");
  EXPECT_EQ(sniffed_type("\0\0\0\x20"
                         "ftypisom\0\0\0\0"sv),
            "video/mp4");
  for (const auto other : {""sv, "<html>"sv, "<svg xmlns="sv, "RIFF"sv, "\x89PN"sv}) EXPECT_EQ(sniffed_type(other), "");
}

Request with(Media media) {
  Request request;
  Part inner;
  inner.body = std::move(media);
  ToolResult result;
  result.content.push_back(std::move(inner));
  Part part;
  part.body = std::move(result);
  Message message;
  message.parts.push_back(std::move(part));
  request.messages.push_back(std::move(message));
  return request;
}

TEST(Media, WhoFetchesWhat) {
  const Media image{.kind = Media::Kind::kImage, .url = "https://images.example/a.png"};
  const Media paper{.kind = Media::Kind::kDocument, .url = "https://images.example/a.pdf"};
  EXPECT_TRUE(fetches_itself(*find_profile("openai"), image));
  EXPECT_TRUE(fetches_itself(*find_profile("anthropic"), paper));
  for (const char* name : {"gemini", "bedrock", "nvidia"})
    EXPECT_TRUE(needs_fetching(with(image), *find_profile(name))) << name;
  EXPECT_TRUE(needs_fetching(with(paper), *find_profile("bedrock")));
  const Media own{.kind = Media::Kind::kVideo, .url = "https://generativelanguage.googleapis.com/v1beta/files/x"};
  EXPECT_FALSE(needs_fetching(with(own), *find_profile("gemini")));
  EXPECT_TRUE(needs_fetching(with(own), *find_profile("openai")));
}

TEST(Media, EveryAddressIsHeldAgainstTheGuardAlsoInAToolsResult) {
  FetchOptions options;
  options.guard = std::make_shared<const net::Guard>(*net::Guard::make({}));
  EXPECT_TRUE(check_addresses(with({.url = "https://images.example/a.png"}), options).has_value());
  const auto refused = check_addresses(with({.url = "http://169.254.169.254/x"}), options);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kUrlRefused);
  EXPECT_EQ(refused.error().details["param"], "image");
  EXPECT_FALSE(check_addresses(with({.url = "file:///etc/passwd"}), options).has_value());
}

}  // namespace
}  // namespace steward::gateway
