#include "net/multipart.h"

#include <gtest/gtest.h>

namespace steward::net {
namespace {

// As curl 7.88 sends it (curl -F purpose=batch -F file=@in.jsonl).
constexpr std::string_view kCurl =
    "--------------------------f00\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n"
    "--------------------------f00\r\nContent-Disposition: form-data; name=\"file\"; filename=\"in "
    "\\\"1\\\".jsonl\"\r\n"
    "Content-Type: application/octet-stream\r\n\r\n{\"a\":1}\r\n{\"b\":2}\n\r\n--------------------------f00--\r\n";

TEST(Multipart, ReadsWhatCurlSends) {
  auto parts = read_form("multipart/form-data; boundary=------------------------f00", kCurl);
  ASSERT_TRUE(parts) << parts.error().message;
  ASSERT_EQ(parts->size(), 2u);
  EXPECT_EQ((*parts)[0].name, "purpose");
  EXPECT_EQ((*parts)[0].content, "batch");
  EXPECT_EQ((*parts)[1].filename, "in \"1\".jsonl");
  EXPECT_EQ((*parts)[1].content, "{\"a\":1}\r\n{\"b\":2}\n");
}

TEST(Multipart, EveryCutOfABodyIsRefusedNotMisread) {
  const std::string_view body = kCurl;
  const size_t last = body.rfind("f00--");
  for (size_t cut = 0; cut < last; ++cut) {
    auto parts = read_form("multipart/form-data; boundary=------------------------f00", body.substr(0, cut));
    EXPECT_FALSE(parts) << cut;
  }
}

TEST(Multipart, AnEmptyPartAndNoForm) {
  auto parts = read_form("Multipart/Form-Data; charset=x; Boundary=\"b\"",
                         "--b\r\ncontent-disposition: form-data; name=x\r\n\r\n\r\n--b--");
  ASSERT_TRUE(parts) << parts.error().message;
  EXPECT_EQ(parts->at(0).content, "");
  EXPECT_FALSE(read_form("application/json", "{}"));
  EXPECT_FALSE(read_form("multipart/form-data", "--b\r\n"));
  EXPECT_FALSE(read_form("multipart/form-data; boundary=b", "--b\r\n\r\n\r\nx\r\n--b--"));
}

}  // namespace
}  // namespace steward::net
