// The commands, one a file. Each adds itself to the program and is run by it.
#pragma once
#include "cli/context.h"

namespace steward::cli {

void add_serve(Command& program, const Context& context);
int serve_home(const Context& context, const std::string& port);  // as 'steward serve' on context.home
void add_mcp(Command& program, const Context& context);
void add_demo(Command& program, const Context& context);
void add_chat(Command& program, const Context& context);
void add_models(Command& program, const Context& context);
void add_model_files(Command& models, const Context& context);
void add_price(Command& models, const Context& context);
void add_providers(Command& program, const Context& context);
void add_keys(Command& program, const Context& context);
void add_people(Command& program, const Context& context);
void add_teams(Command& program, const Context& context);
void add_routes(Command& program, const Context& context);
void add_budgets(Command& program, const Context& context);
void add_usage(Command& program, const Context& context);
void add_journal(Command& program, const Context& context);
void add_backup(Command& program, const Context& context);
void add_doctor(Command& program, const Context& context);
void add_config(Command& program, const Context& context);  // config, reload, secrets
void add_completion(Command& program, const Context& context);
void add_recall(Command& debug, const Context& context);   // debug recall
void add_debug(Command& program, const Context& context);  // debug, version

Command make_program(const Context& context);
int run_cli(int argc, char** argv, const Context& context);

}  // namespace steward::cli
