// The schemas that the OpenAPI document names.
#include "server/openapi.h"

namespace steward::server {
namespace {

// The model API follows OpenAI's published contract; what is described here is what Steward looks at. More fields may
// come.
constexpr std::string_view kModelApi = R"({
"ChatRequest":{"type":"object","required":["model","messages"],"properties":{
  "model":{"type":"string"},
  "messages":{"type":"array","minItems":1,"items":{"type":"object","required":["role"],"properties":{"role":{"enum":["system","developer","user","assistant","tool"]},"content":{"type":["string","array","null"]},"name":{"type":"string"},"tool_calls":{"type":"array"},"tool_call_id":{"type":"string"}}}},
  "stream":{"type":"boolean"},"stream_options":{"type":["object","null"],"properties":{"include_usage":{"type":"boolean"}}},
  "max_tokens":{"type":["integer","null"],"minimum":1},"max_completion_tokens":{"type":["integer","null"],"minimum":1},
  "temperature":{"type":["number","null"]},"top_p":{"type":["number","null"]},"n":{"type":["integer","null"],"minimum":1},"stop":{"type":["string","array","null"]},"seed":{"type":["integer","null"]},
  "logprobs":{"type":["boolean","null"]},"top_logprobs":{"type":["integer","null"]},"tools":{"type":"array"},"tool_choice":{"type":["string","object"]},"response_format":{"type":"object"},"user":{"type":"string"}}},
"ChatCompletion":{"type":"object","required":["id","object","created","model","choices"],"properties":{
  "id":{"type":"string"},"object":{"const":"chat.completion"},"created":{"type":"integer"},"model":{"type":"string"},
  "choices":{"type":"array","items":{"type":"object","required":["index","message","finish_reason"],"properties":{"index":{"type":"integer"},"message":{"type":"object"},"finish_reason":{"type":["string","null"]},"logprobs":{"type":["object","null"]}}}},
  "usage":{"$ref":"#/components/schemas/Usage"}}},
"Usage":{"type":"object","properties":{"prompt_tokens":{"type":"integer"},"completion_tokens":{"type":"integer"},"total_tokens":{"type":"integer"},"prompt_tokens_details":{"type":["object","null"]},"completion_tokens_details":{"type":["object","null"]}}},
"CompletionRequest":{"type":"object","required":["model","prompt"],"properties":{"model":{"type":"string"},"prompt":{"type":["string","array"]},"max_tokens":{"type":["integer","null"],"minimum":1},"stream":{"type":"boolean"},"stream_options":{"type":["object","null"]},"temperature":{"type":["number","null"]},"top_p":{"type":["number","null"]},"n":{"type":["integer","null"]},"stop":{"type":["string","array","null"]},"seed":{"type":["integer","null"]}}},
"Completion":{"type":"object","required":["id","object","created","model","choices"],"properties":{"id":{"type":"string"},"object":{"const":"text_completion"},"created":{"type":"integer"},"model":{"type":"string"},"choices":{"type":"array","items":{"type":"object"}},"usage":{"$ref":"#/components/schemas/Usage"}}},
"EmbeddingRequest":{"type":"object","required":["model","input"],"properties":{"model":{"type":"string"},"input":{"type":["string","array"]},"encoding_format":{"enum":["float","base64"]},"dimensions":{"type":"integer"},"input_type":{"enum":["query","passage"],"default":"passage"},"user":{"type":"string"}}},
"EmbeddingList":{"type":"object","required":["object","data","model","usage"],"properties":{"object":{"const":"list"},"data":{"type":"array","items":{"type":"object","required":["object","index","embedding"],"properties":{"object":{"const":"embedding"},"index":{"type":"integer"},"embedding":{"type":["array","string"]}}}},"model":{"type":"string"},"usage":{"type":"object"}}},
"Model":{"type":"object","required":["id","object","created","owned_by"],"properties":{"id":{"type":"string"},"object":{"const":"model"},"created":{"type":"integer"},"owned_by":{"type":"string"}}},
"ModelList":{"type":"object","required":["object","data"],"properties":{"object":{"const":"list"},"data":{"type":"array","items":{"$ref":"#/components/schemas/Model"}}}},
"Error":{"type":"object","required":["error"],"properties":{"error":{"type":"object","required":["message","type"],"properties":{"message":{"type":"string"},"type":{"type":"string"},"param":{"type":["string","null"]},"code":{"type":["string","null"]},"details":{"type":"object"}}}}}
})";

