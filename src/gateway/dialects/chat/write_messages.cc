#include <algorithm>

#include "gateway/dialects/chat/chat.h"
#include "gateway/form/custom_tools.h"

namespace steward::gateway::chat {
namespace {

// Mistral's: exactly nine letters or digits. Any other id is mapped to one, the same every time.
std::string nine_alphanumeric(std::string_view id) {
  const auto fits = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (id.size() == 9 && std::ranges::all_of(id, fits)) return std::string(id);
  uint64_t hash = 14695981039346656037ULL;  // FNV-1a
  for (const char c : id) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  std::string out;
  for (int i = 0; i < 9; ++i, hash /= 36) out += "0123456789abcdefghijklmnopqrstuvwxyz"[hash % 36];
  return out;
}

class Writer {
 public:
  Writer(const Request& request, const OutgoingCall& call)
      : request_(request), call_(call), quirks_(call.profile->quirks), own_(request.from == Dialect::kChat) {}

  Status add(const Message& message, size_t index) {
    at_ = fmt::format("{}[{}]", caller_name(request_.from, Setting::kMessages), index);
    const bool assistant = message.role == Role::kAssistant;
    std::vector<Json> images;  // of tool results, for a provider that takes none there
    std::vector<const Part*> rest;
    for (const Part& part : message.parts) {
      if (auto ok = refuse_foreign(part); !ok) return ok;
      const auto* result = std::get_if<ToolResult>(&part.body);
      if (result == nullptr) {
        rest.push_back(&part);
        continue;
      }
      if (auto ok = add_result(message, part, *result, images); !ok) return ok;
    }
    if (!images.empty()) {
      Json content = Json::array({Json{{"type", "text"}, {"text", "Images of the tool's result:"}}});
      for (auto& image : images) content.push_back(std::move(image));
      out_.push_back({{"role", "user"}, {"content", std::move(content)}});
    }
    if (rest.empty() && (!message.parts.empty() || assistant))
      return own_ ? Status{} : call_.refusals->refuse_extra(message.extra, at_, "leave it out.");
    return assistant ? add_assistant(message, rest) : add_plain(message, rest);
  }

  Json take() { return std::move(out_); }

 private:
  std::string role_of(const Message& message) const {
    if (message.role == Role::kDeveloper) return quirks_.developer_role ? "developer" : "system";
    return message.role == Role::kTool ? "user" : std::string(to_text(message.role));
  }

  std::string id_of(const std::string& id) const {
    return quirks_.tool_call_ids == ToolCallIds::kNineAlphanumeric ? nine_alphanumeric(id) : id;
  }

  Status head(Json& json, const Message& message) {
    if (!message.name.empty()) json["name"] = message.name;
    return extra(json, message.extra, "");
  }

  // What only another dialect can say of a part.
  Status refuse_foreign(const Part& part) const {
    if (own_) return {};
    if (auto ok = call_.refusals->refuse_extra(part.extra, content(), "leave it out."); !ok) return ok;
    if (const auto* text = std::get_if<Text>(&part.body); text && !text->citations.empty())
      call_.refusals->note_dropped(at_ + ".citations");  // of an earlier answer: this provider takes none back
    if (const auto* result = std::get_if<ToolResult>(&part.body)) {
      for (const Part& inner : result->content) {
        if (auto ok = refuse_foreign(inner); !ok) return ok;
      }
    }
    return {};
  }

  // Unknown members go to providers of this dialect, and to no other.
  Status extra(Json& json, const Json& members, std::string_view below) {
    if (members.empty()) return {};
    const std::string at = below.empty() ? at_ : fmt::format("{}.{}", at_, below);
    if (!own_ || !quirks_.unknown_fields) return call_.refusals->refuse_extra(members, at, "leave it out.");
    for (const auto& [name, value] : members.items()) {
      Json& into = json[name];
      if (into.is_object() && value.is_object())
        merge_into(into, value);
      else
        into = value;
    }
    return {};
  }

  void mark(Json& json, const Part& part) const {
    if (!part.cache) return;
    if (own_ && quirks_.unknown_fields) {
      merge_into(json, part.cache->extra);
    } else if (quirks_.cache_mark == "cache_control") {
      json["cache_control"] = {{"type", "ephemeral"}};
      if (!part.cache->ttl.empty()) json["cache_control"]["ttl"] = part.cache->ttl;
    }
    // Others cache by themselves: tell_unwritten().
  }

  // As the caller knows what a message holds.
  std::string content() const { return at_ + (request_.from == Dialect::kGemini ? ".parts" : ".content"); }

