#include "cli/command.h"

#include <CLI/CLI.hpp>
#include <sstream>

#include "base/text.h"

namespace steward::cli {

namespace {

constexpr std::string_view kExitCodes =
    "Exit codes: 0 done; 1 it did not work, the sentence on standard error says why; 2 the command line or the "
    "configuration is wrong;\n"
    "130 ended by Ctrl-C.";

std::string indented(const std::string& text) {
  std::string out;
  for (const auto line : split(text, '\n')) out += "  " + std::string(line) + "\n";
  return out;
}

// A word that is no command: CLI11 would only say that it isn't expected.
std::string nearest_command(const CLI::App& app, const std::string& word) {
  std::vector<std::string> known;
  for (const auto* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (!sub->get_group().empty()) known.push_back(sub->get_name());
  }
  return nearest(word, known);
}

// In the list of a program's commands each has its one line; what follows it belongs to its own page.
class OneLineEach final : public CLI::Formatter {
 public:
  std::string make_subcommand(const CLI::App* sub) const override {
    std::stringstream out;
    const std::string description = sub->get_description();
    CLI::detail::format_help(out, sub->get_display_name(true), description.substr(0, description.find('\n')),
                             column_width_);
    return out.str();
  }
};

std::string hint_for(const CLI::App& program, int argc, char** argv) {
  const CLI::App* at = &program;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word.starts_with('-')) break;
    const auto subs = at->get_subcommands([&](const CLI::App* sub) { return sub->get_name() == word; });
    if (subs.empty()) {
      const auto near = nearest_command(*at, word);
      return near.empty() ? "" : " Did you mean '" + near + "'?";
    }
    at = subs.front();
  }
  return "";
}

// The group of commands that the words lead to, where nothing else was said; null: something was.
const CLI::App* group_alone(const CLI::App& program, int argc, char** argv) {
  const CLI::App* at = &program;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const auto subs = at->get_subcommands([&](const CLI::App* sub) { return sub->get_name() == word; });
    if (subs.empty()) return nullptr;
    at = subs.front();
  }
  return at->get_require_subcommand_min() > 0 ? at : nullptr;
}

bool can_list(const CLI::App& group) {
  return !group.get_subcommands([](const CLI::App* sub) { return sub->get_name() == "list"; }).empty();
}

}  // namespace

struct Command::Impl {
  std::shared_ptr<CLI::App> root;  // owns all
  CLI::App* app = nullptr;
  std::shared_ptr<int> exit_code;
  std::string description, examples;

  void refresh_footer() const {
    std::string footer;
    if (!examples.empty()) footer += "\nExamples:\n" + indented(examples);
    footer += "\n" + std::string(kExitCodes) + "\n";
    app->footer(footer);
  }
};

Command::Command(std::string name, std::string summary) : impl_(std::make_shared<Impl>()) {
  impl_->root = std::make_shared<CLI::App>(summary, name);
  impl_->app = impl_->root.get();
  impl_->exit_code = std::make_shared<int>(kDone);
  impl_->app->formatter(std::make_shared<OneLineEach>());
  impl_->app->get_formatter()->column_width(34);
  impl_->app->set_help_flag("-h,--help", "Print this help and exit");
  impl_->refresh_footer();
}
Command::~Command() = default;
Command::Command(Command&&) noexcept = default;

Command Command::sub(const std::string& name, const std::string& summary) {
  auto impl = std::make_shared<Impl>();
  impl->root = impl_->root;
  impl->exit_code = impl_->exit_code;
  impl->app = impl_->app->add_subcommand(name, summary);
  impl->description = summary;
  impl->app->fallthrough(false);
  impl->refresh_footer();  // else it would have its parent's
  return Command(std::move(impl));
}

Command& Command::describe(const std::string& text) {
  impl_->app->description(impl_->description + "\n\n" + text);
  return *this;
}

Command& Command::examples(const std::string& text) {
  impl_->examples = text;
  impl_->refresh_footer();
  return *this;
}

