// Any bytes as an attachment, and as what a reader's process answers: text is clean and bounded, and what a reader says
// is taken by the server as it was meant. The first byte says as what the rest is looked at: a part of an office file
// needs the archive around it, which chance doesn't make.
#include <zip.h>

#include "base/text.h"
#include "library/extract/readers/reader.h"
#include "library/extract/wire.h"

namespace {

using namespace steward::library;

// A part is compressed by a fuzzer's cousin at best; stored, each of its bytes is one that can be changed.
std::string archive_of(const std::vector<std::pair<std::string, std::string>>& parts) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* target = zip_source_buffer_create(nullptr, 0, 0, &error);
  zip_source_keep(target);
  zip_t* archive = zip_open_from_source(target, ZIP_CREATE | ZIP_TRUNCATE, &error);
  for (const auto& [name, text] : parts) {
    zip_source_t* source = zip_source_buffer(archive, text.data(), text.size(), 0);
    const auto index = zip_file_add(archive, name.c_str(), source, ZIP_FL_OVERWRITE);
    if (index < 0) zip_source_free(source);
    zip_set_file_compression(archive, static_cast<zip_uint64_t>(index), ZIP_CM_STORE, 0);
  }
  zip_close(archive);
  zip_source_open(target);
  zip_source_seek(target, 0, SEEK_END);
  std::string out(static_cast<size_t>(zip_source_tell(target)), '\0');
  zip_source_seek(target, 0, SEEK_SET);
  zip_source_read(target, out.data(), out.size());
  zip_source_close(target);
  zip_source_free(target);
  return out;
}

std::string office(const std::string& type, const std::string& main, const std::string& bytes,
                   const std::string& part) {
  return archive_of({{"[Content_Types].xml", type},
                     {"_rels/.rels", "<R><Relationship Id='a' Type='x/officeDocument' Target='" + main + "'/></R>"},
                     {main, part == main ? bytes : "<w xmlns:r='r'><sheet name='S' r:id='s'/><sldId r:id='s'/></w>"},
                     {"x/_rels/main.rels", "<R><Relationship Id='s' Type='x/styles' Target='part'/></R>"},
                     {part, bytes}});
}

std::string shaped(uint8_t shape, std::string bytes) {
  switch (shape % 8) {
    case 0: return office("wordprocessingml.document.main+xml", "x/main", bytes, "x/main");
    case 1: return office("spreadsheetml.sheet.main+xml", "x/main", bytes, "x/part");
    case 2: return office("presentationml.presentation.main+xml", "x/main", bytes, "x/part");
    case 3: return archive_of({{"mimetype", "application/vnd.oasis.opendocument.spreadsheet"}, {"content.xml", bytes}});
    case 4: return "<!doctype html>" + bytes;
    case 5: return "{\\rtf1" + bytes;
    default: return bytes;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 8 == 7) {
    const auto told = wire::read_told(bytes);
    if (told && !steward::is_valid_utf8(told->text)) __builtin_trap();
    return 0;
  }
  readers::Limits limits;
  limits.text_bytes = 1 << 20;
  limits.pages = 20;
  limits.unpacked_bytes = 8 << 20;
  limits.patience = std::chrono::seconds(2);
  const auto read = readers::read_attachment(shaped(data[0], bytes), "name.csv", limits);
  if (!read) return 0;
  if (read->text.size() > limits.text_bytes + 64) __builtin_trap();
  const auto told = wire::read_told(wire::told(*read));
  if (!told || told->text != read->text || told->kind != read->kind || told->pages != read->pages) __builtin_trap();
  if (told->notes != read->notes || told->type != read->type) __builtin_trap();
  return 0;
}