  Status refuse(std::string_view why) { return call_.refusals->refuse(content(), why); }

  Result<Json> media(const Media& media, bool in_result) {
    Json none;
    const auto refused = [&](std::string_view why) -> Result<Json> {
      auto ok = refuse(why);
      return ok ? Result<Json>(none) : fail(std::move(ok.error()));
    };
    const bool image = media.kind == Media::Kind::kImage;
    if (image && !quirks_.images) return refused("this provider's models read no images; say it in words.");
    if (image && !media.url.empty() && !quirks_.image_urls)
      return refused("this provider doesn't fetch pictures by their address: send the bytes as a 'data:' address.");
    if (image && media.url.empty() && media.data.empty())
      return refused("a picture by the id of a provider's file: send its bytes.");
    if (image) {
      Json inside = {{"url", media.url.empty() ? data_url(media) : media.url}};
      if (!media.detail.empty()) inside["detail"] = media.detail;
      return Json{{"type", "image_url"}, {"image_url", std::move(inside)}};
    }
    if (media.kind == Media::Kind::kVideo) {
      if (!own_ && !call_.profile->name.empty() && !quirks_.audio)
        return refused("this provider's models read no video.");
      return Json{{"type", "video_url"}, {"video_url", {{"url", media.url.empty() ? data_url(media) : media.url}}}};
    }
    if (media.kind == Media::Kind::kAudio) {
      if (!quirks_.audio && !plain()) return refused("this provider's models hear no audio: send a transcript.");
      if (media.data.empty()) return refused("audio by its address: send the bytes.");
      return Json{{"type", "input_audio"}, {"input_audio", {{"data", media.data}, {"format", audio_format(media)}}}};
    }
    if (!media.text.empty())  // plain text needs no file
      return Json{{"type", "text"}, {"text", media.name.empty() ? media.text : media.name + "\n\n" + media.text}};
    if (in_result) return refused("a document in a tool's result: send its text.");
    if (!quirks_.files && !plain()) return refused("this provider reads no documents: send their text.");
    return document(media, refused);
  }

  template <class Refused>
  Result<Json> document(const Media& media, const Refused& refused) {
    Json inside = Json::object();
    if (!media.file_id.empty() && !own_) return refused("a file of another provider's store: send its bytes.");
    if (!media.file_id.empty())
      inside["file_id"] = media.file_id;
    else if (!media.data.empty())
      inside["file_data"] = media.mime.empty() ? media.data : data_url(media);
    else if (own_ || quirks_.file_urls)
      inside["file_data"] = media.url;
    else
      return refused("a document by its address: send the bytes.");
    if (!media.name.empty()) inside["filename"] = media.name;
    if (media.name.empty() && !own_) inside["filename"] = "document.pdf";  // OpenAI wants one
    return Json{{"type", "file"}, {"file", std::move(inside)}};
  }

  // A provider that nobody described is given what the caller says; it refuses what it can't do.
  bool plain() const { return call_.profile->name.empty() && quirks_.unknown_fields; }

  static std::string audio_format(const Media& media) {
    std::string format = media.mime.substr(media.mime.find('/') + 1);
    if (format == "mpeg") return "mp3";
    if (format == "x-wav" || format == "wave" || format == "vnd.wave") return "wav";
    return format;
  }

  Result<Json> content_part(const Part& part, bool in_result) {
    Json json;
    if (const auto* text = std::get_if<Text>(&part.body)) {
      json = {{"type", "text"}, {"text", text->text}};
    } else if (const auto* refusal = std::get_if<Refusal>(&part.body)) {
      json = {{"type", "refusal"}, {"refusal", refusal->text}};
    } else if (const auto* media_part = std::get_if<Media>(&part.body)) {
      auto made = media(*media_part, in_result);
      if (!made) return made;
      json = std::move(*made);
    } else if (const auto* foreign = std::get_if<Foreign>(&part.body)) {
      if (foreign->from == Dialect::kChat && quirks_.unknown_fields) return foreign->raw;
      auto ok = refuse(fmt::format("a part of type '{}' can't be said in Chat Completions.", foreign->type));
      return ok ? Result<Json>(Json()) : fail(std::move(ok.error()));
    }
    if (json.is_null()) return json;
    mark(json, part);
    if (own_) {
      if (auto ok = extra(json, part.extra, "content"); !ok) return fail(std::move(ok.error()));
    }
    return json;
  }

