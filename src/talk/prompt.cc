#include "talk/prompt.h"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>

#include "base/crypto.h"
#include "gateway/call.h"
#include "gateway/peek.h"
#include "gateway/route_facts.h"
#include "gateway/routing/default_routes.h"
#include "talk/records.h"

namespace steward::talk {
using gateway::peek_text;
namespace {

constexpr size_t kPage = 200;                        // messages read at once
constexpr size_t kMostBytes = size_t{8} << 20;       // of text, whatever the model says it takes
constexpr size_t kUnknownBytes = size_t{400} << 10;  // of a model whose context nobody knows
constexpr int64_t kBytesOfToken = 3;                 // fewer than English has: better too little than refused
constexpr size_t kImageBytes = size_t{20} << 20;     // of all images in one prompt
constexpr std::chrono::milliseconds kReadingRound{100};
constexpr size_t kMostRemembered = 1'200;  // tokens of earlier conversations, about
constexpr size_t kPartRemembered = 8;      // of a small context at most such a part
constexpr int kReadingRounds = 900;        // an attachment that is still being read is waited for so long
constexpr std::string_view kGoOn =
    "Your last message was cut off. Go on exactly where it ends, without repeating anything and without a preface.";

// A quarter of the context is kept for the answer.
size_t bytes_that_fit(const Ability& ability) {
  if (ability.context_tokens <= 0) return kUnknownBytes;
  return std::min<size_t>(kMostBytes, static_cast<size_t>(ability.context_tokens * kBytesOfToken * 3 / 4));
}

gateway::Message message_of(gateway::Role role, std::string text) {
  gateway::Message message{.role = role, .plain = true};
  message.parts.push_back(gateway::text_part(std::move(text)));
  return message;
}

// Texts alone are one string, which every server takes; with an image they stay parts.
void join_texts(gateway::Message& message) {
  std::string whole;
  for (const auto& part : message.parts) {
    const auto* text = std::get_if<gateway::Text>(&part.body);
    message.plain = message.plain && text != nullptr;
    if (text == nullptr || text->text.empty()) continue;
    if (!whole.empty()) whole += "\n\n";
    whole += text->text;
  }
  if (message.plain) message.parts = {gateway::text_part(std::move(whole))};
}

gateway::Role role_of(std::string_view role) {
  if (role == "assistant") return gateway::Role::kAssistant;
  return role == "system" ? gateway::Role::kSystem : gateway::Role::kUser;
}

// Gathers messages from the newest upwards.
class Gathering {
 public:
  Gathering(Parts& parts, gateway::ResponseStore& store, const Ask& ask, Ability ability, std::string remembered)
      : parts_(parts),
        store_(store),
        ask_(ask),
        ability_(ability),
        remembered_(std::move(remembered)),
        left_(bytes_that_fit(ability)) {
    spend(remembered_.size());
  }

  Task<Status> run() {
    const Id tenant = ask_.caller.tenant;
    for (Id leaf = ask_.parent; !leaf.empty();) {
      const std::function<Window(journal::Db&)> read = [tenant, leaf](journal::Db& db) {
        return window_up(db, tenant, leaf, kPage);
      };
      const Window window = co_await parts_.views.query(read);
      if (window.rows.empty()) break;
      for (auto row = window.rows.rbegin(); row != window.rows.rend(); ++row) {
        if (full_) {
          left_out_ = row->depth;
          co_return Status{};
        }
        if (auto ok = co_await add(*row); !ok) co_return ok;
      }
      leaf = window.rows.front().parent;
    }
    co_return Status{};
  }

  std::vector<gateway::Message> take() {
    std::ranges::reverse(messages_);
    return std::move(messages_);
  }
  int64_t left_out() const { return left_out_; }

 private:
  Task<Status> add(const MessageRow& row) {
    if (row.erased || row.record.empty() || row.role == "tool") co_return Status{};
    if (static_cast<size_t>(row.bytes) > left_ && !messages_.empty()) {
      full_ = true;
      left_out_ = row.depth;
      co_return Status{};
    }
    auto record = parts_.services.journal.find(row.record);
    if (!record) co_return fail(std::move(record.error()));
    auto item = co_await store_.content_of(*record);
    if (!item && item.error().code == ErrorCode::kNotFound) co_return Status{};  // erased this moment
    if (!item) co_return fail(std::move(item.error()));
    gateway::Message message = message_of(role_of(row.role), said_in(*item).text);
    if (row.id == ask_.parent) remember(message);
    spend(gateway::text_of(message.parts).size());
    for (const auto& one : row.attachments) {
      if (!one.is_string()) continue;
      if (auto ok = co_await attach(one.get<std::string>(), message); !ok) co_return ok;
    }
    join_texts(message);
    if (!message.plain || !gateway::text_of(message.parts).empty()) messages_.push_back(std::move(message));
    co_return Status{};
  }

