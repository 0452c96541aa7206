// The table of keys: the one place where a setting is named, bounded, defaulted and explained.
#include "base/config.h"

namespace steward {
namespace {

constexpr auto kBool = ConfigType::kBool;
constexpr auto kInteger = ConfigType::kInteger;
constexpr auto kText = ConfigType::kText;
constexpr auto kChoice = ConfigType::kChoice;
constexpr auto kPath = ConfigType::kPath;
constexpr auto kList = ConfigType::kList;
constexpr auto kTextTable = ConfigType::kTextTable;
constexpr auto kIntegerTable = ConfigType::kIntegerTable;
constexpr auto kUsd = ConfigType::kUsd;
constexpr auto kAtOnce = Reload::kAtOnce;
constexpr auto kRestart = Reload::kRestart;
constexpr int64_t kHourMs = 3'600'000;
constexpr int64_t kGiB = int64_t{1} << 30;

const std::vector<ConfigSection> kSections = {
    {"server", false, "Where the server listens and to whom it answers."},
    {"limits", false,
     "The bounds of requests, connections and queues. What is over one gets a clear error, never a stall."},
    {"people", false, "How people sign in (docs/people.md)."},
    {"talk", false, "Conversations in the app (docs/talk.md)."},
    {"memory", false, "What was said in conversations, found again (docs/memory.md)."},
    {"budgets", false, "What a new key may spend until somebody says otherwise."},
    {"journal", false, "Where the journal lies, and its writer."},
    {"engine", false, "The embedded engine: local models, each in a supervised child process."},
    {"models", true, "One local model, by its name (`[models.smollm2-135m-instruct]`)."},
    {"providers", true,
     "One upstream, by its name (`[providers.openai]`). A known provider's key in the environment is enough: see "
     "below."},
    {"routing", false,
     "How calls are tried where their route says nothing else, and how deployments rest (docs/routing.md)."},
    {"routes", true,
     "One route, by its name (`[routes.support]`): a model name that leads to several deployments (docs/routing.md). "
     "`fast` and `deep` are there unless `routing.defaults` is false."},
    {"prices", true,
     "What a model costs, by provider and model (`[prices.\"openai/gpt-4.1-mini\"]`). Prices set with `steward models "
     "price` come first."},
    {"secrets", false, "Where secrets are sealed."},
    {"traces", false,
     "Traces of calls over OTLP/HTTP, with OpenTelemetry's GenAI conventions; off without an endpoint."},
    {"log", false, "Log lines on standard error."},
};

const std::vector<ConfigKey> kKeys = {
    {"server", "host", kText, "127.0.0.1", 0, 0, "", kRestart,
     "The address to listen on; beyond loopback it needs TLS or `insecure_plaintext`."},
    {"server", "port", kInteger, "7070", 0, 65535, "", kRestart,
     "The TCP port; 0 takes a free one. `STEWARD_PORT` sets it too."},
    {"server", "insecure_plaintext", kBool, "false", 0, 0, "", kRestart,
     "Lets the server listen beyond loopback without TLS, for a proxy in front that has it; keys and content then "
     "cross the network in the clear."},
    {"server", "tls_certificate", kPath, "", 0, 0, "", kRestart,
     "The certificate chain (PEM); with `tls_key` it turns TLS on. A changed file is taken while running."},
    {"server", "tls_key", kPath, "", 0, 0, "", kRestart, "The private key of `tls_certificate` (PEM)."},
    {"server", "unix_socket", kPath, "", 0, 0, "", kRestart,
     "The home's socket, over which the caller is the owner; empty: in a private folder under `$XDG_RUNTIME_DIR` or "
     "the temporary folder."},
    {"server", "allowed_hosts", kList, "", 0, 0, "", kAtOnce,
     "Host names that requests may name; empty: on loopback only loopback's own names (against DNS rebinding), else "
     "any."},
    {"server", "cors_origins", kList, "", 0, 0, "", kAtOnce,
     "Web origins whose pages may call the API from a browser; empty: none."},
    {"server", "public_url", kText, "", 0, 0, "", kAtOnce,
     "The address that people reach the server under, as `https://steward.example.org` behind a proxy with TLS: links "
     "begin with it, and with https cookies are Secure. Empty: the address it listens on."},
    {"server", "threads", kInteger, "0", 0, 256, "", kRestart, "Threads that serve connections; 0: one for each core."},
    {"server", "drain_timeout_ms", kInteger, "30000", 0, kHourMs, "", kAtOnce,
     "How long a stopping server lets calls under way finish."},
    {"server", "organisation", kText, "Home", 0, 0, "", kRestart, "The organisation's name, taken at the first start."},
    {"server", "owner", kText, "Owner", 0, 0, "", kRestart, "The owner's name, taken at the first start."},
    {"server", "time_zone", kText, "", 0, 0, "", kRestart,
     "The owner's IANA time zone, taken at the first start, in which budgets begin their day; empty: the machine's."},
    {"server", "metrics_public", kBool, "false", 0, 0, "", kAtOnce,
     "Answers `/metrics` to anybody; otherwise to loopback, the home's socket and keys with scope admin."},

    {"limits", "max_header_bytes", kInteger, "65536", 1024, kGiB, "", kRestart, "All header bytes of one request."},
    {"limits", "max_headers", kInteger, "128", 8, 10000, "", kRestart, "Header fields of one request."},
    {"limits", "max_target_bytes", kInteger, "8192", 256, 1 << 20, "", kRestart,
     "Bytes of a request's address with its query."},
    {"limits", "max_body_bytes", kInteger, "33554432", 1024, 4 * kGiB, "", kRestart, "Bytes of a request's body."},
    {"limits", "max_bodies_bytes", kInteger, "268435456", 1024, 64 * kGiB, "", kRestart,
     "Bytes of the bodies of all requests under way together; never less than twice the largest body that is taken."},
    {"limits", "max_client_bodies_bytes", kInteger, "134217728", 1024, 64 * kGiB, "", kRestart,
     "Bytes of them for one client: a key, a person who is signed in, else all strangers together. A client that holds "
     "much gets no more than is left free for the others."},
    {"limits", "head_timeout_ms", kInteger, "10000", 100, kHourMs, "", kRestart,
     "From a request's first byte to the end of its head."},
    {"limits", "body_timeout_ms", kInteger, "60000", 100, kHourMs, "", kRestart, "For a request's whole body."},
    {"limits", "idle_timeout_ms", kInteger, "75000", 100, kHourMs, "", kRestart,
     "A kept connection without a request."},
    {"limits", "write_timeout_ms", kInteger, "60000", 100, kHourMs, "", kRestart,
     "A client that takes nothing for so long is cut."},
    {"limits", "max_connections", kInteger, "12000", 1, 1'000'000, "", kRestart, "Connections at once."},
    {"limits", "max_event_streams", kInteger, "1000", 1, 100'000, "", kAtOnce, "Streams of `/v1/events` at once."},
    {"limits", "event_backlog", kInteger, "10000", 1, 10'000'000, "", kAtOnce,
     "Records that a stream of `/v1/events` may be behind when it begins; further back it is told to begin anew "
     "(`reset`)."},
    {"limits", "queue_length", kInteger, "2000", 1, 1'000'000, "", kAtOnce,
     "Calls that wait for a busy local model; one more is refused."},
    {"limits", "queue_timeout_ms", kInteger, "120000", 1, kHourMs, "", kAtOnce,
     "How long a call waits for a busy local model."},
    {"limits", "call_timeout_ms", kInteger, "600000", 100, 24 * kHourMs, "", kAtOnce,
     "How long one call of a model may take in all."},
    {"limits", "default_output_tokens", kInteger, "4096", 1, 10'000'000, "", kAtOnce,
     "The output limit of a call where neither the call nor the model tells one."},
    {"limits", "fetch_max_bytes", kInteger, "20971520", 1024, kGiB, "", kAtOnce,
     "Bytes of one image or document that is fetched because a call names its address."},
    {"limits", "fetch_timeout_ms", kInteger, "20000", 100, kHourMs, "", kAtOnce,
     "For fetching one such address, with its redirects."},
    {"limits", "fetch_ports", kList, "80,443", 0, 0, "", kAtOnce, "The ports that such addresses may name."},
    {"limits", "allow_inside", kList, "", 0, 0, "", kAtOnce,
     "Hosts on the inside that such addresses may name all the same: `HOST`, `HOST:PORT`, `10.1.0.0/16`; empty: none."},

    {"people", "session_days", kInteger, "30", 1, 3650, "", kAtOnce, "After so many days one signs in again."},
    {"people", "session_idle_hours", kInteger, "168", 1, 87600, "", kAtOnce,
     "After so many hours without a request one signs in again."},
    {"people", "session_noted_s", kInteger, "600", 1, 86400, "", kAtOnce,
     "How often the journal notes that a session is in use: what a restart may forget of it."},
    {"people", "invitation_days", kInteger, "7", 1, 90, "", kAtOnce, "How long an invitation holds, unless it says."},
    {"people", "link_minutes", kInteger, "60", 1, 10080, "", kAtOnce,
     "How long the first sign-in link and one made by `steward people link` or `recover` hold."},
    {"people", "password_characters", kInteger, "10", 8, 128, "", kAtOnce, "The fewest characters of a password."},
    {"people", "sign_in_tries", kInteger, "5", 1, 1000, "", kAtOnce,
     "Failed sign-ins under one name before a pause; an address has four times as many."},
    {"people", "sign_in_pause_s", kInteger, "60", 1, 86400, "", kAtOnce,
     "That pause, in seconds; each next one is twice as long, up to 15 minutes."},

    {"talk", "undo_seconds", kInteger, "30", 0, 86400, "", kAtOnce,
     "For so long a deleted conversation can be taken back; then it is erased."},
    {"talk", "attachment_mb", kInteger, "64", 1, 256, "", kRestart, "The largest attachment."},
    {"talk", "unsent_days", kInteger, "7", 0, 3650, "", kAtOnce,
     "An attachment that no message has named for so many days is erased; 0: it stays."},
    {"talk", "title_model", kText, "", 0, 0, "", kAtOnce,
     "The model or route that names conversations after their first answer, at the cost of a short call each; empty: a "
     "rule does, from what was asked."},
    {"memory", "enabled", kBool, "true", 0, 0, "", kRestart,
     "Keeps an index of what people and assistants say in conversations, so that it is found by its words, its "
     "meaning, "
     "its time and who said it. Off: nothing is kept or read, and what there was is removed."},
    {"budgets", "new_key_limit_usd", kUsd, "", 0, 0, "", kAtOnce,
     "The budget that every new key begins with, in US dollars; empty: none, 0: nothing that costs."},
    {"budgets", "new_key_period", kChoice, "month", 0, 0, "day|week|month|forever", kAtOnce,
     "The period of that budget."},

    {"journal", "url", kText, "", 0, 0, "", kRestart,
     "Where the journal lies: `postgres://USER@HOST/DATABASE`, as libpq reads it; empty: SQLite in the home "
     "(docs/storage.md)."},
    {"journal", "password_file", kPath, "", 0, 0, "", kRestart,
     "The file that holds the password for `url`; without one, libpq's own ways (`PGPASSWORD`, `~/.pgpass`)."},
    {"journal", "password_secret", kText, "", 0, 0, "", kRestart,
     "The sealed secret that is the password for `url` (`steward secrets set`)."},
    {"journal", "queue_limit", kInteger, "20000", 16, 10'000'000, "", kRestart,
     "Commands that wait for the writer; one more fails at once."},
    {"journal", "group_limit", kInteger, "512", 1, 100'000, "", kRestart, "Commands that one commit takes together."},
    {"journal", "upgrade_backups", kInteger, "2", 0, 1000, "", kRestart,
     "Backups that stay of those made by themselves before an upgrade of the home (docs/operations.md); 0: none is "
     "made."},

    {"engine", "enabled", kBool, "true", 0, 0, "", kRestart, "Serves local models; false: providers only."},
    {"engine", "program", kPath, "", 0, 0, "", kRestart,
     "The inference program; empty: `lib/steward-engine` beside the `steward` command."},
    {"engine", "shipped_models", kPath, "", 0, 0, "", kRestart,
     "The folder of the models that come with Steward; empty: `share/steward/models`."},
    {"engine", "default_model", kText, "", 0, 0, "", kAtOnce,
     "The model that the welcome screen and `steward chat` begin with; empty: the first chat model."},
    {"engine", "warm", kBool, "true", 0, 0, "", kRestart,
     "Loads the default model at the start, so that the first call is quick."},
    {"engine", "memory_mb", kInteger, "0", 0, int64_t{1} << 24, "", kRestart,
     "Memory in MB that loaded models may take together; 0: three quarters of what is available."},
    {"engine", "nice", kInteger, "0", 0, 19, "", kRestart,
     "How much a model's process yields to the server and to the rest of the machine (nice(1))."},
    {"engine", "data_limit_mb", kInteger, "0", 0, int64_t{1} << 24, "", kRestart,
     "Memory in MB that one model's process may write (RLIMIT_DATA: its context and buffers, not its mapped file); 0: "
     "no limit."},
    {"engine", "threads", kInteger, "0", 0, 1024, "", kRestart, "Threads of one model's process; 0: the cores."},
    {"engine", "slots", kInteger, "4", 1, 256, "", kRestart, "Calls that one chat model answers at once."},
    {"engine", "context_tokens", kInteger, "0", 0, 10'000'000, "", kRestart,
     "The context of each slot in tokens; 0: the model's own, at most 8192."},
    {"engine", "idle_unload_s", kInteger, "900", 1, 31'536'000, "", kRestart,
     "Seconds without a call after which a model leaves the memory."},
    {"engine", "load_timeout_s", kInteger, "180", 1, 3600, "", kRestart, "Seconds that loading a model may take."},
    {"engine", "hang_timeout_s", kInteger, "60", 1, 3600, "", kRestart,
     "Seconds without a sign of life after which a model's process is ended and begun anew."},
    {"engine", "retries", kInteger, "1", 0, 10, "", kAtOnce,
     "How often a call is asked again after inference crashed before its first byte."},

    {"models", "path", kPath, "", 0, 0, "", kRestart,
     "A model file (GGUF) outside the models folder, offered under this name."},
    {"models", "context_tokens", kInteger, "0", 0, 10'000'000, "", kRestart,
     "The context of each of its slots in tokens; 0: as `engine.context_tokens`."},
    {"models", "slots", kInteger, "0", 0, 256, "", kRestart, "Calls that it answers at once; 0: as `engine.slots`."},
    {"models", "threads", kInteger, "0", 0, 1024, "", kRestart, "Threads of its process; 0: as `engine.threads`."},
    {"models", "arguments", kList, "", 0, 0, "", kRestart,
     "Further arguments of this model's process, as llama.cpp's server takes them."},

    {"providers", "enabled", kBool, "true", 0, 0, "", kAtOnce, "Offers this provider's models."},
    {"providers", "base_url", kText, "", 0, 0, "", kAtOnce,
     "Its address with version (`https://api.example.com/v1`); known providers have theirs."},
    {"providers", "dialect", kChoice, "auto", 0, 0, "auto|openai|responses|anthropic|gemini|bedrock", kAtOnce,
     "What it speaks; auto: as the known provider does, else openai."},
    {"providers", "like", kText, "", 0, 0, "", kAtOnce,
     "A known provider whose ways it has (`vllm`, `mistral`); empty: its own name's, else the plain dialect's."},
    {"providers", "region", kText, "", 0, 0, "", kAtOnce,
     "AWS's region, of providers that have one; empty: `AWS_REGION` or `AWS_DEFAULT_REGION`."},
    {"providers", "batches", kBool, "true", 0, 0, "", kAtOnce,
     "Hands lines of a batch to the provider's own batches, where it has them, at its batch price; false: asks live."},
    {"providers", "key_env", kText, "", 0, 0, "", kAtOnce, "The environment variable that holds its key."},
    {"providers", "key_file", kPath, "", 0, 0, "", kAtOnce, "The file that holds its key."},
    {"providers", "key_secret", kText, "", 0, 0, "", kAtOnce,
     "The name under which `steward secrets set` sealed its key."},
    {"providers", "models", kList, "", 0, 0, "", kAtOnce, "The models offered; empty: those that it lists itself."},
    {"providers", "rename", kTextTable, "", 0, 0, "", kAtOnce,
     "The names of models at the provider, by the names offered here."},
    {"providers", "context_tokens", kIntegerTable, "", 1, 1'000'000'000, "", kAtOnce,
     "The context of models in tokens, by the names offered here."},
    {"providers", "max_output_tokens", kIntegerTable, "", 1, 1'000'000'000, "", kAtOnce,
     "The longest output of models, by the names offered here."},
    {"providers", "connect_timeout_ms", kInteger, "10000", 10, kHourMs, "", kAtOnce, "For the connection to stand."},
    {"providers", "first_byte_timeout_ms", kInteger, "120000", 10, kHourMs, "", kAtOnce,
     "From the request sent to the head of the answer."},
    {"providers", "between_bytes_timeout_ms", kInteger, "120000", 10, kHourMs, "", kAtOnce,
     "Between two pieces of a stream."},
    {"providers", "total_timeout_ms", kInteger, "600000", 10, 24 * kHourMs, "", kAtOnce, "For the whole answer."},

    {"routing", "defaults", kBool, "true", 0, 0, "", kAtOnce,
     "Offers the routes `fast` and `deep`, made of what is here; a route of that name replaces its default."},
    {"routing", "retries", kInteger, "1", 0, 10, "", kAtOnce,
     "Further rounds through a call's deployments after all of them failed for a moment, before its first byte."},
    {"routing", "backoff_ms", kInteger, "250", 0, kHourMs, "", kAtOnce,
     "The most that is waited before the first further round; doubles with each, the wait is random below it."},
    {"routing", "backoff_max_ms", kInteger, "8000", 0, kHourMs, "", kAtOnce, "The most that it doubles to."},
    {"routing", "max_wait_ms", kInteger, "20000", 0, kHourMs, "", kAtOnce,
     "The longest wait for a provider's rate limit to let a call through; longer is an error at once."},
    {"routing", "keep_alive_ms", kInteger, "15000", 0, kHourMs, "", kAtOnce,
     "A stream that is silent for so long gets a comment line, so that nothing between takes it for dead; 0: never."},
    {"routing", "circuit_failures", kInteger, "5", 1, 1000, "", kAtOnce,
     "Failures in a row after which a deployment rests; half of its last 20 calls failed does it too."},
    {"routing", "circuit_rest_ms", kInteger, "5000", 1, kHourMs, "", kAtOnce,
     "The first rest, after which one call tries it; doubles with each failure."},
    {"routing", "circuit_rest_max_ms", kInteger, "120000", 1, kHourMs, "", kAtOnce, "The longest rest."},
    {"routing", "affinity_s", kInteger, "3600", 1, 7 * 24 * 3600, "", kAtOnce,
     "Seconds for which a conversation stays with the deployment that holds its prompt cache."},

    {"routes", "deployments", kList, "", 0, 0, "", kAtOnce,
     "Where its calls may go, each a model with its conditions (`openai/gpt-4.1-mini input<=100k`)."},
    {"routes", "order", kChoice, "listed", 0, 0, "listed|weighted", kAtOnce,
     "Whether the first that can take a call gets it, or each gets its share by `weight=`."},
    {"routes", "description", kText, "", 0, 0, "", kAtOnce, "What it is for, for people."},
    {"routes", "retries", kInteger, "-1", -1, 10, "", kAtOnce, "As `routing.retries`; -1: that."},
    {"routes", "backoff_ms", kInteger, "-1", -1, kHourMs, "", kAtOnce, "As `routing.backoff_ms`; -1: that."},
    {"routes", "max_wait_ms", kInteger, "-1", -1, kHourMs, "", kAtOnce, "As `routing.max_wait_ms`; -1: that."},
    {"routes", "keep_alive_ms", kInteger, "-1", -1, kHourMs, "", kAtOnce, "As `routing.keep_alive_ms`; -1: that."},
    {"routes", "first_byte_timeout_ms", kInteger, "0", 0, kHourMs, "", kAtOnce,
     "Of each deployment asked, to the first byte of its answer, after which the next is asked; 0: as the provider's."},
    {"routes", "between_bytes_timeout_ms", kInteger, "0", 0, kHourMs, "", kAtOnce,
     "Between two pieces of a stream; 0: as the provider's."},
    {"routes", "total_timeout_ms", kInteger, "0", 0, 24 * kHourMs, "", kAtOnce,
     "Of a whole call with all that it tries; 0: as `limits.call_timeout_ms`."},
    {"routes", "hedge_after_ms", kInteger, "0", 0, kHourMs, "", kAtOnce,
     "Asks a second deployment when the first is silent for so long; the first byte wins, both are paid; 0: never."},
    {"routes", "affinity", kBool, "true", 0, 0, "", kAtOnce,
     "Keeps a conversation at the deployment that holds its prompt cache."},
    {"routes", "max_cost_usd", kUsd, "", 0, 0, "", kAtOnce,
     "The most that the worst case of one call may cost at a deployment for it to be asked; empty: no such limit."},
    {"routes", "time_zone", kText, "", 0, 0, "", kAtOnce,
     "The IANA time zone of `hours=` and `days=`; empty: `server.time_zone`, else UTC."},

    {"prices", "input", kUsd, "", 0, 0, "", kAtOnce, "US dollars for a million tokens of input."},
    {"prices", "output", kUsd, "", 0, 0, "", kAtOnce, "US dollars for a million tokens of output."},
    {"prices", "cached_input", kUsd, "", 0, 0, "", kAtOnce,
     "US dollars for a million tokens of input that came from the provider's cache; empty: as `input`."},
    {"prices", "cache_write", kUsd, "", 0, 0, "", kAtOnce,
     "US dollars for a million tokens of input written to the provider's cache (for 5 minutes); empty: as `input`."},
    {"prices", "cache_write_1h", kUsd, "", 0, 0, "", kAtOnce, "Likewise for an hour; empty: as `cache_write`."},
    {"prices", "reasoning", kUsd, "", 0, 0, "", kAtOnce,
     "US dollars for a million tokens of reasoning; empty: as `output`."},
    {"prices", "image_input", kUsd, "", 0, 0, "", kAtOnce,
     "US dollars for a million tokens of images in the prompt; empty: as `input`."},
    {"prices", "audio_input", kUsd, "", 0, 0, "", kAtOnce, "Likewise of audio."},
    {"prices", "cached_image", kUsd, "", 0, 0, "", kAtOnce,
     "US dollars for a million tokens of cached images; empty: as `cached_input`."},
    {"prices", "cached_audio", kUsd, "", 0, 0, "", kAtOnce, "Likewise of cached audio."},
    {"prices", "image_output", kUsd, "", 0, 0, "", kAtOnce,
     "US dollars for a million tokens of images in the answer; empty: as `output`."},
    {"prices", "audio_output", kUsd, "", 0, 0, "", kAtOnce, "Likewise of audio."},
    {"prices", "request", kUsd, "", 0, 0, "", kAtOnce, "US dollars for one call; empty: none."},
    {"prices", "tools", kTextTable, "", 0, 0, "", kAtOnce,
     "US dollars for one call of a tool at the provider, by its kind (`{ web_search = \"0.01\" }`)."},
    {"prices", "regions", kTextTable, "", 0, 0, "", kAtOnce,
     "What rates are multiplied with, by the region that the provider says it served from (`{ us = \"1.1\" }`)."},
    {"prices", "tiers", kList, "", 0, 0, "", kAtOnce,
     "Other rates by service level and length of the prompt (`\"batch: input=0.75 output=6\"`, `\"above 200000: "
     "input=6\"`); what one doesn't name changes in proportion."},
    {"prices", "from", kText, "", 0, 0, "", kAtOnce,
     "The day or moment from which it holds (`2026-12-01`); empty: always. Before it, the shipped price does."},

    {"secrets", "master_key_file", kPath, "", 0, 0, "", kRestart,
     "The key that seals secrets; empty: `secrets/master.key` in the home. `STEWARD_MASTER_KEY_FILE` sets it too."},

    {"traces", "endpoint", kText, "", 0, 0, "", kAtOnce,
     "Where spans go (`http://collector:4318`); empty: `OTEL_EXPORTER_OTLP_ENDPOINT`, else nowhere."},
    {"traces", "headers_secret", kText, "", 0, 0, "", kAtOnce,
     "The sealed secret with further headers (`NAME=VALUE,NAME=VALUE`); empty: `OTEL_EXPORTER_OTLP_HEADERS`."},
    {"traces", "content", kBool, "false", 0, 0, "", kAtOnce,
     "Puts requests and answers into spans; only of keys that keep content."},
    {"traces", "queue_length", kInteger, "4096", 16, 1'000'000, "", kAtOnce,
     "Spans that wait to be sent; more are dropped and counted."},

    {"log", "level", kChoice, "info", 0, 0, "debug|info|warn|error", kAtOnce, "The least level that is written."},
    {"log", "format", kChoice, "auto", 0, 0, "auto|json|text", kRestart, "Auto: JSON lines, or text on a terminal."},
    {"log", "file", kPath, "", 0, 0, "", kRestart,
     "A file in the place of standard error. `steward reload` and SIGHUP open it anew, for logrotate."},
    {"log", "max_bytes", kInteger, "0", 0, kGiB, "", kRestart,
     "The size at which `file` is rotated to `file.1`, looked at ten times a second; 0: never, something else "
     "rotates."},
    {"log", "keep", kInteger, "5", 0, 1000, "", kRestart, "Rotated files that stay."},
};

}  // namespace

const std::vector<ConfigSection>& config_sections() { return kSections; }
const std::vector<ConfigKey>& config_keys() { return kKeys; }

const ConfigKey* find_config_key(std::string_view section, std::string_view name) {
  for (const auto& key : kKeys) {
    if (key.section == section && key.name == name) return &key;
  }
  return nullptr;
}

}  // namespace steward
