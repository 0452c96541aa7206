#include "server/core.h"

#include "gateway/conversations/responses_api.h"
#include "identity/people.h"
#include "memory/memory.h"
#include "memory/view.h"
#include "server/content_view.h"
#include "server/events.h"
#include "server/idempotency.h"
#include "server/metrics.h"
#include "server/settings.h"
#include "server/sign_in.h"
#include "server/worker.h"
#include "talk/talk.h"
#include "talk/view.h"

namespace steward::server {

Core::Core(Clock& c, Random& r, Log l, std::filesystem::path home_path)
    : clock(c),
      random(r),
      log(std::move(l)),
      home(std::move(home_path)),
      started_at(c.now_us()),
      starting_part("configuration"),
      http_metrics(std::make_unique<HttpMetrics>()),
      events(std::make_unique<EventHub>()),
      settings(std::make_unique<Settings>()),
      worker(std::make_unique<Worker>()),
      content(std::make_unique<ContentView>()),
      talk_view(std::make_unique<talk::TalkView>(
          [this](const Id& tenant, const std::string& blob) { return blobs->get(tenant, blob); })),
      memory_view(std::make_unique<memory::MemoryView>(memory::ViewParts{})),
      traces(std::make_shared<gateway::Traces>(r, log)),
      open_responses(std::make_unique<gateway::OpenResponses>()) {}

Core::~Core() = default;

identity::Caller Core::owner() const {
  identity::Caller caller;
  caller.tenant = tenant;
  caller.admin = true;
  const auto snapshot = identity->snapshot();
  if (const auto found = snapshot->tenant_owner.find(tenant); found != snapshot->tenant_owner.end())
    caller.principal = found->second;
  return caller;
}

}  // namespace steward::server
