#include "talk/words.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "talk/sniff.h"

namespace steward::talk {
namespace {

TEST(Words, AreFoldedAndCutByScript) {
  EXPECT_EQ(indexed("Der Café-Besuch, ÉTÉ ﬁn!"), "der cafe besuch ete fin");
  EXPECT_EQ(indexed("我们AI模型 v2"), "我 们 ai 模 型 v2");
  EXPECT_EQ(indexed("東京タワー ｱ １２"), "東 京 タ ワ ー ア 12");
  EXPECT_EQ(indexed("…!? -- \n"), "");
}

TEST(Words, ALongOneIsCut) { EXPECT_EQ(indexed(std::string(1'000, 'a')), std::string(kMaxWordBytes, 'a')); }

TEST(Words, OfAQuestion) {
  EXPECT_EQ(match_of(terms_of("Hello wor")), "\"hello\" AND \"wor\" *");
  EXPECT_EQ(match_of(terms_of("\"hello wor\" ")), "\"hello wor\"");
  EXPECT_EQ(match_of(terms_of("北京")), "\"北 京\"");
  EXPECT_EQ(match_of(terms_of("\" OR * NEAR(")), "\"or near\" *");
  EXPECT_TRUE(terms_of("\"\" ** --").empty());
}

// Quotes in what is asked can't end the quotes around it.
TEST(Words, NoQuestionWritesSyntax) {
  rc::check([](const std::string& question) {
    const std::string match = match_of(terms_of(question));
    bool inside = false;
    std::string outside;
    for (const char c : match) {
      if (c == '"') inside = !inside;
      if (!inside && c != '"') outside += c;
    }
    RC_ASSERT(!inside);
    for (size_t at = 0; at < outside.size();) {
      const bool star = outside.compare(at, 2, " *") == 0, also = outside.compare(at, 5, " AND ") == 0;
      RC_ASSERT(star || also);
      at += star ? 2 : 5;
    }
  });
}

TEST(Snippets, ShowThePlaceAndMarkIt) {
  const std::string text = std::string(500, 'x') + " before 😀 the Café here " + std::string(500, 'y');
  const Snippet found = snippet_of(text, terms_of("cafe"));
  ASSERT_EQ(found.marks.size(), 1U);
  EXPECT_TRUE(found.text.starts_with("…") && found.text.ends_with("…"));
  const size_t at = found.text.find("Café");
  ASSERT_NE(at, std::string::npos);
  EXPECT_EQ(found.marks[0].first, utf16_length(found.text.substr(0, at)));
  EXPECT_EQ(found.marks[0].second, found.marks[0].first + 4);
}

TEST(Snippets, OfAPhraseIsMarkedWhole) {
  const Snippet found = snippet_of("我们明天去北京看灯", terms_of("北京"));
  ASSERT_EQ(found.marks.size(), 1U);
  EXPECT_EQ(found.marks[0], (std::pair<size_t, size_t>(5, 7)));
}

TEST(Snippets, AreWholeCharactersWhereverTheTextIsCut) {
  rc::check([] {
    const auto code_points = *rc::gen::container<std::vector<int>>(rc::gen::element(0x61, 0x20, 0xe9, 0x5317, 0x1f600));
    std::string text;
    for (const int c : code_points) {
      if (c < 0x80) text += static_cast<char>(c);
      if (c == 0xe9) text += "é";
      if (c == 0x5317) text += "北";
      if (c == 0x1f600) text += "😀";
    }
    const Snippet found = snippet_of(text, terms_of("北"));
    size_t units = utf16_length(found.text), last = 0;
    for (const auto& [from, to] : found.marks) {
      RC_ASSERT(from >= last && to > from && to <= units);
      last = to;
    }
    RC_ASSERT(utf16_length(shortened(text, 10)) <= 21U);
  });
}

TEST(Sniffing, BelievesBytesAlone) {
  EXPECT_EQ(sniff("%PDF-1.7").kind, "pdf");
  EXPECT_EQ(sniff("<svg onload=alert(1)>").type, "text/plain");
  EXPECT_EQ(sniff(std::string("\0\1\2", 3)).kind, "other");
  EXPECT_FALSE(is_shown_inline("image/svg+xml"));
}

TEST(Names, OfFilesAreNothingBut) {
  EXPECT_EQ(safe_name("../../etc/passwd"), "passwd");
  EXPECT_EQ(safe_name("C:\\x\\a.txt"), "a.txt");
  EXPECT_EQ(safe_name("a\u202Efdp.exe\r\n"), "afdp.exe");
  EXPECT_EQ(safe_name(".."), "attachment");
  EXPECT_EQ(safe_name("\xff\xfe"), "attachment");
}

}  // namespace
}  // namespace steward::talk
