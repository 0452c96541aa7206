// What of a call is neither written nor simply refused, in one place for all egresses.
//
// Hints ask for nothing that changes an answer: to a cache, whom the call is for. An egress that has no words for one
// leaves it out and tells so (x-steward-dropped). Other members are known, but passed on to nobody, whoever answers:
// what they ask for is Steward's own, can't be reserved, or would come back in a form that isn't read. They are refused
// by name like anything that can't be honoured, so x-steward-drop lets them go. Functions without state; any thread.
#pragma once
#include <initializer_list>

#include "gateway/dialects/dialect.h"

namespace steward::gateway {

// Tells each of `without` that the caller gave: kUser, kSafetyIdentifier, kPromptCacheKey, kPromptCacheRetention,
// kMetadata, kCache (on the whole request). And Messages' `context_management`, which only its own providers obey:
// others' models see the whole context.
void tell_hints(const Request& request, std::initializer_list<Setting> without, Refusals& refusals);
// Tells marks on parts and tools, by the callers' word for them.
void tell_cache_marks(const Request& request, Refusals& refusals);

// A service level that asks for what is done where nothing is asked: "auto", "default", "standard", or none.
bool is_usual_level(std::string_view service_tier);

// Why this member of a request is passed on to nobody and what works instead; empty: it is no such member.
std::string_view never_passed_on(Dialect from, std::string_view name, const Json& value);
// Refuses it, or notes it as dropped.
Status refuse_never(std::string_view name, std::string_view why, Refusals& refusals);

}  // namespace steward::gateway
