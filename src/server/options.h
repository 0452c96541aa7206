// From the configuration to the options of each floor: the one place where keys meet what they set.
#pragma once
#include <filesystem>
#include <map>
#include <string>

#include "base/config.h"
#include "engine/engine.h"
#include "gateway/gateway.h"
#include "gateway/traces.h"
#include "journal/journal.h"
#include "journal/location.h"
#include "ledger/ledger.h"
#include "net/http_server.h"
#include "server/secrets.h"

namespace steward::server {

net::ServerLimits server_limits(const Config& config);
// kConfig if it would listen beyond loopback in the clear without saying so, or has half of a TLS pair.
Result<net::Listen> listen_options(const Config& config, const std::filesystem::path& unix_socket, bool tcp);
bool is_loopback_host(std::string_view host);
// Of a principal's records those that hold no content, and say what it may: kept when the person is erased.
inline constexpr std::string_view kKeptOfPeople[] = {"principal.disabled", "principal.role_set"};
journal::Options journal_options(const Config& config, const std::filesystem::path& home);
// Where [journal] says that the records lie, with the password from where it says.
Result<journal::Location> journal_location(const Config& config, const std::filesystem::path& home,
                                           SecretStore& secrets);
engine::Options engine_options(const Config& config, const std::filesystem::path& home,
                               const std::filesystem::path& sockets);
// Reads providers' keys from where the configuration says. A key that isn't there is an error that names the provider;
// but a provider added in the app whose sealed key can't be opened is left out (name → why).
Result<gateway::GatewayOptions> gateway_options(const Config& config,
                                                const std::map<std::string, std::string>& environment,
                                                SecretStore& secrets,
                                                std::map<std::string, std::string>* left_out = nullptr);
// From [traces] and OpenTelemetry's own variables.
Result<gateway::TraceOptions> trace_options(const Config& config, const std::map<std::string, std::string>& environment,
                                            SecretStore& secrets);
std::vector<ledger::BudgetSpec> new_key_budgets(
    const Config& config);  // that a new key begins with; scope is left to be filled
LogLevel log_level(const Config& config);
LogFormat log_format(const Config& config);

}  // namespace steward::server
