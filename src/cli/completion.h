// Shell completion, made from the commands themselves.
#pragma once
#include <string>

#include "cli/command.h"

namespace steward::cli {

std::string bash_completion(const CommandTree& program);
std::string zsh_completion(const CommandTree& program);
std::string fish_completion(const CommandTree& program);

}  // namespace steward::cli
