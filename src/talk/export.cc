// Talk's exports: the current path as Markdown, as JSON with the whole tree, or as one HTML file that does nothing.
#include "gateway/peek.h"
#include "talk/records.h"
#include "talk/show.h"
#include "talk/sniff.h"
#include "talk/talk.h"

namespace steward::talk {
using gateway::peek;
using gateway::peek_text;
namespace {

constexpr size_t kPage = 200;

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  }
  return out;
}

std::string who(const Json& message) {
  const std::string role = peek_text(message, "role"), model = peek_text(message, "model");
  if (role == "assistant") return model.empty() ? "Assistant" : model;
  return role == "user" ? "You" : role == "tool" ? "Tool" : "Instructions";
}

std::string when(const Json& message) {
  return to_rfc3339(gateway::peek_integer(message, "created_at") * kSecondUs).substr(0, 16) + "Z";
}

std::string markdown_of(const Json& conversation, const Json& messages) {
  const std::string title = peek_text(conversation, "title");
  std::string out = "# " + (title.empty() ? "Conversation" : title) + "\n";
  for (const auto& message : messages) {
    out += fmt::format("\n## {} · {}\n\n{}\n", who(message), when(message), peek_text(message, "text"));
    for (const auto& one : peek(message, "attachments"))
      out += fmt::format("\n*Attachment: {} ({})*\n", peek_text(one, "name"), peek_text(one, "type"));
  }
  return out;
}

std::string html_of(const Json& conversation, const Json& messages) {
  const std::string title = escaped(peek_text(conversation, "title"));
  std::string out = fmt::format(
      "<!doctype html>\n<html><head><meta charset=\"utf-8\"><meta http-equiv=\"Content-Security-Policy\" "
      "content=\"default-src 'none'; style-src 'unsafe-inline'\"><meta name=\"viewport\" "
      "content=\"width=device-width\"><title>{}</title>\n<style>body{{font:16px/1.5 "
      "system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}}h2{{font-size:.85rem;color:#666;"
      "margin:2rem 0 .3rem;font-weight:600}}pre{{white-space:pre-wrap;overflow-wrap:anywhere;font:inherit;margin:0}}"
      "</style></head>\n<body><h1 dir=\"auto\">{}</h1>\n",
      title, title);
  for (const auto& message : messages) {
    out += fmt::format("<h2>{} · {}</h2><pre dir=\"auto\">{}</pre>\n", escaped(who(message)), when(message),
                       escaped(peek_text(message, "text")));
    for (const auto& one : peek(message, "attachments"))
      out += fmt::format("<p><em>Attachment: {} ({})</em></p>\n", escaped(peek_text(one, "name")),
                         escaped(peek_text(one, "type")));
  }
  return out + "</body></html>\n";
}

std::string file_name(const Json& conversation, std::string_view ending) {
  const std::string title = peek_text(conversation, "title");
  return safe_name(title.empty() ? "conversation" : title) + std::string(ending);
}

}  // namespace

Task<Result<Talk::Content>> Talk::exported(Caller caller, Id id, std::string format) {
  if (format.empty()) format = "markdown";
  if (format != "markdown" && format != "json" && format != "html")
    co_return fail(ErrorCode::kInvalidRequest, "'format' must be markdown, json or html.", {{"param", "format"}});
  auto seen = co_await see(caller, id);
  if (!seen) co_return fail(std::move(seen.error()));
  const Id tenant = caller.tenant;
  const bool whole = format == "json" && seen->mine;
  const size_t most = whole ? SIZE_MAX >> 1 : 0;
  const auto tree = co_await read<std::vector<MessageRow>>(
      [tenant, id, most](journal::Db& db) { return tree_of(db, tenant, id, most); });
  Json messages = Json::array();
  std::vector<Json> pages;
  if (whole) {
    for (size_t at = 0; at < tree.size(); at += kPage) {
      Window window;
      window.rows.assign(tree.begin() + static_cast<ptrdiff_t>(at),
                         tree.begin() + static_cast<ptrdiff_t>(std::min(at + kPage, tree.size())));
      auto page = co_await shown_all(tenant, id, std::move(window));
      if (!page) co_return fail(std::move(page.error()));
      pages.push_back(std::move((*page)["data"]));
    }
  } else {
    for (Id leaf = seen->leaf; !leaf.empty();) {
      const auto window =
          co_await read<Window>([tenant, leaf](journal::Db& db) { return window_up(db, tenant, leaf, kPage); });
      if (window.rows.empty()) break;
      leaf = window.rows.front().parent;
      auto page = co_await shown_all(tenant, id, window);
      if (!page) co_return fail(std::move(page.error()));
      pages.insert(pages.begin(), std::move((*page)["data"]));
    }
  }
  for (auto& page : pages) {
    for (auto& one : page) messages.push_back(std::move(one));
  }
  const Json conversation = conversation_json(seen->row, caller.principal);
  if (format == "markdown")
    co_return Content{.bytes = markdown_of(conversation, messages),
                      .name = file_name(conversation, ".md"),
                      .type = "text/markdown; charset=utf-8"};
  if (format == "html")
    co_return Content{.bytes = html_of(conversation, messages),
                      .name = file_name(conversation, ".html"),
                      .type = "text/html; charset=utf-8"};
  co_return Content{.bytes = dump(Json{{"conversation", conversation}, {"messages", std::move(messages)}}),
                    .name = file_name(conversation, ".json"),
                    .type = "application/json"};
}

}  // namespace steward::talk
