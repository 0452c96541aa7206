#include "net/request_parser.h"

#include <charconv>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/field.hpp>
#include <limits>

#include "base/text.h"

namespace steward::net {
namespace {

namespace http = boost::beast::http;
using BeastError = boost::beast::error_code;
using BeastView = boost::beast::string_view;

constexpr size_t kMaxMethodBytes = 32;
constexpr size_t kRequestLineExtra = kMaxMethodBytes + 16;  // method, spaces, version, CRLF

std::string_view view(BeastView text) { return {text.data(), text.size()}; }

std::unexpected<Error> bad(std::string why) {
  return fail(ErrorCode::kInvalidRequest, "The request is not valid HTTP/1.1: " + std::move(why) + ".");
}

std::unexpected<Error> from_beast(const BeastError& error) {
  if (error == http::error::body_limit) return fail(ErrorCode::kBodyTooLarge);
  if (error == http::error::header_limit) return fail(ErrorCode::kHeadersTooLarge);
  if (error == http::error::bad_version) return bad("the version must be HTTP/1.1 or HTTP/1.0");
  return bad(error.message());
}

}  // namespace

class RequestParser::Grammar final : public http::basic_parser<true> {
 public:
  explicit Grammar(size_t max_headers) : max_headers_(max_headers) {
    header_limit(std::numeric_limits<uint32_t>::max());  // scan_head bounds it
    body_limit(std::numeric_limits<uint64_t>::max() / 2);
  }
  RequestHead head;
  std::optional<Error> refused;

 private:
  BeastError refuse(Error error) {
    refused = std::move(error);
    return http::error::bad_value;
  }

  void on_request_impl(http::verb, BeastView method, BeastView target, int version, BeastError& ec) override {
    head.method = view(method);
    head.target = view(target);
    head.http_1_0 = version == 10;
    if (version != 10 && version != 11) ec = http::error::bad_version;
  }
  void on_response_impl(int, BeastView, int, BeastError&) override {}

  void on_field_impl(http::field name, BeastView name_text, BeastView value, BeastError& ec) override {
    if (head.headers.all().size() >= max_headers_) {
      ec = refuse(
          Error(ErrorCode::kHeadersTooLarge, fmt::format("The request has more than {} headers.", max_headers_)));
      return;
    }
    if (name == http::field::content_length) {
      bool plain = !value.empty() && std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; });
      uint64_t length = 0;  // the library tells it only once the head is whole
      plain = plain && std::from_chars(value.data(), value.data() + value.size(), length).ec == std::errc();
      if (head.content_length || !plain) ec = refuse(bad("Content-Length must be one number, given once").error());
      head.content_length = length;
    } else if (name == http::field::transfer_encoding) {
      if (head.chunked || !equal_ignoring_ascii_case(view(value), "chunked")) {
        ec = refuse(bad("the only Transfer-Encoding is 'chunked', given once").error());
      }
      head.chunked = true;
    }
    head.headers.add(std::string(view(name_text)), std::string(view(value)));
  }

  void on_header_impl(BeastError&) override { head.keep_alive = keep_alive(); }
  // Only heads are fed to it (see body_reader.h).
  void on_body_init_impl(const boost::optional<uint64_t>&, BeastError&) override {}
  size_t on_body_impl(BeastView bytes, BeastError&) override { return bytes.size(); }
  void on_chunk_header_impl(uint64_t, BeastView, BeastError&) override {}
  size_t on_chunk_body_impl(uint64_t, BeastView bytes, BeastError&) override { return bytes.size(); }
  void on_finish_impl(BeastError&) override {}

  size_t max_headers_;
};

RequestParser::RequestParser(const ServerLimits& limits) : limits_(limits) { next(); }
RequestParser::~RequestParser() = default;

void RequestParser::next() {
  grammar_ = std::make_unique<Grammar>(limits_.max_headers);
  body_ = BodyReader();
  scanned_ = lines_ = 0;
  head_whole_ = false;
}

RequestHead& RequestParser::head() { return grammar_->head; }
bool RequestParser::done() const { return head_whole_ && body_.done(); }