  Task<Status> attach(Id id, gateway::Message& message) {
    const Id tenant = ask_.caller.tenant;
    const std::function<std::optional<AttachmentRow>(journal::Db&)> read = [tenant, id](journal::Db& db) {
      return find_attachment(db, tenant, id);
    };
    auto row = co_await parts_.views.query(read);
    for (int i = 0; i < kReadingRounds && row && row->state == "reading"; ++i) {
      asio::steady_timer timer(co_await asio::this_coro::executor, kReadingRound);
      co_await timer.async_wait(asio::use_awaitable);
      row = co_await parts_.views.query(read);
    }
    if (!row) co_return Status{};
    const std::string named = fmt::format("[Attachment: {} ({}, {} bytes)", row->name, row->type, row->bytes);
    if (row->kind == "image") {
      if (!ability_.sees || static_cast<size_t>(row->bytes) > images_left_) {
        message.parts.push_back(gateway::text_part(named + ". It is an image that can't be shown to you.]"));
        co_return Status{};
      }
      auto bytes = co_await parts_.disk.get(tenant, row->blob);
      if (!bytes) co_return fail(std::move(bytes.error()));
      images_left_ -= bytes->size();
      gateway::Part part;
      part.body = gateway::Media{.kind = gateway::Media::Kind::kImage, .mime = row->type, .data = to_base64(*bytes)};
      message.parts.push_back(std::move(part));
      co_return Status{};
    }
    if (row->text_blob.empty()) {
      message.parts.push_back(gateway::text_part(named + ". Its text can't be read.]"));
      co_return Status{};
    }
    auto text = co_await parts_.disk.get(tenant, row->text_blob);
    if (!text) co_return fail(std::move(text.error()));
    const bool cut = text->size() > left_;
    if (cut) text->resize(left_);
    while (cut && !text->empty() && (static_cast<uint8_t>(text->back()) & 0xc0) == 0x80) text->pop_back();
    spend(text->size());
    message.parts.push_back(gateway::text_part(
        fmt::format("{}. Its text{}:]\n{}\n[End of {}]", named, cut ? ", as far as it fits" : "", *text, row->name)));
    co_return Status{};
  }

  void remember(gateway::Message& message) {
    if (!remembered_.empty()) message.parts.insert(message.parts.begin(), gateway::text_part(remembered_));
  }

  void spend(size_t bytes) { left_ -= std::min(left_, bytes); }

  Parts& parts_;
  gateway::ResponseStore& store_;
  const Ask& ask_;
  Ability ability_;
  std::string remembered_;
  size_t left_, images_left_ = kImageBytes;
  bool full_ = false;
  int64_t left_out_ = 0;
  std::vector<gateway::Message> messages_;
};

Ability ability_of_model(gateway::Services& services, const std::string& model) {
  Ability out;
  const auto target = services.directory.known(model);
  if (!target) return out;
  const auto facts =
      target->local() ? std::nullopt : services.ledger.find_model_facts(target->provider, target->upstream_model);
  out.context_tokens = target->context_tokens > 0 ? target->context_tokens : facts ? facts->context_tokens : 0;
  out.sees = !target->local() && (!facts || facts->vision != ledger::Told::kNo);
  return out;
}

}  // namespace

Task<std::string> any_model(gateway::Services& services) {
  co_await services.directory.refresh();
  services.router.offer(gateway::offered_models(services.directory));
  if (services.router.find(gateway::routing::kFastRoute)) co_return std::string(gateway::routing::kFastRoute);
  for (const auto& entry : services.directory.entries()) {
    if (entry.kind == "chat") co_return entry.name;
  }
  co_return std::string();
}

Ability ability_of(gateway::Services& services, const std::string& model) {
  const auto route = services.router.find(model);
  if (!route) return ability_of_model(services, model);
  Ability out;
  for (const auto& deployment : route->deployments) {
    const Ability one = ability_of_model(services, deployment.model);
    out.context_tokens = std::max(out.context_tokens, one.context_tokens);
    out.sees = out.sees || one.sees;
  }
  return out;
}

size_t tokens_to_remember(const Ability& ability) {
  if (ability.context_tokens <= 0) return kMostRemembered;
  return std::min<size_t>(kMostRemembered, static_cast<size_t>(ability.context_tokens) / kPartRemembered);
}

Task<std::string> instructions_for(Parts& parts, const Ask& ask) {
  const Id tenant = ask.caller.tenant, conversation = ask.conversation;
  const std::function<std::string(journal::Db&)> read = [tenant, conversation](journal::Db& db) {
    const auto row = find_conversation(db, tenant, conversation);
    const auto project = row && !row->project.empty() ? find_project(db, tenant, row->project) : std::nullopt;
    return project ? project->instructions : std::string();
  };
  std::string out = co_await parts.views.query(read);
  if (!out.empty() && !ask.instructions.empty()) out += "\n\n";
  co_return out + ask.instructions;
}

Task<Result<Prompt>> prompt_of(Parts& parts, gateway::ResponseStore& store, const Ask& ask, std::string instructions,
                               const Remembered& remembered) {
  Gathering gathering(parts, store, ask, ability_of(parts.services, ask.model), told_of(remembered));
  if (auto ok = co_await gathering.run(); !ok) co_return fail(std::move(ok.error()));
  Prompt out{.left_out = gathering.left_out()};
  out.request.from = gateway::Dialect::kChat;
  out.request.model = ask.model;
  out.request.stream = true;
  out.request.include_usage = true;
  out.request.prompt_cache_key = ask.conversation;  // the same path again finds what a provider has read of it
  if (!instructions.empty()) {
    out.request.messages.push_back(message_of(gateway::Role::kSystem, std::move(instructions)));
    out.request.messages.front().top_level = true;
  }
  for (auto& message : gathering.take()) out.request.messages.push_back(std::move(message));
  if (ask.continues && !ask.text.empty()) {
    out.request.messages.push_back(message_of(gateway::Role::kAssistant, ask.text));
    out.request.messages.push_back(message_of(gateway::Role::kUser, std::string(kGoOn)));
  }
  co_return out;
}

}  // namespace steward::talk
