#include "net/tls_transport.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <ctime>

#include "base/crypto.h"

namespace steward::net {
namespace {

namespace ssl = asio::ssl;

constexpr std::string_view kPlainToTls =
    "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: 133\r\n\r\n"
    R"({"error":{"message":"This port speaks HTTPS: use https:// in the address.","type":"invalid_request_error","code":"invalid_request"}})"
    "\n";

class TlsTransport final : public Transport {
 public:
  TlsTransport(StreamSocket socket, ssl::context& context) : stream_(std::move(socket), context) {}

  Task<ErrorValue> handshake() override {
    ErrorValue error;
    co_await stream_.async_handshake(ssl::stream_base::server, asio::redirect_error(asio::use_awaitable, error));
    if (error.category() == asio::error::get_ssl_category() && ERR_GET_REASON(error.value()) == SSL_R_HTTP_REQUEST) {
      ErrorValue ignored;
      stream_.next_layer().non_blocking(true, ignored);
      stream_.next_layer().write_some(asio::buffer(kPlainToTls.data(), kPlainToTls.size()), ignored);
      stream_.next_layer().shutdown(StreamSocket::shutdown_send, ignored);
    }
    co_return error;
  }

  void read_some(asio::mutable_buffer into, std::shared_ptr<ReadSink> sink) override {
    stream_.async_read_some(into,
                            [sink = std::move(sink)](ErrorValue error, size_t bytes) { sink->on_read(error, bytes); });
  }

  size_t write_now(std::span<const asio::const_buffer>, ErrorValue&) override { return 0; }

  Task<ErrorValue> write_some(std::span<const asio::const_buffer> parts, size_t& written) override {
    ErrorValue error;
    written = co_await stream_.async_write_some(parts, asio::redirect_error(asio::use_awaitable, error));
    co_return error;
  }

  Task<void> shutdown_send() override {
    ErrorValue ignored;
    co_await stream_.async_shutdown(asio::redirect_error(asio::use_awaitable, ignored));
    stream_.next_layer().shutdown(StreamSocket::shutdown_send, ignored);
  }

  void close() override {
    ErrorValue ignored;
    stream_.next_layer().close(ignored);
  }

  int native_handle() override { return stream_.next_layer().native_handle(); }

 private:
  ssl::stream<StreamSocket> stream_;
};

int choose_http11(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in, unsigned in_size,
                  void*) {
  static constexpr unsigned char kOffered[] = "\x08http/1.1";
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, kOffered, sizeof(kOffered) - 1, in, in_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

class OpenSslContext final : public TlsContext {
 public:
  OpenSslContext() : context_(ssl::context::tls_server) {
    context_.set_options(ssl::context::default_workarounds | ssl::context::no_sslv2 | ssl::context::no_sslv3 |
                         ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1 | ssl::context::no_compression);
    SSL_CTX_set_alpn_select_cb(context_.native_handle(), choose_http11, nullptr);
    SSL_CTX_set_mode(context_.native_handle(), SSL_MODE_RELEASE_BUFFERS);  // an idle connection holds no 34 KB
  }

  Status read(const std::filesystem::path& certificate, const std::filesystem::path& key) {
    ErrorValue error;
    if (context_.use_certificate_chain_file(certificate.string(), error); error) {
      return fail(ErrorCode::kConfig,
                  fmt::format("The TLS certificate {} can't be used: {}.", certificate.string(), error.message()));
    }
    if (context_.use_private_key_file(key.string(), ssl::context::pem, error); error) {
      return fail(ErrorCode::kConfig, fmt::format("The TLS key {} can't be used: {}.", key.string(), error.message()));
    }
    if (SSL_CTX_check_private_key(context_.native_handle()) != 1) {
      ERR_clear_error();
      return fail(ErrorCode::kConfig, fmt::format("The TLS key {} is not the one of the certificate {}.", key.string(),
                                                  certificate.string()));
    }
    return {};
  }

  CertificateFacts facts() const override {
    CertificateFacts out;
    X509* leaf = SSL_CTX_get0_certificate(const_cast<ssl::context&>(context_).native_handle());
    if (leaf == nullptr) return out;
    std::tm ends = {};
    if (ASN1_TIME_to_tm(X509_get0_notAfter(leaf), &ends) == 1) out.expires_at = ::timegm(&ends) * kSecondUs;
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (X509_digest(leaf, EVP_sha256(), digest, &size) == 1)
      out.fingerprint = to_hex(std::string_view(reinterpret_cast<const char*>(digest), size));
    const std::unique_ptr<BIO, int (*)(BIO*)> text(BIO_new(BIO_s_mem()), BIO_free);
    X509_NAME_print_ex(text.get(), X509_get_subject_name(leaf), 0, XN_FLAG_RFC2253);
    char* bytes = nullptr;
    const long length = BIO_get_mem_data(text.get(), &bytes);
    if (length > 0) out.subject.assign(bytes, static_cast<size_t>(length));
    return out;
  }

  std::unique_ptr<Transport> wrap(StreamSocket socket) override {
    return std::make_unique<TlsTransport>(std::move(socket), context_);
  }

 private:
  ssl::context context_;
};

}  // namespace

Result<std::shared_ptr<TlsContext>> TlsContext::load(const std::filesystem::path& certificate,
                                                     const std::filesystem::path& key) {
  auto made = std::make_shared<OpenSslContext>();
  if (auto status = made->read(certificate, key); !status) return fail(status.error());
  return made;
}

}  // namespace steward::net
