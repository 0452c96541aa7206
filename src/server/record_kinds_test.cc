#include "server/record_kinds.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "server/options.h"

namespace steward::server {
namespace {

TEST(RecordKinds, EachIsNamedOnceAsAFamilyAndAWord) {
  std::set<std::string_view> seen;
  for (const auto& kind : record_kinds()) {
    EXPECT_TRUE(seen.insert(kind.name).second) << kind.name << " stands in two lists";
    EXPECT_EQ(std::ranges::count(kind.name, '.'), 1) << kind.name;
    EXPECT_TRUE(std::ranges::all_of(kind.name, [](char c) { return (c >= 'a' && c <= 'z') || c == '.' || c == '_'; }))
        << kind.name;
  }
  EXPECT_FALSE(seen.empty());
}

// A kept family that no kind belongs to would keep nothing: accounts could be erased.
TEST(RecordKinds, WhatIsKeptIsThere) {
  const auto options = journal_options(Config::load({}).value(), "/nowhere");
  const auto kinds = record_kinds();
  EXPECT_EQ(options.kinds.size(), kinds.size());
  for (const auto& kept : options.kept_kinds) {
    EXPECT_TRUE(std::ranges::any_of(kinds, [&](const auto& kind) {
      return kept.ends_with('.') ? kind.name.starts_with(kept) : kind.name == kept;
    })) << kept;
  }
}

}  // namespace
}  // namespace steward::server
