#include "gateway/recollection.h"

#include <algorithm>

#include "base/text.h"

namespace steward::gateway {
namespace {

constexpr const char* kHeader = "x-steward-memory";

// The newest message of the caller that has words: what comes after it are results of tools.
Message* newest_said(Request& request) {
  const auto found = std::find_if(request.messages.rbegin(), request.messages.rend(), [](const Message& one) {
    return one.role == Role::kUser && !text_of(one.parts).empty();
  });
  return found == request.messages.rend() ? nullptr : &*found;
}

void put_before(Message& message, const std::string& text) {
  const auto first =
      std::ranges::find_if(message.parts, [](const Part& part) { return std::holds_alternative<Text>(part.body); });
  if (message.plain) {
    auto& words = std::get<Text>(first->body);
    words.text = text + "\n\n" + words.text;
  } else {
    message.parts.insert(first, text_part(text));
  }
}

}  // namespace

Task<Status> recollect(Services& services, identity::Caller caller, Request& asked, net::Request& http,
                       net::Responder& responder) {
  const std::string told = to_lower_ascii(trim(http.headers.get(kHeader)));
  if (told.empty() || told == "off") co_return Status{};
  if (told != "on") co_return fail(ErrorCode::kInvalidRequest, "x-steward-memory is on or off.", {{"param", kHeader}});
  Message* message = newest_said(asked);
  if (message == nullptr) co_return Status{};
  if (!services.recollection)
    co_return fail(ErrorCode::kNotImplemented, "Memory is switched off here (memory.enabled): nothing can be given.",
                   {{"param", kHeader}});
  auto found = co_await services.recollection(std::move(caller), asked.model, text_of(message->parts));
  if (!found) co_return fail(std::move(found.error()));
  if (!found->text.empty()) put_before(*message, found->text);
  responder.headers().set(kHeader, found->off.empty() ? std::to_string(found->pieces) : "off; " + found->off);
  if (!found->messages.empty()) responder.headers().set("x-steward-memory-messages", join(found->messages, ", "));
  co_return Status{};
}

}  // namespace steward::gateway
