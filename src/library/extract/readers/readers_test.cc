// The readers in this process, on bytes made here; whole documents are read through the program in tests/documents.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zip.h>

#include "library/extract/readers/archive.h"
#include "library/extract/readers/charset.h"
#include "library/extract/readers/html.h"
#include "library/extract/readers/image.h"
#include "library/extract/readers/reader.h"
#include "library/extract/readers/rtf.h"
#include "library/extract/readers/table_row.h"
#include "library/extract/readers/text_out.h"
#include "library/extract/readers/workbook_formats.h"

namespace steward::library::readers {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;

std::string html(std::string_view page) {
  TextOut out{Limits{}};
  write_html(page, out);
  return out.take();
}

std::string rtf(std::string_view bytes) {
  TextOut out{Limits{}};
  write_rtf(bytes, out);
  return out.take();
}

std::string zipped(const std::vector<std::pair<std::string, std::string>>& parts) {
  zip_error_t error;
  zip_source_t* target = zip_source_buffer_create(nullptr, 0, 0, &error);
  zip_source_keep(target);
  zip_t* archive = zip_open_from_source(target, ZIP_CREATE | ZIP_TRUNCATE, &error);
  for (const auto& [name, text] : parts)
    zip_file_add(archive, name.c_str(), zip_source_buffer(archive, text.data(), text.size(), 0), 0);
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

std::string workbook(const std::string& sheet, const std::string& more = "") {
  return zipped({{"[Content_Types].xml", "<Types><Override ContentType='x.spreadsheetml.sheet.main+xml'/></Types>"},
                 {"_rels/.rels", "<R><Relationship Id='a' Type='x/officeDocument' Target='xl/workbook.xml'/></R>"},
                 {"xl/workbook.xml", "<w xmlns:r='r'><sheet name='A &amp; B' r:id='s'/></w>"},
                 {"xl/_rels/workbook.xml.rels",
                  "<R><Relationship Id='s' Type='x/worksheet' Target='sheet.xml'/>"
                  "<Relationship Id='t' Type='x/styles' Target='styles.xml'/></R>"},
                 {"xl/sheet.xml", sheet},
                 {"xl/styles.xml", more}});
}

TEST(TextOut, TakesCleanTextAndCutsBetweenCharacters) {
  Limits limits;
  limits.text_bytes = 10;
  TextOut out(limits);
  out.add("a\r\nb\rc\x01\x7f\fd");
  EXPECT_FALSE(out.full());
  out.add("\u00e9\u00e9\u00e9");
  EXPECT_TRUE(out.full());
  EXPECT_EQ(out.take(), "a\nb\nc d\u00e9\n");
  EXPECT_THAT(out.take_notes(), ElementsAre(Note{.code = "text_cut", .kept = 10}));
}

TEST(TextOut, PartsPagesByFormFeeds) {
  TextOut out{Limits{}};
  out.add("one \n\n ");
  out.page();
  out.page();
  out.add("three");
  EXPECT_EQ(out.pages(), 3);
  EXPECT_EQ(out.take(), "one\n\f\fthree\n");
}

TEST(TextOut, EndsWhenItTakesTooLong) {
  Limits limits;
  limits.patience = std::chrono::seconds(-1);
  TextOut out(limits);
  EXPECT_TRUE(out.full());
  EXPECT_THAT(out.take_notes(), ElementsAre(Note{.code = "time_cut"}));
}

TEST(Charset, KnowsWhatTextIsWrittenIn) {
  EXPECT_EQ(to_utf8("plain"), "plain");
  EXPECT_EQ(to_utf8("\xef\xbb\xbfmarked"), "marked");
  EXPECT_EQ(to_utf8("\xff\xfe"
                    "a\0\xe9\0"s),
            "a\u00e9");
  EXPECT_EQ(to_utf8("\xfe\xff\0a\0\xe9"s), "a\u00e9");
  EXPECT_EQ(to_utf8("n\0o\0 \0m\0a\0r\0k\0"s), "no mark");
  EXPECT_EQ(to_utf8("caf\xe9 \x80 3"), "caf\u00e9 \u20ac 3");
  EXPECT_EQ(to_utf8("<meta charset=\"koi8-r\"><p>\xf0\xd2\xc9\xd7\xc5\xd4"), "<meta charset=\"koi8-r\"><p>Привет");
  EXPECT_EQ(to_utf8("\x93\x8c\x8b\x9e,\x91\xe5\x8d\xe3"), "東京,大阪");            // Shift_JIS
  EXPECT_EQ(to_utf8("\xd5\xc5\xc8\xfd,30,\xb1\xb1\xbe\xa9"), "张三,30,北京");      // GB 2312
  EXPECT_EQ(to_utf8("\xc8\xab\xb1\xe6\xb5\xbf,\xbc\xad\xbf\xef"), "홍길동,서울");  // EUC-KR
  EXPECT_FALSE(to_utf8("\x00\x01\x02\x03 binary"s));
  EXPECT_FALSE(to_utf8(std::string(100, '\x02')));
}

TEST(Html, BlocksAreLinesAndRowsHaveTabs) {
  EXPECT_EQ(html("<title>T</title><h1>Head</h1>\n <p>one  two<br>three<p>four"), "T\nHead\none two\nthree\nfour\n");
  EXPECT_EQ(html("<table><tr><th>a<th>b<tr><td><p>c</p><p>d</p><td>e</table>"), "a\tb\nc d\te\n");
  EXPECT_EQ(html("<ul><li>x<li>y <b>z</b></ul>"), "- x\n- y z\n");
  EXPECT_EQ(html("<pre>  a\n\n  b</pre>c"), "  a\n\n  b\nc\n");
  EXPECT_EQ(html("<table><tr><td><table><tr><td>a<td>b<tr><td>c</table><p>after</table>"), "a\tb\nc\nafter\n");
  EXPECT_EQ(html("a<script>var x='</p>'</script><style>p{}</style><template>t</template>b"), "ab\n");
  EXPECT_EQ(html("<p style='display:none'>hidden</p><p hidden>too"), "hidden\ntoo\n");
  EXPECT_EQ(html("&lt;b&gt; &amp;&nbsp;&#x4e2d;"), "<b> &\u00a0\u4e2d\n");
  EXPECT_EQ(html(""), "");
}

TEST(Html, NestsAsDeepAsItLikes) {
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "<div><table><tr><td>";
  EXPECT_THAT(html("<p>before</p>" + deep + "end"), testing::StartsWith("before\n"));  // and no overflow of the stack
}

TEST(Rtf, GroupsWordsAndCharacters) {
  EXPECT_EQ(rtf("{\\rtf1\\ansi{\\fonttbl{\\f0 Arial;}}{\\*\\generator X}\\f0 Hello\\par\nWor\\b ld\\b0.}"),
            "Hello\nWorld.\n");
  EXPECT_EQ(rtf("{\\rtf1\\ansicpg1251 \\'cf\\'f0}"), "Пр\n");
  EXPECT_EQ(rtf("{\\rtf1\\uc1\\u8364?\\u-10179?\\u-8694? \\{x\\}}"), "\u20ac\U0001F60A {x}\n");
  EXPECT_EQ(rtf("{\\rtf1{\\uc2\\u233 ab}c}"), "\u00e9c\n");
  EXPECT_EQ(rtf("{\\rtf1 a{\\pict\\bin3 }}}}b}"), "ab\n");
  EXPECT_EQ(rtf("{\\rtf1 a\\bin99999999 "), "a\n");
  EXPECT_EQ(rtf("{\\rtf1 x\\u"), "x\n");
  EXPECT_EQ(rtf(std::string(100'000, '{') + "deep" + std::string(100'000, '}') + "after"), "after\n");
}

TEST(Image, SizesComeFromHeaders) {
  using Size = std::pair<int64_t, int64_t>;
  EXPECT_EQ(image_size("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\0\0\0\x01\0\x08\x06\0\0\0abcd"s), Size(512, 256));
  EXPECT_EQ(image_size("\xff\xd8\xff\xe0\0\x04zz\xff\xc0\0\x11\x08\0\x64\0\xc8\x03\x01\x11\0"s), Size(200, 100));
  EXPECT_EQ(image_size("GIF89a\x40\x01\xf0\0\0\0\0"s), Size(320, 240));
  EXPECT_EQ(image_size("RIFF\x20\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x3f\x01\0\xef\0\0"s), Size(320, 240));
  EXPECT_EQ(image_size("RIFF\x20\0\0\0WEBPVP8L\x09\0\0\0\x2f\x3f\xc1\x3b\0\0\0\0\0\0\0\0\0\0\0"s), Size(320, 240));
  for (const std::string begun :
       {"\x89PNG\r\n\x1a\n", "\xff\xd8\xff", "GIF89a", "RIFF", "RIFFxxxxWEBP", "RIFFxxxxWEBPVP8 "})
    EXPECT_FALSE(image_size(begun));
  EXPECT_FALSE(image_size("\xff\xd8\xff\xe0\0\0\xff\xe0\0\0\xff\xe0\0\0\xff\xe0\0\0"s));
  EXPECT_FALSE(image_size("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\0\0\0\x01\0\x08\x06\0\0\0abcd"s));  // no width
}

TEST(TableRow, CellsStandInTheirColumns) {
  TableRow row;
  row.put(0, "a");
  row.put(3, "b\nb\tb");
  row.put(4, " ");
  EXPECT_EQ(row.take(), "a\t\t\tb b b");
  row.put(16'000, "far");
  EXPECT_EQ(row.take(), std::string(TableRow::kWidestGap, '\t') + "far");
  EXPECT_EQ(row.take(), "");
}

TEST(WorkbookFormats, TellDatesFromNumbers) {
  using enum NumberForm;
  for (const auto& [code, form] : std::map<std::string, NumberForm>{{"General", kPlain},
                                                                    {"0.00", kPlain},
                                                                    {"#,##0 \"days\"", kPlain},
                                                                    {"[Red]0", kPlain},
                                                                    {"0.00E+00", kPlain},
                                                                    {"0%", kPercent},
                                                                    {"d/m/yyyy", kDate},
                                                                    {"mmm yy", kDate},
                                                                    {"mmmm", kDate},
                                                                    {"h:mm", kTime},
                                                                    {"[h]:mm:ss", kTime},
                                                                    {"mm:ss", kTime},
                                                                    {"yyyy-mm-dd hh:mm", kDateTime},
                                                                    {"\\d0", kPlain},
                                                                    {"[$-409]d-mmm;@", kDate},
                                                                    {"\"", kPlain},
                                                                    {"[", kPlain},
                                                                    {"\\", kPlain},
                                                                    {"", kPlain}})
    EXPECT_EQ(form_of_code(code), form) << code;
}

// Serials as Excel itself shows them.
TEST(WorkbookFormats, WriteNumbersAsPeopleReadThem) {
  using enum NumberForm;
  EXPECT_EQ(written("1", kDate, false), "1900-01-01");
  EXPECT_EQ(written("59", kDate, false), "1900-02-28");
  EXPECT_EQ(written("61", kDate, false), "1900-03-01");
  EXPECT_EQ(written("45292", kDate, false), "2024-01-01");
  EXPECT_EQ(written("43830", kDate, true), "2024-01-01");
  EXPECT_EQ(written("45292.75", kDateTime, false), "2024-01-01 18:00:00");
  EXPECT_EQ(written("1.5", kTime, false), "36:00:00");
  EXPECT_EQ(written("0.30000000000000004", kPlain, false), "0.3");
  EXPECT_EQ(written("1.0", kPlain, false), "1");
  EXPECT_EQ(written("123456789012345", kPlain, false), "123456789012345");
  EXPECT_EQ(written("0.125", kPercent, false), "12.5%");
  EXPECT_EQ(written("-5", kDate, false), "-5");
  EXPECT_EQ(written("1e300", kDate, false), "1e+300");
  EXPECT_EQ(written("text", kDate, false), "text");
  EXPECT_EQ(written("", kPlain, false), "");
}

TEST(Workbook, CellsOfEveryKind) {
  const auto read = read_attachment(
      workbook("<s><row r='1'><c r='B1' t='inlineStr'><is><t>x</t><t>y</t></is></c><c r='D1' t='b'><v>1</v></c></row>"
               "<row r='5'><c t='str'><f>A1</f><v>f</v></c><c s='1'><v>45292</v></c><c t='s'><v>7</v></c><c "
               "t='e'><v>#N/A</v></c></row></s>",
               "<s><cellXfs><xf numFmtId='0'/><xf numFmtId='14'/></cellXfs></s>"),
      "", Limits());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->text, "# A & B\n\txy\t\tTRUE\n\nf\t2024-01-01\t\t#N/A\n");
  EXPECT_EQ(read->pages, 1);
}

TEST(Archive, CountsWhatItUnpacks) {
  Limits limits;
  limits.ratio_from_bytes = 1000;
  const std::string bomb = workbook("<s>" + std::string(1'000'000, ' ') + "</s>");
  EXPECT_EQ(read_attachment(bomb, "", limits).error(), Fault::kBomb);
  limits = Limits();
  limits.unpacked_bytes = 500'000;
  EXPECT_EQ(read_attachment(bomb, "", limits).error(), Fault::kBomb);
  EXPECT_TRUE(read_attachment(bomb, "", Limits()));
  limits = Limits();
  limits.entries = 3;
  EXPECT_EQ(read_attachment(bomb, "", limits).error(), Fault::kBomb);
}

TEST(Archive, WithoutItsMainPartAFileIsDamaged) {
  const std::string type = "<Types><Override ContentType='x.wordprocessingml.document.main+xml'/></Types>";
  EXPECT_EQ(read_attachment(zipped({{"[Content_Types].xml", type}}), "", Limits()).error(), Fault::kDamaged);
  for (const std::string mimetype : {"application/vnd.oasis.opendocument.text", "application/epub+zip"})
    EXPECT_EQ(read_attachment(zipped({{"mimetype", mimetype}}), "", Limits()).error(), Fault::kDamaged) << mimetype;
}

TEST(Archive, OthersAreNotRead) {
  const auto read = read_attachment(zipped({{"a.txt", "secret"}}), "a.docx", Limits());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->kind, Kind::kOther);
  EXPECT_EQ(read->text, "");
  EXPECT_THAT(read->notes, ElementsAre(Note{.code = "archive"}));
}

// A file that brings entities of its own isn't read on: no honest office file does.
TEST(Xml, NothingOutsideOfAPartIsReadAndNothingSwells) {
  const std::string outside = "<!ENTITY e SYSTEM 'file:///etc/hostname'>", within = "<!ENTITY e 'aaaaaaaaaa'>";
  for (const auto& entity : {outside, within}) {
    const auto read = read_attachment(
        workbook("<!DOCTYPE s [" + entity + "]><s><row><c t='str'><v>[&e;]</v></c></row></s>"), "", Limits());
    ASSERT_TRUE(read);
    EXPECT_THAT(read->text, testing::AnyOf("# A & B\n", "# A & B\n[]\n")) << entity;
  }
}

}  // namespace
}  // namespace steward::library::readers
