// The web app as it lies in the binary: one pack of files that the build of web/ makes, each as it is and, where that
// is smaller, compressed. Files under /assets have their digest in their name and are kept for ever; the page itself is
// asked for anew each time. What is no file and no page is answered by the API's 404; a person's browser gets the page,
// which then says so.
#pragma once
#include <map>
#include <string>
#include <string_view>

#include "server/core.h"

namespace steward::server {

class WebApp {
 public:
  struct File {
    std::string type, etag;
    std::string_view plain, brotli, gzip;  // the last two are empty where compression gains nothing
  };

  // Reads the pack's table; kInternal if it is no pack.
  static Result<WebApp> read(std::string_view pack);
  static std::string_view embedded();  // the pack in this binary

  const File* find(std::string_view path) const;  // "/assets/…" or "/index.html"
  size_t size() const { return files_.size(); }

  // The best form for what the client takes ("accept-encoding"): its bytes and the name of the encoding, or "".
  static std::pair<std::string_view, std::string_view> form_of(const File& file, std::string_view accepted);

 private:
  std::map<std::string, File, std::less<>> files_;
};

// Routes the pages and files to `router`, and answers browsers with the page where the API has nothing.
void mount_web(Core& core, net::Router& router);
// Whether a request that nothing answers is a person's, who should see the page.
bool wants_page(const net::Request& request);
Task<void> send_page(Core& core, int status, net::Request& request, net::Responder& responder);

}  // namespace steward::server
