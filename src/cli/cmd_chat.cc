// steward chat: a conversation in the terminal. Ctrl-C stops the answer, not the program.
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/conversation.h"
#include "cli/interrupt.h"
#include "cli/line_editor.h"

namespace steward::cli {
namespace fs = std::filesystem;
namespace {

struct ChatOptions {
  std::optional<std::string> model, system;
  std::vector<std::string> words;
  std::optional<int64_t> max_tokens;
  bool go_on = false;
};

constexpr std::string_view kHelp =
    "/model [NAME]   show the models, or go on with another\n"
    "/new            begin anew\n"
    "/system [TEXT]  what the model is told beforehand; without a text, nothing\n"
    "/save FILE      write the conversation as Markdown\n"
    "/retry          ask the last question again\n"
    "/help           this\n"
    "/quit           end (Ctrl-D too); 'steward chat --continue' goes on later\n"
    "Ctrl-C stops the answer. A line that ends in \\ goes on in the next.\n";

class Chat {
 public:
  Chat(const Context& context, Client& client, Conversation conversation)
      : context_(context), client_(client), conversation_(std::move(conversation)), folder_(context.home / "chats") {}

  // One question, its answer to standard output. For pipes and `steward chat "…"`.
  int once(const std::string& question) {
    conversation_.say(question);
    const bool good = answer();
    return good ? kDone : interrupted_ ? kInterrupted : kFailed;
  }

  int talk() {
    if (auto made = make_private_dir(folder_); !made) return context_.failed(made.error());
    LineEditor editor(folder_ / "history");
    context_.line(fmt::format("{} {}", context_.bold(conversation_.model),
                              context_.dim("- /help tells what else there is, Ctrl-D ends")));
    if (!conversation_.empty())
      context_.line(context_.dim(fmt::format("going on after {} turns", conversation_.turns())));
    std::string line;
    while (true) {
      const auto outcome = read(editor, line);
      if (outcome == LineEditor::Outcome::kEnd) break;
      if (outcome == LineEditor::Outcome::kInterrupted) {
        context_.line(context_.dim("\n(Ctrl-D or /quit ends)"));
        continue;
      }
      if (trim(line).empty()) continue;
      if (line.starts_with('/')) {
        if (!command(std::string(trim(line)))) break;
        continue;
      }
      ask(line);
    }
    context_.line("");
    return kDone;
  }

 private:
  LineEditor::Outcome read(LineEditor& editor, std::string& line) {
    line.clear();
    std::string part;
    while (true) {
      const auto outcome = editor.read(line.empty() ? "> " : ". ", part);
      if (outcome != LineEditor::Outcome::kLine) return outcome;
      line += part;
      if (!line.ends_with('\\')) return outcome;
      line.back() = '\n';
    }
  }

  void ask(const std::string& question) {
    last_question_ = question;
    conversation_.say(question);
    if (!answer() && reader_.text().empty()) conversation_.take_back();
    if (auto kept = conversation_.keep(folder_ / "last.json"); !kept) context_.failed(kept.error());
  }

  // False where no whole answer came.
  bool answer() {
    reader_ = AnswerReader();
    const TimeUs began = context_.clock.monotonic_us();
    const auto done = client_.stream("POST", "/v1/chat/completions", conversation_.request(), interrupt_.watch(),
                                     [this](std::string_view bytes) {
                                       context_.print(reader_.feed(bytes));
                                       std::fflush(context_.out);
                                     });
    interrupt_.unwatch();
    interrupted_ = interrupt_.happened();
    if (!reader_.text().empty()) {
      conversation_.answer(reader_.text());
      context_.line("");
    }
    if (interrupted_)
      context_.line(context_.dim("(stopped)"));
    else if (!done)
      context_.failed(done.error());
    else if (!reader_.problem().empty())
      context_.failed(Error(ErrorCode::kUpstreamError, reader_.problem()));
    else if (!context_.out_is_terminal)
      tell_cut();
    else
      tell_cost(context_.clock.monotonic_us() - began);
    return done.has_value() && reader_.problem().empty() && !interrupted_;
  }

  // In a pipe the answer stands alone; that it isn't whole is said beside it.
  void tell_cut() {
    if (reader_.finish_reason() == "length")
      fmt::print(context_.err, "steward: the answer was cut at the output limit\n");
  }

  void tell_cost(DurationUs took_us) {
    const double seconds = static_cast<double>(took_us) / kSecondUs;
    std::string text = fmt::format("{:.1f} s", seconds);
    if (reader_.usage().is_object()) {
      const int64_t tokens = reader_.usage().value("completion_tokens", int64_t{0});
      text =
          fmt::format("{} tokens, {}, {:.0f}/s", tokens, text, seconds > 0 ? static_cast<double>(tokens) / seconds : 0);
    }
    if (reader_.finish_reason() == "length") text += ", cut at the output limit";
    context_.line(context_.dim(text));
  }

  // False: end.
  bool command(const std::string& line) {
    const size_t space = line.find(' ');
    const std::string word = line.substr(0, space);
    const std::string rest = space == std::string::npos ? "" : std::string(trim(std::string_view(line).substr(space)));
    if (word == "/quit" || word == "/exit" || word == "/q") return false;
    if (word == "/help")
      context_.print(kHelp);
    else if (word == "/new")
      begin_anew();
    else if (word == "/model")
      choose_model(rest);
    else if (word == "/system")
      set_system(rest);
    else if (word == "/save")
      save(rest);
    else if (word == "/retry")
      retry();
    else
      context_.line(fmt::format("There is no {}. /help lists what there is.", word));
    return true;
  }

