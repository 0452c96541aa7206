// The server's end of MCP's stdio transport: a line in, at most a line out. Each message goes to a server's /mcp as it
// came, with the headers that its revision wants of HTTP: what was agreed on in `initialize`, or what a message of
// 2026-07-28 carries with it. Whatever goes wrong on the way is told to whoever asked, under the id of their request;
// what nobody waits for is told to `complain`. One message after another. Main thread.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"

namespace steward::cli {

class McpBridge {
 public:
  using Headers = std::vector<std::pair<std::string, std::string>>;
  struct Posted {
    int status = 0;
    std::string body;
  };
  using Post = std::function<Result<Posted>(Headers headers, std::string body)>;
  McpBridge(Post post, std::function<void(std::string)> complain)
      : post_(std::move(post)), complain_(std::move(complain)) {}

  std::optional<std::string> answer(const std::string& line);
  std::string too_long() const;  // to a line that was too long to be read

 private:
  Headers headers_for(const Json& message) const;
  std::optional<std::string> told(const Json& message, const Posted& posted);
  std::optional<std::string> refusal(const Json& message, std::string why);

  Post post_;
  std::function<void(std::string)> complain_;
  std::string agreed_;  // protocol version
};

}  // namespace steward::cli
