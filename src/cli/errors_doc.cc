#include "cli/errors_doc.h"

#include "base/error.h"

namespace steward::cli {

std::string errors_docs() {
  std::string out =
      "# Errors\n\n"
      "This page is written by `steward debug errors-doc` from the table of errors; don't edit it by hand.\n\n"
      "An error is answered as `{\"error\":{\"message\",\"type\",\"param\",\"code\"}}`, with the request's id in the "
      "header `x-request-id`, under which the log\n"
      "has it. *Again* says whether the same request may work later; where it is known when, `retry-after` tells "
      "it.\n\n"
      "| code | status | type | again | what |\n| --- | --- | --- | --- | --- |\n";
#define STEWARD_ERROR(name, wire, status, level, openai, anthropic, retryable, sentence) \
  out += fmt::format("| `{}` | {} | `{}` | {} | {} |\n", wire, status, openai, (retryable) ? "yes" : "no", sentence);
#include "base/errors.def"
#undef STEWARD_ERROR
  return out;
}

}  // namespace steward::cli
