#include "server/web_app.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace steward::server {
namespace {

std::string pack_of(const Json& table, std::string_view blobs) {
  const std::string text = table.dump();
  return fmt::format("STWEB1\n{:010}\n{}{}", text.size(), text, blobs);
}

TEST(WebApp, ReadsWhatTheBuildPacks) {
  const std::string pack = pack_of(
      {{"/a.js", {{"type", "text/javascript"}, {"etag", "\"e\""}, {"plain", {0, 4}}, {"br", {4, 2}}}}}, "abcdBR");
  const auto app = WebApp::read(pack);
  ASSERT_TRUE(app);
  const auto* file = app->find("/a.js");
  ASSERT_NE(file, nullptr);
  EXPECT_EQ(file->plain, "abcd");
  EXPECT_EQ(file->brotli, "BR");
  EXPECT_EQ(file->gzip, "");
  EXPECT_EQ(app->find("/b.js"), nullptr);
}

TEST(WebApp, RefusesAPackThatIsCutOrNone) {
  const std::string whole = pack_of({{"/a", {{"type", "t"}, {"plain", {0, 4}}}}}, "abcd");
  for (size_t size = 0; size < whole.size(); ++size) EXPECT_FALSE(WebApp::read(whole.substr(0, size))) << size;
  EXPECT_FALSE(WebApp::read("something else"));
  EXPECT_FALSE(WebApp::read(pack_of({{"/a", {{"plain", {3, 9}}}}}, "abcd"))) << "a file beyond the end";
}

TEST(WebApp, GivesTheSmallestFormThatTheClientTakes) {
  const WebApp::File file{"t", "e", "plain", "brotli", "gzip"};
  const auto form = [&](std::string_view accepted) { return WebApp::form_of(file, accepted).second; };
  EXPECT_EQ(form("gzip, deflate, br, zstd"), "br");
  EXPECT_EQ(form("gzip;q=1.0, br;q=0"), "gzip");
  EXPECT_EQ(form("br;q=0.0, gzip;q=0.5"), "gzip");
  EXPECT_EQ(form("identity"), "");
  EXPECT_EQ(form(""), "");
  EXPECT_EQ(form("brotli"), "") << "another word that begins so";
  const WebApp::File font{"t", "e", "plain", "", ""};
  EXPECT_EQ(WebApp::form_of(font, "br, gzip").first, "plain");
}

TEST(WebApp, TheBinaryCarriesThePageAndItsFiles) {
  const auto app = WebApp::read(WebApp::embedded());
  ASSERT_TRUE(app);
  const auto* page = app->find("/index.html");
  ASSERT_NE(page, nullptr);
  EXPECT_EQ(page->type, "text/html; charset=utf-8");
  // Whatever the page names is there, and nothing in it is inline.
  size_t named = 0;
  for (size_t at = page->plain.find("/assets/"); at != std::string_view::npos;
       at = page->plain.find("/assets/", at + 1)) {
    const std::string path(page->plain.substr(at, page->plain.find('"', at) - at));
    EXPECT_NE(app->find(path), nullptr) << path;
    ++named;
  }
  EXPECT_GE(named, 2u);
  EXPECT_EQ(page->plain.find("<style"), std::string_view::npos);
  EXPECT_EQ(page->plain.find("style="), std::string_view::npos);
  EXPECT_EQ(page->plain.find("<script>"), std::string_view::npos);
}

TEST(WebApp, OnlyAPersonsBrowserGetsThePageForWhatIsNotThere) {
  net::Request request{.method = "GET", .path = "/nowhere"};
  EXPECT_FALSE(wants_page(request));
  request.headers.set("accept", "text/html,application/xhtml+xml");
  EXPECT_TRUE(wants_page(request));
  for (const char* path : {"/v1/nowhere", "/v1beta/nowhere", "/admin/v1/nowhere", "/assets/gone.js"}) {
    request.path = path;
    EXPECT_FALSE(wants_page(request)) << path;
  }
  request.path = "/nowhere";
  request.method = "POST";
  EXPECT_FALSE(wants_page(request));
}

}  // namespace
}  // namespace steward::server
