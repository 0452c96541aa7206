#include "cli/completion.h"

#include <fmt/format.h>

#include "base/text.h"
#include "cli/commands.h"

namespace steward::cli {
namespace {

struct Node {
  std::string path;  // "keys new"; empty: the program
  const CommandTree* tree;
};

void collect(const CommandTree& tree, const std::string& path, std::vector<Node>& out) {
  out.push_back({path, &tree});
  for (const auto& child : tree.children) collect(child, path.empty() ? child.name : path + " " + child.name, out);
}

std::vector<Node> nodes_of(const CommandTree& program) {
  std::vector<Node> out;
  collect(program, "", out);
  return out;
}

std::string words_of(const CommandTree& tree) {
  std::vector<std::string> words;
  for (const auto& child : tree.children) words.push_back(child.name);
  for (const auto& option : tree.options) words.insert(words.end(), option.names.begin(), option.names.end());
  return join(words, " ");
}

std::string quoted(std::string text) {
  std::string out;
  for (const char c : text) c == '\'' ? out += "'\\''" : out += c;
  return "'" + out + "'";
}

std::string one_line(std::string_view text) { return collapse_whitespace(text.substr(0, text.find('\n'))); }

}  // namespace

std::string bash_completion(const CommandTree& program) {
  std::string cases;
  for (const auto& node : nodes_of(program))
    cases += fmt::format("    {}) words={} ;;\n", quoted(node.path), quoted(words_of(*node.tree)));
  return "# Completion of steward for bash: source <(steward completion bash)\n"
         "_steward() {\n"
         "  local path='' word words='' i\n"
         "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
         "    word=${COMP_WORDS[i]}\n"
         "    [[ $word == -* ]] && break\n"
         "    path=${path:+$path }$word\n"
         "  done\n"
         "  case \"$path\" in\n" +
         cases +
         "  esac\n"
         "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\")\n"
         "  [[ ${#COMPREPLY[@]} -eq 0 ]] && mapfile -t COMPREPLY < <(compgen -f -- \"${COMP_WORDS[COMP_CWORD]}\")\n"
         "}\n"
         "complete -F _steward steward\n";
}

std::string zsh_completion(const CommandTree& program) {
  std::string cases;
  for (const auto& node : nodes_of(program)) {
    std::string lines;
    for (const auto& child : node.tree->children) lines += " " + quoted(child.name + ":" + one_line(child.summary));
    for (const auto& option : node.tree->options) {
      for (const auto& name : option.names) lines += " " + quoted(name + ":" + one_line(option.help));
    }
    cases += fmt::format("    {}) words=({}) ;;\n", quoted(node.path), lines);
  }
  return "#compdef steward\n"
         "# Completion of steward for zsh: source <(steward completion zsh)\n"
         "_steward() {\n"
         "  local word_path='' word i\n"
         "  local -a words_given words\n"
         "  words_given=(\"${(@)words[2,CURRENT-1]}\")\n"
         "  words_given=(${=BUFFER})\n"
         "  for ((i = 2; i < CURRENT; i++)); do\n"
         "    word=${words_given[i]}\n"
         "    [[ $word == -* ]] && break\n"
         "    word_path=${word_path:+$word_path }$word\n"
         "  done\n"
         "  words=()\n"
         "  case \"$word_path\" in\n" +
         cases +
         "  esac\n"
         "  if (( ${#words} )); then _describe 'steward' words; else _files; fi\n"
         "}\n"
         "compdef _steward steward\n";
}

std::string fish_completion(const CommandTree& program) {
  std::string out = "# Completion of steward for fish: steward completion fish | source\ncomplete -c steward -f\n";
  for (const auto& node : nodes_of(program)) {
    std::string condition;
    if (node.path.empty()) {
      condition = "__fish_use_subcommand";
    } else {
      for (const auto word : split(node.path, ' '))
        condition += (condition.empty() ? "" : "; and ") + fmt::format("__fish_seen_subcommand_from {}", word);
      std::vector<std::string> deeper;
      for (const auto& child : node.tree->children) deeper.push_back(child.name);
      if (!deeper.empty()) condition += "; and not __fish_seen_subcommand_from " + join(deeper, " ");
    }
    for (const auto& child : node.tree->children) {
      out += fmt::format("complete -c steward -n {} -a {} -d {}\n", quoted(condition), child.name,
                         quoted(one_line(child.summary)));
    }
    for (const auto& option : node.tree->options) {
      std::string names;
      for (const auto& name : option.names)
        names += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      if (!names.empty())
        out += fmt::format("complete -c steward -n {}{}{} -d {}\n", quoted(condition), names,
                           option.takes_value ? " -r" : "", quoted(one_line(option.help)));
    }
  }
  return out;
}

void add_completion(Command& program, const Context& context) {
  auto shell = std::make_shared<std::string>();
  Command command = program.sub("completion", "Print the completion of a shell.");
  command.argument("SHELL", *shell, "bash, zsh or fish")
      .examples(
          "source <(steward completion bash)             # for this shell\nsteward completion bash > "
          "/etc/bash_completion.d/steward\nsteward completion fish | source")
      .run([shell, &context] {
        const CommandTree tree = make_program(context).tree();
        if (*shell == "bash") return context.print(bash_completion(tree)), kDone;
        if (*shell == "zsh") return context.print(zsh_completion(tree)), kDone;
        if (*shell == "fish") return context.print(fish_completion(tree)), kDone;
        return context.failed(
            Error(ErrorCode::kConfig, fmt::format("There is no completion for '{}': bash, zsh or fish.", *shell)));
      });
}

}  // namespace steward::cli