  // One string where the caller gave one or where nothing but texts is there and parts would say no more.
  Status content(Json& json, const Message& message, const std::vector<const Part*>& parts, bool in_result) {
    const bool one_text = parts.size() == 1 && std::holds_alternative<Text>(parts[0]->body) && !parts[0]->cache;
    if (one_text && (message.plain || !own_)) {
      json["content"] = std::get<Text>(parts[0]->body).text;
      return {};
    }
    Json out = Json::array();
    for (const Part* part : parts) {
      auto made = content_part(*part, in_result);
      if (!made) return fail(std::move(made.error()));
      if (!made->is_null()) out.push_back(std::move(*made));
    }
    json["content"] = std::move(out);
    return {};
  }

  Status add_plain(const Message& message, const std::vector<const Part*>& parts) {
    Json json = {{"role", role_of(message)}};
    if (auto ok = content(json, message, parts, false); !ok) return ok;
    if (auto ok = head(json, message); !ok) return ok;
    out_.push_back(std::move(json));
    return {};
  }

  Status add_result(const Message& message, const Part& part, const ToolResult& result, std::vector<Json>& images) {
    Json json = {{"role", "tool"}, {"tool_call_id", id_of(result.call_id)}};
    if (!result.name.empty() && own_) json["name"] = result.name;
    std::vector<const Part*> parts;
    for (const Part& inner : result.content) {
      const auto* media_part = std::get_if<Media>(&inner.body);
      if (media_part != nullptr && media_part->kind == Media::Kind::kImage && !quirks_.tool_images) {
        auto made = media(*media_part, false);
        if (!made) return fail(std::move(made.error()));
        if (!made->is_null()) images.push_back(std::move(*made));
      } else {
        parts.push_back(&inner);
      }
    }
    if (parts.empty()) {
      json["content"] = result.structured.is_null() ? "" : dump(result.structured);
      if (!images.empty()) json["content"] = "The images follow in the next message.";
    } else if (auto ok = content(json, message, parts, true); !ok) {
      return ok;
    }
    if (result.is_error && json["content"].is_string())
      json["content"] = "Error: " + json["content"].get<std::string>();
    mark(json, part);
    if (own_) {
      if (auto ok = head(json, message); !ok) return ok;
    }
    out_.push_back(std::move(json));
    return {};
  }

  Status add_assistant(const Message& message, const std::vector<const Part*>& parts) {
    Json json = {{"role", "assistant"}};
    std::vector<const Part*> said;
    Json calls = Json::array(), details = Json::array();
    std::optional<std::string> reasoning;
    std::string refusal;
    for (const Part* part : parts) {
      if (const auto* thought = std::get_if<Reasoning>(&part->body)) {
        add_reasoning(*part, *thought, reasoning, details);
        if (quirks_.reasoning_field == "content.thinking" && quirks_.reasoning_back && !thought->text.empty())
          said.push_back(part);
      } else if (const auto* call = std::get_if<ToolCall>(&part->body)) {
        if (auto ok = add_call(*part, *call, calls); !ok) return ok;
      } else if (const auto* no = std::get_if<Refusal>(&part->body); no != nullptr && !message_has_parts(message)) {
        refusal += no->text;
      } else {
        said.push_back(part);
      }
    }
    if (auto ok = assistant_content(json, message, said); !ok) return ok;
    if (!refusal.empty()) json["refusal"] = refusal;
    give_back(json, reasoning, std::move(details));
    if (!calls.empty()) json["tool_calls"] = std::move(calls);
    add_annotations(json, said);
    if (auto ok = head(json, message); !ok) return ok;
    out_.push_back(std::move(json));
    return {};
  }

  // The caller wrote its content as parts, a refusal among them.
  bool message_has_parts(const Message& message) const { return own_ && !message.plain && has_text(message); }
  static bool has_text(const Message& message) {
    return std::ranges::any_of(message.parts, [](const Part& part) { return std::holds_alternative<Text>(part.body); });
  }

