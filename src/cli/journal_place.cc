#include "cli/journal_place.h"

#include "server/app.h"
#include "server/options.h"

namespace steward::cli {

Result<journal::Location> configured_journal(const Context& context) {
  server::AppOptions options;
  options.home = context.home;
  options.environment = context.environment;
  auto config = server::load_app_config(options);
  if (!config) return fail(config.error());
  server::SecretStore secrets(journal::HomePaths(context.home), config->path("secrets.master_key_file"),
                              context.random);
  return server::journal_location(*config, context.home, secrets);
}

Result<journal::Location> journal_place(const Context& context, const std::optional<std::string>& asked) {
  if (!asked) return configured_journal(context);
  if (*asked == "home") return journal::Location(context.home);
  if (journal::is_postgres_url(*asked)) {
    if (auto known = configured_journal(context); known && known->url == *asked) return known;
    return journal::Location(context.home, *asked, "");
  }
  std::error_code error;
  if (!std::filesystem::is_directory(*asked, error)) {
    return fail(ErrorCode::kConfig,
                fmt::format("'{}' is no journal: say 'home', the folder of another home, or postgres://…",
                            asked->find("://") == std::string::npos ? *asked : journal::redacted(*asked)));
  }
  return journal::Location(std::filesystem::absolute(*asked).lexically_normal());
}

}  // namespace steward::cli
