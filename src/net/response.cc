#include "net/response.h"

#include <ctime>

#include "base/text.h"

namespace steward::net {
namespace {

std::string_view reason(int status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 402: return "Payment Required";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 499: return "Client Closed Request";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    default: return "Status";
  }
}

// A header's value is one line: what a caller could smuggle in becomes a space.
void append_line(std::string& out, std::string_view text) {
  size_t start = out.size();
  out.append(text);
  for (size_t i = start; i < out.size(); ++i) {
    if (out[i] == '\r' || out[i] == '\n' || out[i] == '\0') out[i] = ' ';
  }
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  append_line(out, name);
  out.append(": ");
  append_line(out, value);
  out.append("\r\n");
}

bool has_body(int status) { return status >= 200 && status != 204 && status != 304; }

// Framing is the responder's own: a handler that sets these could make two answers of one.
bool is_framing(std::string_view name) {
  for (std::string_view own :
       {"content-length", "transfer-encoding", "connection", "content-type", "date", "server", "x-request-id"}) {
    if (equal_ignoring_ascii_case(name, own)) return true;
  }
  return false;
}

}  // namespace

std::string Response::head(int status, std::string_view content_type, std::optional<size_t> length) {
  std::string out;
  out.reserve(384);
  out.append(context_.http_1_0 ? "HTTP/1.0 " : "HTTP/1.1 ").append(fmt::format_int(status).c_str());
  out.append(" ").append(reason(status)).append("\r\nServer: steward\r\nDate: ").append(context_.date).append("\r\n");
  append_field(out, "X-Request-Id", request_id_);
  if (!content_type.empty()) append_field(out, "Content-Type", content_type);
  if (chunked_) out.append("Transfer-Encoding: chunked\r\n");
  if (length && has_body(status))
    out.append("Content-Length: ").append(fmt::format_int(*length).c_str()).append("\r\n");
  if (!context_.keep_alive)
    out.append("Connection: close\r\n");
  else if (context_.http_1_0)
    out.append("Connection: keep-alive\r\n");
  for (const auto& [name, value] : headers_.all()) {
    if (!is_framing(name)) append_field(out, name, value);
  }
  out.append("\r\n");
  status_ = status;
  return out;
}

Task<Status> Response::put(std::string_view head, std::string_view body, std::string_view tail) {
  if (co_await output_.write(head, body, tail)) co_return Status{};
  cancel_.cancel(CancelReason::kClientGone);
  co_return fail(ErrorCode::kCancelled);
}

Task<Status> Response::send(int status, std::string content_type, std::string body) {
  if (phase_ != Phase::kFresh) co_return fail(ErrorCode::kInternal, "The request was answered already.");
  phase_ = Phase::kDone;
  std::string top = head(status, content_type, body.size());
  bool bare = context_.head_only || !has_body(status);
  co_return co_await put(top, bare ? std::string_view{} : body);
}

Task<Status> Response::begin(int status, std::string content_type) {
  if (phase_ != Phase::kFresh) co_return fail(ErrorCode::kInternal, "The request was answered already.");
  phase_ = Phase::kStreaming;
  if (context_.http_1_0) context_.keep_alive = false;  // its body ends with the connection
  chunked_ = !context_.http_1_0 && has_body(status);
  std::string top = head(status, content_type, std::nullopt);
  co_return co_await put(top);
}

Task<Status> Response::write(std::string chunk) {
  if (phase_ != Phase::kStreaming) co_return fail(ErrorCode::kInternal, "There is no stream to write to.");
  if (cancel_.reason() == CancelReason::kClientGone) co_return fail(ErrorCode::kCancelled);
  if (chunk.empty() || context_.head_only) co_return Status{};
  if (!chunked_) co_return co_await put(chunk);
  fmt::memory_buffer size;
  fmt::format_to(std::back_inserter(size), "{:x}\r\n", chunk.size());
  co_return co_await put({size.data(), size.size()}, chunk, "\r\n");
}

Task<Status> Response::end() {
  if (phase_ == Phase::kDone) co_return Status{};
  if (phase_ == Phase::kFresh) co_return fail(ErrorCode::kInternal, "There is no stream to end.");
  phase_ = Phase::kDone;
  if (!chunked_ || context_.head_only) co_return Status{};
  co_return co_await put("0\r\n\r\n");
}

std::string http_date(TimeUs time_us) {
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::time_t seconds = time_us / kSecondUs;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", kDays[parts.tm_wday], parts.tm_mday,
                     kMonths[parts.tm_mon], parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

}  // namespace steward::net
