#include "gateway/route_facts.h"

#include <algorithm>

#include "base/json.h"
#include "base/text.h"
#include "gateway/output_count.h"
#include "gateway/routing/affinity.h"
#include "gateway/routing/durations.h"
#include "ledger/model_facts.h"
#include "ledger/pricing.h"

namespace steward::gateway {
namespace {

constexpr int64_t kUsualImageTokens = 1'000;  // what providers take for a picture of usual size
constexpr int64_t kUsualPageTokens = 1'500;   // of a document, by the bytes of a usual page
constexpr size_t kUsualPageBytes = 100'000;   // of base64
constexpr size_t kMaxTags = 32;
constexpr size_t kMaxTagBytes = 256;
constexpr size_t kAffinityBytes = 4'096;  // of each first text: enough to tell conversations apart

struct Weight {
  size_t bytes = 0;
  int64_t tokens = 0;
  bool images = false, documents = false;
};

void weigh_media(const Media& media, Weight& out) {
  if (media.kind == Media::Kind::kImage) {
    out.images = true;
    out.tokens += kUsualImageTokens;
  } else if (media.kind == Media::Kind::kDocument) {
    out.documents = true;
    out.bytes += media.text.size();
    if (media.text.empty())
      out.tokens += kUsualPageTokens * static_cast<int64_t>(1 + media.data.size() / kUsualPageBytes);
  } else {
    out.bytes += media.data.size() / 16;
  }
}

void weigh(const std::vector<Part>& parts, Weight& out) {
  for (const Part& part : parts) {
    if (const auto* text = std::get_if<Text>(&part.body)) out.bytes += text->text.size();
    if (const auto* refusal = std::get_if<Refusal>(&part.body)) out.bytes += refusal->text.size();
    if (const auto* call = std::get_if<ToolCall>(&part.body)) out.bytes += call->name.size() + call->arguments.size();
    if (const auto* reasoning = std::get_if<Reasoning>(&part.body)) out.bytes += reasoning->text.size();
    if (const auto* media = std::get_if<Media>(&part.body)) weigh_media(*media, out);
    if (const auto* foreign = std::get_if<Foreign>(&part.body)) out.bytes += dump(foreign->raw).size();
    if (const auto* result = std::get_if<ToolResult>(&part.body)) {
      weigh(result->content, out);
      if (!result->structured.is_null()) out.bytes += dump(result->structured).size();
    }
  }
}

Weight weigh(const Request& request) {
  Weight out;
  for (const Message& message : request.messages) weigh(message.parts, out);
  for (const Tool& tool : request.tools)
    out.bytes += tool.name.size() + tool.description.size() + dump(tool.parameters).size() + dump(tool.extra).size();
  if (!request.format.schema.is_null()) out.bytes += dump(request.format.schema).size();
  return out;
}

std::unexpected<Error> bad_header(std::string_view name, std::string_view what) {
  return fail(ErrorCode::kInvalidRequest, fmt::format("The header '{}' {}.", name, what), {{"param", name}});
}

Result<DurationUs> duration_header(const net::Headers& headers, std::string_view name) {
  const auto text = headers.get(name);
  if (text.empty()) return 0;
  const auto duration = routing::parse_duration(text);
  if (!duration || *duration == 0) return bad_header(name, "must be a time such as 20s or 500ms");
  return *duration;
}

Status read_tags(const net::Headers& headers, std::map<std::string, std::string>& into) {
  constexpr std::string_view kName = "x-steward-tags";
  const auto text = headers.get(kName);
  if (text.empty()) return {};
  for (const auto pair : split(text, ',')) {
    const auto one = trim(pair);
    if (one.empty()) continue;
    const size_t equals = one.find('=');
    const bool bad =
        equals == std::string_view::npos || equals == 0 || one.size() > kMaxTagBytes || into.size() >= kMaxTags;
    if (bad) return bad_header(kName, "must be NAME=VALUE with commas between, at most 32");
    into.try_emplace(std::string(trim(one.substr(0, equals))), trim(one.substr(equals + 1)));  // the key's own stay
  }
  return {};
}

Status read_headers(const net::Headers& headers, routing::RouteFacts& into) {
  auto deadline = duration_header(headers, "x-steward-deadline");
  if (!deadline) return fail(std::move(deadline.error()));
  auto hedge = duration_header(headers, "x-steward-hedge-after");
  if (!hedge) return fail(std::move(hedge.error()));
  into.deadline_us = *deadline;
  into.hedge_after_us = *hedge;
  if (const auto text = headers.get("x-steward-max-cost-usd"); !text.empty()) {
    const auto amount = parse_usd(text);
    if (!amount || *amount < 0) return bad_header("x-steward-max-cost-usd", "must be US dollars such as 0.05");
    into.max_cost = *amount;
  }
  return read_tags(headers, into.tags);
}

std::string_view first_text(const Request& request, bool system) {
  for (const Message& message : request.messages) {
    if ((message.role == Role::kSystem || message.role == Role::kDeveloper) != system) continue;
    for (const Part& part : message.parts) {
      if (const auto* text = std::get_if<Text>(&part.body))
        return std::string_view(text->text).substr(0, kAffinityBytes);
    }
  }
  return {};
}

std::string affinity_of(const identity::Caller& caller, const Request& request, const net::Headers& headers) {
  std::string_view conversation;  // of the Responses API: an id, or an object with one
  if (request.extra.is_object() && request.extra.contains("conversation")) {
    const Json& named = request.extra["conversation"];
    const Json* id = named.is_object() && named.contains("id") ? &named["id"] : &named;
    if (id->is_string()) conversation = id->get_ref<const std::string&>();
  }
  return routing::affinity_key(
      caller.tenant, caller.key ? caller.key->id : caller.principal,
      {headers.get("x-session-affinity"), request.prompt_cache_key, conversation, headers.get("session_id")},
      {request.user, first_text(request, true), first_text(request, false)});
}

std::optional<bool> yes_no(ledger::Told told) {
  if (told == ledger::Told::kNotTold) return std::nullopt;
  return told == ledger::Told::kYes;
}

// What a call may cost there at most, as its reservation will have it where the caller limits the output.
std::optional<NanoUsd> cost_bound(Services& services, const Id& tenant, const Request& request, const Target& target,
                                  int64_t input_bytes) {
  const auto price = services.ledger.price(tenant, target.provider, target.upstream_model);
  if (!price) return std::nullopt;
  const int64_t usual = services.current()->default_output_tokens;
  int64_t output = request.max_output.value_or(usual);
  if (target.local()) return ledger::worst_cost(*price, input_bytes / 4, request.n, output);
  Bound bound = remote_bound(request, {}, target, usual);
  if (target.max_output_tokens > 0) output = std::min(output, target.max_output_tokens);
  return ledger::worst_cost(*price, bound.input_tokens + input_bytes, bound.choices, output, bound.may_use);
}

}  // namespace

int64_t estimated_input(const Request& request) {
  const Weight weight = weigh(request);
  return estimate_tokens(weight.bytes) + weight.tokens;
}

Result<routing::RouteFacts> route_facts(Services& services, const identity::Caller& caller, const Request& request,
                                        const net::Headers& headers) {
  const Weight weight = weigh(request);
  routing::RouteFacts out{.model = request.model,
                          .tenant = caller.tenant,
                          .input_tokens = estimate_tokens(weight.bytes) + weight.tokens,
                          .output_tokens = request.max_output.value_or(0),
                          .tools = !request.tools.empty(),
                          .images = weight.images,
                          .documents = weight.documents,
                          .streamed = request.stream,
                          .affinity = affinity_of(caller, request, headers),
                          .now_us = services.clock.now_us()};
  if (caller.key) {
    out.key = caller.key->id;
    out.key_name = caller.key->spec.name;
    out.tags = caller.key->spec.tags;
  }
  if (auto ok = read_headers(headers, out); !ok) return fail(std::move(ok.error()));
  return out;
}

routing::Describe describe_with(Services& services, const Id& tenant, const Request& request) {
  const auto bytes = static_cast<int64_t>(weigh(request).bytes);
  return [&services, tenant, &request, bytes](const std::string& deployment, const routing::RouteFacts&) {
    routing::DeploymentFacts out;
    auto target = services.directory.known(deployment);
    if (!target) {
      out.unusable = "there is no such model here now";
      return out;
    }
    out.local = target->local();
    out.context_tokens = target->context_tokens;
    out.kind = target->embedding ? "embedding" : "chat";
    if (out.local) {
      out.images = out.documents = false;
    } else {
      out.key_refused = services.directory.refuses_key(target->provider);
      out.first_byte_us = std::chrono::microseconds(target->options->deadlines.first_byte).count();
      if (const auto facts = services.ledger.find_model_facts(target->provider, target->upstream_model)) {
        out.images = yes_no(facts->vision);
        out.documents = yes_no(facts->documents);
        out.tools = yes_no(facts->tools);
        if (out.context_tokens == 0) out.context_tokens = facts->context_tokens;
        if (target->max_output_tokens == 0) target->max_output_tokens = facts->output_tokens;
      }
    }
    out.cost_bound = cost_bound(services, tenant, request, *target, bytes);
    return out;
  };
}

std::vector<routing::OfferedModel> offered_models(const Directory& directory) {
  std::vector<routing::OfferedModel> out;
  for (const auto& entry : directory.entries()) out.push_back({entry.name, entry.provider, entry.kind});
  return out;
}

}  // namespace steward::gateway
