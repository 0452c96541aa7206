#include "net/websocket.h"

#include <gtest/gtest.h>

namespace steward::net {
namespace {

std::string masked(uint8_t first, std::string_view payload, std::string_view mask = "\x01\x02\x03\x04") {
  std::string out(1, static_cast<char>(first));
  if (payload.size() < 126) {
    out.push_back(static_cast<char>(0x80 | payload.size()));
  } else {
    out.push_back(static_cast<char>(0x80 | 126));
    out.push_back(static_cast<char>(payload.size() >> 8));
    out.push_back(static_cast<char>(payload.size() & 0xff));
  }
  out.append(mask);
  for (size_t i = 0; i < payload.size(); ++i) out.push_back(static_cast<char>(payload[i] ^ mask[i % 4]));
  return out;
}

int64_t refused_with(std::string_view bytes, size_t limit = 1000) {
  FrameReader reader(limit);
  const auto frames = reader.feed(bytes);
  return frames ? 0 : frames.error().details.value("close", int64_t{-1});
}

TEST(WebSocket, AcceptKeyIsTheStandardsExample) {  // RFC 6455, 1.3
  EXPECT_EQ(accept_key("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(WebSocket, ReadsTheStandardsMaskedHello) {  // RFC 6455, 5.7
  FrameReader reader(1000);
  const auto frames = reader.feed("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
  ASSERT_TRUE(frames);
  ASSERT_EQ(frames->size(), 1u);
  EXPECT_EQ(frames->front().payload, "Hello");
}

TEST(WebSocket, WritesTheStandardsFrames) {
  EXPECT_EQ(frame_of(Opcode::kText, "Hello"), "\x81\x05Hello");
  EXPECT_EQ(frame_of(Opcode::kText, std::string(256, 'x')).substr(0, 4), std::string("\x81\x7e\x01\x00", 4));
  EXPECT_EQ(frame_of(Opcode::kText, std::string(65536, 'x')).substr(0, 10),
            std::string("\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00", 10));
}

TEST(WebSocket, TheSameHoweverTheBytesAreCut) {
  const std::string bytes = masked(0x01, "one ") + masked(0x89, "ping") + masked(0x80, "two") +
                            masked(0x81, std::string(300, 'y')) + masked(0x88, std::string("\x03\xe8", 2) + "bye");
  const auto shape = [](const std::vector<FrameReader::Frame>& frames) {
    std::string out;
    for (const auto& frame : frames)
      out += fmt::format("{}:{}:{} ", static_cast<int>(frame.kind), frame.payload, frame.code);
    return out;
  };
  FrameReader whole(1000);
  const std::string want = shape(*whole.feed(bytes));
  EXPECT_TRUE(want.starts_with("1:ping:0 0:one two:0 0:yyy")) << want;
  EXPECT_TRUE(want.ends_with("3:bye:1000 ")) << want;
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    FrameReader reader(1000);
    auto frames = *reader.feed(std::string_view(bytes).substr(0, cut));
    for (auto& frame : *reader.feed(std::string_view(bytes).substr(cut))) frames.push_back(std::move(frame));
    ASSERT_EQ(shape(frames), want) << cut;
  }
}

TEST(WebSocket, WhatTheStandardForbidsClosesWithItsCode) {
  EXPECT_EQ(refused_with("\x81\x05Hello"), kCloseProtocol);                        // not masked
  EXPECT_EQ(refused_with(masked(0xc1, "x")), kCloseProtocol);                      // an extension's bit
  EXPECT_EQ(refused_with(masked(0x82, "x")), kCloseUnsupported);                   // binary
  EXPECT_EQ(refused_with(masked(0x81, "\xff")), kCloseBadText);                    // no UTF-8
  EXPECT_EQ(refused_with(masked(0x80, "x")), kCloseProtocol);                      // goes on with nothing
  EXPECT_EQ(refused_with(masked(0x01, "x") + masked(0x81, "y")), kCloseProtocol);  // begins within a message
  EXPECT_EQ(refused_with(masked(0x89, std::string(126, 'x'))), kCloseProtocol);    // a large control frame
  EXPECT_EQ(refused_with(masked(0x81, std::string(1001, 'x'))), kCloseTooBig);
  EXPECT_EQ(refused_with(masked(0x01, std::string(600, 'x')) + masked(0x80, std::string(600, 'x'))), kCloseTooBig);
  EXPECT_EQ(refused_with(std::string("\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff", 10)), kCloseTooBig);
  EXPECT_EQ(refused_with(masked(0x8b, "")), kCloseProtocol);  // no such frame
}

}  // namespace
}  // namespace steward::net
