#include <gtest/gtest.h>

#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/completion.h"
#include "cli/conversation.h"
#include "cli/errors_doc.h"
#include "cli/lookup.h"
#include "cli/table.h"
#include "cli/welcome.h"

namespace steward::cli {
namespace {

struct World {
  SystemClock clock;
  SystemRandom random;
  char* printed = nullptr;
  size_t size = 0;
  FILE* stream = open_memstream(&printed, &size);
  Context context{
      .environment = {}, .home = "/nonexistent", .out = stream, .err = stream, .clock = clock, .random = random};
  ~World() {
    std::fclose(stream);
    std::free(printed);
  }
  std::string output() {
    std::fflush(stream);
    return {printed, size};
  }
  int run(std::vector<std::string> words) {
    words.insert(words.begin(), "steward");
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    return run_cli(static_cast<int>(argv.size()), argv.data(), context);
  }
};

void each(const CommandTree& tree, const std::string& path,
          const std::function<void(const std::string&, const CommandTree&)>& visit) {
  visit(path, tree);
  for (const auto& child : tree.children) each(child, path + " " + child.name, visit);
}

TEST(Commands, EveryOneIsExplained) {
  const World world;
  each(make_program(world.context).tree(), "steward", [](const std::string& path, const CommandTree& tree) {
    EXPECT_FALSE(tree.summary.empty()) << path;
    for (const auto& option : tree.options)
      EXPECT_FALSE(option.help.empty()) << path << " " << (option.names.empty() ? option.label : option.names[0]);
  });
}

// A page of a command shows how it is used: itself, not its parent, with what it ends with.
TEST(Commands, EveryPageHasItsOwnExamplesAndTheExitCodes) {
  const World world;
  each(make_program(world.context).tree(), "steward", [](const std::string& path, const CommandTree& tree) {
    EXPECT_NE(tree.page.find("Exit codes:"), std::string::npos) << path;
    const size_t examples = tree.page.find("\nExamples:\n");
    if (!tree.children.empty() && path != "steward") return;
    ASSERT_NE(examples, std::string::npos) << path;
    EXPECT_NE(tree.page.find(path, examples), std::string::npos) << path;
  });
}

TEST(Commands, AGroupAloneListsOrTellsItsCommands) {
  World world;
  EXPECT_EQ(world.run({"teams", "nonsense"}), kUsage);
  EXPECT_EQ(world.run({"debug"}), kUsage);
  // Both reach for a server, of which there is none.
  EXPECT_EQ(world.run({"budgets"}), world.run({"budgets", "list"}));
  EXPECT_NE(world.run({"budgets"}), kUsage);
}

TEST(Commands, TheWholeSetIsThere) {
  const World world;
  std::set<std::string> found;
  each(make_program(world.context).tree(), "",
       [&](const std::string& path, const CommandTree&) { found.insert(path); });
  for (const char* path : {" serve",         " chat",           " models list",      " models add",
                           " models remove", " models pull",    " models recommend", " models price",
                           " keys new",      " keys list",      " keys show",        " keys limit",
                           " keys rotate",   " keys revoke",    " budgets set",      " budgets list",
                           " usage",         " journal verify", " journal rebuild",  " journal export",
                           " backup",        " restore",        " doctor",           " reload",
                           " config show",   " config docs",    " completion",       " debug crash-points",
                           " version"}) {
    EXPECT_TRUE(found.contains(path)) << path;
  }
}

TEST(Commands, WrongUsageIsTwoAndRight) {
  World world;
  EXPECT_EQ(world.run({"version"}), kDone);
  EXPECT_EQ(world.output(), "steward " STEWARD_VERSION "\n");
  EXPECT_EQ(world.run({"nonsense"}), kUsage);
  EXPECT_EQ(world.run({"keys", "new"}), kUsage);
  EXPECT_EQ(world.run({"completion", "tcsh"}), kUsage);
}

TEST(Commands, ReloadNeedsAServer) {
  World world;
  EXPECT_EQ(world.run({"reload"}), kFailed);
  EXPECT_NE(world.output().find("No server runs in the home"), std::string::npos);
}

TEST(ErrorsDoc, IsTheCommittedPage) {
  std::filesystem::path folder = executable_dir();
  while (folder.has_relative_path() && !std::filesystem::exists(folder / "docs" / "errors.md"))
    folder = folder.parent_path();
  const auto committed = read_file(folder / "docs" / "errors.md");
  ASSERT_TRUE(committed.has_value()) << "docs/errors.md was not found";
  EXPECT_EQ(*committed, errors_docs()) << "run: steward debug errors-doc > docs/errors.md";
}

TEST(Completion, KnowsEveryCommandInEveryShell) {
  const World world;
  const CommandTree tree = make_program(world.context).tree();
  const std::string bash = bash_completion(tree), zsh = zsh_completion(tree), fish = fish_completion(tree);
  for (const char* word : {"serve", "rotate", "--overlap", "crash-points"}) {
    EXPECT_NE(bash.find(word), std::string::npos) << word;
    EXPECT_NE(zsh.find(word), std::string::npos) << word;
  }
  EXPECT_NE(fish.find("-a rotate"), std::string::npos);
  EXPECT_NE(fish.find("-l overlap"), std::string::npos);
}

TEST(Table, AlignsByWhatIsSeen) {
  const World world;
  Table table;
  table.column("name");
  table.column("n", Align::kRight);
  table.row({"日本", "7"});
  table.row({"ab", "1,000"});
  EXPECT_EQ(table.text(world.context), "name      n\n日本      7\nab    1,000\n");
}

TEST(Table, CsvQuotesWhatNeedsIt) {
  Table table;
  table.column("a");
  table.column("b");
  table.row({"x,\"y\"", "z"});
  EXPECT_EQ(table.csv(), "a,b\r\n\"x,\"\"y\"\"\",z\r\n");
}

TEST(Numbers, AreShownForPeople) {
  EXPECT_EQ(thousands(0), "0");
  EXPECT_EQ(thousands(-1234567), "-1,234,567");
  EXPECT_EQ(dollars("0.042"), "$0.000000042");
  EXPECT_EQ(dollars("1500000"), "$1.50");
}

TEST(Times, AreReadAsPeopleSayThem) {
  EXPECT_EQ(*parse_span("90s"), 90 * kSecondUs);
  EXPECT_EQ(*parse_span("7d"), 7 * 86400 * kSecondUs);
  EXPECT_EQ(*parse_span("0"), 0);
  for (const char* bad : {"", "d", "5", "5y", "-1h", "1h2"}) EXPECT_FALSE(parse_span(bad).has_value()) << bad;
  EXPECT_EQ(*parse_when("never", 5), 0);
  EXPECT_EQ(*parse_when("1m", 5), 5 + 60 * kSecondUs);
  EXPECT_EQ(to_rfc3339(*parse_when("2026-12-31", 0)).substr(0, 10), "2026-12-31");
}

TEST(Answer, IsReadAcrossCuts) {
  const std::string stream =
      "data: "
      "{\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n"
      "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Gr\xc3\xbc\"},\"finish_reason\":null}]}\n\n"
      "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"ezi\"},\"finish_reason\":\"stop\"}]}\n\n"
      "data: {\"choices\":[],\"usage\":{\"completion_tokens\":2}}\n\ndata: [DONE]\n\n: bye\n\n";
  for (const size_t step : {size_t{1}, size_t{3}, stream.size()}) {
    AnswerReader reader;
    std::string text;
    for (size_t i = 0; i < stream.size(); i += step) text += reader.feed(std::string_view(stream).substr(i, step));
    EXPECT_EQ(text,
              "Gr\xc3\xbc"
              "ezi");
    EXPECT_EQ(reader.finish_reason(), "stop");
    EXPECT_EQ(reader.usage()["completion_tokens"], 2);
    EXPECT_TRUE(reader.problem().empty());
  }
}

TEST(Answer, KeepsAnErrorToldInTheStream) {
  AnswerReader reader;
  reader.feed("data: {\"error\":{\"message\":\"The model died.\"}}\n\n");
  EXPECT_EQ(reader.problem(), "The model died.");
}

// Events and files of another form than ours ended the command.
TEST(Conversation, StrangeAnswersAndFilesEndNothing) {
  AnswerReader reader;
  for (const char* data : {R"({"error":{"message":7}})", R"({"choices":[7]})", R"({"choices":[{"delta":"x"}]})",
                           R"({"choices":[{"delta":{"content":7},"finish_reason":[]}]})", R"({"choices":{}})", "[["})
    EXPECT_EQ(reader.feed(net::sse_data(data)), "") << data;
  EXPECT_EQ(reader.problem(), "The answer broke off.");
  EXPECT_EQ(reader.feed(net::sse_data(R"({"choices":[{"delta":{"content":"Hi"}}]})")), "Hi");

  const auto file = std::filesystem::temp_directory_path() / ("steward-cli-strange-" + std::to_string(::getpid()));
  ASSERT_TRUE(
      write_file_atomic(file, R"({"model":7,"system":[],"turns":[7,{},{"role":"user","content":"Hi"},{"role":"x"}]})"));
  const auto loaded = Conversation::load(file);
  std::filesystem::remove(file);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->turns(), 1u);
  EXPECT_EQ(loaded->markdown(), "# Conversation with \n\n**You**\n\nHi\n");
}

TEST(Conversation, IsKeptAndSaved) {
  Conversation conversation;
  conversation.model = "m";
  conversation.system = "Be brief.";
  conversation.say("Hi");
  conversation.answer("Hello");
  const Json request = conversation.request();
  EXPECT_EQ(request["messages"].size(), 3u);
  EXPECT_EQ(request["messages"][0]["role"], "system");
  EXPECT_EQ(conversation.markdown(), "# Conversation with m\n\n> Be brief.\n\n**You**\n\nHi\n\n**m**\n\nHello\n");
  const auto file = std::filesystem::temp_directory_path() / fmt::format("steward-conversation-{}.json", ::getpid());
  ASSERT_TRUE(conversation.keep(file).has_value());
  EXPECT_EQ(Conversation::load(file)->request(), request);
  conversation.max_tokens = 7;
  EXPECT_EQ(conversation.request()["max_completion_tokens"], 7);
  std::filesystem::remove(file);
  conversation.say("Unanswered");
  conversation.take_back();
  EXPECT_EQ(conversation.turns(), 2u);
}

engine::LocalModel small_model() {
  engine::LocalModel model;
  model.name = "smollm2-135m-instruct";
  model.parameters = 134'515'008;
  return model;
}

std::vector<std::string> lines_that_begin(const std::string& text, const std::string& with) {
  std::vector<std::string> out;
  for (const auto line : split(text, '\n')) {
    if (line.starts_with(with)) out.emplace_back(line);
  }
  return out;
}

TEST(WelcomeScreen, HasTheLinesThatProgramsLookFor) {
  Welcome welcome;
  welcome.address = "http://localhost:7070";
  welcome.key = "sk-steward-abc";
  welcome.models = {small_model()};
  welcome.default_model = "smollm2-135m-instruct";
  const std::string text = welcome_text(welcome);
  EXPECT_EQ(lines_that_begin(text, "address:").size(), 1u);
  EXPECT_EQ(lines_that_begin(text, "key:").size(), 1u);
  EXPECT_EQ(lines_that_begin(text, "model:").size(), 1u);
  EXPECT_EQ(lines_that_begin(text, "curl ").size(), 1u);
  EXPECT_EQ(lines_that_begin(text, "```python").size(), 1u);
  EXPECT_EQ(lines_that_begin(text, "```").size(), 2u);
  EXPECT_NE(text.find("135 million parameters: fine for trying"), std::string::npos);
  EXPECT_NE(text.find("steward models recommend"), std::string::npos);
}

TEST(WelcomeScreen, SaysWhereTheCommandIsIfTheShellWouldNotFindIt) {
  Welcome welcome;
  EXPECT_EQ(welcome_text(welcome).find("PATH"), std::string::npos);
  welcome.off_path = "/srv/a b/bin";
  EXPECT_NE(welcome_text(welcome).find("export PATH='/srv/a b/bin':$PATH\n"), std::string::npos);
}

TEST(WelcomeScreen, ShowsNoKeyTheSecondTime) {
  Welcome welcome;
  welcome.address = "http://localhost:7070";
  welcome.models = {small_model()};
  welcome.default_model = "smollm2-135m-instruct";
  const std::string text = welcome_text(welcome);
  EXPECT_TRUE(lines_that_begin(text, "key:").empty());
  EXPECT_NE(lines_that_begin(text, "curl ").front().find("$STEWARD_KEY"), std::string::npos);
  EXPECT_NE(text.find("os.environ[\"STEWARD_KEY\"]"), std::string::npos);
}

TEST(WelcomeScreen, DoesNotComplainWhereABetterModelIs) {
  Welcome welcome;
  welcome.models = {small_model()};
  welcome.remote = {{"gpt-4.1-mini", "openai", 0, true, 0, "chat"}};
  welcome.default_model = "gpt-4.1-mini";
  EXPECT_EQ(welcome_text(welcome).find("models recommend"), std::string::npos);
}

}  // namespace
}  // namespace steward::cli
