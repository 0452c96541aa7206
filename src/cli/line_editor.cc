#include "cli/line_editor.h"

#include <histedit.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace steward::cli {
namespace {
constexpr int kHistoryLines = 2000;
}

struct LineEditor::Impl {
  std::filesystem::path file;
  std::string prompt;
  EditLine* editor = nullptr;
  History* history = nullptr;
  HistEvent event = {};

  static char* show_prompt(EditLine* editor) {
    void* self = nullptr;
    el_get(editor, EL_CLIENTDATA, &self);
    return static_cast<Impl*>(self)->prompt.data();
  }
};

LineEditor::LineEditor(std::filesystem::path history_file) : impl_(std::make_unique<Impl>()) {
  impl_->file = std::move(history_file);
  impl_->editor = el_init("steward", stdin, stdout, stderr);
  if (impl_->editor == nullptr) return;
  impl_->history = history_init();
  history(impl_->history, &impl_->event, H_SETSIZE, kHistoryLines);
  history(impl_->history, &impl_->event, H_SETUNIQUE, 1);
  history(impl_->history, &impl_->event, H_LOAD, impl_->file.c_str());
  el_set(impl_->editor, EL_CLIENTDATA, impl_.get());
  el_set(impl_->editor, EL_PROMPT, &Impl::show_prompt);
  el_set(impl_->editor, EL_EDITOR, "emacs");
  el_set(impl_->editor, EL_HIST, history, impl_->history);
  el_set(impl_->editor, EL_BIND, "^R", "em-inc-search-prev", nullptr);
  el_set(impl_->editor, EL_BIND, "\\e[3~", "ed-delete-next-char", nullptr);
  el_set(impl_->editor, EL_BIND, "\\e[H", "ed-move-to-beg", nullptr);
  el_set(impl_->editor, EL_BIND, "\\e[F", "ed-move-to-end", nullptr);
  el_set(impl_->editor, EL_SIGNAL, 0);
}

LineEditor::~LineEditor() {
  if (impl_->history != nullptr) history_end(impl_->history);
  if (impl_->editor != nullptr) el_end(impl_->editor);
}

LineEditor::Outcome LineEditor::read(const std::string& prompt, std::string& line) {
  if (impl_->editor == nullptr) return Outcome::kEnd;
  impl_->prompt = prompt;
  int count = 0;
  errno = 0;
  const char* text = el_gets(impl_->editor, &count);
  if (text == nullptr || count <= 0) {
    const bool interrupted = errno == EINTR;
    if (interrupted) el_reset(impl_->editor);
    return interrupted ? Outcome::kInterrupted : Outcome::kEnd;
  }
  line.assign(text, static_cast<size_t>(count));
  while (line.ends_with('\n') || line.ends_with('\r')) line.pop_back();
  if (line.find_first_not_of(" \t") != std::string::npos) {
    history(impl_->history, &impl_->event, H_ENTER, text);
    history(impl_->history, &impl_->event, H_SAVE, impl_->file.c_str());
    ::chmod(impl_->file.c_str(), 0600);
  }
  return Outcome::kLine;
}

}  // namespace steward::cli