  Status assistant_content(Json& json, const Message& message, const std::vector<const Part*>& said) {
    json["content"] = nullptr;
    if (said.empty()) return {};
    const auto is_text = [](const Part* part) { return std::holds_alternative<Text>(part->body) && !part->cache; };
    if (std::ranges::all_of(said, is_text) && (message.plain || !own_)) {
      std::string text;
      for (const Part* part : said) text += std::get<Text>(part->body).text;
      json["content"] = std::move(text);
      return {};
    }
    Json out = Json::array();
    for (const Part* part : said) {
      if (const auto* thought = std::get_if<Reasoning>(&part->body)) {
        Json pieces = Json::array({Json{{"type", "text"}, {"text", thought->text}}});
        if (own_ && part->own.is_array()) pieces = part->own;
        out.push_back({{"type", "thinking"}, {"thinking", std::move(pieces)}});
        continue;
      }
      if (const auto* foreign = std::get_if<Foreign>(&part->body); foreign && foreign->from != Dialect::kChat) {
        call_.refusals->note_dropped(fmt::format("{}.{}", at_, foreign->type));  // another's hosted tool: history only
        continue;
      }
      auto made = content_part(*part, false);
      if (!made) return fail(std::move(made.error()));
      if (!made->is_null()) out.push_back(std::move(*made));
    }
    if (!out.empty()) json["content"] = std::move(out);
    return {};
  }

  void add_reasoning(const Part& part, const Reasoning& thought, std::optional<std::string>& text,
                     Json& details) const {
    std::string shown = thought.text;
    for (const auto& one : thought.summary) shown += (shown.empty() ? "" : "\n\n") + one;
    if (text && !text->empty() && !shown.empty()) *text += "\n\n";
    if (!thought.redacted) text = text.value_or("") + shown;
    std::string proof;
    if (!part.signature.empty()) {
      if (belongs_to(part.signature, request_.from, call_.provider, Dialect::kChat))
        proof = part.signature.value;
      else
        call_.refusals->note_dropped(at_ + ".signature");
    }
    // Nothing of reasoning that only its maker can read, without the proof.
    if (!thought.redacted || !proof.empty()) {
      for (auto& entry : details_of(part, proof, static_cast<int64_t>(details.size())))
        details.push_back(std::move(entry));
    }
  }

  void give_back(Json& json, const std::optional<std::string>& text, Json details) const {
    const bool proofs = std::ranges::any_of(
        details, [](const Json& entry) { return entry.contains("signature") || entry.contains("data"); });
    const bool told = quirks_.reasoning_back || (plain() && own_);
    if (!told || quirks_.reasoning_field.empty()) {
      if ((text && !text->empty()) || proofs) call_.refusals->note_dropped(at_ + ".reasoning");
      return;
    }
    if (quirks_.reasoning_field == "content.thinking") return;
    if (text) json[std::string(quirks_.reasoning_field)] = *text;
    if (proofs) json["reasoning_details"] = std::move(details);
  }

  Status add_call(const Part& part, const ToolCall& call, Json& calls) {
    const bool free_text = call.kind == ToolCall::Kind::kCustom;
    const bool custom = free_text && takes_custom_tools(call_);
    Json json = {{"id", id_of(call.id)}, {"type", custom ? "custom" : "function"}};
    if (custom)
      json["custom"] = {{"name", call.name}, {"input", call.arguments}};
    else if (free_text)
      json["function"] = {{"name", call.name}, {"arguments", custom_tool_arguments(call.arguments)}};
    else
      json["function"] = {{"name", call.name}, {"arguments", call.arguments.empty() ? "{}" : call.arguments}};
    if (!part.signature.empty()) {
      if (belongs_to(part.signature, request_.from, call_.provider, Dialect::kChat))
        json["extra_content"] = {{"google", {{"thought_signature", part.signature.value}}}};
      else
        call_.refusals->note_dropped(at_ + ".tool_calls.signature");
    }
    if (own_) {
      if (auto ok = extra(json, part.extra, "tool_calls"); !ok) return ok;
    }
    mark(json, part);
    calls.push_back(std::move(json));
    return {};
  }

  void add_annotations(Json& json, const std::vector<const Part*>& said) const {
    if (!own_ || !quirks_.unknown_fields) return;
    for (const Part* part : said) {
      const auto* text = std::get_if<Text>(&part->body);
      if (text == nullptr) continue;
      for (const auto& citation : text->citations) json["annotations"].push_back(annotation_of(citation, true));
      if (!part->signature.empty() && belongs_to(part->signature, request_.from, call_.provider, Dialect::kChat))
        json["extra_content"]["google"]["thought_signature"] = part->signature.value;
    }
  }

  const Request& request_;
  const OutgoingCall& call_;
  const Quirks& quirks_;
  bool own_;
  std::string at_;
  Json out_ = Json::array();
};

}  // namespace

Result<Json> write_messages(const Request& request, const OutgoingCall& call) {
  Writer writer(request, call);
  for (size_t i = 0; i < request.messages.size(); ++i) {
    if (auto ok = writer.add(request.messages[i], i); !ok) return fail(std::move(ok.error()));
  }
  return writer.take();
}

}  // namespace steward::gateway::chat