Command& Command::flag(const std::string& names, bool& target, const std::string& help) {
  impl_->app->add_flag(names, target, help);
  return *this;
}
Command& Command::option(const std::string& names, std::string& target, const std::string& help,
                         const std::string& value) {
  impl_->app->add_option(names, target, help)->option_text(value);
  return *this;
}
Command& Command::option(const std::string& names, std::optional<std::string>& target, const std::string& help,
                         const std::string& value) {
  impl_->app->add_option(names, target, help)->option_text(value);
  return *this;
}
Command& Command::option(const std::string& names, std::optional<int64_t>& target, const std::string& help,
                         const std::string& value) {
  impl_->app->add_option(names, target, help)->option_text(value);
  return *this;
}
Command& Command::option(const std::string& names, std::optional<double>& target, const std::string& help,
                         const std::string& value) {
  impl_->app->add_option(names, target, help)->option_text(value);
  return *this;
}
Command& Command::option(const std::string& names, std::vector<std::string>& target, const std::string& help,
                         const std::string& value) {
  impl_->app->add_option(names, target, help)->option_text(value)->expected(1)->take_all();
  return *this;
}
Command& Command::argument(const std::string& label, std::string& target, const std::string& help) {
  impl_->app->add_option(label, target, help)->required()->option_text(" ");
  return *this;
}
Command& Command::argument(const std::string& label, std::optional<std::string>& target, const std::string& help) {
  impl_->app->add_option(label, target, help)->option_text(" ");
  return *this;
}
Command& Command::arguments(const std::string& label, std::vector<std::string>& target, const std::string& help) {
  impl_->app->add_option(label, target, help)->option_text("...");
  return *this;
}
Command& Command::run(std::function<int()> work) {
  impl_->app->callback([code = impl_->exit_code, work = std::move(work)] { *code = work(); });
  return *this;
}
Command& Command::needs_sub() {
  impl_->app->require_subcommand(1);
  return *this;
}
Command& Command::hidden() {
  impl_->app->group("");
  return *this;
}

int Command::parse_and_run(int argc, char** argv) {
  try {  // the library tells help and errors by exceptions alone
    impl_->app->parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    std::string path;  // what stands before the command: "steward keys"
    const CLI::App* asked = impl_->app;
    for (auto chosen = asked->get_subcommands(); !chosen.empty(); chosen = asked->get_subcommands()) {
      path += (path.empty() ? "" : " ") + asked->get_name();
      asked = chosen.front();
    }
    std::fputs(asked->help(path).c_str(), stdout);
    return kDone;
  } catch (const CLI::RequiredError& e) {
    const CLI::App* group = group_alone(*impl_->app, argc, argv);
    if (group != nullptr && can_list(*group)) {
      std::vector<char*> words(argv, argv + argc);
      std::string list = "list";
      words.push_back(list.data());
      return parse_and_run(argc + 1, words.data());
    }
    if (group != nullptr) {
      std::string path;  // what stands before it
      for (int i = 0; i + 1 < argc; ++i) path += (i == 0 ? impl_->app->get_name() : " " + std::string(argv[i]));
      std::fputs(group->help(path).c_str(), stdout);
      return kUsage;
    }
    std::fprintf(stderr, "steward: %s.%s '--help' tells more.\n", e.what(), hint_for(*impl_->app, argc, argv).c_str());
    return kUsage;
  } catch (const CLI::ParseError& e) {
    std::fprintf(stderr, "steward: %s.%s '--help' tells more.\n", e.what(), hint_for(*impl_->app, argc, argv).c_str());
    return kUsage;
  }
  return *impl_->exit_code;
}

namespace {
CommandTree tree_of(const CLI::App& app) {
  CommandTree tree{app.get_name(), app.get_description(), app.help(), {}, {}};
  tree.summary = tree.summary.substr(0, tree.summary.find('\n'));
  for (const auto* option : app.get_options()) {
    CommandTree::Option one;
    for (const auto& name : option->get_lnames()) one.names.push_back("--" + name);
    for (const auto& name : option->get_snames()) one.names.push_back("-" + name);
    one.label = option->get_positional() ? option->get_name(true) : "";
    one.help = option->get_description();
    one.takes_value = option->get_items_expected_max() > 0;
    tree.options.push_back(std::move(one));
  }
  for (const auto* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (!sub->get_group().empty()) tree.children.push_back(tree_of(*sub));
  }
  return tree;
}
}  // namespace

CommandTree Command::tree() const { return tree_of(*impl_->root); }
std::string Command::help() const { return impl_->app->help(); }

}  // namespace steward::cli
