#include "cli/commands_operations.h"

namespace steward::cli {

Command make_program(const Context& context) {
  Command program(
      "steward",
      "Steward: any model, local or remote, behind one metered API; keys, budgets and a journal of everything.");
  program.examples(
      "steward serve                         # start the server on http://localhost:7070\n"
      "steward chat                          # talk to a model in the terminal\n"
      "steward keys new laptop               # a key for a program\n"
      "steward budgets set 5 --period day    # at most 5 dollars a day for everybody together\n"
      "steward doctor                        # check this machine and say what to do");
  add_serve(program, context);
  add_chat(program, context);
  add_mcp(program, context);
  add_models(program, context);
  add_routes(program, context);
  add_providers(program, context);
  add_keys(program, context);
  add_people(program, context);
  add_teams(program, context);
  add_budgets(program, context);
  add_usage(program, context);
  add_journal(program, context);
  add_backup(program, context);
  add_upgrade(program, context);
  add_doctor(program, context);
  add_health(program, context);
  add_config(program, context);
  add_demo(program, context);
  add_completion(program, context);
  add_debug(program, context);
  program.needs_sub();
  return program;
}

int run_cli(int argc, char** argv, const Context& context) {
  Command program = make_program(context);
  return program.parse_and_run(argc, argv);
}

}  // namespace steward::cli
