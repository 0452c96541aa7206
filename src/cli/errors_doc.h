// docs/errors.md, made from the table of errors; a test holds the committed page equal.
#pragma once
#include <string>

namespace steward::cli {

std::string errors_docs();

}  // namespace steward::cli
