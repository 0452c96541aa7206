// Markdown to a tree: CommonMark with tables, strikethrough, task lists, bare addresses, maths, and emphasis that works beside Chinese and
// Japanese letters. HTML is not read at all: it stays the letters that it is.
import type { Root } from "mdast";
import { fromMarkdown } from "mdast-util-from-markdown";
import { gfmAutolinkLiteralFromMarkdown } from "mdast-util-gfm-autolink-literal";
import { gfmStrikethroughFromMarkdown } from "mdast-util-gfm-strikethrough";
import { gfmTableFromMarkdown } from "mdast-util-gfm-table";
import { gfmTaskListItemFromMarkdown } from "mdast-util-gfm-task-list-item";
import { mathFromMarkdown } from "mdast-util-math";
import { cjkFriendlyExtension } from "micromark-extension-cjk-friendly";
import { gfmAutolinkLiteral } from "micromark-extension-gfm-autolink-literal";
import { gfmStrikethrough } from "micromark-extension-gfm-strikethrough";
import { gfmTable } from "micromark-extension-gfm-table";
import { gfmTaskListItem } from "micromark-extension-gfm-task-list-item";
import { math } from "micromark-extension-math";
import { withMath } from "./mathText";

const EXTENSIONS = [
  cjkFriendlyExtension(),
  gfmAutolinkLiteral(),
  gfmStrikethrough({ singleTilde: false }),
  gfmTable(),
  gfmTaskListItem(),
  math(),
  { disable: { null: ["htmlFlow", "htmlText"] } },
];
const FROM = [gfmAutolinkLiteralFromMarkdown(), gfmStrikethroughFromMarkdown(), gfmTableFromMarkdown(), gfmTaskListItemFromMarkdown(), mathFromMarkdown()];

/** A block's tree. `definitions`: link definitions from elsewhere in the same text. What can't be read is a paragraph of itself. */
export function treeOf(raw: string, definitions = ""): Root {
  const text = withMath(raw) + (definitions && raw.includes("[") ? `\n\n${definitions}` : "");
  try {
    return fromMarkdown(text, { extensions: EXTENSIONS, mdastExtensions: FROM });
  } catch {
    return { type: "root", children: [{ type: "paragraph", children: [{ type: "text", value: raw }] }] };
  }
}
