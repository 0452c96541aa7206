// Malformed and hostile requests, byte by byte over real sockets: each gets its clear 4xx in JSON, and the server goes
// on.
#include "base/json.h"
#include "net/server_testing.h"

namespace steward::net {
namespace {

using namespace testing_support;

ServerLimits small_limits() {
  ServerLimits limits;
  limits.max_header_bytes = 8 * 1024;
  limits.max_headers = 32;
  limits.max_target_bytes = 1024;
  limits.max_body_bytes = 100'000;
  limits.head_timeout = 200ms;
  limits.body_timeout = 200ms;
  limits.idle_timeout = 300ms;
  limits.write_timeout = 300ms;
  limits.max_bodies_bytes = 300'000;
  limits.max_client_bodies_bytes = 120'000;
  return limits;
}

class Hostile : public ServerFixture {
 protected:
  Hostile() : ServerFixture(small_limits()) {
    router_.set_client_namer([](const Request& request) {
      return std::string(request.headers.has("x-client") ? request.headers.get("x-client") : "somebody");
    });
  }

  void expect_refused(std::string_view name, std::string_view request, int status) {
    std::string answer = ask(request);
    EXPECT_EQ(status_of(answer), status) << name << ": " << answer.substr(0, 300);
    auto body = answer.find("\r\n\r\n");
    ASSERT_NE(body, std::string::npos) << name;
    auto json = parse_json(std::string_view(answer).substr(body + 4));
    ASSERT_TRUE(json.has_value()) << name << ": " << answer;
    EXPECT_FALSE((*json)["error"]["message"].get<std::string>().empty()) << name;
    EXPECT_NE(answer.find("X-Request-Id: req_"), std::string::npos) << name;
    expect_alive(name);
  }
  void expect_alive(std::string_view after) {
    EXPECT_EQ(status_of(ask("GET /ok HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")), 200) << "after " << after;
  }
};

std::string with_body(std::string_view fields, std::string_view body) {
  return fmt::format("POST /size HTTP/1.1\r\nHost: x\r\n{}\r\n\r\n{}", fields, body);
}

TEST_F(Hostile, GrammarAndSmuggling) {
  using namespace std::string_view_literals;
  const std::vector<std::pair<std::string_view, std::string>> cases = {
      {"CL and TE", with_body("Content-Length: 6\r\nTransfer-Encoding: chunked", "0\r\n\r\nG")},
      {"TE and CL", with_body("Transfer-Encoding: chunked\r\nContent-Length: 6", "0\r\n\r\nG")},
      {"two lengths", with_body("Content-Length: 3\r\nContent-Length: 4", "abcd")},
      {"two equal lengths", with_body("Content-Length: 3\r\nContent-Length: 3", "abc")},
      {"a list of lengths", with_body("Content-Length: 3, 3", "abc")},
      {"negative length", with_body("Content-Length: -1", "")},
      {"length with plus", with_body("Content-Length: +3", "abc")},
      {"length in hex", with_body("Content-Length: 0x3", "abc")},
      {"length too large for any number", with_body("Content-Length: 99999999999999999999999", "abc")},
      {"empty length", with_body("Content-Length:", "abc")},
      {"TE identity", with_body("Transfer-Encoding: identity", "abc")},
      {"TE gzip, chunked", with_body("Transfer-Encoding: gzip, chunked", "0\r\n\r\n")},
      {"TE chunked twice", with_body("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "0\r\n\r\n")},
      {"TE xchunked", with_body("Transfer-Encoding: xchunked", "0\r\n\r\n")},
      {"TE quoted", with_body("Transfer-Encoding: \"chunked\"", "0\r\n\r\n")},
      {"chunked in 1.0", "POST /size HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {"folded header", "GET /ok HTTP/1.1\r\nHost: x\r\nX-A: b\r\n c\r\n\r\n"},
      {"folded TE", with_body("Transfer-Encoding:\r\n chunked", "0\r\n\r\n")},
      {"bare LF", "GET /ok HTTP/1.1\nHost: x\n\n"},
      {"bare LF in header", "GET /ok HTTP/1.1\r\nHost: x\nX-A: b\r\n\r\n"},
      {"bare CR in header", "GET /ok HTTP/1.1\r\nHost: x\rX-A: b\r\n\r\n"},
      {"space before colon", with_body("Content-Length : 3", "abc")},
      {"tab before colon", with_body("Transfer-Encoding\t: chunked", "0\r\n\r\n")},
      {"no colon", "GET /ok HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n"},
      {"empty name", "GET /ok HTTP/1.1\r\nHost: x\r\n: x\r\n\r\n"},
      {"NUL in value", std::string("GET /ok HTTP/1.1\r\nHost: x\r\nX-A: b\0c\r\n\r\n"sv)},
      {"NUL in name", std::string("GET /ok HTTP/1.1\r\nHost: x\r\nX\0A: b\r\n\r\n"sv)},
      {"NUL in target", std::string("GET /o\0k HTTP/1.1\r\nHost: x\r\n\r\n"sv)},
      {"control in value", "GET /ok HTTP/1.1\r\nHost: x\r\nX-A: b\x01\r\n\r\n"},
      {"no host", "GET /ok HTTP/1.1\r\n\r\n"},
      {"two hosts", "GET /ok HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"},
      {"version 2.0", "GET /ok HTTP/2.0\r\nHost: x\r\n\r\n"},
      {"version 1.2", "GET /ok HTTP/1.2\r\nHost: x\r\n\r\n"},
      {"version 0.9", "GET /ok\r\n\r\n"},
      {"version nonsense", "GET /ok HTTX/1.1\r\nHost: x\r\n\r\n"},
      {"two spaces", "GET  /ok HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"tab for space", "GET\t/ok HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"method with colon", "GE:T /ok HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"a very long method", std::string(40, 'M') + " /ok HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
      {"TLS hello", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11)},
      {"other expectation", with_body("Content-Length: 1\r\nExpect: 200-maybe", "a")},
      {"garbage", "\xde\xad\xbe\xef\r\n\r\n"},
  };
  for (const auto& [name, request] : cases) expect_refused(name, request, 400);
}

TEST_F(Hostile, Chunks) {
  const std::vector<std::pair<std::string_view, std::string>> cases = {
      {"size is no hex", "xyz\r\nabc\r\n0\r\n\r\n"},
      {"empty size", "\r\nabc\r\n0\r\n\r\n"},
      {"negative size", "-1\r\nabc\r\n0\r\n\r\n"},
      {"size overflows", "ffffffffffffffffff\r\nabc\r\n0\r\n\r\n"},
      {"bare LF after size", "3\nabc\r\n0\r\n\r\n"},
      {"no CRLF after data", "3\r\nabcX\r\n0\r\n\r\n"},
      {"0x prefix", "0x3\r\nabc\r\n0\r\n\r\n"},
      {"endless extension", "3;" + std::string(10'000, 'e')},
      {"endless trailer", "0\r\nX: " + std::string(10'000, 't')},
      {"bad extension", "3;a b\x01\r\nabc\r\n0\r\n\r\n"},
  };
  for (const auto& [name, body] : cases) expect_refused(name, with_body("Transfer-Encoding: chunked", body), 400);
  expect_refused("sum too large", with_body("Transfer-Encoding: chunked", "fffff\r\n"), 413);
  EXPECT_EQ(status_of(ask(with_body("Transfer-Encoding: chunked\r\nConnection: close",
                                    "3;x=y\r\nabc\r\n0\r\nTrailer: t\r\n\r\n"))),
            200);
}

TEST_F(Hostile, Targets) {
  for (std::string_view target :
       {"/ok%",         "/ok%2",      "/ok%zz",    "/%00",      "/ok/../ok",    "/./ok", "/%2e%2e/ok",
        "/a%2f..%2fok", "/a\\ok",     "/%5cok",    "/%ff%fe",   "/\xff",        "/ok#x", "ok",
        "http://",      "ftp://x/ok", "/ok?a=%ff", "/ok?%zz=1", "/%0d%0aX-A:b", "/%7f"}) {
    expect_refused(target, fmt::format("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", target), 400);
  }
  expect_refused("CONNECT", "CONNECT example.org:443 HTTP/1.1\r\nHost: example.org\r\n\r\n", 400);
  expect_refused("long target", "GET /" + std::string(2000, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n", 414);
  expect_refused("endless target", "GET /" + std::string(20'000, 'a'), 414);
  EXPECT_EQ(status_of(ask("GET http://somewhere/ok?x=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")), 200);
  EXPECT_EQ(status_of(ask("BREW /ok HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")), 405);
  EXPECT_EQ(status_of(ask("BREW /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")), 404);
  EXPECT_EQ(status_of(ask("OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")), 404);
}

TEST_F(Hostile, HeaderFloods) {
  std::string many = "GET /ok HTTP/1.1\r\nHost: x\r\n";
  for (int i = 0; i < 100; ++i) many += fmt::format("X-{}: {}\r\n", i, i);
  expect_refused("many", many + "\r\n", 431);
  expect_refused("large", "GET /ok HTTP/1.1\r\nHost: x\r\nX: " + std::string(9'500, 'x') + "\r\n\r\n", 431);
  expect_refused("endless", "GET /ok HTTP/1.1\r\nHost: x\r\nX: " + std::string(1'000'000, 'x'), 431);
}

TEST_F(Hostile, SlowAndHalf) {
  expect_refused("slow head", "GET /ok HTTP/1.1\r\nHost:", 408);
  expect_refused("slow body", with_body("Content-Length: 100", "abc"), 408);
  expect_refused("slow chunk", with_body("Transfer-Encoding: chunked", "5\r\nab"), 408);
  for (std::string_view partial :
       {"GET /ok HTTP/1.1\r\nHost:", "POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc"}) {
    auto socket = RawSocket::to(server_->port());
    socket.send(partial);
    socket.half_close();
    EXPECT_EQ(status_of(socket.read_to_end()), 400) << partial;
  }
  auto silent = RawSocket::to(server_->port());
  EXPECT_EQ(silent.read_to_end(3s), "");  // an idle connection is closed without a word
  expect_alive("slow");
}

TEST_F(Hostile, DripFedHeadIsBoundedAsAWhole) {
  auto socket = RawSocket::to(server_->port());
  auto begin = std::chrono::steady_clock::now();
  while (socket.send("G") && !socket.readable_within(20ms)) {
    ASSERT_LT(std::chrono::steady_clock::now() - begin, 3s);
  }
  EXPECT_EQ(status_of(socket.read_to_end()), 408);
}

size_t resident_bytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  size_t pages = 0, resident = 0;
  int fields = std::fscanf(file, "%zu %zu", &pages, &resident);
  std::fclose(file);
  return fields == 2 ? resident * 4096 : 0;
}

TEST_F(Hostile, AHundredMegabytesAreRefusedAndTheClientReadsWhy) {
  std::string megabyte(1'000'000, 'x');
  for (bool chunked : {false, true}) {
    size_t before = resident_bytes();
    auto socket = RawSocket::to(server_->port());
    socket.send(chunked ? "POST /size HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                        : "POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n");
    bool sent = true;  // the whole of it, without looking at the answer: the server must read it away
    for (int i = 0; i < 100 && sent; ++i)
      sent = (!chunked || socket.send("f4240\r\n")) && socket.send(megabyte) && (!chunked || socket.send("\r\n"));
    EXPECT_TRUE(sent) << chunked;
    EXPECT_EQ(status_of(socket.read_to_end()), 413) << chunked;
    EXPECT_LT(resident_bytes() - std::min(before, resident_bytes()), 8'000'000u);
  }
  expect_alive("large bodies");
}

std::string from(std::string_view client, std::string_view path, size_t bytes) {
  return fmt::format("POST {} HTTP/1.1\r\nHost: x\r\nX-Client: {}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{}",
                     path, client, bytes, std::string(bytes, 'a'));
}

// Bodies that are held for as long as their sockets live, by handlers that wait.
class Bodies : public Hostile {
 protected:
  RawSocket held(std::string_view client, size_t bytes) {
    const int before = waiting_;
    auto socket = RawSocket::to(server_->port());
    socket.send(from(client, "/hold", bytes));
    EXPECT_TRUE(within(5s, [&] { return waiting_ == before + 1; })) << client;
    return socket;
  }
  std::string sends(std::string_view client, size_t bytes) { return ask(from(client, "/size", bytes)); }
};

TEST_F(Bodies, TogetherAreBounded) {
  const auto first = held("one", 100'000), second = held("two", 90'000);
  const std::string answer = sends("three", 60'000);  // more than what would then be free
  EXPECT_EQ(status_of(answer), 429) << answer;
  EXPECT_NE(answer.find("Retry-After: 1"), std::string::npos);
  EXPECT_NE(answer.find("as many request bodies as it takes"), std::string::npos) << answer;
  EXPECT_EQ(status_of(sends("three", 40'000)), 200);
}

TEST_F(Bodies, OfOneClientAreBoundedAndGivenBack) {
  auto first = held("greedy", 100'000);
  const std::string answer = sends("greedy", 30'000);
  EXPECT_EQ(status_of(answer), 429) << answer;
  EXPECT_NE(answer.find("limits.max_client_bodies_bytes"), std::string::npos) << answer;
  EXPECT_EQ(status_of(sends("other", 90'000)), 200);
  EXPECT_EQ(status_of(sends("greedy", 20'000)), 200);  // to the bound
  first.close();
  EXPECT_TRUE(within(5s, [&] { return status_of(sends("greedy", 100'000)) == 200; }));
}

TEST_F(Bodies, OfStrangersLeaveRoomForTheKnown) {
  const auto stranger = held("", 60'000);
  EXPECT_EQ(status_of(sends("", 20'000)), 429);  // of the same address
  EXPECT_EQ(status_of(sends("known", 90'000)), 200);
}

TEST_F(Bodies, ThatNeverEndCountToo) {
  const std::string whole = from("greedy", "/size", 100'000);
  std::vector<RawSocket> halves;
  const auto begin = [&] {
    halves.push_back(RawSocket::to(server_->port()));
    halves.back().send(std::string_view(whole).substr(0, whole.size() - 1));
  };
  begin();
  EXPECT_TRUE(within(5s, [&] {
    if (halves.back().readable_within(0ms)) begin();  // it was refused, since it came while the probe below was held
    return status_of(sends("greedy", 60'000)) == 429;
  }));
}

TEST_F(Hostile, AClientThatReadsNothingIsCut) {
  auto socket = RawSocket::to(server_->port());
  socket.send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(within(5s, [&] { return stream_over_.load(); }));
  EXPECT_LT(written_, 2'000);  // what fits the kernel's buffers, not more
  expect_alive("deaf client");
}

TEST_F(Hostile, PipelinedFloodIsBounded) {
  auto socket = RawSocket::to(server_->port());
  socket.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(within(2s, [&] { return waiting_ == 1; }));
  size_t before = resident_bytes();
  std::string flood(1'000'000, 'x');
  size_t sent = 0;  // until nothing more is taken for a while
  for (ssize_t n = 1; n > 0 && sent < 100'000'000;) {
    n = ::send(socket.fd(), flood.data(), flood.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0) sent += n;
    if (n < 0) std::this_thread::sleep_for(20ms), n = ::send(socket.fd(), "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  EXPECT_LT(sent, 100'000'000u);
  EXPECT_LT(resident_bytes() - std::min(before, resident_bytes()), 4'000'000u);
  EXPECT_EQ(reason_, CancelReason::kNone);
  socket.reset();  // while the server has stopped reading: it must notice all the same
  EXPECT_TRUE(within(1s, [&] { return reason_ == CancelReason::kClientGone; }));
}

}  // namespace
}  // namespace steward::net
