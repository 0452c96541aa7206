#include "library/extract/readers/archive.h"

#include <zip.h>

namespace steward::library::readers {
namespace {

constexpr zip_flags_t kAnyCase = ZIP_FL_NOCASE;  // part names of office files are compared so

Fault fault_of(int zip_error) {
  return zip_error == ZIP_ER_NOPASSWD || zip_error == ZIP_ER_WRONGPASSWD ? Fault::kProtected : Fault::kDamaged;
}

}  // namespace

std::expected<std::unique_ptr<Archive>, Fault> Archive::open(std::string_view bytes, const Limits& limits) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
  if (source == nullptr) return std::unexpected(Fault::kDamaged);
  zip_t* archive = zip_open_from_source(source, ZIP_RDONLY, &error);
  if (archive == nullptr) {
    zip_source_free(source);
    return std::unexpected(Fault::kDamaged);
  }
  std::unique_ptr<Archive> out(new Archive(archive, limits));
  if (zip_get_num_entries(archive, 0) > static_cast<zip_int64_t>(limits.entries)) return std::unexpected(Fault::kBomb);
  return out;
}

Archive::~Archive() { zip_discard(zip_); }

bool Archive::has(const std::string& name) const { return zip_name_locate(zip_, name.c_str(), kAnyCase) >= 0; }

std::unique_ptr<Archive::Part> Archive::part(const std::string& name) {
  const zip_int64_t index = zip_name_locate(zip_, name.c_str(), kAnyCase);
  if (index < 0) return nullptr;
  zip_stat_t stat;
  zip_stat_init(&stat);
  if (zip_stat_index(zip_, static_cast<zip_uint64_t>(index), 0, &stat) != 0 || !(stat.valid & ZIP_STAT_COMP_SIZE)) {
    fail(Fault::kDamaged);
    return nullptr;
  }
  // What it says of itself is enough to refuse it, not to believe it: read() counts.
  if ((stat.valid & ZIP_STAT_SIZE) != 0 && swells(stat.size, stat.comp_size)) {
    fail(Fault::kBomb);
    return nullptr;
  }
  zip_file_t* file = zip_fopen_index(zip_, static_cast<zip_uint64_t>(index), 0);
  if (file == nullptr) {
    fail(fault_of(zip_error_code_zip(zip_get_error(zip_))));
    return nullptr;
  }
  return std::unique_ptr<Part>(new Part(*this, file, stat.comp_size));
}

bool Archive::swells(uint64_t unpacked, uint64_t packed) const {
  return unpacked > limits_.unpacked_bytes ||
         (unpacked > limits_.ratio_from_bytes && unpacked / limits_.ratio > packed);
}

std::string Archive::whole(const std::string& name) {
  std::string out;
  const auto from = part(name);
  char chunk[16384];
  for (int n = 0; from && (n = from->read(chunk, sizeof chunk)) > 0;) {
    out.append(chunk, static_cast<size_t>(n));
    if (out.size() > limits_.part_bytes) {
      fail(Fault::kBomb);
      return "";
    }
  }
  return out;
}

Archive::Part::~Part() { zip_fclose(file_); }

int Archive::Part::read(char* to, int bytes) {
  const zip_int64_t n = zip_fread(file_, to, static_cast<zip_uint64_t>(bytes));
  if (n < 0) {
    archive_.fail(Fault::kDamaged);
    return -1;
  }
  unpacked_ += static_cast<uint64_t>(n);
  archive_.unpacked_ += static_cast<uint64_t>(n);
  if (archive_.unpacked_ > archive_.limits_.unpacked_bytes || archive_.swells(unpacked_, packed_)) {
    archive_.fail(Fault::kBomb);
    return -1;
  }
  return static_cast<int>(n);
}

}  // namespace steward::library::readers