Result<size_t> RequestParser::feed_head(std::string_view bytes) {
  size_t skipped = 0;  // one empty line before a request is forgiven (RFC 9112, 2.2)
  if (bytes.starts_with("\r\n")) skipped = 2;
  if (auto status = scan_head(bytes.substr(skipped)); !status) return fail(status.error());
  if (!head_whole_) return 0;
  BeastError error;
  size_t taken = grammar_->put(asio::buffer(bytes.data() + skipped, scanned_), error);
  if (grammar_->refused) return fail(*grammar_->refused);
  if (error && error != http::error::need_more) return from_beast(error);
  if (!grammar_->is_header_done()) return bad("the head is not whole");
  if (auto status = check_head(grammar_->head); !status) return fail(status.error());
  const RequestHead& head = grammar_->head;
  body_ = head.chunked ? BodyReader::chunked() : BodyReader::of_length(head.content_length.value_or(0));
  auto expect = head.headers.get("Expect");
  grammar_->head.expect_continue = !expect.empty() && !grammar_->head.http_1_0;
  return skipped + taken;
}

Status RequestParser::scan_head(std::string_view bytes) {
  while (!head_whole_) {
    size_t lf = bytes.find('\n', scanned_);
    size_t end = lf == std::string_view::npos ? bytes.size() : lf + 1;
    if (lines_ == 0 && end > limits_.max_target_bytes + kRequestLineExtra) {
      return fail(ErrorCode::kUriTooLong,
                  fmt::format("The address is longer than {} bytes.", limits_.max_target_bytes));
    }
    if (end > limits_.max_header_bytes + (lines_ ? limits_.max_target_bytes : 0)) {
      return fail(ErrorCode::kHeadersTooLarge,
                  fmt::format("The headers are larger than {} bytes.", limits_.max_header_bytes));
    }
    if (lf == std::string_view::npos) return {};
    std::string_view line = bytes.substr(scanned_, end - scanned_);
    if (auto status = scan_line(line); !status) return status;
    scanned_ = end;
    ++lines_;
    head_whole_ = line.size() == 2;
    if (lines_ > limits_.max_headers + 2) {
      return fail(ErrorCode::kHeadersTooLarge,
                  fmt::format("The request has more than {} headers.", limits_.max_headers));
    }
  }
  return {};
}

Status RequestParser::scan_line(std::string_view line) {
  if (line.size() < 2 || line[line.size() - 2] != '\r') return bad("a line must end with CR LF");
  line.remove_suffix(2);
  if (line.find('\r') != std::string_view::npos) return bad("a CR stands alone");
  if (line.find('\0') != std::string_view::npos) return bad("it has a NUL");
  if (lines_ == 0) {
    if (line.empty()) return bad("the request line is empty");
    return {};
  }
  if (line.starts_with(' ') || line.starts_with('\t')) return bad("a folded header");
  size_t colon = line.find(':');
  if (colon != std::string_view::npos && colon > 0 && (line[colon - 1] == ' ' || line[colon - 1] == '\t')) {
    return bad("white space before a header's colon");
  }
  return {};
}

Status RequestParser::check_head(const RequestHead& head) const {
  if (head.method.size() > kMaxMethodBytes) return bad("the method is too long");
  if (head.target.size() > limits_.max_target_bytes) {
    return fail(ErrorCode::kUriTooLong, fmt::format("The address is longer than {} bytes.", limits_.max_target_bytes));
  }
  if (head.chunked && head.content_length) return bad("Content-Length beside Transfer-Encoding");
  if (head.chunked && head.http_1_0) return bad("chunked in HTTP/1.0");
  auto hosts = std::ranges::count_if(head.headers.all(),
                                     [](const auto& h) { return equal_ignoring_ascii_case(h.first, "Host"); });
  if (hosts > 1) return bad("more than one Host");
  if (hosts == 0 && !head.http_1_0) return bad("no Host header");
  auto expect = head.headers.get("Expect");
  if (!expect.empty() && !equal_ignoring_ascii_case(expect, "100-continue"))
    return bad("the only Expect is '100-continue'");
  return {};
}

}  // namespace steward::net
