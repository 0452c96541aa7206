// The guard's verdicts. What is inside comes from RFC 6890 and IANA's registries, how hosts are written from RFC 3986
// and from what attackers write (inet_aton's forms, NAT64, mapped addresses, user parts, fragments).
#include "net/guard.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace steward::net {
namespace {

Guard plain() { return *Guard::make({}); }

class Refused : public testing::TestWithParam<const char*> {};

TEST_P(Refused, IsNeverFetched) {
  const auto url = plain().check(GetParam());
  ASSERT_FALSE(url.has_value()) << url->url << " host " << url->host;
  EXPECT_EQ(url.error().code, ErrorCode::kUrlRefused);
}

INSTANTIATE_TEST_SUITE_P(
    Schemes, Refused,
    testing::Values("", "x", "//example.com/", "file:///etc/passwd", "ftp://example.com/", "gopher://example.com/",
                    "dict://example.com:11211/", "data:text/plain,x", "javascript:alert(1)", "HTTP", "http:", "http://",
                    "https:///etc", "jar:http://example.com!/", "ws://example.com/", "http:example.com",
                    "http:/example.com", "unix:/var/run/docker.sock", " http://example.com/", "https://example.com /",
                    "https://exam\tple.com/", "https://example.com/\r\nX: y", "https://example.com\\@evil.example/",
                    "https://ex\xc3\xa4mple.com/", "https://\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.1/"));
INSTANTIATE_TEST_SUITE_P(UserPartsAndPorts, Refused,
                         testing::Values("https://user@example.com/", "https://user:password@example.com/",
                                         "https://@example.com/", "https://example.com:22/", "http://example.com:6379/",
                                         "http://example.com:0/", "http://example.com:65536/",
                                         "http://example.com:99999999999/", "http://example.com:-80/",
                                         "http://example.com@127.0.0.1/", "http://127.0.0.1#@example.com/",
                                         "http://127.0.0.1?@example.com/"));
INSTANTIATE_TEST_SUITE_P(Names, Refused,
                         testing::Values("http://localhost/", "http://LOCALHOST/", "http://localhost./",
                                         "http://a.localhost/", "http://localhost.localdomain/",
                                         "http://printer.local/", "http://metadata.google.internal/",
                                         "http://metadata/", "http://instance-data/", "http://vault.corp/",
                                         "http://router.lan/", "http://nas.home.arpa/", "http://-bad.example/",
                                         "http://a..example/", "http://.example/", "http://ex%61mple.com/",
                                         "http://127.0.0.1%2f.example.com/", "http://127.0.0.1%00.example.com/"));
INSTANTIATE_TEST_SUITE_P(
    Addresses4, Refused,
    testing::Values("http://0.0.0.0/", "http://0.1.2.3/", "http://10.0.0.1/", "http://10.255.255.255/",
                    "http://100.64.0.1/", "http://100.127.255.255/", "http://127.0.0.1/", "http://127.255.255.254/",
                    "http://169.254.169.254/latest/meta-data/", "http://169.254.0.1/", "http://172.16.0.1/",
                    "http://172.31.255.255/", "http://192.0.0.1/", "http://192.0.2.1/", "http://192.88.99.1/",
                    "http://192.168.0.1/", "http://198.18.0.1/", "http://198.19.255.255/", "http://198.51.100.7/",
                    "http://203.0.113.9/", "http://224.0.0.1/", "http://239.255.255.255/", "http://240.0.0.1/",
                    "http://255.255.255.255/", "http://168.63.129.16/", "http://100.100.100.200/"));
INSTANTIATE_TEST_SUITE_P(OtherSpellings, Refused,
                         testing::Values("http://2130706433/", "http://017700000001/", "http://0x7f000001/",
                                         "http://0x7f.0.0.1/", "http://0177.0.0.1/", "http://127.1/", "http://127.0.1/",
                                         "http://127.0.0.1./", "http://1/", "http://134744072/", "http://8.8.8/",
                                         "http://08.8.8.8/", "http://8.8.8.8.8/", "http://0x8.8.8.8/",
                                         "http://999.1.1.1/", "http://1.2.3.0x4/", "http://example.123/", "http://0/",
                                         "http://[127.0.0.1]/"));
INSTANTIATE_TEST_SUITE_P(
    Addresses6, Refused,
    testing::Values("http://[::]/", "http://[::1]/", "http://[0:0:0:0:0:0:0:1]/", "http://[::ffff:127.0.0.1]/",
                    "http://[::ffff:7f00:1]/", "http://[::ffff:8.8.8.8]/", "http://[::127.0.0.1]/",
                    "http://[64:ff9b::7f00:1]/", "http://[64:ff9b::8.8.8.8]/", "http://[64:ff9b:1::1]/",
                    "http://[100::1]/", "http://[2001::1]/", "http://[2001:db8::1]/", "http://[2001:10::1]/",
                    "http://[2002:7f00:1::]/", "http://[3fff::1]/", "http://[5f00::1]/", "http://[fc00::1]/",
                    "http://[fd00:ec2::254]/", "http://[fe80::1]/", "http://[fe80::1%25eth0]/", "http://[fec0::1]/",
                    "http://[ff02::1]/", "http://[4000::1]/", "http://[::1", "http://[::1]:22/", "http://::1/"));

class Taken : public testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(Taken, AndTheHostIsReadOnce) {
  const auto url = plain().check(GetParam().first);
  ASSERT_TRUE(url.has_value()) << url.error().message;
  EXPECT_EQ(url->host + ":" + std::to_string(url->port), GetParam().second);
}

INSTANTIATE_TEST_SUITE_P(
    Public, Taken,
    testing::Values(
        std::pair{"https://example.com/a.png?x=1#f", "example.com:443"},
        std::pair{"HTTPS://Example.COM", "example.com:443"}, std::pair{"http://example.com:80/", "example.com:80"},
        std::pair{"http://example.com:443/", "example.com:443"}, std::pair{"https://example.com./", "example.com:443"},
        std::pair{"https://xn--exmple-cua.com/", "xn--exmple-cua.com:443"},
        std::pair{"https://a_b.example.com/?u=http://user@127.0.0.1/", "a_b.example.com:443"},
        std::pair{"http://8.8.8.8/", "8.8.8.8:80"}, std::pair{"http://11.0.0.1/", "11.0.0.1:80"},
        std::pair{"http://172.32.0.1/", "172.32.0.1:80"}, std::pair{"http://100.128.0.1/", "100.128.0.1:80"},
        std::pair{"http://9.255.255.255/", "9.255.255.255:80"},
        std::pair{"http://[2606:4700:4700::1111]/", "2606:4700:4700::1111:80"},
        std::pair{"http://[2606:4700:4700:0:0:0:0:1111]/", "2606:4700:4700::1111:80"},
        std::pair{"https://127.0.0.1.nip.io/", "127.0.0.1.nip.io:443"}));

TEST(Guard, JudgesWhatANameLedTo) {
  const auto guard = plain();
  const auto url = *guard.check("https://images.example/");
  EXPECT_TRUE(guard.may_reach(url, "93.184.216.34").has_value());
  EXPECT_TRUE(guard.may_reach(url, "2606:2800:220:1::1").has_value());
  for (const char* inside : {"127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "::ffff:10.0.0.1", "fd00::1",
                             "fe80::1%2", "64:ff9b::a00:1", "nonsense", ""})
    EXPECT_FALSE(guard.may_reach(url, inside).has_value()) << inside;
}

TEST(Guard, TheOwnersListOpensWhatItNamesAndNoMore) {
  const auto guard = *Guard::make({.allow_inside = {"127.0.0.1:8123", "10.1.0.0/16", "files.corp", "[fd00::1]:81",
                                                    "nas.lan:8080", "169.254.0.0/16"}});
  for (const char* good : {"http://127.0.0.1:8123/", "http://10.1.255.1/", "http://10.1.0.1:9/", "https://files.corp/x",
                           "http://files.corp:9000/", "http://[fd00::1]:81/", "http://nas.lan:8080/"})
    EXPECT_TRUE(guard.check(good).has_value()) << good;
  for (const char* bad : {"http://127.0.0.1/", "http://127.0.0.1:8124/", "http://10.2.0.1/", "http://a.files.corp/",
                          "http://[fd00::1]/", "http://[fd00::2]:81/", "http://nas.lan/", "http://169.254.169.254/",
                          "http://[::ffff:169.254.169.254]/", "http://169.254.170.2/"})
    EXPECT_FALSE(guard.check(bad).has_value()) << bad;
  const auto named = *guard.check("https://files.corp/");
  EXPECT_TRUE(guard.may_reach(named, "10.9.9.9").has_value());
  EXPECT_FALSE(guard.may_reach(named, "169.254.169.254").has_value());
  const auto other = *guard.check("https://example.com/");
  EXPECT_FALSE(guard.may_reach(other, "10.9.9.9").has_value());
}

TEST(Guard, AnEntryThatCantBeReadIsAnError) {
  for (const char* bad : {"", ":80", "host:", "host:0", "host:70000", "host:x", "10.0.0.0/33", "10.0.0/8", "a b",
                          "::1/129", "http://x", "*.corp"})
    EXPECT_FALSE(Guard::make({.allow_inside = {bad}}).has_value()) << bad;
}

TEST(Guard, ALongAddressIsRefused) {
  EXPECT_TRUE(plain().check("https://example.com/" + std::string(8000, 'a')).has_value());
  EXPECT_FALSE(plain().check("https://example.com/" + std::string(9000, 'a')).has_value());
}

// RFC 1918 as arithmetic on the number, not on the text.
RC_GTEST_PROP(Guard, EveryIpv4AddressIsJudgedByItsNumber, (uint32_t number)) {
  const std::string text =
      fmt::format("{}.{}.{}.{}", number >> 24, number >> 16 & 255, number >> 8 & 255, number & 255);
  const bool rfc1918 = (number >> 24) == 10 || (number >> 20) == 0xac1 || (number >> 16) == 0xc0a8;
  const bool other = (number >> 24) == 0 || (number >> 24) == 127 || (number >> 16) == 0xa9fe ||
                     (number >> 22) == 0x191 || (number >> 28) >= 14;
  if (rfc1918) RC_ASSERT(inside_kind(text) == "private");
  if (rfc1918 || other) RC_ASSERT(!plain().check("http://" + text + "/").has_value());
  // Whatever form of IPv6 carries an IPv4 address, it isn't a way around.
  for (const char* form : {"::ffff:", "64:ff9b::", "::"}) RC_ASSERT(!inside_kind(form + text).empty());
}

}  // namespace
}  // namespace steward::net
