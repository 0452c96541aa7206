// A tree of markdown as elements. Each kind that is known becomes its element, with the attributes named here and no others; a kind that
// is not known becomes its words.
import type { Definition, Nodes, PhrasingContent, Root, Table } from "mdast";
import { createElement, Fragment, type ReactNode } from "react";
import { useText } from "../../../i18n";
import { Code } from "./Code";
import { Maths } from "./Maths";
import { Noted } from "./NoteList";
import { hostOf, safeHref, safePicture } from "./safe";

const DEEPEST = 40; // nested more, it is shown as words: nobody reads that, and it would exhaust the stack

interface Around {
  definitions: ReadonlyMap<string, Definition>;
  depth: number;
}

export function Drawn({ tree }: { tree: Root }) {
  const definitions = new Map<string, Definition>();
  for (const node of tree.children) if (node.type === "definition") definitions.set(node.identifier, node);
  return <>{all(tree.children, { definitions, depth: 0 })}</>;
}

function all(nodes: readonly Nodes[], around: Around): ReactNode[] {
  return nodes.map((node, index) => <Fragment key={index}>{drawn(node, around)}</Fragment>);
}

function wordsOf(node: Nodes): string {
  const out: string[] = [];
  const left: Nodes[] = [node];
  while (left.length > 0) {
    const next = left.pop() as Nodes;
    if ("value" in next) out.push(next.value);
    else if ("children" in next) left.push(...([...next.children].reverse() as Nodes[]));
  }
  return out.join("");
}

const HAN = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}]/u; // set upright, with dots under it
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;

/** The side that a list's marks and a quotation's line stand on: that of its first letter. */
function directionOf(node: Nodes): "rtl" | undefined {
  const first = /\p{L}/u.exec(wordsOf(node))?.[0];
  return first && RIGHT_TO_LEFT.test(first) ? "rtl" : undefined;
}

function drawn(node: Nodes, outer: Around): ReactNode {
  if (outer.depth > DEEPEST) return wordsOf(node);
  const around = { ...outer, depth: outer.depth + 1 };
  const inside = () => ("children" in node ? all(node.children as Nodes[], around) : null);
  switch (node.type) {
    case "paragraph":
      return <p dir="auto">{inside()}</p>;
    case "heading":
      // The conversation's title is the first level: an answer's begin at the second.
      return createElement(`h${Math.min(6, node.depth + 1)}`, { dir: "auto", className: `mh mh${node.depth}` }, inside());
    case "text":
      return node.value.includes("[^") ? <Noted text={node.value} /> : node.value;
    case "emphasis":
      return <em className={HAN.test(wordsOf(node)) ? "han" : undefined}>{inside()}</em>;
    case "strong":
      return <strong>{inside()}</strong>;
    case "delete":
      return <del>{inside()}</del>;
    case "inlineCode":
      return <code dir="ltr">{node.value}</code>;
    case "break":
      return <br />;
    case "thematicBreak":
      return <hr />;
    case "blockquote":
      return <blockquote dir={directionOf(node)}>{inside()}</blockquote>;
    case "code":
      return <Code language={node.lang ?? ""} code={node.value} open={false} />;
    case "list":
      return node.ordered ? (
        <ol dir={directionOf(node)} start={node.start ?? 1}>
          {inside()}
        </ol>
      ) : (
        <ul dir={directionOf(node)}>{inside()}</ul>
      );
    case "listItem":
      return <Item checked={node.checked}>{node.spread ? inside() : tight(node.children as Nodes[], around)}</Item>;
    case "table":
      return <Tabular table={node} around={around} />;
    case "inlineMath":
      return <Maths tex={node.value} display={false} />;
    case "math":
      return <Maths tex={node.value} display />;
    case "link":
      return <Leading to={node.url}>{inside()}</Leading>;
    case "linkReference": {
      const definition = around.definitions.get(node.identifier);
      return definition ? <Leading to={definition.url}>{inside()}</Leading> : <>[{inside()}]</>;
    }
    case "image":
      return <Picture at={node.url} words={node.alt ?? ""} />;
    case "imageReference":
      return <Picture at={around.definitions.get(node.identifier)?.url ?? ""} words={node.alt ?? ""} />;
    case "definition":
      return null;
    default:
      return wordsOf(node);
  }
}

/** The items of a tight list hold their words without paragraphs around them. */
function tight(nodes: readonly Nodes[], around: Around): ReactNode[] {
  return nodes.map((node, index) => <Fragment key={index}>{node.type === "paragraph" ? all(node.children as PhrasingContent[], around) : drawn(node, around)}</Fragment>);
}

function Item({ checked, children }: { checked: boolean | null | undefined; children: ReactNode }) {
  const { t } = useText();
  if (typeof checked !== "boolean") return <li dir="auto">{children}</li>;
  return (
    <li dir="auto" className="task">
      <input type="checkbox" checked={checked} disabled aria-label={t(checked ? "talk.task.done" : "talk.task.open")} /> {children}
    </li>
  );
}

function Tabular({ table, around }: { table: Table; around: Around }) {
  const { t } = useText();
  const [head, ...rows] = table.children;
  const side = (column: number) => (table.align?.[column] === "right" ? "n" : table.align?.[column] === "center" ? "mid" : undefined);
  return (
    <div className="scroller" role="group" aria-label={t("talk.table")} tabIndex={0}>
      <table className="tbl">
        {head && (
          <thead>
            <tr>
              {head.children.map((cell, index) => (
                <th key={index} scope="col" dir="auto" className={side(index)}>
                  {all(cell.children, around)}
                </th>
              ))}
            </tr>
          </thead>
        )}
        <tbody>
          {rows.map((row, at) => (
            <tr key={at}>
              {row.children.map((cell, index) => (
                <td key={index} dir="auto" className={side(index)}>
                  {all(cell.children, around)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Leading({ to, children }: { to: string; children: ReactNode }) {
  const href = safeHref(to);
  if (!href) return <span className="nolink">{children}</span>;
  return (
    <a href={href} target="_blank" rel="noopener noreferrer nofollow" title={href}>
      {children}
    </a>
  );
}

/** A picture of this server's; another's is named and can be opened, but is not fetched. */
function Picture({ at, words }: { at: string; words: string }) {
  const { t } = useText();
  const own = safePicture(at, globalThis.location?.origin ?? "");
  if (own) return <img src={own} alt={words} loading="lazy" decoding="async" />;
  const href = safeHref(at);
  const name = words || t("talk.picture");
  if (!href) return <span className="nolink">[{name}]</span>;
  return (
    <a href={href} target="_blank" rel="noopener noreferrer nofollow" title={href}>
      {t("talk.picture_at", { name, host: hostOf(href) })}
    </a>
  );
}
