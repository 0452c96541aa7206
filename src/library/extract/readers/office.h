// What Word, Excel and PowerPoint files have in common: parts, and relations from part to part.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "library/extract/readers/archive.h"
#include "library/extract/readers/text_out.h"
#include "library/extract/readers/xml.h"

namespace steward::library::readers {

struct Relation {
  std::string id;
  std::string type;  // the last word of its address: "slide", "sharedStrings", "header"
  std::string part;  // the name of the part it leads to, within the archive
};

// Of a part; of the whole file where `part` is empty. What leads outside of the file is left out.
std::vector<Relation> relations(Archive& archive, const std::string& part);
// The part that a relation of this type, or with this id, leads to; empty if there is none.
std::string part_of_type(const std::vector<Relation>& relations, std::string_view type);
std::string part_of_id(const std::vector<Relation>& relations, std::string_view id);

// The part that everything hangs on; a file without one is damaged, which the archive then tells.
std::string main_part(Archive& archive);

// Paragraphs and tables of WordprocessingML and DrawingML (their names agree): a paragraph a line, a table's row a line
// with tabs between its cells. What a revision deleted and what only older programs would show is left out.
void write_paragraphs(Xml& xml, TextOut& out);

void read_word(Archive& archive, TextOut& out);
void read_slides(Archive& archive, const Limits& limits, TextOut& out);
void read_workbook(Archive& archive, const Limits& limits, TextOut& out);
void read_open_document(Archive& archive, const Limits& limits, TextOut& out);
void read_book(Archive& archive, const Limits& limits, TextOut& out);  // EPUB

}  // namespace steward::library::readers
