// The schemas of memory.
#include "base/json.h"
#include "server/openapi.h"

namespace steward::server {
namespace {

constexpr std::string_view kMemory = R"({
"MemorySearch":{"type":"object","required":["query"],"additionalProperties":false,"properties":{"query":{"type":"string","description":"A question or a few words; times in it (last spring, 上周) are read against now and the person's time zone"},"limit":{"type":"integer","minimum":1,"maximum":50,"default":10,"description":"Pieces at most"},"budget":{"type":"integer","minimum":1,"maximum":200000,"default":4000,"description":"About so many tokens in all"},"order":{"enum":["auto","relevance","latest","first"],"default":"auto","description":"auto: as the question asks"},"after":{"type":["integer","null"],"description":"Only what was said at or after this time, in seconds since 1970"},"before":{"type":["integer","null"],"description":"Only what was said before this time"},"scope":{"type":["object","null"],"additionalProperties":false,"properties":{"conversation":{"type":["string","null"]},"project":{"type":["string","null"]},"shared":{"type":["boolean","null"],"description":"false: only one's own"}}}}},
"MemoryPiece":{"type":"object","required":["id","object","conversation","created_at","text","messages","score","why","tokens"],"properties":{"id":{"type":"string","description":"Of its first message"},"object":{"const":"memory.piece"},"conversation":{"type":"string"},"created_at":{"type":"integer"},"text":{"type":"string","description":"Word for word"},"messages":{"type":"array","items":{"type":"object","required":["id","role","created_at","text"],"properties":{"id":{"type":"string"},"role":{"enum":["user","assistant"]},"created_at":{"type":"integer"},"text":{"type":"string"}}}},"score":{"type":"number","description":"Comparable within one answer"},"why":{"type":"array","items":{"enum":["words","meaning","time","name"]},"description":"What spoke for it; empty: only that nothing was nearer"},"tokens":{"type":"integer","description":"About"}}},
"MemoryFound":{"type":"object","required":["object","data","read","state"],"properties":{"object":{"const":"memory.search"},"data":{"type":"array","items":{"$ref":"#/components/schemas/MemoryPiece"}},"read":{"type":"object","description":"How the question was understood","properties":{"order":{"enum":["relevance","latest","first"]},"times":{"type":"array","items":{"type":"object","properties":{"after":{"type":["integer","null"]},"before":{"type":["integer","null"]}}}}}},"state":{"type":"object","properties":{"passages":{"type":"integer","description":"That were looked through"},"waiting":{"type":"integer","description":"Of them, those that wait for their embedding: found by words alone"},"meaning":{"type":"boolean","description":"Whether the question was compared by meaning"}}}}}
})";

}  // namespace

Json memory_schemas() { return parse_own(kMemory); }

}  // namespace steward::server