constexpr std::string_view kAdmin = R"({
"Health":{"type":"object","required":["status"],"properties":{"status":{"const":"ok"}}},
"Status":{"type":"object","required":["status","version","parts"],"properties":{"status":{"type":"string"},"version":{"type":"string"},"parts":{"type":"object"},"tenant":{"type":"string"},"owner":{"type":"string"},"organisation":{"type":"string"},"home":{"type":"string"},"pid":{"type":"integer"},"started_at":{"type":"string","format":"date-time"},"keys":{"type":"integer"}}},
"OpenApi":{"type":"object","required":["openapi","info","paths"]},
"Limits":{"type":"object","description":"0: no limit of this kind","properties":{"requests_per_minute":{"type":"integer","minimum":0},"tokens_per_minute":{"type":"integer","minimum":0},"concurrency":{"type":"integer","minimum":0}}},
"Key":{"type":"object","required":["id","object","name","visible","status"],"properties":{"id":{"type":"string"},"object":{"const":"key"},"name":{"type":"string"},"visible":{"type":"string","description":"Enough of the secret to recognise it"},"owner":{"type":"string"},"team":{"type":["string","null"]},"models":{"type":"array","items":{"type":"string"}},"endpoints":{"type":"array","items":{"type":"string"}},"admin":{"type":"boolean"},"expires_at":{"type":["string","null"],"format":"date-time"},"tags":{"type":"object"},"limits":{"$ref":"#/components/schemas/Limits"},"weight":{"type":"number"},"created_at":{"type":["string","null"],"format":"date-time"},"status":{"enum":["active","expired","revoked"]}}},
"KeyWithSecret":{"allOf":[{"$ref":"#/components/schemas/Key"},{"type":"object","properties":{"secret":{"type":"string","description":"Shown once"},"old_secret_until":{"type":"string","format":"date-time"}}}]},
"KeyChange":{"type":"object","additionalProperties":false,"properties":{"name":{"type":"string"},"owner":{"type":"string"},"team":{"type":"string"},"models":{"type":"array","items":{"type":"string"},"description":"Exact names or prefix*; empty: all"},"endpoints":{"type":"array","items":{"enum":["chat","completions","embeddings","models"]}},"admin":{"type":"boolean"},"expires_at":{"type":["string","null"],"format":"date-time"},"tags":{"type":"object","additionalProperties":{"type":"string"}},"limits":{"$ref":"#/components/schemas/Limits"},"weight":{"type":"number","minimum":0.001,"maximum":1000}}},
"NewKey":{"type":"object","required":["name"],"additionalProperties":false,"properties":{"name":{"type":"string"},"owner":{"type":"string"},"team":{"type":"string"},"models":{"type":"array","items":{"type":"string"}},"endpoints":{"type":"array","items":{"enum":["chat","completions","embeddings","models"]}},"admin":{"type":"boolean"},"expires_at":{"type":["string","null"],"format":"date-time"},"tags":{"type":"object","additionalProperties":{"type":"string"}},"limits":{"$ref":"#/components/schemas/Limits"},"weight":{"type":"number"},"budget":{"type":"object","required":["limit_usd"],"properties":{"limit_usd":{"type":["string","number"]},"period":{"enum":["day","week","month","forever"]},"time_zone":{"type":"string"}}}}},
"Rotation":{"type":"object","additionalProperties":false,"properties":{"overlap_s":{"type":"integer","minimum":0}}},
"Principal":{"type":"object","required":["id","object","kind","name"],"properties":{"id":{"type":"string"},"object":{"const":"principal"},"kind":{"enum":["user","team","agent","key","service"]},"name":{"type":"string"},"time_zone":{"type":["string","null"]},"groups":{"type":"array","items":{"type":"string"}},"disabled":{"type":"boolean"}}},
"NewPrincipal":{"type":"object","required":["kind","name"],"additionalProperties":false,"properties":{"kind":{"enum":["user","team","service"]},"name":{"type":"string"},"time_zone":{"type":"string"}}},
"PrincipalChange":{"type":"object","required":["disabled"],"additionalProperties":false,"properties":{"disabled":{"type":"boolean"}}},
"Membership":{"type":"object","properties":{"object":{"const":"membership"},"group":{"type":"string"},"member":{"type":"string"},"in":{"type":"boolean"}}},
"Budget":{"type":"object","required":["id","object","name","scope","limit_usd","period"],"properties":{"id":{"type":"string"},"object":{"const":"budget"},"name":{"type":"string"},"scope":{"type":"string","description":"ten_, team_, usr_ or key_: whose calls it bounds"},"limit_usd":{"type":"string"},"period":{"enum":["day","week","month","forever"]},"time_zone":{"type":["string","null"]},"period_start":{"type":["string","null"]},"period_end":{"type":["string","null"]},"spent_microusd":{"type":"string"},"reserved_microusd":{"type":"string"},"overrun_microusd":{"type":"string"},"left_microusd":{"type":"string"}}},
"NewBudget":{"type":"object","required":["limit_usd"],"additionalProperties":false,"properties":{"name":{"type":"string","default":"default"},"scope":{"type":"string","description":"The organisation if not said"},"limit_usd":{"type":["string","number"]},"period":{"enum":["day","week","month","forever"],"default":"forever"},"time_zone":{"type":"string"}}},
"Deleted":{"type":"object","properties":{"id":{"type":"string"},"object":{"type":"string"},"deleted":{"const":true}}},
"Price":{"type":"object","required":["provider","model","input_pico","output_pico"],"properties":{"provider":{"type":"string"},"model":{"type":"string"},"input_pico":{"type":"integer","description":"Pico-US-dollars a token"},"output_pico":{"type":"integer"},"cached_input_pico":{"type":"integer"},"request_pico":{"type":"integer"},"input_usd_per_million":{"type":"string"},"output_usd_per_million":{"type":"string"},"cached_input_usd_per_million":{"type":"string"},"source":{"type":"string"},"from":{"type":["string","null"]}}},
"NewPrice":{"type":"object","required":["model"],"additionalProperties":false,"properties":{"provider":{"type":"string","default":"local"},"model":{"type":"string"},"input_pico":{"type":"integer"},"output_pico":{"type":"integer"},"cached_input_pico":{"type":"integer"},"request_pico":{"type":"integer"},"input_usd_per_million":{"type":["string","number"]},"output_usd_per_million":{"type":["string","number"]},"cached_input_usd_per_million":{"type":["string","number"]},"from":{"type":"string","format":"date-time","description":"Holds from then on; now if not said"}}},
"UsageRow":{"type":"object","properties":{"group":{"type":"object"},"calls":{"type":"integer"},"failed":{"type":"integer"},"prompt_tokens":{"type":"integer"},"cached_tokens":{"type":"integer"},"completion_tokens":{"type":"integer"},"cost_microusd":{"type":"string"},"overrun_microusd":{"type":"string"}}},
"LocalModel":{"type":"object","required":["name","provider","kind","state"],"properties":{"name":{"type":"string"},"provider":{"type":"string"},"kind":{"enum":["chat","embedding"]},"state":{"type":"string"},"path":{"type":"string"},"file_bytes":{"type":"integer"},"parameters":{"type":"integer"},"context_tokens":{"type":"integer"},"slots":{"type":"integer"},"architecture":{"type":"string"},"quantization":{"type":"string"},"license":{"type":"string"},"shipped":{"type":"boolean"},"resident_bytes":{"type":"integer"},"problem":{"type":"string"}}},
"ModelAction":{"type":"object","properties":{"object":{"type":"string"},"name":{"type":"string"},"state":{"type":"string"}}},
"Record":{"type":"object","required":["seq","id","stream","version","kind","time"],"properties":{"seq":{"type":"integer"},"id":{"type":"string"},"stream":{"type":"string"},"version":{"type":"integer"},"kind":{"type":"string"},"schema":{"type":"integer"},"time":{"type":"string","format":"date-time"},"actor":{"type":"string"},"label":{"type":"string"},"body":{},"erased":{"type":"boolean"}}},
"JournalHead":{"type":"object","properties":{"tenant":{"type":"string"},"written_seq":{"type":"integer"},"durable_seq":{"type":"integer"},"applied_seq":{"type":"integer"},"digest":{"type":"string"}}},
"Verification":{"type":"object","required":["ok","records"],"properties":{"ok":{"type":"boolean"},"records":{"type":"integer"},"erased":{"type":"integer"},"heads":{"type":"array"},"problem":{"type":"string"},"seq":{"type":"integer"}}},
"Erasure":{"type":"object","additionalProperties":false,"properties":{"records":{"type":"array","items":{"type":"string"}},"stream":{"type":"string"},"reason":{"type":"string"}}},
"Job":{"type":"object","required":["id","object","kind","state","tries","due_at","changed_at"],"properties":{"id":{"type":"string"},"object":{"const":"job"},"kind":{"type":"string"},"state":{"enum":["queued","running","finished","failed","cancelled"]},"tries":{"type":"integer"},"due_at":{"type":"string"},"changed_at":{"type":"string"},"progress":{},"result":{},"error":{"type":["string","null"]}}},
"Backup":{"type":"object","required":["object","path","bytes","records","blobs","heads"],"properties":{"object":{"const":"backup"},"path":{"type":"string"},"bytes":{"type":"integer"},"records":{"type":"integer"},"blobs":{"type":"integer"},"heads":{"type":"array"}}},
"Rebuild":{"type":"object","required":["object","records"],"properties":{"object":{"const":"rebuild"},"records":{"type":"integer"}}},
"NewBackup":{"type":"object","additionalProperties":false,"properties":{"path":{"type":"string"}}},
"ConfigValue":{"type":"object","required":["key","value","origin"],"properties":{"key":{"type":"string"},"value":{},"origin":{"enum":["default","file","setting","environment","flag"]},"where":{"type":["string","null"]},"default":{"type":"string"},"reload":{"enum":["at once","restart"]},"doc":{"type":"string"}}},
"NewSetting":{"type":"object","required":["value"],"properties":{"value":{}}},
"Reload":{"type":"object","required":["applied","needs_restart"],"properties":{"object":{"const":"reload"},"applied":{"type":"array","items":{"type":"string"}},"needs_restart":{"type":"array","items":{"type":"string"}},"setting":{"$ref":"#/components/schemas/ConfigValue"}}}
})";

Json put_together() {
  Json schemas = Json::parse(kModelApi);
  schemas.update(Json::parse(kAdmin));
  return schemas;
}

}  // namespace

const Json& openapi_schemas() {
  static const Json kSchemas = put_together();
  return kSchemas;
}

}  // namespace steward::server
