// Talk's exports: the current path as Markdown, as JSON with the whole tree, or as one HTML file that does nothing.
// They are made as they are sent, a window at a time: of a conversation of any length no more than that is held, and a
// reader who stops keeps nobody's memory.
#include "gateway/peek.h"
#include "talk/records.h"
#include "talk/show.h"
#include "talk/sniff.h"
#include "talk/talk.h"

namespace steward::talk {
using gateway::peek;
using gateway::peek_text;

// How far an export has come.
struct Exporting {
  enum class Form { kMarkdown, kJson, kHtml };
  Form form;
  Json conversation;
  std::vector<Id> ids;
  size_t next = 0;
  bool begun = false, any = false, ended = false;
};

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

std::string markdown_of(const Json& message) {
  std::string out = fmt::format("\n## {} · {}\n\n{}\n", who(message), when(message), peek_text(message, "text"));
  for (const auto& one : peek(message, "attachments"))
    out += fmt::format("\n*Attachment: {} ({})*\n", peek_text(one, "name"), peek_text(one, "type"));
  return out;
}

std::string html_of(const Json& message) {
  std::string out = fmt::format("<h2>{} · {}</h2><pre dir=\"auto\">{}</pre>\n", escaped(who(message)), when(message),
                                escaped(peek_text(message, "text")));
  for (const auto& one : peek(message, "attachments"))
    out += fmt::format("<p><em>Attachment: {} ({})</em></p>\n", escaped(peek_text(one, "name")),
                       escaped(peek_text(one, "type")));
  return out;
}

std::string html_head(const std::string& title) {
  return fmt::format(
      "<!doctype html>\n<html><head><meta charset=\"utf-8\"><meta http-equiv=\"Content-Security-Policy\" "
      "content=\"default-src 'none'; style-src 'unsafe-inline'\"><meta name=\"viewport\" "
      "content=\"width=device-width\"><title>{}</title>\n<style>body{{font:16px/1.5 "
      "system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}}h2{{font-size:.85rem;color:#666;"
      "margin:2rem 0 .3rem;font-weight:600}}pre{{white-space:pre-wrap;overflow-wrap:anywhere;font:inherit;margin:0}}"
      "</style></head>\n<body><h1 dir=\"auto\">{}</h1>\n",
      title, title);
}

std::string file_name(const Json& conversation, std::string_view ending) {
  const std::string title = peek_text(conversation, "title");
  return safe_name(title.empty() ? "conversation" : title) + std::string(ending);
}

using Form = Exporting::Form;

std::string head_of(Form form, const Json& conversation) {
  const std::string title = peek_text(conversation, "title");
  if (form == Form::kMarkdown) return "# " + (title.empty() ? "Conversation" : title) + "\n";
  if (form == Form::kHtml) return html_head(escaped(title));
  return "{\"conversation\":" + dump(conversation) + ",\"messages\":[";
}

std::string middle_of(Exporting& at, const Json& messages) {
  std::string out;
  for (const auto& message : messages) {
    if (at.form == Form::kJson) out += (at.any ? "," : "") + dump(message);
    if (at.form == Form::kMarkdown) out += markdown_of(message);
    if (at.form == Form::kHtml) out += html_of(message);
    at.any = true;
  }
  return out;
}

std::string tail_of(Form form) {
  return form == Form::kHtml ? "</body></html>\n" : form == Form::kJson ? "]}" : std::string();
}

// From the next message on, as many as fit into a window; what was erased meanwhile is left out.
Window window_from(journal::Db& db, const Id& tenant, const std::vector<Id>& ids, size_t& next) {
  Window out;
  size_t bytes = 0;
  while (next < ids.size() && out.rows.size() < kPage) {
    auto row = find_message(db, tenant, ids[next]);
    bytes += row ? static_cast<size_t>(row->bytes) : 0;
    if (bytes > kWindowBytes && !out.rows.empty()) break;
    ++next;
    if (row) out.rows.push_back(std::move(*row));
  }
  return out;
}

}  // namespace

Task<Result<std::string>> Talk::export_piece(Caller caller, std::shared_ptr<Exporting> exporting) {
  Exporting& at = *exporting;
  const Id tenant = caller.tenant, id = peek_text(at.conversation, "id");
  auto seen = co_await see(caller, id);
  if (!seen) co_return fail(std::move(seen.error()));  // deleted or taken back
  std::string out = std::exchange(at.begun, true) ? "" : head_of(at.form, at.conversation);
  while (at.next < at.ids.size()) {
    struct Found {
      Window window;
      size_t next = 0;
    };
    auto found = co_await read<Found>([tenant, &at](journal::Db& db) {
      Found out{.window = {}, .next = at.next};
      out.window = window_from(db, tenant, at.ids, out.next);
      return out;
    });
    at.next = found.next;
    auto page = co_await shown_all(tenant, id, std::move(found.window), seen->mine);
    if (!page) co_return fail(std::move(page.error()));
    out += middle_of(at, (*page)["data"]);
    if (!out.empty()) co_return out;
  }
  if (!std::exchange(at.ended, true)) out += tail_of(at.form);
  co_return out;
}

Task<Result<Talk::Export>> Talk::exported(Caller caller, Id id, std::string format) {
  if (format.empty()) format = "markdown";
  if (format != "markdown" && format != "json" && format != "html")
    co_return fail(ErrorCode::kInvalidRequest, "'format' must be markdown, json or html.", {{"param", "format"}});
  auto seen = co_await see(caller, id);
  if (!seen) co_return fail(std::move(seen.error()));
  auto at = std::make_shared<Exporting>();
  at->form = format == "json" ? Form::kJson : format == "html" ? Form::kHtml : Form::kMarkdown;
  at->conversation = conversation_json(seen->row, caller.principal);
  const Id tenant = caller.tenant;
  const bool whole = at->form == Form::kJson && seen->mine;
  at->ids = co_await read<std::vector<Id>>([tenant, id, leaf = seen->leaf, whole](journal::Db& db) {
    return whole ? ids_of_tree(db, tenant, id) : ids_on_path(db, tenant, leaf);
  });
  const std::string_view ending = at->form == Form::kJson ? ".json" : at->form == Form::kHtml ? ".html" : ".md";
  co_return Export{.name = file_name(at->conversation, ending),
                   .type = at->form == Form::kJson   ? "application/json"
                           : at->form == Form::kHtml ? "text/html; charset=utf-8"
                                                     : "text/markdown; charset=utf-8",
                   .next = [this, caller, at] { return export_piece(caller, at); }};
}

}  // namespace steward::talk