  void begin_anew() {
    conversation_.clear();
    context_.line(context_.dim("A new conversation."));
  }

  void set_system(const std::string& text) {
    conversation_.system = text;
    context_.line(
        context_.dim(text.empty() ? "Nothing is told beforehand." : "Told beforehand from the next question on."));
  }

  void retry() {
    if (last_question_.empty()) return context_.line("There is no question yet.");
    ask(last_question_);
  }

  void save(const std::string& file) {
    if (file.empty()) return context_.line("Where to? /save FILE.md");
    if (auto done = write_file_atomic(fs::path(file), conversation_.markdown(), 0644); !done)
      context_.failed(done.error());
    else
      context_.line(context_.dim("Saved."));
  }

  void choose_model(const std::string& name) {
    auto models = client_.list("/admin/v1/models");
    if (!models) {
      context_.failed(models.error());
      return;
    }
    std::vector<std::string> names;
    for (const auto& model : *models) {
      if (model["kind"] != "embedding") names.push_back(model["name"]);
    }
    if (name.empty()) {
      for (const auto& known : names) context_.line((known == conversation_.model ? "* " : "  ") + known);
      return;
    }
    if (std::ranges::find(names, name) == names.end()) {
      const std::string near = nearest(name, names);
      return context_.line(
          fmt::format("There is no model '{}'{}", name,
                      near.empty() ? "; /model lists them." : fmt::format("; did you mean '{}'?", near)));
    }
    conversation_.model = name;
    context_.line(context_.dim("Going on with " + name + "."));
  }

  const Context& context_;
  Client& client_;
  Conversation conversation_;
  fs::path folder_;
  Interrupt interrupt_;
  AnswerReader reader_;
  std::string last_question_;
  bool interrupted_ = false;
};

Result<std::string> default_model(Client& client) {
  auto config = client.list("/admin/v1/config");
  if (config) {
    for (const auto& value : *config) {
      if (value["key"] == "engine.default_model" && value["value"] != "") return value["value"].get<std::string>();
    }
  }
  auto models = client.list("/admin/v1/models");
  if (!models) return fail(models.error());
  std::ranges::sort(*models, {}, [](const Json& model) {
    return std::pair(model["provider"] != "local", model["name"].get<std::string>());
  });
  for (const auto& model : *models) {
    if (model["kind"] != "embedding" && !model.contains("problem")) return model["name"].get<std::string>();
  }
  return fail(ErrorCode::kModelNotFound,
              "No chat model is here: 'steward models recommend' says which would fit this machine.");
}

std::string read_all_input() {
  std::string text;
  char buffer[65536];
  while (const size_t n = std::fread(buffer, 1, sizeof buffer, stdin)) text.append(buffer, n);
  return text;
}

int chat(const ChatOptions& options, const Context& context) {
  auto client = Client::connect(context);
  if (!client) return context.failed(client.error());
  Conversation conversation;
  if (options.go_on) {
    auto kept = Conversation::load(context.home / "chats" / "last.json");
    if (!kept) return context.failed(Error(ErrorCode::kNotFound, "There is no conversation to go on with."));
    conversation = std::move(*kept);
  }
  if (options.system) conversation.system = *options.system;
  if (options.model) conversation.model = *options.model;
  conversation.max_tokens = options.max_tokens.value_or(0);
  if (conversation.model.empty()) {
    auto model = default_model(**client);
    if (!model) return context.failed(model.error());
    conversation.model = *model;
  }
  std::string question = join(options.words, " ");
  if (!context.in_is_terminal) {
    const std::string piped = read_all_input();
    if (!trim(piped).empty()) question += (question.empty() ? "" : "\n\n") + piped;
    if (question.empty())
      return context.failed(Error(ErrorCode::kConfig, "Nothing was asked: standard input is empty."));
  }
  Chat chat(context, **client, std::move(conversation));
  return question.empty() ? chat.talk() : chat.once(question);
}

}  // namespace

void add_chat(Command& program, const Context& context) {
  auto options = std::make_shared<ChatOptions>();
  Command command = program.sub("chat", "Talk to a model in the terminal.");
  command
      .describe(
          "Answers stream in; Ctrl-C stops the answer, not the program. The conversation and the lines you typed are "
          "kept in the\n"
          "home. With words, or from a pipe, it answers once and ends. Where no server runs, the model runs in this "
          "process.")
      .arguments("WORDS", options->words, "Ask this, print the answer, and end")
      .option("-m,--model", options->model, "The model (the default one)", "NAME")
      .option("-s,--system", options->system, "What the model is told beforehand", "TEXT")
      .option("--max-tokens", options->max_tokens, "An answer's longest (as the server has it)", "N")
      .flag("-c,--continue", options->go_on, "Go on with the last conversation")
      .examples(
          "steward chat\nsteward chat \"What is the capital of Kenya?\"\ngit diff | steward chat \"Explain this "
          "change\"\nsteward chat --model gpt-4.1-mini --continue")
      .run([options, &context] { return chat(*options, context); });
}

}  // namespace steward::cli
