// Whatever stands in a form: read or refused, and every part lies inside of the body.
#include <cstdlib>

#include "net/multipart.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  const auto parts = steward::net::read_form("multipart/form-data; boundary=b", body);
  if (!parts) return 0;
  for (const auto& part : *parts) {
    if (part.name.empty() || part.content.data() < body.data() || part.content.end() > body.end()) std::abort();
  }
  const std::string type(body.substr(0, body.find('\n')));
  (void)steward::net::read_form("multipart/form-data; " + type, body);
  return 0;
}
