// multipart/form-data (RFC 7578), of which file uploads are made: the parts of one body, with their names.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace steward::net {

inline constexpr size_t kMaxParts = 32;
inline constexpr size_t kMaxPartHead = 8 * 1024;  // bytes of a part's header fields

struct FormPart {
  std::string name;
  std::string filename;      // empty: an ordinary field
  std::string_view content;  // into the body
};

// kInvalidRequest says what is wrong with it. Bytes before the first boundary and after the last are passed over, as
// the specification has it.
Result<std::vector<FormPart>> read_form(std::string_view content_type, std::string_view body);

}  // namespace steward::net
