// The readers of lib/steward-extract: bytes of any kind to text. They run confined (library/sandbox), take nothing for
// granted, and answer in full or with one of three faults. Not part of the server: it links none of their libraries.
#pragma once
#include <expected>
#include <string_view>

#include "library/extract/extraction.h"
#include "library/extract/readers/limits.h"

namespace steward::library::readers {

enum class Fault {
  kProtected,  // a password is needed
  kDamaged,    // it says what it is and isn't
  kBomb,       // it unpacks to more than an honest file would
};

std::string_view name_of(Fault fault);  // "protected", "damaged", "bomb"

// `name` is a hint between kinds of plain text alone.
std::expected<Extraction, Fault> read_attachment(std::string_view bytes, std::string_view name, const Limits& limits);

// Loads what the libraries load when they are first used, so that nothing need be opened once the process is confined.
void warm_up();

}  // namespace steward::library::readers
