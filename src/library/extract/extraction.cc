#include "library/extract/extraction.h"

namespace steward::library {

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::kText: return "text";
    case Kind::kImage: return "image";
    case Kind::kPdf: return "pdf";
    case Kind::kOffice: return "office";
    case Kind::kOther: return "other";
  }
  return "other";
}

}  // namespace steward::library
