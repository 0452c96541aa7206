// What the reader's process and the server say to each other. The server to the child: the name on a line of its own,
// then the bytes, to the end. The child to the server: a line of JSON about what it found, then the text, to the end.
//
// A child may have been taken over by the file it read: the server believes the form of its answer only after looking
// at every part of it, and makes its own sentences for faults.
#pragma once
#include <string>
#include <string_view>

#include "base/error.h"
#include "library/extract/extraction.h"

namespace steward::library::wire {

std::string asked(std::string_view name, std::string_view bytes);
struct Asked {
  std::string_view name, bytes;
};
Asked read_asked(std::string_view input);

std::string told(const Extraction& extraction);
std::string told_fault(std::string_view reason);
Result<Extraction> read_told(std::string_view output);

// "protected", "damaged", "bomb", "memory", "timeout", "crashed": the error with its sentence.
Error fault(std::string_view reason);

}  // namespace steward::library::wire
