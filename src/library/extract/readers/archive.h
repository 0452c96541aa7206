// A ZIP archive in memory, as office files are one. What is unpacked is counted: over all parts together, and each
// part against its packed size; too much of either is a bomb. Archives within archives are never opened.
#pragma once
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "library/extract/readers/limits.h"
#include "library/extract/readers/reader.h"

struct zip;
struct zip_file;

namespace steward::library::readers {

class Archive {
 public:
  static std::expected<std::unique_ptr<Archive>, Fault> open(std::string_view bytes, const Limits& limits);
  ~Archive();
  Archive(const Archive&) = delete;
  Archive& operator=(const Archive&) = delete;

  bool has(const std::string& name) const;
  // The whole of a part; empty where there is none, or where a fault was met (fault() tells).
  std::string whole(const std::string& name);

  // A part piece by piece, while the archive lives.
  class Part {
   public:
    ~Part();
    int read(char* to, int bytes);  // 0 at the end, -1 at a fault

   private:
    friend class Archive;
    Part(Archive& archive, zip_file* file, uint64_t packed) : archive_(archive), file_(file), packed_(packed) {}
    Archive& archive_;
    zip_file* file_;
    uint64_t packed_, unpacked_ = 0;
  };
  std::unique_ptr<Part> part(const std::string& name);

  std::optional<Fault> fault() const { return fault_; }  // the first that was met; a bomb goes before others
  void say_damaged() { fail(Fault::kDamaged); }          // what a part holds isn't what it should be

 private:
  Archive(zip* archive, const Limits& limits) : zip_(archive), limits_(limits) {}
  void fail(Fault fault) {
    if (!fault_ || fault == Fault::kBomb) fault_ = fault;
  }

  bool swells(uint64_t unpacked, uint64_t packed) const;

  zip* zip_;
  const Limits limits_;
  uint64_t unpacked_ = 0;
  std::optional<Fault> fault_;
};

}  // namespace steward::library::readers
